package store

import (
	"slices"
	"sync"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// behind is how many events a watcher may be behind before it has to read them from the stream.
const behind = 256

// fanout hands live events to those who watch. There is one per process, fed by one consumer.
type fanout struct {
	mu       sync.Mutex
	begun    bool
	last     uint64 // sequence in the stream of the latest event that was handed out
	watching map[string]map[*watcher]struct{}
}

// watcher watches one job.
type watcher struct {
	wake chan struct{} // has room for one

	// The fan-out's lock holds for the rest.
	pending []backend.Event
	late    bool // events were dropped: they are in the stream
	ended   bool // the job's record says so
}

func newFanout() *fanout { return &fanout{watching: map[string]map[*watcher]struct{}{}} }

// join begins to watch a job, by token. Events up to the number in the stream that it answers are to be read there.
func (f *fanout) join(job string) (*watcher, uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := &watcher{wake: make(chan struct{}, 1)}
	if f.watching[job] == nil {
		f.watching[job] = map[*watcher]struct{}{}
	}
	f.watching[job][w] = struct{}{}
	return w, f.last
}

func (f *fanout) leave(job string, w *watcher) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if delete(f.watching[job], w); len(f.watching[job]) == 0 {
		delete(f.watching, job)
	}
}

// hand gives an event to those who watch its job.
func (f *fanout) hand(job string, seq uint64, e backend.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = max(f.last, seq)
	for w := range f.watching[job] {
		w.push(e)
	}
}

// rewind begins with the events behind a number in the stream, and makes those who watch read the stream; it says no
// if it is there or further on already.
func (f *fanout) rewind(last uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.begun && f.last <= last {
		return false
	}
	f.begun, f.last = true, last
	for _, watchers := range f.watching {
		for w := range watchers {
			w.pending, w.late = nil, true
			w.signal()
		}
	}
	return true
}

// ended tells those who watch a job that its record has a terminal state.
func (f *fanout) ended(job string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for w := range f.watching[job] {
		w.ended = true
		w.signal()
	}
}

// take answers what is new for a watcher.
func (f *fanout) take(w *watcher) (events []backend.Event, late, ended bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	events, w.pending = w.pending, nil
	return events, w.late, w.ended
}

func (w *watcher) push(e backend.Event) {
	if w.late {
		return
	}
	w.pending = coalesce(w.pending, e)
	if len(w.pending) > behind {
		w.pending, w.late = nil, true
	}
	w.signal()
}

func (w *watcher) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// coalesce appends an event. Progress takes the place of progress of the same phase that nobody has seen yet.
func coalesce(events []backend.Event, e backend.Event) []backend.Event {
	if e.Kind == backend.EventProgress && e.Progress != nil {
		for i := len(events) - 1; i >= 0; i-- {
			if p := events[i].Progress; p != nil && p.Phase == e.Progress.Phase {
				events = slices.Delete(events, i, i+1)
				break
			}
		}
	}
	return append(events, e)
}
