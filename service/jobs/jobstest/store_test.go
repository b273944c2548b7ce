package jobstest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/service/jobs/jobstest"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

func record(id, owner string) jobs.Record {
	return jobs.Record{
		Job:   backend.JobStatusResponse{JobID: id, Operation: backend.OpScan, Status: backend.JobPending, CreatedAt: time.Unix(1, 0).UTC()},
		Owner: owner, Content: "content of " + id,
	}
}

func enqueue(t *testing.T, s *jobstest.Store, records ...jobs.Record) {
	t.Helper()
	for _, r := range records {
		if _, created, err := s.Enqueue(t.Context(), r); err != nil || !created {
			t.Fatalf("Enqueue(%s) = created %v, %v", r.Job.JobID, created, err)
		}
	}
}

func TestOwnersAreServedInTurn(t *testing.T) {
	s := jobstest.New()
	s.PerOwner = 2
	enqueue(t, s, record("a1", "a"), record("a2", "a"), record("a3", "a"), record("b1", "b"))
	var got []string
	for range 3 {
		d, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, d.ID())
	}
	if diff := cmp.Diff([]string{"a1", "b1", "a2"}, got); diff != "" {
		t.Error(diff)
	}
	if n, err := s.Depth(t.Context()); n != 1 || err != nil {
		t.Errorf("Depth = %d, %v; a3 should wait", n, err)
	}
}

func TestAnExpiredJobIsDeliveredAgain(t *testing.T) {
	s := jobstest.New()
	enqueue(t, s, record("j", "a"))
	dead, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Expire("j")
	if err := dead.Done(t.Context()); err == nil {
		t.Error("a worker that was given up ended the job")
	}
	d, err := s.Next(t.Context())
	if err != nil || d.Attempt() != 2 {
		t.Fatalf("Next = %v, %v; want attempt 2", d, err)
	}
	if err := d.Bury(t.Context(), "poison"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"j": "poison"}, s.Buried()); diff != "" {
		t.Error(diff)
	}
}

func TestUpdateComparesRevisionsAndWakes(t *testing.T) {
	s := jobstest.New()
	enqueue(t, s, record("j", "a"))
	if _, created, err := s.Enqueue(t.Context(), record("j", "a")); created || err != nil {
		t.Errorf("the same job was created twice, %v", err)
	}
	changed, forget := s.Changed("j")
	defer forget()
	r, was, err := s.Get(t.Context(), "j")
	if err != nil {
		t.Fatal(err)
	}
	r.Job.Status = backend.JobRunning
	if _, err := s.Update(t.Context(), r, was); err != nil {
		t.Fatal(err)
	}
	<-changed
	if _, err := s.Update(t.Context(), r, was); !errors.Is(err, jobs.ErrChanged) {
		t.Errorf("a second update of the same revision: %v", err)
	}
	if s.Waiters() != 0 {
		t.Errorf("%d waiters are left", s.Waiters())
	}
}

func TestWatchReplaysAndEndsBehindTheTerminalEvent(t *testing.T) {
	s := jobstest.New()
	enqueue(t, s, record("j", "a"))
	for n := range 3 {
		e := backend.Event{Seq: jobs.Seq(1, uint32(n+1)), Kind: backend.EventProgress, Progress: &backend.Progress{Phase: "resources", Done: int64(n), Total: 4}}
		if err := s.Append(t.Context(), "j", e); err != nil {
			t.Fatal(err)
		}
	}
	var got []uint64
	done := make(chan error, 1)
	first := make(chan struct{}, 10)
	go func() {
		done <- s.Watch(t.Context(), "j", jobs.Seq(1, 1), func(e backend.Event) error {
			got = append(got, e.Seq)
			first <- struct{}{}
			return nil
		})
	}()
	<-first
	r, was, _ := s.Get(t.Context(), "j")
	now := time.Unix(2, 0).UTC()
	r.Job.Status, r.Job.CompletedAt = backend.JobCompleted, &now
	if _, err := s.Update(t.Context(), r, was); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint64{jobs.Seq(1, 2), jobs.Seq(1, 3), jobs.Seq(1, 4)}, got); diff != "" {
		t.Error(diff)
	}
	if s.Waiters() != 0 {
		t.Errorf("%d waiters are left", s.Waiters())
	}
}

func TestCallsFailOnDemand(t *testing.T) {
	s := jobstest.New()
	full := errors.New("disk full")
	s.FailWith(func(call string) error {
		if call == "Enqueue" {
			return full
		}
		return nil
	})
	if _, _, err := s.Enqueue(t.Context(), record("j", "a")); !errors.Is(err, full) {
		t.Errorf("Enqueue = %v", err)
	}
	s.FailWith(nil)
	enqueue(t, s, record("j", "a"))
	ended, end := context.WithCancel(t.Context())
	end()
	if _, _, err := s.Get(ended, "j"); !errors.Is(err, context.Canceled) {
		t.Errorf("Get with an ended context = %v", err)
	}
}

func TestListPages(t *testing.T) {
	s := jobstest.New()
	for n := range 5 {
		enqueue(t, s, record(fmt.Sprint("j", n), "a"), record(fmt.Sprint("k", n), "b"))
	}
	var got []string
	filter := backend.JobFilter{Limit: 2}
	for {
		page, err := s.List(t.Context(), "a", filter)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range page.Jobs {
			got = append(got, j.JobID)
		}
		if filter.Cursor = page.Cursor; filter.Cursor == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"j4", "j3", "j2", "j1", "j0"}, got); diff != "" {
		t.Error(diff)
	}
}
