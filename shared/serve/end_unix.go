//go:build unix

package serve

import (
	"os"
	"syscall"
)

// endGroup ends this process and, if it leads a group as under shared/launch, all that it has
// started.
func endGroup() {
	if syscall.Getpgrp() == os.Getpid() {
		_ = syscall.Kill(0, syscall.SIGKILL)
	}
	os.Exit(1)
}
