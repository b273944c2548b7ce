//go:build unix

package conformance

import (
	"os"
	"os/exec"
	"syscall"
)

// lead has the program lead a process group, as launch does.
func lead(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// left says whether anything of the program's group still runs; its leader was reaped.
func left(leader int) bool { return syscall.Kill(-leader, 0) == nil }

// diedOf says whether a signal has ended a process.
func diedOf(state *os.ProcessState, signal syscall.Signal) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == signal
}

func killGroup(leader int) { _ = syscall.Kill(-leader, syscall.SIGKILL) }

var (
	interrupt = syscall.SIGINT
	terminate = syscall.SIGTERM
)
