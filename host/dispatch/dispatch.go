// Package dispatch runs operations on backends: it chooses the backend, starts and configures it,
// submits a job, follows it to its end, and brings its result and files home. It knows neither the
// command line nor the terminal.
package dispatch

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// The backends that atg brings along.
const (
	Local  = "local"
	Remote = "remote"
)

// defaultGrace is how long a backend has to stop its work before it is killed.
const defaultGrace = 15 * time.Second

// Program is a backend's process.
type Program interface {
	Backend() backend.Backend
	// Exited is closed when the process has ended.
	Exited() <-chan struct{}
	// Stop closes the backend and lets its process end.
	Stop(ctx context.Context) error
	// Kill ends it and its children at once.
	Kill()
}

// Observer sees what happens to a job, in order. ui.Progress is one.
type Observer interface {
	Event(backend.Event)
	Close()
}

// Options say which backends there are and who watches.
type Options struct {
	Backend  string // the chosen one; empty is Local
	Fallback string // Local, to use it where the chosen one cannot be reached; empty is none
	// Start starts the program of a backend.
	Start func(ctx context.Context, name string) (Program, error)
	// Settings are a backend's own section of the configuration; nil is none.
	Settings func(name string) backend.Settings
	// Check compares a backend's section with the JSON Schema that the backend published; nil leaves that
	// to the backend's Configure.
	Check func(name string, schema json.RawMessage) error
	// Observe makes the observer of one job; nil sees nothing.
	Observe func() Observer
	// Note tells the user what the dispatcher does by itself; nil tells nobody.
	Note func(format string, args ...any)
	// Grace is how long a backend has to stop its work; 0 is 15 seconds.
	Grace time.Duration
}

// ExecutionDispatcher runs operations on the chosen backend.
type ExecutionDispatcher struct{ options Options }

// New makes a dispatcher.
func New(o Options) *ExecutionDispatcher {
	if o.Backend == "" {
		o.Backend = Local
	}
	if o.Settings == nil {
		o.Settings = func(string) backend.Settings { return nil }
	}
	if o.Check == nil {
		o.Check = func(string, json.RawMessage) error { return nil }
	}
	if o.Observe == nil {
		o.Observe = func() Observer { return blind{} }
	}
	if o.Note == nil {
		o.Note = func(string, ...any) {}
	}
	if o.Grace <= 0 {
		o.Grace = defaultGrace
	}
	return &ExecutionDispatcher{options: o}
}

type blind struct{}

func (blind) Event(backend.Event) {}
func (blind) Close()              {}

// Backend is the name of the chosen backend.
func (d *ExecutionDispatcher) Backend() string { return d.options.Backend }

// IsRemoteMode says whether operations go to the job service.
func (d *ExecutionDispatcher) IsRemoteMode() bool { return d.options.Backend == Remote }

// Task is an operation to run.
type Task struct {
	Request backend.Request
	Inputs  []File // what the operation reads
	// OutputDir takes the job's files; empty leaves them with the backend.
	OutputDir string
	Overwrite bool // also into an OutputDir that holds files already
	Detach    bool // do not wait for a durable job
}

// File is a local file that an operation reads.
type File struct {
	Path string // as the request names it: relative, with slashes
	File string // where it is
}

// Outcome is what came of a task.
type Outcome struct {
	Backend string // that ran it: the fallback, if it came to that
	Job     backend.JobStatusResponse
	Result  backend.Result          // nil if detached
	Files   []string                // the files in OutputDir, as absolute paths
	Detail  *backend.SnapshotDetail // of a scan's snapshot, where the backend keeps them
}

// ExecuteScan scans a tenant. An incomplete scan answers its outcome and fault.Incomplete.
func (d *ExecutionDispatcher) ExecuteScan(ctx context.Context, request *backend.ScanRequest, detach bool) (*Outcome, error) {
	return d.Execute(ctx, Task{Request: request, Detach: detach})
}

// ExecuteIaCGeneration generates code into task.OutputDir; FilesGenerated are then absolute paths.
// An incomplete result answers its outcome and fault.Incomplete.
func (d *ExecutionDispatcher) ExecuteIaCGeneration(ctx context.Context, request *backend.IaCGenerationRequest, task Task) (*Outcome, error) {
	task.Request = request
	out, err := d.Execute(ctx, task)
	if out != nil {
		if result, ok := out.Result.(*backend.IaCGenerationResult); ok && out.Files != nil {
			result.FilesGenerated = out.Files
		}
	}
	return out, err
}

// ExecuteTenantCreation deploys the specification in the local file spec, or plans to.
func (d *ExecutionDispatcher) ExecuteTenantCreation(ctx context.Context, request *backend.TenantCreationRequest, spec string, detach bool) (*Outcome, error) {
	task := Task{Request: request, Detach: detach}
	if spec != "" {
		task.Inputs = []File{{Path: request.Spec, File: spec}}
	}
	return d.Execute(ctx, task)
}

// Execute runs a task on the chosen backend, or on the fallback if nothing was submitted to the
// chosen one. An outcome beside an error is one that is not what was asked for: incomplete, or not
// successful.
func (d *ExecutionDispatcher) Execute(ctx context.Context, task Task) (*Outcome, error) {
	out, sent, err := d.attempt(ctx, d.options.Backend, task)
	if err != nil && !sent && d.fallsBack(ctx, err) {
		d.options.Note("backend %s cannot be used: %v", d.options.Backend, err)
		d.options.Note("falling back to %s, as the configuration allows", d.options.Fallback)
		out, _, err = d.attempt(ctx, d.options.Fallback, task)
	}
	return out, because(ctx, err)
}

// fallsBack says whether the fallback may take over: where the chosen backend cannot be had, never
// where a person has to act (a key, the configuration, a changed program), and never once the user
// has had enough.
func (d *ExecutionDispatcher) fallsBack(ctx context.Context, err error) bool {
	if d.options.Fallback == "" || d.options.Fallback == d.options.Backend || ctx.Err() != nil {
		return false
	}
	switch fault.CodeOf(err) {
	case fault.ServiceUnavailable, fault.Throttled, fault.RemoteFailed,
		fault.BackendNotFound, fault.BackendIncompatible, fault.BackendCrashed:
		return true
	}
	return false
}

// attempt runs a task on one backend. Sent says that it may have got the job.
func (d *ExecutionDispatcher) attempt(ctx context.Context, name string, task Task) (out *Outcome, sent bool, err error) {
	if task.OutputDir != "" {
		if err := checkOutput(task.OutputDir, task.Overwrite); err != nil {
			return nil, false, err
		}
	}
	s, err := d.Open(ctx, name)
	if err != nil {
		return nil, false, err
	}
	defer s.Close(ctx)
	if err := s.check(task); err != nil {
		return nil, false, err
	}
	if d.options.Fallback != "" && d.options.Fallback != name {
		if err := s.reach(ctx); err != nil {
			return nil, false, err
		}
	}
	submission := backend.Submission{Request: task.Request, IdempotencyKey: newKey()}
	if submission.Inputs, err = s.store(ctx, task.Inputs); err != nil {
		return nil, false, err
	}

	job, err := s.Backend.Submit(ctx, submission)
	if err != nil {
		return nil, true, err
	}
	out = &Outcome{Backend: name, Job: job}
	if task.Detach {
		return out, true, nil
	}
	err = d.finish(ctx, s, task, out)
	if out.Result == nil {
		out = nil
	}
	return out, true, err
}

// finish follows the job and fills its outcome.
func (d *ExecutionDispatcher) finish(ctx context.Context, s *Session, task Task, out *Outcome) error {
	observer := d.options.Observe()
	defer observer.Close()
	job, err := s.follow(ctx, out.Job.JobID, observer)
	if err != nil {
		return err
	}
	out.Job = job
	if err := failure(s.Name, job); err != nil {
		return err
	}
	if ctx.Err() != nil { // the job was quicker than the user: its result is there all the same
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), d.options.Grace)
		defer cancel()
	}
	result, err := s.Backend.GetResult(ctx, job.JobID)
	if err != nil {
		return err
	}
	if result == nil || result.Operation() != task.Request.Operation() {
		return fault.New(fault.Internal, fmt.Sprintf("backend %s answered a result of another kind", s.Name),
			fault.On(job.JobID), fault.From(fault.OriginBackend))
	}
	if task.OutputDir != "" {
		if out.Files, err = s.download(ctx, job.JobID, task.OutputDir, observer); err != nil {
			return err
		}
	}
	out.Result = result
	out.Detail = s.detail(ctx, result)
	return verdict(result)
}

// because gives the reason for an end that the user or the clock wanted: the cause of ctx.
func because(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	switch code := fault.CodeOf(err); {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), code == fault.Interrupted, code == fault.Timeout:
		if fault.As(err) == nil || fault.CodeOf(context.Cause(ctx)) != code {
			return context.Cause(ctx)
		}
	}
	return err
}

// failure is the fault of a job that did not complete.
func failure(name string, job backend.JobStatusResponse) error {
	switch job.Status {
	case backend.JobCompleted:
		return nil
	case backend.JobCancelled:
		f := fault.New(fault.Cancelled, "the job was cancelled", fault.On(job.JobID), fault.From(fault.OriginBackend))
		if job.Fault != nil {
			f.Hint = job.Fault.Hint
		}
		return f
	}
	if job.Fault == nil {
		message := job.Error
		if message == "" {
			message = fmt.Sprintf("backend %s gave no reason why the job failed", name)
		}
		return fault.New(fault.JobFailed, message, fault.On(job.JobID), fault.From(fault.OriginBackend))
	}
	f := *job.Fault
	switch {
	case !f.Code.Known(), f.Code == fault.Interrupted, f.Code == fault.Incomplete, f.Code == fault.Differences:
		f.Code = fault.JobFailed // the host's own verdicts are not a job's to give
	}
	if f.Origin == "" {
		f.Origin = fault.OriginBackend
	}
	return &f
}

// verdict is the fault of a result that is not what was asked for.
func verdict(r backend.Result) error {
	if ok, reason := succeeded(r); !ok {
		if reason == "" {
			reason = fmt.Sprintf("%s did not succeed", r.Operation())
		}
		return fault.New(fault.ExecutionFailed, reason, fault.From(fault.OriginBackend))
	}
	var missing string
	var hint fault.Option
	switch r := r.(type) {
	case *backend.ScanResult:
		gaps := r.Coverage.Gaps()
		if len(gaps) == 0 {
			break
		}
		missing = fmt.Sprintf("the scan is incomplete: %d of %d parts of it could not be read", len(gaps), len(r.Coverage.Entries))
		for _, g := range gaps {
			if g.Fault != nil && g.Fault.Hint != "" {
				hint = fault.Hint("%s", g.Fault.Hint)
				break
			}
		}
	case *backend.IaCGenerationResult:
		if len(r.Omitted) > 0 {
			missing = fmt.Sprintf("the generated code is incomplete: %d things were left out", len(r.Omitted))
		}
	}
	if missing == "" {
		if backend.Complete(r) {
			return nil
		}
		missing = fmt.Sprintf("the result of %s is incomplete", r.Operation())
	}
	f := fault.New(fault.Incomplete, missing, fault.From(fault.OriginBackend))
	if hint != nil {
		hint(f)
	}
	return f
}

func succeeded(r backend.Result) (ok bool, reason string) {
	switch r := r.(type) {
	case *backend.ScanResult:
		return r.Success, r.Error
	case *backend.IaCGenerationResult:
		return r.Success, r.Error
	case *backend.TenantCreationResult:
		return r.Success, r.Error
	case *backend.SpecGenerationResult:
		return r.Success, r.Error
	case *backend.VisualizationResult:
		return r.Success, r.Error
	}
	return true, ""
}

// newKey makes an idempotency key, so that a submission that is sent again is one job.
func newKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// list names things for a hint: scan, generate-iac.
func list[T ~string](things []T) string {
	names := make([]string, len(things))
	for i, t := range things {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}
