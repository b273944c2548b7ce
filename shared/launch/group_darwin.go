package launch

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes give the process a group of its own. Only its lifeline tells it that the host has died.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// wait returns when the leader has ended, and leaves it to be reaped. If it has ended already, the
// kernel refuses to watch it.
func (g *group) wait() {
	queue, err := unix.Kqueue()
	if err != nil {
		return
	}
	defer func() { _ = unix.Close(queue) }()
	var exit unix.Kevent_t
	unix.SetKevent(&exit, g.leader, unix.EVFILT_PROC, unix.EV_ADD|unix.EV_ONESHOT)
	exit.Fflags = unix.NOTE_EXIT
	for {
		if _, err := unix.Kevent(queue, []unix.Kevent_t{exit}, make([]unix.Kevent_t, 1), nil); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
