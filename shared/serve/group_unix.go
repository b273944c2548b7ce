//go:build unix

package serve

import (
	"os"

	"golang.org/x/sys/unix"
)

// endGroup ends this process and, if it leads a group of its own as under shared/launch, everything
// that it has started.
func endGroup() {
	if unix.Getpgrp() == os.Getpid() {
		_ = unix.Kill(0, unix.SIGKILL)
	}
	os.Exit(0)
}
