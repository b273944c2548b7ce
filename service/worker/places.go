package worker

import (
	"context"
	"slices"
	"sync"
)

// places are what the jobs at work in a worker take, one each. A job that gave its place away, because it waits for
// others, gets one again before a new job does: a search for a new job ends for it.
type places struct {
	mu      sync.Mutex
	free    int
	claims  []chan struct{}    // of jobs that were here before, in their order
	newcome []chan struct{}    // of who looks for a new job
	search  context.CancelFunc // ends a search for a new job, which holds a place; nil is none
}

func newPlaces(n int) *places { return &places{free: n} }

// take waits for a place for a new job.
func (p *places) take(ctx context.Context) error { return p.wait(ctx, &p.newcome, func() {}) }

// claim waits for a place for a job that was here before.
func (p *places) claim(ctx context.Context) error {
	return p.wait(ctx, &p.claims, func() {
		if p.search != nil {
			p.search()
		}
	})
}

// wait waits in a row. Began is called with the lock held, if there is no place at once.
func (p *places) wait(ctx context.Context, row *[]chan struct{}, began func()) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	p.mu.Lock()
	if p.free > 0 {
		p.free--
		p.mu.Unlock()
		return nil
	}
	mine := make(chan struct{}, 1)
	*row = append(*row, mine)
	began()
	p.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := slices.Index(*row, mine); at >= 0 {
		*row = slices.Delete(*row, at, at+1)
	} else { // it was given at this very moment
		p.pass()
	}
	return context.Cause(ctx)
}

// give gives a place back.
func (p *places) give() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pass()
}

// pass hands a place on to whoever is next. The lock is held.
func (p *places) pass() {
	for _, row := range []*[]chan struct{}{&p.claims, &p.newcome} {
		if len(*row) > 0 {
			(*row)[0] <- struct{}{}
			*row = slices.Delete(*row, 0, 1)
			return
		}
	}
	p.free++
}

// searching answers the context of a search for a new job by the one who does so and has a place for it, and what
// ends it. It ends early when a job that was here before wants the place.
func (p *places) searching(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.search = cancel
	if len(p.claims) > 0 {
		cancel()
	}
	return ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.search = nil
		cancel()
	}
}

// place is that of one job.
type place struct {
	of   *places
	held bool
}

// leave gives it away.
func (p *place) leave() {
	if p.held {
		p.held = false
		p.of.give()
	}
}

// back waits for one again.
func (p *place) back(ctx context.Context) error {
	err := p.of.claim(ctx)
	p.held = err == nil
	return err
}
