//go:build unix

package launch

import (
	"os/exec"
	"syscall"
)

// group is the backend's process group, which it leads.
type group struct{}

func (group) prepare(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
}

func (group) adopt(*exec.Cmd) error { return nil }

func (group) kill(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
