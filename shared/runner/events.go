package runner

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// eventLog numbers a job's events and replays them to any number of readers, each at its own pace.
// Of progress it keeps the latest per phase, so that its size does not grow with the work; all else
// it keeps.
type eventLog struct {
	now func() time.Time

	mu     sync.Mutex
	seq    uint64
	events []backend.Event // by Seq, with gaps
	latest map[string]uint64
	more   chan struct{} // closed and replaced at each event
}

func (l *eventLog) init(now func() time.Time) {
	l.now, l.latest, l.more = now, map[string]uint64{}, make(chan struct{})
}

func (l *eventLog) add(e backend.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	e.Seq, e.Time = l.seq, l.now().UTC()
	if e.Kind == backend.EventProgress {
		if old, ok := l.latest[e.Progress.Phase]; ok {
			at := l.after(old - 1)
			l.events = slices.Delete(l.events, at, at+1)
		}
		l.latest[e.Progress.Phase] = e.Seq
	}
	l.events = append(l.events, e)
	close(l.more)
	l.more = make(chan struct{})
}

// after is the index of the first event numbered above seq.
func (l *eventLog) after(seq uint64) int {
	at, _ := slices.BinarySearchFunc(l.events, seq+1, func(e backend.Event, s uint64) int {
		switch {
		case e.Seq < s:
			return -1
		case e.Seq > s:
			return 1
		}
		return 0
	})
	return at
}

// next is what a reader that has seen seq has yet to see, and a signal of more.
func (l *eventLog) next(seq uint64) ([]backend.Event, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events[l.after(seq):]), l.more
}

// follow yields the events above seq until the terminal one.
func (l *eventLog) follow(ctx context.Context, seq uint64, yield func(backend.Event) error) error {
	for {
		events, more := l.next(seq)
		for _, e := range events {
			if err := yield(e); err != nil {
				return err
			}
			if e.Terminal() {
				return nil
			}
			seq = e.Seq
		}
		if len(events) > 0 {
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
