//go:build unix

package launch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxSocketRoot is how long, in bytes, a folder may be so that the address of a socket fits: 104
	// bytes on macOS (sun_path in sys/un.h, with its final zero), 108 on Linux, less our folder's name (16),
	// go-plugin's (21) and the socket's (17).
	maxSocketRoot = 104 - 1 - 16 - 21 - 17

	// socketPrefix begins the name of our folders.
	socketPrefix = "atg-s"
	// sweepAge is how old a folder without an owner is before it is swept: its owner may be about to lock it.
	sweepAge = time.Minute
)

// socketDir is the private folder of one backend's socket. It is locked for as long as it is in use;
// the kernel drops the lock of a host that dies.
type socketDir struct {
	path string
	lock *os.File
}

// newSocketDir makes a folder below the first of the temporary folders that will do.
func newSocketDir() (*socketDir, error) {
	var problems []error
	for _, root := range socketRoots() {
		dir, err := newSocketDirIn(root)
		if err == nil {
			return dir, nil
		}
		problems = append(problems, err)
	}
	return nil, errors.Join(problems...)
}

func socketRoots() []string {
	roots := []string{os.TempDir(), "/tmp"}
	if runtime := os.Getenv("XDG_RUNTIME_DIR"); runtime != "" {
		roots = append(roots, runtime)
	}
	return slices.Compact(roots)
}

func newSocketDirIn(root string) (*socketDir, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	if len(root) > maxSocketRoot {
		return nil, fmt.Errorf("%s is longer than %d bytes, which is too long for the address of a socket in it", root, maxSocketRoot)
	}
	path, err := os.MkdirTemp(root, socketPrefix) // with mode 0700
	if err != nil {
		return nil, err
	}
	dir := &socketDir{path: path}
	if dir.lock, err = os.Open(path); err == nil {
		err = unix.Flock(int(dir.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err != nil {
		dir.remove()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return dir, nil
}

func (d *socketDir) remove() {
	_ = os.RemoveAll(d.path)
	if d.lock != nil {
		_ = d.lock.Close()
	}
}

// sweepSocketDirs removes the folders that hosts have left behind who were killed: those of this user, of
// some age, that nobody has locked.
func sweepSocketDirs() {
	for _, root := range socketRoots() {
		sweep(root, time.Now().Add(-sweepAge))
	}
}

func sweep(root string, before time.Time) {
	folder, err := os.Open(root)
	if err != nil {
		return
	}
	names, _ := folder.Readdirnames(-1)
	_ = folder.Close()
	for _, name := range names {
		if number, ours := strings.CutPrefix(name, socketPrefix); !ours || number == "" || strings.Trim(number, "0123456789") != "" {
			continue
		}
		path := filepath.Join(root, name)
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != os.ModeDir|0o700 || info.ModTime().After(before) {
			continue
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); !ok || int(owner.Uid) != os.Getuid() {
			continue
		}
		lock, err := os.Open(path)
		if err != nil {
			continue
		}
		if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			_ = os.RemoveAll(path)
		}
		_ = lock.Close()
	}
}
