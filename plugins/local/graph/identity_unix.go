//go:build !windows

package graph

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// identify answers the identity of the file at path, by the clock of its file system.
func identify(path string) (identity, error) {
	var s unix.Stat_t
	if err := unix.Lstat(path, &s); err != nil {
		return identity{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return identity{
		Modified: time.Unix(s.Mtim.Unix()).UTC(),
		Changed:  time.Unix(s.Ctim.Unix()).UTC(),
		Inode:    s.Ino,
	}, nil
}
