package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// TestWhatOneProcessWasToldAllKnow: whatever one store has stored, another one on the same server answers at once.
func TestWhatOneProcessWasToldAllKnow(t *testing.T) {
	t.Parallel()
	config := Config{URL: natsServer(t, &server.Options{JetStream: true}).ClientURL(), Replicas: 1}
	here, there := externalStore(t, config), externalStore(t, config)
	for i := range 100 {
		id := fmt.Sprintf("job-%d", i)
		enqueue(t, here, job(id, "owner"))
		page, err := there.List(t.Context(), "owner", backend.JobFilter{Limit: 1000})
		if err != nil || !slices.Contains(ids(page), id) {
			t.Fatalf("%s is not listed: %v", id, err)
		}
		update(t, here, id, run)
		if status, _, err := there.Status(t.Context(), id); err != nil || status.Status != backend.JobRunning {
			t.Fatalf("%s is %s: %v", id, status.Status, err)
		}
		update(t, here, id, complete)
		if page, err := there.List(t.Context(), "owner", backend.JobFilter{Limit: 1000, Status: backend.JobCompleted}); err != nil || len(page.Jobs) != i+1 {
			t.Fatalf("%d jobs are listed as completed, not %d: %v", len(page.Jobs), i+1, err)
		}
		snapshot := backend.SnapshotDetail{Snapshot: backend.Snapshot{ID: id, TenantID: "tenant-1", CreatedAt: epoch}}
		if err := here.PutSnapshot(t.Context(), snapshot); err != nil {
			t.Fatal(err)
		}
		if page, err := there.ListSnapshots(t.Context(), []string{"*"}, backend.SnapshotFilter{Limit: 1000}); err != nil || len(page.Snapshots) != 1 {
			t.Fatalf("%d snapshots are listed: %v", len(page.Snapshots), err)
		}
		if err := there.DeleteSnapshot(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if err := here.PutKey(t.Context(), jobs.Key{ID: id}); err != nil {
			t.Fatal(err)
		}
		if _, err := there.GetKey(t.Context(), id); err != nil {
			t.Fatalf("the key %s is not known: %v", id, err)
		}
	}
}

// TestATailReadsWhatItWasNotToldOf, in order, each once, and asks for no more than what is there.
func TestATailReadsWhatItWasNotToldOf(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	var got []string
	deaf := s.newTail(queueStream, queuePrefix+">", func(m message) {
		j, err := decodeSummary(m.data)
		if err != nil {
			t.Error(err)
		}
		got = append(got, j.Job.JobID)
	})
	expect := func(want ...string) {
		t.Helper()
		if err := deaf.current(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	expect()
	enqueue(t, s, job("a", "owner"), job("b", "other"), job("c", "owner"))
	expect("a", "b", "c")
	enqueue(t, s, job("d", "owner"))
	expect("a", "b", "c", "d")
	enqueue(t, s, job("e", "late"), job("f", "late"))
	for range 6 { // the newest are gone from the queue before anybody looks
		d := take(t, s)
		if err := d.Done(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	expect("a", "b", "c", "d")
	if seen, _ := deaf.position(); seen != 6 {
		t.Errorf("it knows of %d messages", seen)
	}
}

// TestAJobStaysWithAWorkerThatIsNotHeard: a worker that shows life, but not to the server, keeps its job; one that does not, loses it.
func TestAJobStaysWithAWorkerThatIsNotHeard(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t, func(c *Config) { c.AckWait = time.Second })
	other := neighbour(t, s)
	enqueue(t, s, job("job-1", "owner"))
	d := take(t, s).(*delivery)
	beat := time.NewTicker(100 * time.Millisecond)
	defer beat.Stop()
	taken := make(chan jobs.Delivery, 1)
	go func() {
		if d, err := other.Next(t.Context()); err == nil {
			taken <- d
		}
	}()
	for range 35 { // it is delivered again three times
		select {
		case <-beat.C:
			d.beaten.Store(time.Now().UnixNano()) // what Alive does before it tells the server
		case <-taken:
			t.Fatal("the job was taken from a worker that is alive")
		}
	}
	d.Leave()
	if again := <-taken; again.ID() != "job-1" || again.Attempt() < 2 {
		t.Errorf("%s, attempt %d", again.ID(), again.Attempt())
	}
}
