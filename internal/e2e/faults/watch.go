package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// watcher watches a job through the balancer, as a client does: when the WebSocket breaks, it comes again and goes on behind
// the last event that it has seen.
type watcher struct {
	done   chan struct{}
	events []backend.Event
	breaks int
}

func (r *rig) watch(ctx context.Context, id string) *watcher {
	w := &watcher{done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for ctx.Err() == nil {
			after := uint64(0)
			if n := len(w.events); n > 0 {
				after = w.events[n-1].Seq
			}
			short, cancel := context.WithTimeout(ctx, 10*time.Second) // a half-open link says nothing
			got, err := r.events(short, r.URL, id, after)
			cancel()
			w.events = append(w.events, got...)
			if err == nil {
				return
			}
			w.breaks++
			_ = wait(ctx, 100*time.Millisecond)
		}
	}()
	return w
}

// check compares what the watcher has seen with what one sees who comes when all is over.
func (w *watcher) check(ctx context.Context, r *rig, j *job) error {
	select {
	case <-w.done:
	case <-ctx.Done():
		return fmt.Errorf("the watcher of %s did not see its end: %w", j.id, context.Cause(ctx))
	}
	if err := inOrder(w.events, j.want); err != nil {
		return fmt.Errorf("a watcher that stayed, after %d breaks: %w", w.breaks, err)
	}
	later, err := r.events(ctx, r.URL, j.id, 0)
	if err != nil {
		return err
	}
	known := map[uint64]backend.EventKind{}
	for _, e := range later {
		known[e.Seq] = e.Kind
	}
	seen := map[uint64]bool{}
	for _, e := range w.events {
		seen[e.Seq] = true
	}
	for _, e := range later {
		if e.Kind != backend.EventProgress && !seen[e.Seq] {
			return fmt.Errorf("a watcher that stayed did not see event %d (%s), after %d breaks", e.Seq, e.Kind, w.breaks)
		}
	}
	return nil
}

// zombie says whether /proc/PID/stat is of a process that has ended and was not waited for.
func zombie(stat string) bool {
	_, behind, _ := strings.Cut(stat, ") ")
	return strings.HasPrefix(behind, "Z")
}

// shortDir makes a folder whose path leaves room for the names of sockets.
func shortDir(dir string, n int) (string, error) {
	path := filepath.Join(dir, fmt.Sprint(n))
	return path, os.MkdirAll(path, 0o700)
}
