package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/e2e/cluster"
	"github.com/azure-tenant-grapher/atg/internal/e2e/faults/step"
)

// count counts a fault.
func (s *soak) count(kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.killed[kind]++
}

// chance has one backend of a hundred at a step fail, and remembers all of them.
func (s *soak) chance(random *rand.Rand) func(step.Arrival) string {
	return func(a step.Arrival) string {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.pids = append(s.pids[max(0, len(s.pids)-5):], a.PID)
		if a.Step != step.Describe && random.IntN(100) == 0 {
			s.killed["attempt failed"]++
			return step.Fail
		}
		return step.Go
	}
}

// troubles makes trouble until ctx ends. At most one NATS server is in trouble at a time: two of three are not survived, but waited for.
func (s *soak) troubles(ctx context.Context) {
	var last func() // ends the trouble before the last one
	for ctx.Err() == nil {
		end := s.trouble(ctx)
		_ = wait(ctx, time.Duration(100+s.random.IntN(1900))*time.Millisecond)
		if last != nil {
			last()
		}
		last = end
		if s.random.IntN(3) > 0 {
			last()
			last = nil
		}
	}
	if last != nil {
		last()
	}
}

// trouble makes one, and answers what ends it.
func (s *soak) trouble(ctx context.Context) (end func()) {
	nothing := func() {}
	pick := func(some []*cluster.Process) *cluster.Process { return some[s.random.IntN(len(some))] }
	healthy := s.whole()
	switch n := s.random.IntN(12); {
	case n < 3:
		return s.kill(ctx, "kill worker", pick(s.Workers))
	case n < 5:
		return s.kill(ctx, "kill API node", pick(s.APIs))
	case n < 7:
		if !healthy {
			return nothing
		}
		return s.kill(ctx, "kill NATS server", pick(s.Servers))
	case n < 8:
		s.mu.Lock()
		pid := 0
		if len(s.pids) > 0 {
			pid = s.pids[len(s.pids)-1]
		}
		s.mu.Unlock()
		if p, err := os.FindProcess(pid); pid > 0 && err == nil && backendOf(s.Workers, pid) {
			_ = p.Kill() // it may have ended
			s.count("kill backend")
		}
		return nothing
	case n < 9:
		p := pick(s.Workers)
		if p.Pause() != nil {
			return nothing
		}
		s.count("pause worker")
		return p.Resume
	}
	kind := []string{cut, slow, reset, halfOpen}[s.random.IntN(4)]
	p := pick(s.Processes())
	if isNATS(p.Name) && !healthy {
		return nothing
	}
	mend, err := strike(s.links.around(p.Name, anyone), kind)
	s.count("links " + kind)
	if err != nil {
		s.say("%v", err)
	}
	return func() {
		if err := mend(); err != nil {
			s.say("%v", err)
		}
	}
}

// whole says whether every NATS server is well.
func (s *soak) whole() bool {
	for _, p := range s.Servers {
		if !p.Running() {
			return false
		}
	}
	return !slices.ContainsFunc(s.links.of(func(from, to string) bool { return isNATS(from) && isNATS(to) }), func(l *link) bool { return l.troubled })
}

func (s *soak) kill(ctx context.Context, kind string, p *cluster.Process) (end func()) {
	if !p.Running() {
		return func() {}
	}
	p.Resume()
	p.Kill()
	s.count(kind)
	return func() {
		starting, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if err := p.Start(starting); err != nil && !strings.Contains(err.Error(), "runs already") {
			s.say("%v", err)
			p.Kill() // as whoever supervises a service does with one that does not start; it is started again once all is healed
		}
	}
}

func (s *soak) say(format string, args ...any) { fmt.Fprintf(s.out, "soak: "+format+"\n", args...) }

// backendOf says whether a process is the child of one of some workers.
func backendOf(workers []*cluster.Process, pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, behind, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(behind)
	return len(fields) > 1 && slices.ContainsFunc(workers, func(p *cluster.Process) bool { return strconv.Itoa(p.PID()) == fields[1] })
}
