package launch

import "os"

// socketDir is a folder that go-plugin wants; on Windows the backend listens on TCP.
type socketDir struct{ root, path string }

func newSocketDir() (*socketDir, error) { return &socketDir{}, nil }

func (d *socketDir) take(path string) error {
	d.path = path
	return nil
}

func (d *socketDir) remove() {
	if d.path != "" {
		_ = os.RemoveAll(d.path)
	}
}

func sweepSocketDirs() {}
