package runner_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

func TestPartsPassThrough(t *testing.T) {
	dir := t.TempDir()
	done := []backend.Part{{Key: "a", Path: "a.part", Rows: 3, SHA256: "aa"}}
	const parts = 500 // more than a reader takes at once
	got := make(chan backend.Submission, 1)
	r := start(t, func(_ context.Context, job *runner.Job) (backend.Result, error) {
		s := job.Submission()
		s.WorkDir, _ = job.WorkDir()
		got <- s
		for i := range parts {
			job.Part(backend.Part{Key: fmt.Sprint(i)})
		}
		return &backend.ScanResult{Success: true}, nil
	}, runner.WithShards())
	want := backend.Submission{Request: &backend.ScanRequest{}, WorkDir: dir, Parts: done, Shard: []string{"b"}}
	job, err := r.Submit(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, <-got); d != "" {
		t.Errorf("submission (-want +got):\n%s", d)
	}
	events := watch(t, r, job.JobID, 0)
	next := 0
	for _, e := range events {
		if e.Kind == backend.EventPart {
			if e.Part.Key != fmt.Sprint(next) {
				t.Fatalf("the part %s came in place of %d", e.Part.Key, next)
			}
			next++
		}
	}
	if next != parts || !events[len(events)-1].Terminal() {
		t.Errorf("%d of %d parts came before the terminal event", next, parts)
	}
}

func TestWhatAnIdempotencyKeyStandsFor(t *testing.T) {
	r := start(t, succeed, runner.WithShards())
	submit := func(change func(*backend.Submission)) (string, error) {
		s := backend.Submission{Request: &backend.ScanRequest{}, IdempotencyKey: "key", WorkDir: t.TempDir(), Parts: []backend.Part{{Key: "a"}}}
		change(&s)
		job, err := r.Submit(t.Context(), s)
		return job.JobID, err
	}
	first, err := submit(func(*backend.Submission) {})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := submit(func(s *backend.Submission) { s.WorkDir = "" }); err != nil || again != first {
		t.Errorf("in another folder: %q, %v", again, err)
	}
	for name, change := range map[string]func(*backend.Submission){
		"other parts":   func(s *backend.Submission) { s.Parts = nil },
		"another shard": func(s *backend.Submission) { s.Shard = []string{"a"} },
	} {
		if _, err := submit(change); fault.CodeOf(err) != fault.Conflict {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheTenantThatAJobHasFound(t *testing.T) {
	r := start(t, func(_ context.Context, job *runner.Job) (backend.Result, error) {
		job.Tenant("found")
		job.Tenant("found") // is no news
		return &backend.ScanResult{Success: true}, nil
	})
	job, err := r.Submit(t.Context(), backend.Submission{Request: &backend.ScanRequest{}})
	if err != nil {
		t.Fatal(err)
	}
	var tenants []string
	for _, e := range watch(t, r, job.JobID, 0) {
		tenants = append(tenants, string(e.Status.Status)+" "+e.Status.TenantID)
	}
	if d := cmp.Diff([]string{"pending ", "running ", "running found", "completed found"}, tenants); d != "" {
		t.Errorf("states (-want +got):\n%s", d)
	}
}

func TestShardsAreRefusedUnlessTheBackendTakesThem(t *testing.T) {
	submit := func(r *runner.Runner, request backend.Request) error {
		_, err := r.Submit(t.Context(), backend.Submission{Request: request, Shard: []string{"a"}})
		return err
	}
	if err := submit(start(t, succeed), &backend.ScanRequest{}); fault.CodeOf(err) != fault.Unsupported {
		t.Errorf("without shards: %v", err)
	}
	r := start(t, succeed, runner.WithShards())
	if err := submit(r, &backend.SpecGenerationRequest{}); fault.CodeOf(err) != fault.Unsupported {
		t.Errorf("of what is no scan: %v", err)
	}
	if err := submit(r, &backend.ScanRequest{}); err != nil {
		t.Errorf("of a scan: %v", err)
	}
}
