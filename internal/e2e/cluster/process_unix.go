//go:build unix

package cluster

import (
	"os"
	"syscall"
)

const (
	pauseSignal  = syscall.SIGSTOP
	resumeSignal = syscall.SIGCONT
)

func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
