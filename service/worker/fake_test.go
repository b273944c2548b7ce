package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/service/jobs/jobstest"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// program is a backend that runs in the test's own process: shared/runner with the work that a test gives it.
type program struct {
	*runner.Runner
	features  []backend.Feature
	snapshot  string // content of the one that it has
	configure func(backend.Settings) error
	list      func() error // before artifacts are listed
	shared    func(share float64)
	exited    chan struct{}
	once      sync.Once
}

func (p *program) Backend() backend.Backend { return p }
func (p *program) Exited() <-chan struct{}  { return p.exited }
func (p *program) Kill()                    { p.once.Do(func() { close(p.exited) }) }
func (p *program) Stop(ctx context.Context) error {
	err := p.Close(ctx)
	p.Kill()
	return err
}

// crash ends the process in the middle of its work.
func (p *program) crash() error {
	p.Kill()
	return fault.New(fault.BackendCrashed, "the backend was killed")
}

func (p *program) Describe(context.Context) (backend.Description, error) {
	return backend.Description{Name: "fake"}, nil
}

func (p *program) Configure(_ context.Context, s backend.Settings) error {
	if p.configure != nil {
		return p.configure(s)
	}
	return nil
}

func (p *program) Capabilities(context.Context) (backend.Capabilities, error) {
	return backend.Capabilities{
		Operations: []backend.Operation{backend.OpScan, backend.OpGenerateSpec, backend.OpGenerateIaC},
		Formats:    []string{"terraform"},
		Features:   append(runner.Features(), p.features...),
	}, nil
}

// SetShare is backend.Sharer.
func (p *program) SetShare(_ context.Context, share float64) error {
	if p.shared != nil {
		p.shared(share)
	}
	return nil
}

func (p *program) CheckHealth(context.Context) backend.Health { return backend.Health{Healthy: true} }

// ListArtifacts is backend.ArtifactStore.
func (p *program) ListArtifacts(ctx context.Context, id string) ([]backend.Artifact, error) {
	if p.list != nil {
		if err := p.list(); err != nil {
			return nil, err
		}
	}
	return p.Runner.ListArtifacts(ctx, id)
}

func (p *program) ListSnapshots(context.Context, backend.SnapshotFilter) (backend.SnapshotPage, error) {
	return backend.SnapshotPage{}, nil
}

func (p *program) GetSnapshot(_ context.Context, id string) (backend.SnapshotDetail, error) {
	return backend.SnapshotDetail{Snapshot: backend.Snapshot{ID: id, TenantID: "t1", JobID: "the backend's own", Complete: true}}, nil
}
func (p *program) DeleteSnapshot(context.Context, string) error { return nil }

func (p *program) FetchSnapshot(_ context.Context, id, dir string, _ func(backend.Progress)) (backend.Artifact, error) {
	name := id + ".db"
	return backend.Artifact{Path: name, Size: int64(len(p.snapshot)), SHA256: sum(p.snapshot)}, os.WriteFile(filepath.Join(dir, name), []byte(p.snapshot), 0o600)
}

func sum(content string) string {
	s := sha256.Sum256([]byte(content))
	return hex.EncodeToString(s[:])
}

// bench is a service without an API: its stores, and a worker whose backend does what work says.
type bench struct {
	t       *testing.T
	store   *jobstest.Store
	service *jobs.Service
	options Options
	owner   jobs.Caller
	made    time.Time // when the newest snapshot of keep was
	last    *program  // started last
	starts  int
	mu      sync.Mutex
}

type work func(ctx context.Context, p *program, job *runner.Job) (backend.Result, error)

func newBench(t *testing.T, do work, change func(*program)) *bench {
	t.Helper()
	b := &bench{t: t, store: jobstest.New(), owner: jobs.Caller{Key: "key", Tenants: []string{"*"}}}
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	b.service = jobs.New(jobs.Options{Records: b.store, Queue: b.store, Events: b.store, Files: b.store, Snapshots: b.store, Logger: logger})
	b.options = Options{
		Name: "w1", Records: b.store, Queue: b.store, Events: b.store, Files: b.store, Snapshots: b.store,
		Settings: func(string) (backend.Settings, error) { return backend.Settings{}, nil },
		Dir:      t.TempDir(), Concurrency: 4, RetryDelay: time.Nanosecond, Logger: logger,
	}
	b.options.Start = func(context.Context, string) (Program, error) {
		p := &program{exited: make(chan struct{}), features: []backend.Feature{backend.FeatureSnapshots}, snapshot: "graph"}
		run := func(ctx context.Context, job *runner.Job) (backend.Result, error) { return do(ctx, p, job) }
		p.Runner = runner.New(runner.Works{backend.OpScan: run, backend.OpGenerateSpec: run, backend.OpGenerateIaC: run}, runner.WithLogger(logger), runner.WithShards())
		if change != nil {
			change(p)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.last = p
		b.starts++
		return p, nil
	}
	return b
}

// work starts a worker, and answers a function that shuts it down and waits for it.
func (b *bench) work() (shutdown func()) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan error, 1)
	w := New(b.options)
	go func() { ended <- w.Run(ctx) }()
	var once sync.Once
	shutdown = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				b.t.Errorf("Run: %v", err)
			}
		})
	}
	b.t.Cleanup(shutdown)
	return shutdown
}

func (b *bench) submit(r backend.Request, inputs ...backend.Input) string {
	b.t.Helper()
	job, _, err := b.service.Submit(b.t.Context(), b.owner, backend.Submission{Request: r, Inputs: inputs}, "")
	if err != nil {
		b.t.Fatal(err)
	}
	return job.JobID
}

// end waits for the end of a job and answers its record.
func (b *bench) end(id string) jobs.Record {
	b.t.Helper()
	b.until(id, func(s backend.JobStatusResponse) bool { return s.Status.Terminal() })
	r, _, err := b.store.Get(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// until waits for a state of a job.
func (b *bench) until(id string, is func(backend.JobStatusResponse) bool) {
	b.t.Helper()
	s, err := b.service.StatusWhen(b.t.Context(), b.owner, id, func(s backend.JobStatusResponse) bool { return !is(s) }, time.Minute)
	if err != nil || !is(s) {
		b.t.Fatalf("the job is %+v, %v", s, err)
	}
}

// events are all of a job that has ended.
func (b *bench) events(id string) (all []backend.Event) {
	b.t.Helper()
	err := b.service.Watch(b.t.Context(), b.owner, id, 0, func(e backend.Event) error { all = append(all, e); return nil })
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

func scanned() (backend.Result, error) {
	return &backend.ScanResult{Success: true, Complete: true, Resources: 7, Snapshot: &backend.Snapshot{ID: "snap", TenantID: "t1", Complete: true}}, nil
}
