package worker

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/service/jobs/jobstest"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// mortal is the stores as a worker sees them that dies: from then on nothing of what it does is heard.
type mortal struct {
	*jobstest.Store
	dead chan struct{}
}

func (m mortal) died() error {
	select {
	case <-m.dead:
		return errors.New("the worker is dead")
	default:
		return nil
	}
}

func (m mortal) Next(ctx context.Context) (jobs.Delivery, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	alive := ctx
	go func() {
		select {
		case <-m.dead:
			cancel()
		case <-alive.Done():
		}
	}()
	d, err := m.Store.Next(ctx)
	if m.died() != nil && d != nil {
		m.Expire(d.ID())
		return nil, m.died()
	}
	return d, err
}

func (m mortal) Enqueue(ctx context.Context, r jobs.Record) (jobs.Record, bool, error) {
	if err := m.died(); err != nil {
		return r, false, err
	}
	return m.Store.Enqueue(ctx, r)
}

func (m mortal) Update(ctx context.Context, r jobs.Record, was jobs.Revision) (jobs.Revision, error) {
	if err := m.died(); err != nil {
		return 0, err
	}
	return m.Store.Update(ctx, r, was)
}

func (m mortal) Append(ctx context.Context, id string, e backend.Event) error {
	if err := m.died(); err != nil {
		return err
	}
	return m.Store.Append(ctx, id, e)
}

func (m mortal) Put(ctx context.Context, name jobs.FileName, content io.Reader, want *backend.Artifact) (backend.Artifact, error) {
	if err := m.died(); err != nil {
		return backend.Artifact{}, err
	}
	return m.Store.Put(ctx, name, content, want)
}

// workUntilDeath starts a worker that shows no life, and answers what kills it: its jobs go to others.
func (b *bench) workUntilDeath(id string) (kill func()) {
	m := mortal{b.store, make(chan struct{})}
	options := b.options
	b.options.Records, b.options.Queue, b.options.Events, b.options.Files, b.options.Alive = m, m, m, m, time.Hour
	b.options.Concurrency, b.options.Dir = 1, b.t.TempDir()
	b.work()
	b.options = options
	return func() {
		r, _, err := b.store.Get(b.t.Context(), id)
		if err != nil {
			b.t.Fatal(err)
		}
		close(m.dead)
		for _, s := range r.Shards {
			b.store.Expire(s.ID)
		}
		b.store.Expire(id)
	}
}

// step stops a scan once, where it would read a part.
type step struct {
	is      func(job *runner.Job, key string) bool
	reached chan struct{} // has room for one
	was     atomic.Bool
}

func (s *step) hear(ctx context.Context, _ *program, job *runner.Job, key string) error {
	if !s.is(job, key) || s.was.Swap(true) {
		return nil
	}
	s.reached <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

// steps are those of a scan in shards at which something may happen.
func steps() map[string]*step {
	steps := map[string]*step{}
	for name, is := range map[string]func(job *runner.Job, key string) bool{
		"planning":              func(_ *runner.Job, key string) bool { return key == backend.ShardPlan },
		"the first shard":       func(_ *runner.Job, key string) bool { return key == "sub-00" },
		"half of the shards":    func(_ *runner.Job, key string) bool { return key == "sub-02" },
		"the end of the last":   func(_ *runner.Job, key string) bool { return key == "sub-11" },
		"putting them together": func(_ *runner.Job, key string) bool { return key == merge },
	} {
		steps[name] = &step{is: is, reached: make(chan struct{}, 1)}
	}
	return steps
}

// TestADeadWorkerCostsOnlyItsShard at each step of a scan.
func TestADeadWorkerCostsOnlyItsShard(t *testing.T) {
	for name, at := range steps() {
		t.Run(name, func(t *testing.T) {
			s := &subscriptions{n: 12, calls: 100, on: at.hear}
			b := s.bench(t)
			id := b.submit(&backend.ScanRequest{TenantID: "t1"})
			kill := b.workUntilDeath(id)
			<-at.reached
			kill()
			b.options.Name = "w2"
			shutdown := b.work()
			r := b.whole(s, id)
			shutdown()
			b.clean(s, id)
			if len(r.History) != 2 || r.History[1].Worker != "w2" { // of attempt 2, or 3 if the dead one had asked for a job just before
				t.Errorf("history %+v", r.History)
			}
			// Nothing is read twice but what the dead worker had not yet told of.
			s.mu.Lock()
			defer s.mu.Unlock()
			again := 0
			for key, n := range s.read {
				if n > 1 {
					again++
				}
				if n > 2 {
					t.Errorf("%s was read %d times", key, n)
				}
			}
			if again > 2 { // as many as a shard has
				t.Errorf("read %v", s.read)
			}
		})
	}
}

// TestCancelReachesAllShards at each step of a scan, and answers when all have stopped.
func TestCancelReachesAllShards(t *testing.T) {
	for name, at := range steps() {
		t.Run(name, func(t *testing.T) {
			s := &subscriptions{n: 12, calls: 100, on: at.hear}
			b := s.bench(t)
			b.options.Concurrency = 2
			id := b.submit(&backend.ScanRequest{TenantID: "t1"})
			shutdown := b.work()
			<-at.reached
			status, stopped, err := b.service.Cancel(t.Context(), b.owner, id, time.Minute)
			if err != nil || !stopped || status.Status != backend.JobCancelled {
				t.Errorf("Cancel = %+v, %v, %v", status, stopped, err)
			}
			b.cancelled(id)
			b.idle()
			shutdown()
			b.clean(s, id)
		})
	}
}

// cancelled checks that a job and all its shards have ended.
func (b *bench) cancelled(id string) {
	b.t.Helper()
	r, _, err := b.store.Get(b.t.Context(), id)
	if err != nil || r.Job.Status != backend.JobCancelled {
		b.t.Errorf("the job is %s, %v", r.Job.Status, err)
	}
	for _, shard := range r.Shards {
		// One that was not enqueued yet is none.
		if s, _, err := b.store.Status(b.t.Context(), shard.ID); !errors.Is(err, jobs.ErrNotFound) && (err != nil || !s.Status.Terminal()) {
			b.t.Errorf("the shard %s is %s, %v", shard.ID, s.Status, err)
		}
	}
}

// TestCancelWithoutAWorker reaches the shards of a job whose worker died, whoever comes next.
func TestCancelWithoutAWorker(t *testing.T) {
	at := steps()["half of the shards"]
	s := &subscriptions{n: 12, calls: 100, on: at.hear}
	b := s.bench(t)
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	kill := b.workUntilDeath(id)
	<-at.reached
	kill()
	if status, stopped, err := b.service.Cancel(t.Context(), b.owner, id, 0); err != nil || stopped {
		t.Errorf("Cancel = %+v, %v, %v", status, stopped, err)
	}
	s.on = nil
	before := len(s.read)
	shutdown := b.work()
	b.end(id)
	b.cancelled(id)
	b.idle()
	shutdown()
	b.clean(s, id)
	if len(s.read) != before {
		t.Errorf("read %v after the cancelling", s.read)
	}
}

func TestTheTimeIsUpForAllShards(t *testing.T) {
	s := &subscriptions{n: 12, calls: 100, on: func(ctx context.Context, _ *program, job *runner.Job, key string) error {
		if len(job.Submission().Shard) > 0 && key != backend.ShardPlan {
			<-ctx.Done()
		}
		return ctx.Err()
	}}
	b := s.bench(t)
	b.service = jobs.New(jobs.Options{Records: b.store, Queue: b.store, Events: b.store, Files: b.store, Snapshots: b.store, JobTimeout: time.Second})
	b.options.Concurrency = 2
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	shutdown := b.work()
	if r := b.end(id); r.Job.Status != backend.JobFailed || r.Job.Fault.Code != fault.Timeout {
		t.Errorf("record %+v", r)
	}
	shutdown()
	b.work() // what waited for a place finds that its time is up
	b.idle()
}

// idle waits until the queue is empty: what was cancelled leaves it when its turn comes.
func (b *bench) idle() {
	b.t.Helper()
	for !b.store.Idle() {
		if !pause(b.t.Context(), time.Millisecond) {
			b.t.Fatal("the queue does not become empty")
		}
	}
}

// TestShardsThatCannotBeEnqueued at once are enqueued by the next attempt, which cuts nothing anew.
func TestShardsThatCannotBeEnqueued(t *testing.T) {
	s := &subscriptions{n: 12, calls: 100}
	b := s.bench(t)
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	var mu sync.Mutex
	n := 0
	b.store.FailWith(func(call string) error {
		mu.Lock()
		defer mu.Unlock()
		if call == "Enqueue" {
			if n++; n == 3 {
				return fault.New(fault.ServiceUnavailable, "NATS does not answer", fault.Retryable())
			}
		}
		return nil
	})
	shutdown := b.work()
	r := b.whole(s, id)
	shutdown()
	b.clean(s, id)
	if !slices.Equal([]int{s.read[backend.ShardPlan], s.read["sub-00"], r.Job.Attempt}, []int{1, 1, 2}) {
		t.Errorf("read %v, attempt %d", s.read, r.Job.Attempt)
	}
}

// TestAnOrphanEnds when its parent was removed, or ended without it, and leaves no part.
func TestAnOrphanEnds(t *testing.T) {
	for name, end := range map[string]func(b *bench, id string) error{
		"removed": func(b *bench, id string) error { return b.store.Remove(b.t.Context(), id) },
		"ended": func(b *bench, id string) error {
			_, err := jobs.Change(b.t.Context(), b.store, id, func(r *jobs.Record) error {
				r.Fail(fault.New(fault.JobFailed, "given up"), time.Now())
				return nil
			})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			at := steps()["half of the shards"]
			s := &subscriptions{n: 12, calls: 100, on: at.hear}
			b := s.bench(t)
			id := b.submit(&backend.ScanRequest{TenantID: "t1"})
			kill := b.workUntilDeath(id)
			<-at.reached
			r, _, err := b.store.Get(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			kill()
			if err := end(b, id); err != nil {
				t.Fatal(err)
			}
			shutdown := b.work()
			for _, shard := range r.Shards {
				b.until(shard.ID, func(s backend.JobStatusResponse) bool { return s.Status.Terminal() })
			}
			b.idle()
			shutdown()
		})
	}
}

// TestALatePartIsRemoved that a shard uploads behind the end of its parent.
func TestALatePartIsRemoved(t *testing.T) {
	var b *bench
	var id string
	s := &subscriptions{n: 12, calls: 100}
	late := make(chan string, 1)
	s.on = func(ctx context.Context, _ *program, job *runner.Job, key string) error {
		if key != "sub-02" || len(job.Submission().Shard) == 0 {
			return nil
		}
		_, err := jobs.Change(ctx, b.store, id, func(r *jobs.Record) error {
			r.Fail(fault.New(fault.JobFailed, "given up"), time.Now())
			return nil
		})
		late <- key
		return err
	}
	b = s.bench(t)
	b.options.Concurrency = 1
	id = b.submit(&backend.ScanRequest{TenantID: "t1"})
	shutdown := b.work()
	key := <-late
	r, _, err := b.store.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, shard := range r.Shards {
		b.until(shard.ID, func(s backend.JobStatusResponse) bool { return s.Status.Terminal() })
	}
	shutdown()
	if _, err := b.store.Stat(t.Context(), jobs.FileName{Kind: jobs.KindPart, Of: id, Path: key}); !errors.Is(err, jobs.ErrNotFound) {
		t.Errorf("the part is left: %v", err)
	}
}
