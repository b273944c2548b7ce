//go:build unix

package service

import "syscall"

// openFiles is how many files the system lets this process have open, if it has a limit.
func openFiles() (files uint64, limited bool) {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0, false
	}
	const infinite = 1 << 30                       // what systems without a limit say is larger
	return uint64(limit.Cur), limit.Cur < infinite //nolint:unconvert // of FreeBSD it is signed
}
