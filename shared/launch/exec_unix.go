//go:build unix

package launch

import (
	"errors"

	"golang.org/x/sys/unix"
)

// executable says whether this user may start the file.
func executable(path string) bool { return unix.Access(path, unix.X_OK) == nil }

// badFormat says that the kernel does not know the file's format, or not this processor's variety.
func badFormat(err error) bool { return errors.Is(err, unix.ENOEXEC) }
