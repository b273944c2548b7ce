package cluster

import (
	"os"
	"syscall"
)

// Windows has no such signals: Pause answers an error, and Stop kills.
const (
	pauseSignal  = syscall.SIGTERM
	resumeSignal = syscall.SIGTERM
)

func attributes() *syscall.SysProcAttr { return nil }

func terminate(p *os.Process) error { return p.Kill() }
