package store

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, child(context.Background(), dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// logTo logs warnings and errors to the test.
func logTo(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", bytes.TrimRight(p, "\n"))
	return len(p), nil
}

// embeddedStore opens a store of its own, changed by options.
func embeddedStore(t testing.TB, options ...func(*Config)) *Store {
	t.Helper()
	c := Config{DataDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}
	for _, o := range options {
		o(&c)
	}
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

// closeStore closes a store; the test's context has ended by then.
func closeStore(t testing.TB, s *Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

var epoch = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// job is a record as a submission makes it.
func job(id, owner string) jobs.Record {
	return jobs.Record{
		Job: backend.JobStatusResponse{
			JobID: id, Operation: backend.OpScan, TenantID: "tenant-1", Status: backend.JobPending, Attempt: 1, CreatedAt: epoch,
		},
		Owner: owner, Request: []byte(`{"tenant_id":"tenant-1"}`), Content: "content of " + id,
	}
}

func enqueue(t testing.TB, s *Store, records ...jobs.Record) {
	t.Helper()
	for _, r := range records {
		if _, created, err := s.Enqueue(t.Context(), r); err != nil || !created {
			t.Fatalf("%s: created %v: %v", r.Job.JobID, created, err)
		}
	}
}

// storeOn opens a store on a folder, which is closed with the test at the latest.
func storeOn(t testing.TB, dir string, options ...func(*Config)) *Store {
	t.Helper()
	return embeddedStore(t, append([]func(*Config){func(c *Config) { c.DataDir = dir }}, options...)...)
}

// neighbour opens a second store on the server of one.
func neighbour(t testing.TB, s *Store, options ...func(*Config)) *Store {
	t.Helper()
	c := Config{DataDir: s.config.DataDir, Logger: slog.New(slog.DiscardHandler), AckWait: s.config.AckWait, PerOwner: s.config.PerOwner}
	for _, o := range options {
		o(&c)
	}
	n, err := Connect(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, n) })
	return n
}

// eventually waits until a condition holds that something in the background brings about.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-t.Context().Done():
			t.Fatal(what)
		}
	}
}

// take takes the next job.
func take(t testing.TB, s *Store) jobs.Delivery {
	t.Helper()
	d, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// update changes a job's record.
func update(t testing.TB, s *Store, id string, change func(*jobs.Record)) jobs.Revision {
	t.Helper()
	r, was, err := s.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	change(&r)
	is, err := s.Update(t.Context(), r, was)
	if err != nil {
		t.Fatal(err)
	}
	return is
}

func run(r *jobs.Record) {
	at := epoch.Add(time.Second)
	r.Job.Status, r.Job.StartedAt = backend.JobRunning, &at
}

func complete(r *jobs.Record) {
	at := epoch.Add(time.Minute)
	r.Job.Status, r.Job.CompletedAt = backend.JobCompleted, &at
}

func ids(page backend.JobPage) []string {
	all := []string{}
	for _, j := range page.Jobs {
		all = append(all, j.JobID)
	}
	return all
}
