//go:build unix

package cluster_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/e2e/cluster"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// numbers are what a watcher of a counting job has heard, in order.
type numbers struct {
	mu    sync.Mutex
	heard []int
	some  chan struct{} // closed once there are a few
	once  sync.Once
}

func (n *numbers) hear(e backend.Event) error {
	if e.Log == nil {
		return nil
	}
	i, err := strconv.Atoi(e.Log.Message)
	if err != nil {
		return nil //nolint:nilerr // a line that is no number
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.heard = append(n.heard, i); len(n.heard) == 5 {
		n.once.Do(func() { close(n.some) })
	}
	return nil
}

// whole says what is wrong unless exactly the numbers up to the last one were heard, in order.
func (n *numbers) whole(last int) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.heard) != last {
		return fmt.Errorf("%d numbers were heard, not %d: %v", len(n.heard), last, n.heard)
	}
	for i, got := range n.heard {
		if got != i+1 {
			return fmt.Errorf("the number %d was heard in place of %d: %v", got, i+1, n.heard)
		}
	}
	return nil
}

// watched follows some counting jobs through the balancer, lets trouble come about in their middle, and answers when all have ended, each with every
// event once.
func (l *lab) watched(t *testing.T, jobs, to int, every time.Duration, trouble func()) {
	t.Helper()
	c := l.remote(t, l.URL)
	var all sync.WaitGroup
	heard := make([]*numbers, jobs)
	for i := range jobs {
		n := &numbers{some: make(chan struct{})}
		heard[i] = n
		id := submit(t, c, fmt.Sprintf("count-%d-%s", to, every))
		all.Go(func() {
			job, err := c.WaitForCompletion(t.Context(), id, n.hear)
			if err != nil || job.Status != backend.JobCompleted {
				t.Errorf("job %d is %+v: %v", i, job, err)
			}
		})
	}
	for _, n := range heard {
		select {
		case <-n.some:
		case <-t.Context().Done():
		}
	}
	trouble()
	all.Wait()
	for i, n := range heard {
		if err := n.whole(to); err != nil {
			t.Errorf("job %d: %v", i, err)
		}
	}
}

// TestWatchersMoveOver to another node when theirs is killed, and when it is stopped in good order: no event is lost, none comes twice.
func TestWatchersMoveOver(t *testing.T) {
	l := theCluster(t)
	l.watched(t, 3, 60, 50*time.Millisecond, func() { // whichever has the client's connection
		l.APIs[0].Kill()
		l.starts(t, l.APIs[0])
		if err := l.APIs[1].Restart(t.Context()); err != nil {
			t.Error(err)
		}
	})
	l.starts(t, l.APIs[1])
}

// TestALeaderIsKilled while jobs are at work, and jobs go on, and new ones are taken. The leaders of all streams go when it is run often.
func TestALeaderIsKilled(t *testing.T) {
	l := theCluster(t)
	for _, stream := range []string{cluster.Events} {
		leader, err := l.Leader(t.Context(), stream)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s leads %s", leader.Name, stream)
		l.watched(t, 2, 40, 50*time.Millisecond, leader.Kill)
		ends(t, l.remote(t, l.URL), submit(t, l.remote(t, l.URL), "count-2-10ms"), backend.JobCompleted)
		l.starts(t, leader)
	}
}

// starts starts a process that has ended, and waits until the cluster is whole again.
func (l *lab) starts(t *testing.T, p *cluster.Process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if !p.Running() {
		if err := p.Start(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Settled(ctx); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Until(ctx, "not every API node is ready", func() bool { return l.Balancer.Ready() == len(l.APIs) }); err != nil {
		t.Fatal(err)
	}
}
