package store

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// A job's whole life.
func TestLife(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t, func(c *Config) { c.Logger = logTo(t) })
	ctx := t.Context()
	r := job("job-1", "owner-1")
	enqueue(t, s, r)
	d, err := s.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, d.Record()); diff != "" || d.Attempt() != 1 {
		t.Errorf("attempt %d: %s", d.Attempt(), diff)
	}
	started := epoch.Add(time.Second)
	r.Job.Status, r.Job.StartedAt = backend.JobRunning, &started
	revision, err := s.Update(ctx, r, 0)
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint32(3) {
		e := backend.Event{Seq: jobs.Seq(1, n+1), Time: started, Kind: backend.EventLog, Log: &backend.Log{Level: backend.LevelInfo, Message: "hello"}}
		if err := s.Append(ctx, "job-1", e); err != nil {
			t.Fatal(err)
		}
	}
	ended := epoch.Add(time.Minute)
	r.Job.Status, r.Job.CompletedAt = backend.JobCompleted, &ended
	if _, err := s.Update(ctx, r, revision); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(ctx, "job-1", backend.Event{Seq: jobs.Seq(1, 4), Time: ended, Kind: backend.EventStatus, Status: &r.Job}); err != nil {
		t.Fatal(err)
	}
	if err := d.Done(ctx); err != nil {
		t.Fatal(err)
	}
	var seen []uint64
	if err := s.Watch(ctx, "job-1", jobs.Seq(1, 1), func(e backend.Event) error { seen = append(seen, e.Seq); return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint64{jobs.Seq(1, 2), jobs.Seq(1, 3), jobs.Seq(1, 4)}, seen); diff != "" {
		t.Error(diff)
	}
	stored, created, err := s.Enqueue(ctx, job("job-1", "owner-1"))
	if err != nil || created || stored.Job.Status != backend.JobCompleted {
		t.Errorf("enqueued again: %v %v %v", stored.Job.Status, created, err)
	}
	content := bytes.Repeat([]byte("0123456789"), 1<<20)
	name := jobs.FileName{Kind: jobs.KindArtifact, Of: "job-1", Path: "a/b c.txt"}
	if _, err := s.Put(ctx, name, bytes.NewReader(content), nil); err != nil {
		t.Fatal(err)
	}
	f, err := s.Open(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes of %d: %v", len(got), len(content), err)
	}
}
