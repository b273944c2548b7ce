//go:build unix

package launch

import (
	"errors"
	"syscall"
)

func isExecFormat(err error) bool { return errors.Is(err, syscall.ENOEXEC) }
