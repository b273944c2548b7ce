package store

import "sync"

// waiters wait for things to change, each by its name.
type waiters struct {
	mu  sync.Mutex
	all map[string]*waiter
}

type waiter struct {
	changed chan struct{}
	n       int
}

// wait returns a channel that is closed at the next change, and a function that gives up waiting.
func (w *waiters) wait(name string) (<-chan struct{}, func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[string]*waiter{}
	}
	have := w.all[name]
	if have == nil {
		have = &waiter{changed: make(chan struct{})}
		w.all[name] = have
	}
	have.n++
	var once sync.Once
	return have.changed, func() {
		once.Do(func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			if have.n--; have.n == 0 && w.all[name] == have {
				delete(w.all, name)
			}
		})
	}
}

// wake tells all who wait for name.
func (w *waiters) wake(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if have := w.all[name]; have != nil {
		delete(w.all, name)
		close(have.changed)
	}
}
