package azuresim

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Gate holds the requests that match it until it is released, so that a test can act while they
// are under way.
type Gate struct {
	method     string
	path, body *regexp.Regexp
	released   chan struct{}
	once       sync.Once
	injector   *faultInjector

	mu      sync.Mutex
	arrived int
	changed chan struct{} // closed and replaced at each arrival
}

// Hold closes a gate for requests of a method ("" for any) whose path and body match regular
// expressions, in any case.
func (s *Server) Hold(method, path, body string) (*Gate, error) {
	pathPattern, err := regexp.Compile("(?i)" + path)
	if err != nil {
		return nil, fmt.Errorf("the path of a gate: %w", err)
	}
	bodyPattern, err := regexp.Compile("(?i)" + body)
	if err != nil {
		return nil, fmt.Errorf("the body of a gate: %w", err)
	}
	g := &Gate{
		method: method, path: pathPattern, body: bodyPattern, injector: s.faults,
		released: make(chan struct{}), changed: make(chan struct{}),
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.gates = append(s.faults.gates, g)
	return g, nil
}

// Wait returns when so many requests have come to the gate since it was closed.
func (g *Gate) Wait(ctx context.Context, requests int) error {
	for {
		g.mu.Lock()
		arrived, changed := g.arrived, g.changed
		g.mu.Unlock()
		if arrived >= requests {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d requests came to the gate: %w", arrived, requests, context.Cause(ctx))
		}
	}
}

// Arrived is how many requests have come to the gate.
func (g *Gate) Arrived() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.arrived
}

// Release opens the gate for good.
func (g *Gate) Release() {
	g.once.Do(func() {
		close(g.released)
		g.injector.mu.Lock()
		defer g.injector.mu.Unlock()
		g.injector.gates = slices.DeleteFunc(slices.Clone(g.injector.gates), func(other *Gate) bool { return other == g })
	})
}

func (g *Gate) matches(r *http.Request, body []byte) bool {
	return (g.method == "" || strings.EqualFold(g.method, r.Method)) && g.path.MatchString(r.URL.Path) && g.body.Match(body)
}

func (g *Gate) arrive() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.arrived++
	close(g.changed)
	g.changed = make(chan struct{})
}

// pass waits at every gate that matches; false means that the caller has gone or the simulator
// has closed.
func (s *Server) pass(r *http.Request, body []byte) bool {
	s.faults.mu.Lock()
	gates := s.faults.gates
	s.faults.mu.Unlock()
	for _, gate := range gates {
		if !gate.matches(r, body) {
			continue
		}
		gate.arrive()
		select {
		case <-gate.released:
		case <-r.Context().Done():
			return false
		case <-s.faults.closed:
			return false
		}
	}
	return true
}

// releaseAll ends all waiting for good.
func (f *faultInjector) releaseAll() {
	f.once.Do(func() { close(f.closed) })
}

// gateTable names the gates that the control endpoint has closed.
type gateTable struct {
	mu    sync.Mutex
	gates []*Gate
}

func (t *gateTable) add(gate *Gate) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gates = append(t.gates, gate)
	return strconv.Itoa(len(t.gates))
}

func (t *gateTable) get(id string) (*Gate, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := strconv.Atoi(id)
	if err != nil || n < 1 || n > len(t.gates) {
		return nil, false
	}
	return t.gates[n-1], true
}
