package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// fake is a backend in this process: real jobs, invented work.
type fake struct {
	*runner.Runner
	health    backend.Health
	snapshots []backend.Snapshot
	schema    string          // of its settings; empty takes none
	request   backend.Request // of the last scan; of a backend whose jobs end with the command
	stopped   int
	key       string // that the service takes; empty takes any
	settings  backend.Settings
	lose      bool // the answers to submissions, which are taken all the same
	refuse    func(backend.Submission) error
	batches   []int // sizes
	cut       int   // after so many batches the connection is lost; 0 is never, -1 at once
	durable   bool  // jobs outlive a command
	// code is what generate-iac answers, and the files that it makes; nil is a backend without it.
	code  *backend.IaCGenerationResult
	files map[string]string
	// specification is what generate-spec answers; it makes files too. Nil is a backend without it.
	specification *backend.SpecGenerationResult
	// difference is what snapshot-diff answers; it makes files too. Nil is a backend without it.
	difference *backend.SnapshotDiffResult
	// export is what snapshot-export answers; it makes files too. Nil is a backend without it.
	export *backend.SnapshotExportResult
	// path and reach are what snapshot-path and snapshot-reach answer; nil is a backend without them.
	path  *backend.SnapshotPathResult
	reach *backend.SnapshotReachResult
	// answer is what snapshot-query answers; it makes files too. Nil is a backend without it.
	answer *backend.SnapshotQueryResult
	// create does create-tenant; nil is a backend without it.
	create runner.Work
	// next is what is started after this one, for commands that start a backend twice; nil is this one again.
	next    *fake
	started bool
}

func newFake(scan runner.Work) *fake {
	f := &fake{health: backend.Health{Healthy: true}, snapshots: []backend.Snapshot{
		{ID: "snap-2", TenantID: "t", TenantName: "Contoso", CreatedAt: time.Date(2026, 9, 2, 0, 0, 0, 0, time.UTC), Complete: true, Resources: 7, Size: 5000},
		{ID: "snap-1", TenantID: "t", CreatedAt: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)},
	}}
	f.Runner = runner.New(runner.Works{backend.OpScan: func(ctx context.Context, job *runner.Job) (backend.Result, error) {
		if !f.durable {
			f.request = job.Submission().Request
		}
		if scan != nil {
			return scan(ctx, job)
		}
		return &backend.ScanResult{Success: true, Complete: true, Subscriptions: 1, Resources: 7, DurationSeconds: 2, Snapshot: &f.snapshots[0]}, nil
	}, backend.OpVisualize: func(_ context.Context, job *runner.Job) (backend.Result, error) {
		if !f.durable {
			f.request = job.Submission().Request
		}
		dir, err := job.OutputDir()
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "tenant.html"), []byte("<html>"), 0o600)
		}
		return &backend.VisualizationResult{Success: true, Complete: true, Nodes: 3}, err
	}, backend.OpGenerateIaC: f.generate, backend.OpGenerateSpec: f.generateSpec, backend.OpSnapshotDiff: f.compare, backend.OpSnapshotQuery: f.ask, backend.OpSnapshotPath: f.findPath, backend.OpSnapshotReach: f.findReach, backend.OpSnapshotExport: f.exportSnapshot, backend.OpCreateTenant: func(ctx context.Context, job *runner.Job) (backend.Result, error) {
		return f.create(ctx, job)
	}})
	return f
}

// make notes the request and makes the files.
func (f *fake) make(job *runner.Job) error {
	f.request = job.Submission().Request
	dir, err := job.OutputDir()
	for name, content := range f.files {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	return err
}

func (f *fake) generateSpec(_ context.Context, job *runner.Job) (backend.Result, error) {
	return f.specification, f.make(job)
}

func (f *fake) compare(_ context.Context, job *runner.Job) (backend.Result, error) {
	return f.difference, f.make(job)
}

func (f *fake) exportSnapshot(_ context.Context, job *runner.Job) (backend.Result, error) {
	return f.export, f.make(job)
}

func (f *fake) findPath(_ context.Context, job *runner.Job) (backend.Result, error) {
	f.request = job.Submission().Request
	return f.path, nil
}

func (f *fake) findReach(_ context.Context, job *runner.Job) (backend.Result, error) {
	return f.reach, f.make(job)
}

func (f *fake) ask(_ context.Context, job *runner.Job) (backend.Result, error) {
	return f.answer, f.make(job)
}

func (f *fake) generate(_ context.Context, job *runner.Job) (backend.Result, error) {
	result := *f.code
	return &result, f.make(job)
}

func (f *fake) Describe(context.Context) (backend.Description, error) {
	return backend.Description{Name: "fake", Version: "1.0.0", Protocol: backend.Protocol, SettingsSchema: json.RawMessage(f.schema)}, nil
}

func (f *fake) Configure(_ context.Context, s backend.Settings) error {
	f.settings = s
	return nil
}

// Capabilities are told to nobody whose key the service does not take.
func (f *fake) Capabilities(context.Context) (backend.Capabilities, error) {
	if f.key != "" && f.settings["api_key"] != f.key {
		return backend.Capabilities{}, fault.New(fault.AuthFailed, "no such key")
	}
	can := backend.Capabilities{Operations: []backend.Operation{backend.OpScan, backend.OpVisualize}, Features: append(runner.Features(), backend.FeatureSnapshots)}
	if f.code != nil {
		can.Operations = append(can.Operations, backend.OpGenerateIaC)
	}
	if f.specification != nil {
		can.Operations = append(can.Operations, backend.OpGenerateSpec)
	}
	if f.answer != nil {
		can.Operations = append(can.Operations, backend.OpSnapshotQuery)
	}
	if f.difference != nil {
		can.Operations = append(can.Operations, backend.OpSnapshotDiff)
	}
	if f.export != nil {
		can.Operations = append(can.Operations, backend.OpSnapshotExport)
	}
	if f.path != nil {
		can.Operations = append(can.Operations, backend.OpSnapshotPath, backend.OpSnapshotReach)
	}
	if f.create != nil {
		can.Operations = append(can.Operations, backend.OpCreateTenant)
	}
	if f.durable {
		can.Features = append(can.Features, backend.FeatureDurableJobs)
	}
	return can, nil
}

func (f *fake) CheckHealth(context.Context) backend.Health {
	if f.key != "" && f.settings["api_key"] != f.key {
		return backend.Health{Dependencies: []backend.Dependency{{Name: "key", Fault: fault.New(fault.AuthFailed, "no such key")}}}
	}
	return f.health
}

// Submit is the runner's, as far as refuse and lose allow.
func (f *fake) Submit(ctx context.Context, s backend.Submission) (backend.JobStatusResponse, error) {
	if f.refuse != nil {
		if err := f.refuse(s); err != nil {
			return backend.JobStatusResponse{}, err
		}
	}
	job, err := f.Runner.Submit(ctx, s)
	if f.lose {
		return backend.JobStatusResponse{}, fault.New(fault.ServiceUnavailable, "connection lost")
	}
	return job, err
}

// SubmitBatch submits each, and answers as long as cut allows.
func (f *fake) SubmitBatch(ctx context.Context, submissions []backend.Submission) ([]backend.BatchItem, error) {
	f.batches = append(f.batches, len(submissions))
	if f.cut != 0 && len(f.batches) > f.cut {
		return nil, fault.New(fault.ServiceUnavailable, "connection lost")
	}
	items := make([]backend.BatchItem, len(submissions))
	for i, s := range submissions {
		if job, err := f.Submit(ctx, s); err != nil {
			items[i].Fault = fault.Of(err)
		} else {
			items[i].Job = &job
		}
	}
	return items, nil
}

// ListSnapshots answers one a page.
func (f *fake) ListSnapshots(_ context.Context, filter backend.SnapshotFilter) (backend.SnapshotPage, error) {
	switch {
	case len(f.snapshots) == 0:
		return backend.SnapshotPage{}, nil
	case filter.Cursor == "":
		return backend.SnapshotPage{Snapshots: f.snapshots[:1], Cursor: "next", Broken: []backend.BrokenSnapshot{{ID: "bad", Reason: "cut short"}}}, nil
	}
	return backend.SnapshotPage{Snapshots: f.snapshots[1:]}, nil
}

func (f *fake) index(id string) int {
	return slices.IndexFunc(f.snapshots, func(s backend.Snapshot) bool { return s.ID == id })
}

func (f *fake) GetSnapshot(_ context.Context, id string) (backend.SnapshotDetail, error) {
	i := f.index(id)
	if i < 0 {
		return backend.SnapshotDetail{}, fault.New(fault.SnapshotNotFound, "there is no snapshot "+id)
	}
	return backend.SnapshotDetail{Snapshot: f.snapshots[i], ByType: []backend.Count{{Key: "microsoft.web/sites", Count: 7}}}, nil
}

func (f *fake) DeleteSnapshot(_ context.Context, id string) error {
	f.snapshots = slices.Delete(f.snapshots, f.index(id), f.index(id)+1)
	return nil
}

func (f *fake) FetchSnapshot(_ context.Context, id, dir string, _ func(backend.Progress)) (backend.Artifact, error) {
	a := backend.Artifact{Path: id + ".db", Size: 4, SHA256: "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7"} // of "data"
	return a, os.WriteFile(filepath.Join(dir, a.Path), []byte("data"), 0o600)
}

var (
	_ backend.Backend       = (*fake)(nil)
	_ backend.SnapshotStore = (*fake)(nil)
)

// program is a fake as a dispatch.Program.
type program struct {
	*fake
	exited chan struct{}
}

func (p program) Backend() backend.Backend { return p.fake }
func (p program) Exited() <-chan struct{}  { return p.exited }
func (p program) Kill()                    {}
func (p program) Stop(ctx context.Context) error {
	p.stopped++
	if p.durable {
		return nil
	}
	return p.Close(ctx)
}

// result is what a command came to.
type result struct {
	code     int
	out, err string
}

// stdin is what stands on standard input: the variable STDIN.
func stdin(env []string) string {
	for _, v := range env {
		if text, ok := strings.CutPrefix(v, "STDIN="); ok {
			return text
		}
	}
	return ""
}

// atg runs a command with f as every backend. The configuration is a newcomer's, with env beside it.
func atg(t *testing.T, ctx context.Context, f *fake, env []string, args ...string) result {
	t.Helper()
	return seeing(t, ctx, f, env, nil, args...)
}

// seeing is atg that shows what was printed to seen.
func seeing(t *testing.T, ctx context.Context, f *fake, env []string, seen func(ui.Document), args ...string) result {
	t.Helper()
	var out, err bytes.Buffer
	home := t.TempDir()
	var g grammar
	parser, fail := newParser(&g, args)
	if fail != nil {
		t.Fatal(fail)
	}
	a := &app{flags: &g.globals, root: parser.Model.Node, backends: &dispatch.Processes{}, seen: seen}
	a.process = Process{Args: args, Environ: append([]string{"HOME=" + home, "AppData=" + home, "LocalAppData=" + home, "ATG_KEYRING=off"}, env...)}
	a.process.Streams.In, a.process.Streams.Out, a.process.Streams.Err = strings.NewReader(stdin(env)), &out, &err
	if f != nil {
		a.start = func(context.Context, string) (dispatch.Program, error) {
			if f.started && f.next != nil {
				f = f.next
			}
			f.started = true
			return program{f, make(chan struct{})}, nil
		}
	}
	code := run(ctx, a, &g, parser)
	return result{code, out.String(), err.String()}
}
