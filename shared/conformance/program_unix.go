//go:build unix

package conformance

import (
	"os/exec"
	"syscall"
)

// lead has the program lead a process group, as launch does.
func lead(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// left says whether anything of the program's group still runs; its leader was reaped.
func left(leader int) bool { return syscall.Kill(-leader, 0) == nil }

func killGroup(leader int) { _ = syscall.Kill(-leader, syscall.SIGKILL) }

var (
	interrupt = syscall.SIGINT
	terminate = syscall.SIGTERM
)
