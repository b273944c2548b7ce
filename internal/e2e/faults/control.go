package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/azure-tenant-grapher/atg/internal/e2e/faults/step"
)

// control hears at which steps the backends are, and holds those that a case waits for. Every other one goes on at once.
type control struct {
	listener net.Listener
	all      sync.WaitGroup

	mu       sync.Mutex
	traps    []*trap
	finished map[string]int            // by tenant: how often its work was done
	others   func(step.Arrival) string // what backends are told that no case waits for; nil lets them go on
}

// trap waits for the first backend at a step.
type trap struct {
	tenant, step, key string // an empty key is any, and so is an empty tenant
	caught            chan *held
}

// held is a backend that waits at a step.
type held struct {
	step.Arrival
	conn net.Conn
	gone chan struct{} // closed when the backend has gone, or goes on
}

func newControl(socket string) (*control, error) {
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	c := &control{listener: l, finished: map[string]int{}}
	c.all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // it was closed
			}
			c.all.Go(func() { c.hear(conn) })
		}
	})
	return c, nil
}

// close lets every backend go on.
func (c *control) close() {
	_ = c.listener.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.traps = nil
}

func (c *control) hear(conn net.Conn) {
	h := &held{conn: conn, gone: make(chan struct{})}
	if json.NewDecoder(conn).Decode(&h.Arrival) != nil {
		_ = conn.Close()
		return
	}
	c.mu.Lock()
	if h.Step == step.Finish && h.Key == "" {
		c.finished[h.Tenant]++
	}
	var into *trap
	for i, t := range c.traps {
		if t.step == h.Step && (t.tenant == "" || t.tenant == h.Tenant) && (t.key == "" || t.key == h.Key) {
			into = t
			c.traps = append(c.traps[:i:i], c.traps[i+1:]...)
			break
		}
	}
	others := c.others
	c.mu.Unlock()
	switch {
	case into == nil && others != nil:
		h.tell(others(h.Arrival))
		return
	case into == nil:
		h.tell(step.Go)
		return
	}
	into.caught <- h
}

// tell lets a backend go on, in the way that is said.
func (h *held) tell(how string) {
	_ = json.NewEncoder(h.conn).Encode(how) // it may have gone
	if how != step.Hang {
		_ = h.conn.Close()
	}
}

// await sets a trap for the first backend that comes to a step of a tenant's job.
func (c *control) await(tenant, at, key string) *trap {
	t := &trap{tenant: tenant, step: at, key: key, caught: make(chan *held, 1)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.traps = append(c.traps, t)
	return t
}

// one waits until somebody is in the trap.
func (t *trap) one(ctx context.Context) (*held, error) {
	select {
	case h := <-t.caught:
		return h, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("no backend came to the step %s of %s: %w", t.step, t.tenant, context.Cause(ctx))
	}
}

// works is how often the work of a job was done.
func (c *control) works(tenant string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.finished[tenant]
}

// errMissed says that a fault struck too late to be what the case is about.
var errMissed = errors.New("the fault struck beside the step")
