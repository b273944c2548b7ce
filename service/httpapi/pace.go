package httpapi

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// Refusals cost a third of what a submission costs. So that a flood of them does not take the processor from what was accepted, those beyond
// a pace are answered late, which slows down who sends one after the other.
const (
	refusalsPerCore = 1000            // a second, without delay
	latestRefusal   = 2 * time.Second // the longest delay
)

// pacer spaces refusals.
type pacer struct {
	mu   sync.Mutex
	next time.Time
}

// delay is how late the next refusal is to be.
func (p *pacer) delay(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next.Before(now) {
		p.next = now
	}
	late := p.next.Sub(now)
	if late >= latestRefusal {
		return latestRefusal
	}
	p.next = p.next.Add(time.Second / time.Duration(refusalsPerCore*runtime.GOMAXPROCS(0)))
	return late
}

// wait waits until the refusal may be answered, or the caller has gone.
func (p *pacer) wait(ctx context.Context) {
	late := p.delay(time.Now())
	if late < time.Millisecond {
		return
	}
	timer := time.NewTimer(late)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
