package store

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

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
