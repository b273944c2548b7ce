package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// generate is what the double does for generate-iac: files that hold the id of the snapshot.
func (s *service) generate(_ context.Context, job *runner.Job) (backend.Result, error) {
	r := job.Submission().Request.(*backend.IaCGenerationRequest)
	s.mu.Lock()
	known := r.Snapshot == "" || slices.ContainsFunc(s.snapshots, func(have backend.Snapshot) bool { return have.ID == r.Snapshot })
	s.mu.Unlock()
	if !known {
		return nil, fault.New(fault.SnapshotNotFound, "there is no snapshot "+r.Snapshot)
	}
	dir, err := job.OutputDir()
	result := &backend.IaCGenerationResult{Success: true, Complete: true, OutputFormat: r.OutputFormat, Snapshot: r.Snapshot}
	if s.code != nil {
		s.code(result)
	}
	for _, name := range []string{"deploy.sh", "main.tf", "report.ndjson"} {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), []byte(r.Snapshot), 0o600))
		result.FilesGenerated = append(result.FilesGenerated, name)
	}
	return result, err
}

// TestTheLargestResultOfCodeArrives: whatever a result may list comes through REST as it was.
func TestTheLargestResultOfCodeArrives(t *testing.T) {
	var want backend.IaCGenerationResult
	s := newService()
	s.code = func(r *backend.IaCGenerationResult) {
		check := backend.Check{Tool: "terraform", Version: "1.9.8", State: backend.CheckFailed, Message: "m"}
		for i := range backend.MaxFindings {
			check.Findings = append(check.Findings, backend.CheckFinding{
				Resource: "r", File: "main.tf", Line: int64(i), Severity: backend.SeverityError, Message: fmt.Sprintf("%0300d", i),
			})
		}
		for i := range backend.MaxOmitted {
			r.Omitted = append(r.Omitted, backend.Omitted{Resource: fmt.Sprintf("/%0299d", i), Property: "p", Reason: "r", Trimmed: i > 500})
		}
		r.Complete, r.ResourcesOmitted, r.ResourcesTrimmed = false, 501, 5000
		r.Checks, r.Notes = []backend.Check{check, check}, []string{"a note"}
		want = *r
	}
	at := s.start(t)
	b := &remote{options: at.options(t)}
	t.Cleanup(func() { _ = b.Close(context.WithoutCancel(t.Context())) })
	settings := backend.Settings{"service_url": "https://example.com", "api_key": testKey, "ca_file": at.caFile, "job_poll_interval": "100ms"}
	if err := b.Configure(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	job, err := b.Submit(t.Context(), backend.Submission{Request: &backend.IaCGenerationRequest{OutputFormat: "terraform"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.WatchJob(t.Context(), job.JobID, 0, func(backend.Event) error { return nil }); err != nil {
		t.Fatal(err)
	}
	got, err := b.GetResult(t.Context(), job.JobID)
	want.FilesGenerated = []string{"deploy.sh", "main.tf", "report.ndjson"}
	if !cmp.Equal(backend.Result(&want), got) || err != nil {
		t.Errorf("arrived as %.300v, %v", got, err)
	}
}
