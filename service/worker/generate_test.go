package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// generating is a bench whose backend generates a file out of the snapshot that it was given. It tells nobody which one that was.
func generating(t *testing.T, answer func() *backend.IaCGenerationResult) *bench {
	t.Helper()
	return newBench(t, func(_ context.Context, _ *program, job *runner.Job) (backend.Result, error) {
		path, err := job.InputPath(SnapshotInput + job.Submission().Request.(*backend.IaCGenerationRequest).Snapshot)
		if err != nil {
			return nil, err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		dir, err := job.OutputDir()
		if err != nil {
			return nil, err
		}
		return answer(), os.WriteFile(filepath.Join(dir, "main.tf"), content, 0o600)
	}, nil)
}

// keep stores a complete snapshot of tenant t1 that holds its own id, newer than those before.
func (b *bench) keep(ids ...string) {
	b.t.Helper()
	for _, id := range ids {
		b.made = b.made.Add(time.Hour)
		s := backend.Snapshot{ID: id, TenantID: "t1", Complete: true, CreatedAt: b.made, Size: int64(len(id)), SHA256: sum(id)}
		if _, err := b.store.Put(b.t.Context(), jobs.SnapshotFile(s), strings.NewReader(id), nil); err != nil {
			b.t.Fatal(err)
		}
		if err := b.store.PutSnapshot(b.t.Context(), backend.SnapshotDetail{Snapshot: s}); err != nil {
			b.t.Fatal(err)
		}
	}
}

func plain() *backend.IaCGenerationResult {
	return &backend.IaCGenerationResult{Success: true, Complete: true, OutputFormat: "terraform", FilesGenerated: []string{"main.tf"}}
}

// generated answers the result and the only file of a job that has completed.
func (b *bench) generated(id string) (result backend.IaCGenerationResult, file string) {
	b.t.Helper()
	r := b.end(id)
	if r.Job.Status != backend.JobCompleted {
		b.t.Fatalf("the job is %s: %v", r.Job.Status, r.Job.Fault)
	}
	if err := json.Unmarshal(r.Result, &result); err != nil {
		b.t.Fatal(err)
	}
	f, err := b.service.OpenArtifact(b.t.Context(), b.owner, id, "main.tf")
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(f)
	if err != nil {
		b.t.Fatal(err)
	}
	return result, string(content)
}

// TestCodeIsOfTheSnapshotThatWasChosen: the one that is the newest at submission, or the one that is named; and the result
// says which.
func TestCodeIsOfTheSnapshotThatWasChosen(t *testing.T) {
	b := generating(t, plain)
	request := func(snapshot string) *backend.IaCGenerationRequest {
		return &backend.IaCGenerationRequest{TenantID: "t1", OutputFormat: "terraform", Snapshot: snapshot}
	}
	b.keep("s1", "s2")
	newest, named := b.submit(request("")), b.submit(request("s1"))
	b.keep("s3") // comes too late
	b.work()
	for id, want := range map[string]string{newest: "s2", named: "s1", b.submit(request("")): "s3"} {
		if result, file := b.generated(id); result.Snapshot != want || file != want {
			t.Errorf("the code is of %q and says %q, not %s", file, result.Snapshot, want)
		}
	}
}

func TestSnapshotsThatCannotBeRead(t *testing.T) {
	b := generating(t, plain)
	b.keep("s1")
	request := &backend.IaCGenerationRequest{TenantID: "t1", OutputFormat: "terraform", Snapshot: "s1"}
	for name, c := range map[string]struct {
		caller   jobs.Caller
		tenant   string
		snapshot string
	}{
		"one that is unknown":         {b.owner, "t1", "s9"},
		"one of another key's tenant": {jobs.Caller{Key: "other", Tenants: []string{"t2"}}, "t2", "s1"},
		"without a tenant":            {jobs.Caller{Key: "other", Tenants: []string{"t2", "t3"}}, "", "s1"},
		"none yet":                    {b.owner, "t2", ""},
	} {
		_, _, err := b.service.Submit(t.Context(), c.caller, backend.Submission{
			Request: &backend.IaCGenerationRequest{TenantID: c.tenant, OutputFormat: "terraform", Snapshot: c.snapshot},
		}, "")
		if f := fault.Of(err); err == nil || f.Code != fault.SnapshotNotFound || !strings.Contains(f.Hint, "atg scan") {
			t.Errorf("%s: %+v", name, f)
		}
	}

	id := b.submit(request)
	if err := b.service.DeleteSnapshot(t.Context(), b.owner, "s1"); err != nil {
		t.Fatal(err)
	}
	b.work()
	if f := b.end(id).Job.Fault; f == nil || f.Code != fault.SnapshotNotFound || !strings.Contains(f.Message, "s1 was removed") || !strings.Contains(f.Hint, "atg scan") {
		t.Errorf("of one that is gone by now: %+v", f)
	}
}

// TestTheSnapshotSaysTheTenant: whoever names a snapshot need not name its tenant too.
func TestTheSnapshotSaysTheTenant(t *testing.T) {
	b := generating(t, plain)
	b.owner.Tenants = []string{"t1", "t2"}
	b.keep("s1")
	b.work()
	id := b.submit(&backend.IaCGenerationRequest{OutputFormat: "terraform", Snapshot: "s1"})
	if r := b.end(id); r.Job.Status != backend.JobCompleted || r.Job.TenantID != "t1" {
		t.Errorf("record %+v", r)
	}
}

// TestTheLargestResultArrives: as many entries of a result as there may be, each of 300 bytes.
func TestTheLargestResultArrives(t *testing.T) {
	want := plain()
	want.Complete, want.ResourcesOmitted, want.Snapshot = false, 5000, "s1"
	for i := range backend.MaxOmitted {
		want.Omitted = append(want.Omitted, backend.Omitted{Resource: fmt.Sprintf("/%0299d", i), Reason: "there is no type for it"})
	}
	check := backend.Check{Tool: "terraform", State: backend.CheckFailed}
	for i := range backend.MaxFindings {
		check.Findings = append(check.Findings, backend.CheckFinding{File: "main.tf", Line: int64(i + 1), Severity: backend.SeverityError, Message: fmt.Sprintf("%0300d", i)})
	}
	want.Checks = []backend.Check{check, check}
	b := generating(t, func() *backend.IaCGenerationResult { return want })
	b.keep("s1")
	b.work()
	id := b.submit(&backend.IaCGenerationRequest{TenantID: "t1", OutputFormat: "terraform"})
	if got, _ := b.generated(id); !cmp.Equal(*want, got) {
		t.Errorf("%d omitted, %d checks arrived", len(got.Omitted), len(got.Checks))
	}
}
