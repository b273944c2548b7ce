//go:build unix

package launch

import (
	"os"
	"syscall"
)

// group is the process group that the backend leads.
type group struct{ leader int }

func newGroup(p *os.Process) (*group, error) { return &group{p.Pid}, nil }

// kill ends every process of the group. It must not be called once the leader was reaped: then the
// number may belong to others.
func (g *group) kill() { _ = syscall.Kill(-g.leader, syscall.SIGKILL) }

func (g *group) close() {}
