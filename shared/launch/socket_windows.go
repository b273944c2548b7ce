package launch

import "os"

// socketDir is a folder that go-plugin wants; on Windows the backend listens on TCP.
type socketDir struct{ path string }

func newSocketDir() (*socketDir, error) {
	path, err := os.MkdirTemp("", "atg-")
	return &socketDir{path}, err
}

func (d *socketDir) remove() { _ = os.RemoveAll(d.path) }

func sweepSocketDirs() {}
