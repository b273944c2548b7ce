package launch

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes give the process a group of its own, and let the kernel kill it when the host dies, in case
// it does not mind its lifeline. shared/serve takes that over with a signal that it can catch, in order to
// end the whole group.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// wait returns when the leader has ended, and leaves it to be reaped.
func (g *group) wait() {
	for errors.Is(unix.Waitid(unix.P_PID, g.leader, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
}
