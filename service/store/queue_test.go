package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

func TestOwnersAreServedInTurn(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	for i := range 6 {
		enqueue(t, s, job(fmt.Sprintf("a-%d", i), "owner-a"))
	}
	enqueue(t, s, job("b-0", "owner-b"), job("b-1", "owner-b"), job("c-0", "owner c"))
	var got []string
	for range 9 {
		got = append(got, take(t, s).ID())
	}
	if diff := cmp.Diff([]string{"a-0", "b-0", "c-0", "a-1", "b-1", "a-2", "a-3", "a-4", "a-5"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestNextWaitsForAJobFromAnywhere(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	worker := neighbour(t, s)
	got := make(chan jobs.Delivery)
	for i := range 3 {
		go func() {
			if d, err := worker.Next(t.Context()); err == nil {
				got <- d
			}
		}()
		eventually(t, "nobody waits for a job", func() bool {
			worker.owners.mu.Lock()
			defer worker.owners.mu.Unlock()
			return worker.owners.wanted > 0
		})
		enqueue(t, s, job(fmt.Sprintf("job-%d", i), fmt.Sprintf("owner-%d", i%2)))
		d := <-got
		if d.ID() != fmt.Sprintf("job-%d", i) || d.Attempt() != 1 {
			t.Errorf("took %s, attempt %d", d.ID(), d.Attempt())
		}
		if err := d.Done(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNextEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := s.Next(ctx)
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAtMostPerOwnerJobsAreWithWorkers(t *testing.T) {
	t.Parallel()
	limit := func(c *Config) { c.PerOwner = 2 }
	s := embeddedStore(t, limit)
	other := neighbour(t, s)
	for i := range 5 {
		enqueue(t, s, job(fmt.Sprintf("a-%d", i), "a"))
	}
	one, two := take(t, s), take(t, other)
	enqueue(t, s, job("b-0", "b"))
	if d := take(t, s); d.ID() != "b-0" {
		t.Errorf("took %s beyond the limit", d.ID())
	}
	next := make(chan jobs.Delivery)
	go func() {
		if d, err := s.Next(t.Context()); err == nil {
			next <- d
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 3*limitedPatience)
	defer cancel()
	if d, err := other.Next(ctx); err == nil {
		t.Errorf("took %s beyond the limit", d.ID())
	}
	if err := two.Done(t.Context()); err != nil { // a place is free
		t.Fatal(err)
	}
	if d := <-next; d.ID() != "a-2" {
		t.Errorf("took %s", d.ID())
	}
	if err := one.Retry(t.Context(), 0); err != nil { // so is another one, for the same job
		t.Fatal(err)
	}
	if d := take(t, other); d.ID() != one.ID() || d.Attempt() != 2 {
		t.Errorf("took %s, attempt %d", d.ID(), d.Attempt())
	}
}

func TestRetryComesBackAfterTheDelay(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	enqueue(t, s, job("job-1", "owner"))
	d := take(t, s)
	update(t, s, "job-1", run)
	for attempt, delay := range []time.Duration{0, 30 * time.Millisecond, time.Millisecond} {
		if err := d.Retry(t.Context(), delay); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if d = take(t, s); d.ID() != "job-1" || d.Attempt() != attempt+2 {
			t.Errorf("took %s, attempt %d", d.ID(), d.Attempt())
		}
		if waited := time.Since(began); waited < delay {
			t.Errorf("came back after %s instead of %s", waited, delay)
		}
	}
}

func TestAJobOfADeadWorkerGoesToAnother(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t, func(c *Config) { c.AckWait = time.Second })
	dying := neighbour(t, s)
	enqueue(t, s, job("job-1", "owner"))
	if d := take(t, dying); d.Attempt() != 1 {
		t.Errorf("attempt %d", d.Attempt())
	}
	closeStore(t, dying)
	if d := take(t, s); d.ID() != "job-1" || d.Attempt() != 2 {
		t.Errorf("took %s, attempt %d", d.ID(), d.Attempt())
	}
}

func TestAJobThatIsAliveStays(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t, func(c *Config) { c.AckWait = time.Second })
	enqueue(t, s, job("job-1", "owner"))
	d := take(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	beat := time.NewTicker(200 * time.Millisecond)
	defer beat.Stop()
	go func() {
		for {
			select {
			case <-beat.C:
				if err := d.Alive(ctx); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	if again, err := s.Next(ctx); err == nil {
		t.Errorf("a job that is worked on went to another worker: attempt %d", again.Attempt())
	}
}

// A server that was killed forgets deliveries of its last moments, and its counting of them begins anew.
func TestAttemptsGoOnWhenTheServerHasForgottenThem(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	enqueue(t, s, job("job-1", "owner"))
	take(t, s)
	update(t, s, "job-1", func(r *jobs.Record) { run(r); r.Job.Attempt = 3 })
	if err := s.js.DeleteConsumer(t.Context(), queueStream, "owner"); err != nil {
		t.Fatal(err)
	}
	s.owners.insist("owner")
	if d := take(t, s); d.Attempt() != 4 {
		t.Errorf("attempt %d after the third", d.Attempt())
	}
}

func TestBuryKeepsTheJobAmongTheDeadLetters(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	r := job("job-1", "owner")
	enqueue(t, s, r)
	if err := take(t, s).Bury(t.Context(), "it crashed\nthree times"); err != nil {
		t.Fatal(err)
	}
	m, err := s.last(t.Context(), deadStream, deadPrefix+"owner.job-1")
	if err != nil {
		t.Fatal(err)
	}
	var dead jobs.Record
	if err := decode(m.data, &dead); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, dead); diff != "" || m.header.Get("Atg-Reason") != "it crashed three times" || m.header.Get("Atg-Attempt") != "1" {
		t.Errorf("%v %s", m.header, diff)
	}
	if depth, err := s.Depth(t.Context()); err != nil || depth != 0 {
		t.Errorf("%d jobs wait: %v", depth, err)
	}
}

func TestAMessageThatIsNoJobIsBuried(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	enqueue(t, s, job("job-1", "owner"))
	if _, err := s.js.Publish(t.Context(), queueSubject("owner", "job-0"), []byte("nonsense")); err != nil {
		t.Fatal(err)
	}
	if d := take(t, s); d.ID() != "job-1" {
		t.Errorf("took %s", d.ID())
	}
	if d, err := s.Next(t.Context()); err == nil {
		t.Errorf("took %s", d.ID())
	}
	if _, err := s.last(t.Context(), deadStream, deadPrefix+">"); err != nil {
		t.Errorf("the dead letter: %v", err)
	}
}

func TestDepthCountsWhatWaits(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	enqueue(t, s, job("a", "owner-1"), job("b", "owner-1"), job("c", "owner-2"), job("d", "owner-2"))
	take(t, s)
	if depth, err := s.Depth(t.Context()); err != nil || depth != 3 {
		t.Errorf("%d jobs wait: %v", depth, err)
	}
}

func TestCancelsReachEveryWorker(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	worker := neighbour(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	heard, ended := make(chan string, 100), make(chan error)
	go func() { ended <- worker.Cancels(ctx, func(id string) { heard <- id }) }()
	eventually(t, "the worker never heard of it", func() bool {
		if err := s.AskCancel(t.Context(), "job 1"); err != nil {
			t.Error(err)
		}
		select {
		case id := <-heard:
			return id == "job 1"
		default:
			return false
		}
	})
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestWhoHasNoJobIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	x, o := newIndex(), newOwners(nil)
	x.loaded()
	x.put(summarize(job("job-1", "a")), 1)
	o.offer("a")
	o.offer("b")
	o.offer("a")
	for _, want := range []string{"a", "b"} {
		got, err := o.next(t.Context())
		if err != nil || got.token != want {
			t.Fatalf("%q instead of %q: %v", got.token, want, err)
		}
		o.none(got, x)
	}
	for tries := range patiently { // a job of a waits, says the index
		got, err := o.next(t.Context())
		if err != nil || got.token != "a" || got.tries != tries+1 {
			t.Fatalf("%+v: %v", got, err)
		}
		o.none(got, x)
	}
	if len(o.turn) != 0 {
		t.Errorf("%v", o.turn)
	}
}

func TestConsumersAreMadeAnew(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	enqueue(t, s, job("job-1", "owner"))
	if err := take(t, s).Done(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.js.DeleteConsumer(t.Context(), queueStream, "owner"); err != nil {
		t.Fatal(err)
	}
	enqueue(t, s, job("job-2", "owner")) // this process believes in the consumer
	if d := take(t, s); d.ID() != "job-2" {
		t.Errorf("took %s", d.ID())
	}
	if _, err := s.js.Consumer(t.Context(), queueStream, "owner"); errors.Is(err, jetstream.ErrConsumerNotFound) {
		t.Error("there is no consumer")
	}
	if job, _, err := s.Status(t.Context(), "job-1"); err != nil || job.Status != backend.JobPending {
		t.Errorf("%v: %v", job, err)
	}
}

// TestAJobThatHasEndedLeavesTheQueue has a worker die between recording the end of a job and taking it out of the queue.
func TestAJobThatHasEndedLeavesTheQueue(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t, func(c *Config) { c.AckWait = time.Second })
	other := neighbour(t, s)
	enqueue(t, s, job("job-1", "owner"))
	take(t, s)
	update(t, s, "job-1", run)
	update(t, s, "job-1", complete)
	d := take(t, other)
	if d.ID() != "job-1" || d.Attempt() != 2 {
		t.Fatalf("took %s, attempt %d", d.ID(), d.Attempt())
	}
	if err := d.Done(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestAJobThatTheQueueHasLostIsPutBack takes a job out of the queue behind everybody's back.
func TestAJobThatTheQueueHasLostIsPutBack(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t, func(c *Config) { c.AckWait = time.Second })
	other := neighbour(t, s)
	enqueue(t, s, job("job-1", "owner"), job("job-2", "owner"))
	for range 2 {
		update(t, s, take(t, s).ID(), run)
	}
	if err := s.purge(t.Context(), queueStream, queueSubject("owner", "job-1")); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for got["job-1"] == 0 { // the other one comes as it is not acknowledged
		d := take(t, other)
		got[d.ID()] = d.Attempt()
		if d.ID() == "job-2" {
			if err := d.Done(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got["job-1"] != 2 {
		t.Errorf("attempts %v", got)
	}
}
