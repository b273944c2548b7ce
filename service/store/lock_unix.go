//go:build unix

package store

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// exclusive locks a file until it is closed, or its process ends.
func exclusive(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errLocked
	}
	return err
}
