package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// fake is a backend and its process. Its zero value scans at once and keeps what it was asked for.
type fake struct {
	schema    string
	can       backend.Capabilities // zero is: scan, nothing else
	events    []backend.Event      // before the terminal one
	result    backend.Result
	end       backend.JobStatusResponse // zero is completed
	configure func(backend.Settings) error
	health    backend.Health // zero is healthy
	submit    func(backend.Submission) error
	watch     func(ctx context.Context, yield func(backend.Event) error) error
	cancel    func(ctx context.Context) error
	artifacts []backend.Artifact
	fill      func(dir string) []backend.Artifact
	download  func(dir string) ([]backend.Artifact, error) // instead of fill
	snapshot  backend.Snapshot

	mu         sync.Mutex
	calls      []string
	submission backend.Submission
	inputs     map[string]string
	exited     chan struct{}
	exit       sync.Once
}

func (f *fake) called(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *fake) Backend() backend.Backend { return f }
func (f *fake) Exited() <-chan struct{}  { return f.exited }
func (f *fake) die()                     { f.exit.Do(func() { close(f.exited) }) }
func (f *fake) Kill()                    { f.called("kill"); f.die() }
func (f *fake) Stop(context.Context) error {
	f.called("stop")
	f.die()
	return nil
}

func (f *fake) Describe(context.Context) (backend.Description, error) {
	f.called("describe")
	return backend.Description{Name: "fake", SettingsSchema: json.RawMessage(f.schema)}, nil
}

func (f *fake) Configure(_ context.Context, s backend.Settings) error {
	f.called("configure")
	if f.configure != nil {
		return f.configure(s)
	}
	return nil
}

func (f *fake) Capabilities(context.Context) (backend.Capabilities, error) {
	f.called("capabilities")
	if f.can.Operations == nil {
		f.can.Operations = []backend.Operation{backend.OpScan}
	}
	return f.can, nil
}

func (f *fake) CheckHealth(context.Context) backend.Health {
	f.called("health")
	if f.health.Message == "" && f.health.Dependencies == nil {
		return backend.Health{Healthy: true}
	}
	return f.health
}

func (f *fake) Submit(_ context.Context, s backend.Submission) (backend.JobStatusResponse, error) {
	f.called("submit %s", s.Request.Operation())
	f.submission = s
	if f.submit != nil {
		if err := f.submit(s); err != nil {
			return backend.JobStatusResponse{}, err
		}
	}
	return backend.JobStatusResponse{JobID: "job-1", Operation: s.Request.Operation(), Status: backend.JobPending}, nil
}

func (f *fake) GetJob(context.Context, string) (backend.JobStatusResponse, error) {
	return f.terminal(), nil
}

func (f *fake) terminal() backend.JobStatusResponse {
	end := f.end
	if end.Status == "" {
		end.Status = backend.JobCompleted
	}
	end.JobID = "job-1"
	return end
}

func status(s backend.JobStatusResponse) backend.Event {
	return backend.Event{Kind: backend.EventStatus, Status: &s}
}

func (f *fake) WatchJob(ctx context.Context, id string, _ uint64, yield func(backend.Event) error) error {
	f.called("watch %s", id)
	if f.watch != nil {
		return f.watch(ctx, yield)
	}
	for _, e := range append(f.events, status(f.terminal())) {
		if err := yield(e); err != nil {
			return err
		}
	}
	return nil
}

func (f *fake) GetResult(ctx context.Context, id string) (backend.Result, error) {
	f.called("result %s", id)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if f.result == nil {
		return &backend.ScanResult{Success: true, Complete: true, Resources: 7}, nil
	}
	return f.result, nil
}

func (f *fake) CancelJob(ctx context.Context, id string) (backend.JobStatusResponse, error) {
	f.called("cancel %s", id)
	if f.cancel != nil {
		return backend.JobStatusResponse{}, f.cancel(ctx)
	}
	return backend.JobStatusResponse{}, fault.New(fault.Conflict, "finished")
}

func (f *fake) Close(context.Context) error { return nil }

func (f *fake) PutInput(_ context.Context, in backend.Input, content io.Reader) error {
	b, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	f.inputs[in.Path] = fmt.Sprintf("%s %d %s", b, in.Size, in.SHA256)
	return nil
}

func (f *fake) ListArtifacts(context.Context, string) ([]backend.Artifact, error) {
	return f.artifacts, nil
}

func (f *fake) DownloadArtifacts(_ context.Context, _, dir string, progress func(backend.Progress)) ([]backend.Artifact, error) {
	progress(backend.Progress{Phase: "download", Done: 1, Total: 1})
	if f.download != nil {
		return f.download(dir)
	}
	return f.fill(dir), nil
}

func (f *fake) ListSnapshots(context.Context, backend.SnapshotFilter) (backend.SnapshotPage, error) {
	return backend.SnapshotPage{Snapshots: []backend.Snapshot{f.snapshot}}, nil
}

func (f *fake) GetSnapshot(_ context.Context, id string) (backend.SnapshotDetail, error) {
	if id != f.snapshot.ID {
		return backend.SnapshotDetail{}, fault.New(fault.SnapshotNotFound, "no such snapshot")
	}
	return backend.SnapshotDetail{Snapshot: f.snapshot}, nil
}

func (f *fake) DeleteSnapshot(context.Context, string) error { return nil }

func (f *fake) FetchSnapshot(_ context.Context, _, dir string, progress func(backend.Progress)) (backend.Artifact, error) {
	progress(backend.Progress{Phase: "fetch", Done: 1, Total: 1})
	return f.fill(dir)[0], nil
}

var (
	_ backend.Backend       = (*fake)(nil)
	_ backend.InputStore    = (*fake)(nil)
	_ backend.ArtifactStore = (*fake)(nil)
	_ backend.SnapshotStore = (*fake)(nil)
	_ Program               = (*fake)(nil)
)

// recorder is an observer and the receiver of notes.
type recorder struct {
	mu     sync.Mutex
	events []backend.Event
	notes  []string
	closed bool
}

func (r *recorder) Event(e backend.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func (r *recorder) Close() { r.closed = true }

func (r *recorder) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// dispatcher dispatches to fakes by name; "fake" is chosen unless o says otherwise.
func dispatcher(t *testing.T, fakes map[string]*fake, o Options) (*ExecutionDispatcher, *recorder) {
	t.Helper()
	r := &recorder{}
	for _, f := range fakes {
		f.exited, f.inputs = make(chan struct{}), map[string]string{}
	}
	if o.Backend == "" {
		o.Backend = "fake"
	}
	o.Observe, o.Note = func() Observer { return r }, r.note
	if o.Start == nil {
		o.Start = func(_ context.Context, name string) (Program, error) {
			f, ok := fakes[name]
			if !ok {
				return nil, fault.New(fault.BackendNotFound, "no backend "+name)
			}
			return f, nil
		}
	}
	return New(o), r
}
