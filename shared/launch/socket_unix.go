//go:build unix

package launch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxSocketRoot is how long, in bytes, a temporary folder may be so that the address of a socket fits: 104
	// bytes on macOS (sun_path in sys/un.h, with its final zero), 108 on Linux, less the user's folder's
	// name (16), go-plugin's (21) and the socket's (17).
	maxSocketRoot = 104 - 1 - 16 - 21 - 17

	// sweepAge is how old a folder without an owner is before it is swept: its owner may be about to lock it.
	sweepAge = time.Minute
)

// socketDir is the private folder of one backend's socket. go-plugin makes it, in a folder that all of the
// user's backends share. It is locked for as long as it is in use; the kernel drops the lock of a host that
// dies.
type socketDir struct {
	root string // where go-plugin is to make it
	path string // empty until take
	lock *os.File
}

// newSocketDir chooses the first of the temporary folders that will do.
func newSocketDir() (*socketDir, error) {
	var problems []error
	for _, root := range socketRoots() {
		err := makePrivate(root)
		if err == nil {
			return &socketDir{root: root}, nil
		}
		problems = append(problems, err)
	}
	return nil, errors.Join(problems...)
}

// socketRoots are the folders that may hold the user's sockets, best first: XDG_RUNTIME_DIR is for sockets, and in
// memory.
func socketRoots() []string {
	var roots []string
	for _, folder := range []string{os.Getenv("XDG_RUNTIME_DIR"), os.TempDir(), "/tmp"} {
		if filepath.IsAbs(folder) {
			roots = append(roots, filepath.Join(folder, "atg-s"+strconv.Itoa(os.Geteuid())))
		}
	}
	return slices.Compact(roots)
}

// makePrivate sees to it that there is a folder that nobody but this user can enter.
func makePrivate(path string) error {
	if folder := filepath.Dir(path); len(folder) > maxSocketRoot {
		return fmt.Errorf("%s is longer than %d bytes, which is too long for the address of a socket in it", folder, maxSocketRoot)
	}
	err := os.Mkdir(path, 0o700)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !private(info) {
		return fmt.Errorf("%s is no folder of this user alone", path)
	}
	return nil
}

func private(info fs.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) == os.Geteuid() && info.IsDir() && info.Mode().Perm() == 0o700
}

// take takes possession of the folder that go-plugin has made.
func (d *socketDir) take(path string) (err error) {
	d.path = path
	if d.lock, err = os.Open(path); err == nil {
		err = unix.Flock(int(d.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	return nil
}

func (d *socketDir) remove() {
	if d.path != "" {
		_ = os.RemoveAll(d.path)
	}
	if d.lock != nil {
		_ = d.lock.Close()
	}
}

// sweepSocketDirs removes the folders that hosts have left behind who were killed: those of this user, of
// some age, that nobody has locked.
func sweepSocketDirs() {
	for _, root := range socketRoots() {
		if info, err := os.Lstat(root); err == nil && private(info) {
			sweep(root, time.Now().Add(-sweepAge))
		}
	}
}

func sweep(root string, before time.Time) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !private(info) || info.ModTime().After(before) {
			continue
		}
		path := filepath.Join(root, entry.Name())
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
