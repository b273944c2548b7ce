package worker

import (
	"context"
	"encoding/json"
	"errors"
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

func TestAScan(t *testing.T) {
	b := newBench(t, func(_ context.Context, _ *program, job *runner.Job) (backend.Result, error) {
		job.Progress(backend.Progress{Phase: "resources", Done: 7, Total: 7, Unit: "rows"})
		job.Log(backend.LevelWarn, "one thing")
		dir, err := job.OutputDir()
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, "report.txt"), []byte("report"), 0o600); err != nil {
			return nil, err
		}
		return scanned()
	}, nil)
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	b.work()
	r := b.end(id)
	if r.Job.Status != backend.JobCompleted || r.Job.Attempt != 1 || len(r.History) != 1 || r.History[0].EndedAt == nil || *r.Job.Progress != 1 {
		t.Errorf("record %+v", r)
	}
	var result backend.ScanResult
	if err := json.Unmarshal(r.Result, &result); err != nil || result.Resources != 7 || result.Snapshot.JobID != id {
		t.Errorf("result %s, %v", r.Result, err)
	}
	want := []backend.Artifact{{Path: "report.txt", Size: 6, SHA256: sum("report")}, {Path: "snap.db", Size: 5, SHA256: sum("graph")}}
	if files, err := b.service.Artifacts(t.Context(), b.owner, id); err != nil || !cmp.Equal(want, files) {
		t.Errorf("files %+v, %v", files, err)
	}
	for path, want := range map[string]string{"report.txt": "report", "snap.db": "graph"} {
		f, err := b.service.OpenArtifact(t.Context(), b.owner, id, path)
		if err != nil {
			t.Fatal(err)
		}
		if content, _ := io.ReadAll(f); string(content) != want {
			t.Errorf("%s holds %q", path, content)
		}
	}
	d, err := b.service.GetSnapshot(t.Context(), b.owner, "snap")
	if err != nil || d.Snapshot.JobID != id || d.Snapshot.SHA256 != sum("graph") || d.Snapshot.Size != 5 {
		t.Errorf("snapshot %+v, %v", d, err)
	}
	if f, err := b.service.OpenSnapshot(t.Context(), b.owner, "snap"); err != nil {
		t.Error(err)
	} else if content, _ := io.ReadAll(f); string(content) != "graph" {
		t.Errorf("snapshot file %q", content)
	}

	var kinds []backend.EventKind
	var last uint64
	for _, e := range b.events(id) {
		if e.Seq <= last {
			t.Errorf("number %d behind %d", e.Seq, last)
		}
		last = e.Seq
		if e.Status != nil && e.Status.JobID != id {
			t.Errorf("a status of job %q", e.Status.JobID)
		}
		if e.Kind != backend.EventProgress || e.Progress.Phase == "resources" { // not that of files on their way
			kinds = append(kinds, e.Kind)
		}
	}
	kindsWanted := []backend.EventKind{backend.EventStatus, backend.EventStatus, backend.EventStatus, backend.EventProgress, backend.EventLog, backend.EventStatus}
	if diff := cmp.Diff(kindsWanted, kinds); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if left, _ := os.ReadDir(b.options.Dir); len(left) > 0 {
		t.Errorf("the job's folder is left: %v", left)
	}
}

func TestACrashIsTriedAgain(t *testing.T) {
	crashes := 1
	b := newBench(t, func(_ context.Context, p *program, _ *runner.Job) (backend.Result, error) {
		if crashes > 0 {
			crashes--
			return nil, p.crash()
		}
		return scanned()
	}, nil)
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	b.work()
	r := b.end(id)
	if r.Job.Status != backend.JobCompleted || r.Job.Attempt != 2 || len(r.History) != 2 || r.History[0].Fault.Code != fault.BackendCrashed {
		t.Errorf("record %+v", r)
	}
}

func TestAPoisonJobIsGivenUp(t *testing.T) {
	b := newBench(t, func(_ context.Context, p *program, _ *runner.Job) (backend.Result, error) { return nil, p.crash() }, nil)
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	shutdown := b.work()
	r := b.end(id)
	shutdown()
	f := r.Job.Fault
	if r.Job.Status != backend.JobFailed || len(r.History) != 3 || f.Code != fault.JobFailed || len(f.Problems) != 3 || f.Hint == "" {
		t.Errorf("record %+v, fault %+v", r, f)
	}
	if reason := b.store.Buried()[id]; !strings.Contains(reason, "3 attempts") {
		t.Errorf("dead letter %q", reason)
	}
}

func TestAnErrorThatStays(t *testing.T) {
	b := newBench(t, func(context.Context, *program, *runner.Job) (backend.Result, error) {
		return nil, fault.New(fault.AzureAuthRequired, "no credential worked", fault.Hint("run az login"), fault.From(fault.OriginAzure))
	}, nil)
	b.options.Attempts = 1
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	shutdown := b.work()
	r := b.end(id)
	shutdown()
	if reason, buried := b.store.Buried()[id]; buried {
		t.Errorf("what the backend found is a dead letter: %s", reason)
	}
	f := r.Job.Fault
	if r.Job.Status != backend.JobFailed || len(r.History) != 1 || f.Code != fault.AzureAuthRequired || f.Message != "no credential worked" {
		t.Errorf("record %+v, fault %+v", r, f)
	}
	if !strings.Contains(f.Hint, "operator") || !strings.Contains(f.Hint, "t1") || strings.Contains(f.Hint, "az login") {
		t.Errorf("hint %q", f.Hint)
	}
}

func TestCancel(t *testing.T) {
	stopped := make(chan struct{})
	b := newBench(t, func(ctx context.Context, _ *program, job *runner.Job) (backend.Result, error) {
		job.Progress(backend.Progress{Phase: "deep", Done: 1})
		<-ctx.Done()
		close(stopped)
		return nil, ctx.Err()
	}, nil)
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	b.work()
	b.until(id, func(s backend.JobStatusResponse) bool { return s.Phase == "deep" })
	status, ok, err := b.service.Cancel(t.Context(), b.owner, id, time.Minute)
	if err != nil || !ok || status.Status != backend.JobCancelled {
		t.Errorf("Cancel = %+v, %v, %v", status, ok, err)
	}
	<-stopped
	if _, _, err := b.service.Cancel(t.Context(), b.owner, id, time.Minute); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("the second Cancel = %v", err)
	}
}

func TestCancelledBeforeItsBegin(t *testing.T) {
	b := newBench(t, func(_ context.Context, _ *program, job *runner.Job) (backend.Result, error) {
		if job.Submission().Request.Tenant() == "never" {
			t.Error("the cancelled job was begun")
		}
		return scanned()
	}, nil)
	b.options.Concurrency = 1
	id := b.submit(&backend.ScanRequest{TenantID: "never"})
	if s, ok, err := b.service.Cancel(t.Context(), b.owner, id, 0); err != nil || !ok || s.Status != backend.JobCancelled {
		t.Fatalf("Cancel = %+v, %v, %v", s, ok, err)
	}
	next := b.submit(&backend.ScanRequest{TenantID: "t1"})
	shutdown := b.work()
	if r := b.end(next); r.Job.Status != backend.JobCompleted {
		t.Errorf("the next job is %s", r.Job.Status)
	}
	shutdown()
	if n, _ := b.store.Depth(t.Context()); n != 0 {
		t.Errorf("%d jobs are left in the queue", n)
	}
	if last := b.events(id); len(last) == 0 || last[len(last)-1].Status.Status != backend.JobCancelled {
		t.Errorf("events %+v", last)
	}
}

func TestAShutdownGivesItsJobsBack(t *testing.T) {
	begun := make(chan struct{}, 2)
	hold := make(chan struct{})
	b := newBench(t, func(ctx context.Context, _ *program, _ *runner.Job) (backend.Result, error) {
		begun <- struct{}{}
		select {
		case <-hold:
			return scanned()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}, nil)
	b.options.Attempts = 1 // a shutdown is not counted
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	shutdown := b.work()
	<-begun
	shutdown()
	s, err := b.service.Status(t.Context(), b.owner, id)
	if err != nil || s.Status != backend.JobRunning {
		t.Fatalf("the job is %+v, %v", s, err)
	}
	close(hold)
	b.options.Name = "w2"
	b.work()
	r := b.end(id)
	if r.Job.Status != backend.JobCompleted || r.Job.Attempt != 2 || r.History[0].Worker != "w1" || r.History[1].Worker != "w2" {
		t.Errorf("record %+v", r)
	}
}

func TestALostWorkerDoesNotEndTheJobOfAnother(t *testing.T) {
	begun, hold := make(chan int, 2), []chan struct{}{make(chan struct{}), make(chan struct{})}
	n := 0
	b := newBench(t, func(context.Context, *program, *runner.Job) (backend.Result, error) {
		mine := n
		n++
		begun <- mine
		<-hold[mine]
		if mine == 0 {
			return nil, fault.New(fault.ExecutionFailed, "too late")
		}
		return scanned()
	}, nil)
	b.options.Alive = time.Hour // it shows no life
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	first := b.work()
	<-begun
	b.store.Expire(id)
	<-begun // by the same worker's other hand
	close(hold[0])
	close(hold[1])
	b.end(id)
	first()
	r, _, _ := b.store.Get(t.Context(), id)
	if r.Job.Status != backend.JobCompleted || r.Job.Attempt != 2 || r.History[0].Fault.Code != fault.BackendCrashed {
		t.Errorf("record %+v", r)
	}
}

func TestDeadline(t *testing.T) {
	b := newBench(t, func(ctx context.Context, _ *program, _ *runner.Job) (backend.Result, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}, nil)
	b.service = jobs.New(jobs.Options{Records: b.store, Queue: b.store, Events: b.store, Files: b.store, Snapshots: b.store, JobTimeout: 50 * time.Millisecond})
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	b.work()
	if r := b.end(id); r.Job.Status != backend.JobFailed || r.Job.Fault.Code != fault.Timeout || r.Job.Fault.Hint == "" {
		t.Errorf("record %+v", r)
	}
}

func TestPartsSurviveACrash(t *testing.T) {
	write := func(job *runner.Job, name, content string) error {
		dir, err := job.WorkDir()
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(dir, "s1"), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "s1", name), []byte(content), 0o600); err != nil {
			return err
		}
		job.Part(backend.Part{Key: "s1/" + name, Path: "s1/" + name, Rows: 1, SHA256: sum(content)})
		return nil
	}
	var b *bench
	var again []backend.Part
	do := func(ctx context.Context, p *program, job *runner.Job) (backend.Result, error) {
		if len(job.Submission().Parts) == 0 {
			if err := write(job, "resources", "rows"); err != nil {
				return nil, err
			}
			return nil, crashBehind(ctx, t, b, p)
		}
		again = job.Submission().Parts
		dir, _ := job.WorkDir()
		content, err := os.ReadFile(filepath.Join(dir, "s1", "resources"))
		if err != nil || string(content) != "rows" {
			t.Errorf("the part holds %q, %v", content, err)
		}
		return scanned()
	}
	b = newBench(t, do, func(p *program) { p.features = append(p.features, backend.FeatureParts) })
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	shutdown := b.work()
	r := b.end(id)
	shutdown()
	want := []backend.Part{{Key: "s1/resources", Path: "s1/resources", Rows: 1, SHA256: sum("rows")}}
	if diff := cmp.Diff(want, again); diff != "" || r.Job.Status != backend.JobCompleted {
		t.Errorf("record %+v, parts (-want +got):\n%s", r, diff)
	}
	if _, err := b.store.Stat(t.Context(), jobs.FileName{Kind: jobs.KindPart, Of: id, Path: "s1/resources"}); !errors.Is(err, jobs.ErrNotFound) {
		t.Errorf("the part of an ended job is kept: %v", err)
	}
}

// crashBehind crashes the backend once the one job's part is kept.
func crashBehind(ctx context.Context, t *testing.T, b *bench, p *program) error {
	page, err := b.store.List(ctx, "", backend.JobFilter{})
	if err != nil || len(page.Jobs) != 1 {
		t.Errorf("jobs %+v, %v", page, err)
		return err
	}
	kept := errors.New("kept")
	err = b.store.Watch(ctx, page.Jobs[0].JobID, 0, func(e backend.Event) error {
		if e.Kind == backend.EventPart {
			return kept
		}
		return nil
	})
	if !errors.Is(err, kept) {
		t.Errorf("Watch: %v", err)
	}
	return p.crash()
}

func TestAnotherJobReadsTheSnapshot(t *testing.T) {
	var read string
	b := newBench(t, func(_ context.Context, _ *program, job *runner.Job) (backend.Result, error) {
		r, ok := job.Submission().Request.(*backend.SpecGenerationRequest)
		if !ok {
			return scanned()
		}
		path, err := job.InputPath(SnapshotInput + r.Snapshot)
		if err != nil {
			return nil, err
		}
		content, err := os.ReadFile(path)
		read = string(content)
		return &backend.SpecGenerationResult{Success: true, Complete: true, Snapshot: r.Snapshot}, err
	}, nil)
	if _, _, err := b.service.Submit(t.Context(), b.owner, backend.Submission{Request: &backend.SpecGenerationRequest{TenantID: "t1"}}, ""); fault.CodeOf(err) != fault.SnapshotNotFound {
		t.Errorf("before any scan: %v", err)
	}
	shutdown := b.work()
	b.end(b.submit(&backend.ScanRequest{TenantID: "t1"}))
	shutdown()
	b.options.Name, b.options.Dir = "another machine", t.TempDir()
	b.work()
	r := b.end(b.submit(&backend.SpecGenerationRequest{TenantID: "t1"}))
	if r.Job.Status != backend.JobCompleted || read != "graph" {
		t.Errorf("read %q, record %+v", read, r)
	}
}

func TestNoCredentialForTheTenant(t *testing.T) {
	b := newBench(t, func(context.Context, *program, *runner.Job) (backend.Result, error) { return scanned() }, nil)
	b.options.Settings = func(tenant string) (backend.Settings, error) {
		return nil, fault.New(fault.AzureAuthRequired, "no credential for "+tenant)
	}
	id := b.submit(&backend.ScanRequest{TenantID: "t9"})
	b.work()
	if r := b.end(id); r.Job.Fault == nil || r.Job.Fault.Code != fault.AzureAuthRequired || !strings.Contains(r.Job.Fault.Hint, "t9") || b.starts != 0 {
		t.Errorf("record %+v", r)
	}
}

func TestAStoreThatFailsIsHeldAgainstTheJob(t *testing.T) {
	b := newBench(t, func(context.Context, *program, *runner.Job) (backend.Result, error) { return scanned() }, nil)
	b.store.FailWith(func(call string) error {
		if call == "Put" {
			return fault.New(fault.ServiceUnavailable, "the disk of the service is full", fault.Retryable())
		}
		return nil
	})
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	b.work()
	r := b.end(id)
	if f := r.Job.Fault; r.Job.Status != backend.JobFailed || len(r.History) != 3 || f.Code != fault.JobFailed || !strings.Contains(r.Job.Error, "disk") {
		t.Errorf("record %+v, fault %v", r, f)
	}
}
