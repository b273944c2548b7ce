//go:build unix && !linux

package launch

import "syscall"

// dieWithParent has no counterpart here: the end of standard input does it.
func dieWithParent(*syscall.SysProcAttr) {}
