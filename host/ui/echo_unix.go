//go:build linux || darwin

package ui

import "golang.org/x/sys/unix"

// silence lets a terminal show no more of what is typed.
func silence(fd int) error {
	state, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	state.Lflag &^= unix.ECHO
	return unix.IoctlSetTermios(fd, setTermios, state)
}
