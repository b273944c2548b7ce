package runner_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

func start(t *testing.T, work runner.Work, options ...runner.Option) *runner.Runner {
	t.Helper()
	r := runner.New(runner.Works{backend.OpScan: work, backend.OpGenerateSpec: work}, options...)
	t.Cleanup(func() {
		if err := r.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return r
}

func submit(t *testing.T, r *runner.Runner) string {
	t.Helper()
	job, err := r.Submit(t.Context(), backend.Submission{Request: &backend.ScanRequest{TenantID: "t"}})
	if err != nil {
		t.Fatalf("Submit: %v", err)
	}
	return job.JobID
}

func watch(t *testing.T, r *runner.Runner, id string, after uint64) []backend.Event {
	t.Helper()
	var events []backend.Event
	if err := r.WatchJob(t.Context(), id, after, func(e backend.Event) error {
		events = append(events, e)
		return nil
	}); err != nil {
		t.Fatalf("WatchJob: %v", err)
	}
	return events
}

func succeed(context.Context, *runner.Job) (backend.Result, error) {
	return &backend.ScanResult{Success: true, Complete: true}, nil
}

func untilCancelled(started chan<- struct{}) runner.Work {
	return func(ctx context.Context, _ *runner.Job) (backend.Result, error) {
		started <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}
}

func TestAJobRunsToItsResult(t *testing.T) {
	r := start(t, func(_ context.Context, job *runner.Job) (backend.Result, error) {
		job.Log(backend.LevelInfo, "hello %d", 1)
		for i := range int64(1000) {
			job.Progress(backend.Progress{Phase: "count", Done: i + 1, Total: 1000})
		}
		job.Part(backend.Part{Key: "a"})
		return &backend.ScanResult{Success: true, Resources: 7}, nil
	})
	id := submit(t, r)
	events := watch(t, r, id, 0)

	var kinds []backend.EventKind
	var last uint64
	for _, e := range events {
		if e.Seq <= last {
			t.Fatalf("event %d came behind %d", e.Seq, last)
		}
		last = e.Seq
		if e.Kind != backend.EventProgress {
			kinds = append(kinds, e.Kind)
		}
	}
	want := []backend.EventKind{backend.EventStatus, backend.EventStatus, backend.EventLog, backend.EventPart, backend.EventStatus}
	if d := cmp.Diff(want, kinds); d != "" {
		t.Errorf("kinds of events (-want +got):\n%s", d)
	}
	if !events[len(events)-1].Terminal() {
		t.Error("the last event is not the terminal one")
	}

	replay := watch(t, r, id, 0)
	var progress []int64
	for _, e := range replay {
		if e.Kind == backend.EventProgress {
			progress = append(progress, e.Progress.Done)
		}
	}
	if d := cmp.Diff([]int64{1000}, progress); d != "" {
		t.Errorf("a late reader sees the latest progress alone (-want +got):\n%s", d)
	}
	if tail := watch(t, r, id, last-1); len(tail) != 1 || tail[0].Seq != last {
		t.Errorf("replay behind %d = %+v", last-1, tail)
	}

	result, err := r.GetResult(t.Context(), id)
	if err != nil || result.(*backend.ScanResult).Resources != 7 {
		t.Errorf("GetResult = %+v, %v", result, err)
	}
	job, err := r.GetJob(t.Context(), id)
	if err != nil || job.Status != backend.JobCompleted || *job.Progress != 1 || job.StartedAt == nil || job.CompletedAt == nil {
		t.Errorf("GetJob = %+v, %v", job, err)
	}
}

func TestAFailureKeepsItsFault(t *testing.T) {
	cases := map[string]struct {
		work runner.Work
		want fault.Code
	}{
		"a fault": {func(context.Context, *runner.Job) (backend.Result, error) {
			return nil, fault.New(fault.AzureForbidden, "no")
		}, fault.AzureForbidden},
		"plain error": {func(context.Context, *runner.Job) (backend.Result, error) { return nil, errors.New("boom") }, fault.Internal},
		"panic":       {func(context.Context, *runner.Job) (backend.Result, error) { panic("boom") }, fault.Internal},
		"nothing":     {func(context.Context, *runner.Job) (backend.Result, error) { return nil, nil }, fault.Internal},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := start(t, c.work)
			id := submit(t, r)
			watch(t, r, id, 0)
			job, err := r.GetJob(t.Context(), id)
			if err != nil || job.Status != backend.JobFailed || job.Fault.Code != c.want || job.Error == "" {
				t.Errorf("GetJob = %+v, %v", job, err)
			}
			_, err = r.GetResult(t.Context(), id)
			if fault.CodeOf(err) != fault.JobNotComplete || !errors.Is(err, fault.New(c.want, "")) {
				t.Errorf("GetResult: %v", err)
			}
		})
	}
}

func TestCancelWaitsForTheWorkToStop(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	stopped := false
	r := start(t, func(ctx context.Context, _ *runner.Job) (backend.Result, error) {
		close(started)
		<-ctx.Done()
		<-release
		stopped = true
		return nil, ctx.Err()
	})
	id := submit(t, r)
	<-started
	short, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.CancelJob(short, id); !errors.Is(err, context.Canceled) {
		t.Errorf("CancelJob with a dead context: %v", err)
	}
	close(release)
	job, err := r.CancelJob(t.Context(), id)
	if err != nil && fault.CodeOf(err) != fault.Conflict { // the first call may have ended it by now
		t.Fatalf("CancelJob: %v", err)
	}
	if job.Status != backend.JobCancelled || job.Fault.Code != fault.Cancelled || !stopped {
		t.Errorf("job = %+v, stopped = %v", job, stopped)
	}
	if _, err := r.CancelJob(t.Context(), id); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("a second CancelJob: %v", err)
	}
}

func TestALimitLeavesJobsPendingUntilCancelled(t *testing.T) {
	started := make(chan struct{}, 2)
	r := start(t, untilCancelled(started), runner.WithLimit(1))
	first := submit(t, r)
	<-started
	second := submit(t, r)
	if job, _ := r.GetJob(t.Context(), second); job.Status != backend.JobPending {
		t.Errorf("second job is %s", job.Status)
	}
	job, err := r.CancelJob(t.Context(), second)
	if err != nil || job.Status != backend.JobCancelled || job.StartedAt != nil {
		t.Errorf("CancelJob = %+v, %v", job, err)
	}
	page, err := r.ListJobs(t.Context(), backend.JobFilter{Limit: 1})
	if err != nil || len(page.Jobs) != 1 || page.Jobs[0].JobID != second {
		t.Fatalf("ListJobs = %+v, %v", page, err)
	}
	page, err = r.ListJobs(t.Context(), backend.JobFilter{Limit: 1, Cursor: page.Cursor})
	if err != nil || len(page.Jobs) != 1 || page.Jobs[0].JobID != first || page.Cursor != "" {
		t.Errorf("second page = %+v, %v", page, err)
	}
}

func TestIdempotencyKeys(t *testing.T) {
	r := start(t, succeed)
	one := backend.Submission{Request: &backend.ScanRequest{TenantID: "a"}, IdempotencyKey: "k"}
	first, err := r.Submit(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.Submit(t.Context(), one)
	if err != nil || again.JobID != first.JobID {
		t.Errorf("the same content made %s, then %s: %v", first.JobID, again.JobID, err)
	}
	one.Request = &backend.ScanRequest{TenantID: "b"}
	if _, err := r.Submit(t.Context(), one); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("other content: %v", err)
	}
}

func TestUnknownJobs(t *testing.T) {
	r := start(t, succeed)
	_, get := r.GetJob(t.Context(), "x")
	_, result := r.GetResult(t.Context(), "x")
	_, cancel := r.CancelJob(t.Context(), "x")
	_, list := r.ListArtifacts(t.Context(), "x")
	watch := r.WatchJob(t.Context(), "x", 0, func(backend.Event) error { return nil })
	for call, err := range map[string]error{"get": get, "result": result, "cancel": cancel, "list": list, "watch": watch} {
		if !errors.Is(err, fault.ErrJobNotFound) {
			t.Errorf("%s: %v", call, err)
		}
	}
}

func TestWatchEndsWithItsReader(t *testing.T) {
	started := make(chan struct{}, 1)
	r := start(t, untilCancelled(started))
	id := submit(t, r)
	<-started
	enough := errors.New("enough")
	if err := r.WatchJob(t.Context(), id, 0, func(backend.Event) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("WatchJob = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := r.WatchJob(ctx, id, 0, func(e backend.Event) error {
		if e.Kind == backend.EventStatus && e.Status.Status == backend.JobRunning {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("WatchJob = %v", err)
	}
	if job, _ := r.GetJob(t.Context(), id); job.Status != backend.JobRunning {
		t.Errorf("the job is %s because nobody watches", job.Status)
	}
}

func TestInputsAndArtifacts(t *testing.T) {
	content := []byte("the specification")
	sum := sha256.Sum256(content)
	in := backend.Input{Path: "spec.md", Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
	r := start(t, func(_ context.Context, job *runner.Job) (backend.Result, error) {
		name, err := job.InputPath("spec.md")
		if err != nil {
			return nil, err
		}
		read, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		out, err := job.OutputDir()
		if err != nil {
			return nil, err
		}
		if err := os.Mkdir(filepath.Join(out, "sub"), 0o700); err != nil {
			return nil, err
		}
		return &backend.SpecGenerationResult{}, os.WriteFile(filepath.Join(out, "sub", "copy.md"), read, 0o600)
	})
	s := backend.Submission{Request: &backend.SpecGenerationRequest{}, Inputs: []backend.Input{in}}

	if _, err := r.Submit(t.Context(), s); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("Submit before PutInput: %v", err)
	}
	for name, bad := range map[string]string{"other": "THE SPECIFICATION", "longer": "the specification!", "shorter": "the"} {
		if err := r.PutInput(t.Context(), in, bytes.NewBufferString(bad)); fault.CodeOf(err) != fault.Integrity {
			t.Errorf("PutInput of %s content: %v", name, err)
		}
	}
	if err := r.PutInput(t.Context(), in, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	job, err := r.Submit(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	watch(t, r, job.JobID, 0)

	dir := t.TempDir()
	var reports []backend.Progress
	got, err := r.DownloadArtifacts(t.Context(), job.JobID, dir, func(p backend.Progress) { reports = append(reports, p) })
	if err != nil {
		t.Fatal(err)
	}
	want := []backend.Artifact{{Path: "sub/copy.md", Size: in.Size, SHA256: in.SHA256}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("artifacts (-want +got):\n%s", d)
	}
	if len(reports) != 1 || reports[0].Done != in.Size || reports[0].Total != in.Size {
		t.Errorf("progress = %+v", reports)
	}
	written, err := os.ReadFile(filepath.Join(dir, "sub", "copy.md"))
	if err != nil || !bytes.Equal(written, content) {
		t.Errorf("file = %q, %v", written, err)
	}
}

func TestBatchAnswersEachOnItsOwn(t *testing.T) {
	r := start(t, succeed)
	items, err := r.SubmitBatch(t.Context(), []backend.Submission{{Request: &backend.ScanRequest{}}, {}})
	if err != nil || len(items) != 2 || items[0].Job == nil || items[1].Fault == nil || items[1].Fault.Code != fault.InvalidArgument {
		t.Errorf("SubmitBatch = %+v, %v", items, err)
	}
	if _, err := r.SubmitBatch(t.Context(), make([]backend.Submission, backend.MaxBatch+1)); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("a batch too large: %v", err)
	}
}

func TestCloseEndsTheJobsAndRemovesTheirFiles(t *testing.T) {
	dirs := make(chan string, 1)
	r := runner.New(runner.Works{backend.OpScan: func(ctx context.Context, job *runner.Job) (backend.Result, error) {
		dir, err := job.WorkDir()
		if err != nil {
			return nil, fmt.Errorf("work folder: %w", err)
		}
		dirs <- dir
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	id := submit(t, r)
	dir := <-dirs
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if job, _ := r.GetJob(t.Context(), id); job.Status != backend.JobCancelled {
		t.Errorf("the job is %s", job.Status)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the job's folder is still there: %v", err)
	}
	if _, err := r.Submit(t.Context(), backend.Submission{Request: &backend.ScanRequest{}}); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("Submit behind Close: %v", err)
	}
}

func TestSubmitRefuses(t *testing.T) {
	refused := fault.New(fault.InvalidArgument, "not this tenant")
	r := start(t, succeed, runner.WithCheck(func(request backend.Request) error {
		if request.Tenant() == "bad" {
			return refused
		}
		return nil
	}))
	cases := map[string]struct {
		request backend.Request
		want    fault.Code
	}{
		"no request":        {nil, fault.InvalidArgument},
		"unknown operation": {&backend.VisualizationRequest{}, fault.Unsupported},
		"the check":         {&backend.ScanRequest{TenantID: "bad"}, fault.InvalidArgument},
		"nothing":           {&backend.ScanRequest{TenantID: "good"}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := r.Submit(t.Context(), backend.Submission{Request: c.request}); fault.CodeOf(err) != c.want {
				t.Errorf("Submit = %v, want %q", err, c.want)
			}
		})
	}
}
