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
	"os"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/host/checkpoint"
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
	// Command is how to call atg again with the same configuration and this backend, for hints; nil is
	// atg --backend NAME.
	Command func(name string) []string
	// Enqueue keeps a submission that could not be sent, for Task.Queue, and answers the id of what it kept;
	// nil keeps none.
	Enqueue func(ctx context.Context, u Unsent) (string, error)
	// Profile is the one in effect: a scan is resumed with that with which it was begun.
	Profile string
	// Checkpoints keeps the finished parts of scans, so that they can be resumed; nil keeps none.
	Checkpoints *checkpoint.Store
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
	if o.Command == nil {
		o.Command = func(name string) []string { return []string{"atg", "--backend", name} }
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
	Detach  bool   // do not wait for a durable job
	// Queue keeps the submission for later if the service cannot be reached. It wins over the fallback.
	Queue bool
	// Resume takes up a scan that is not whole, by the id of its job, the beginning of it, or checkpoint.Last:
	// its request holds, and Request may not contradict it.
	Resume string
	// Prepare is called with the backend that runs the task, before it is submitted: it completes Request with what only that backend
	// knows, as which of its snapshots are meant. Nil does nothing.
	Prepare func(ctx context.Context, s *Session) error
	Ending
}

// Ending says how the wait for a job ends, and where its files go.
type Ending struct {
	// OutputDir takes the job's files; empty leaves them with the backend.
	OutputDir string
	// OutputFile is the name in OutputDir of the one file that the job makes. Empty takes all of its files, under their own names.
	OutputFile string
	// Temporary brings the one file that the job makes into a folder of its own, which goes with Outcome.Discard. There is no OutputDir then.
	Temporary bool
	Overwrite bool // also files that atg did not write, or that somebody has changed since
	// CancelOnInterrupt cancels also a durable job when the user ends the command; otherwise it goes on.
	CancelOnInterrupt bool
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
	Queued  string                  // the id of what was kept for later; there is no job then
	Result  backend.Result          // nil if detached or queued
	Files   []string                // the files in OutputDir, as absolute paths
	Detail  *backend.SnapshotDetail // of a scan's snapshot, where the backend keeps them

	temporary string // the folder of Ending.Temporary
}

// Discard removes the files of Ending.Temporary. It may come for any outcome, and for none.
func (o *Outcome) Discard() {
	if o != nil && o.temporary != "" {
		_ = os.RemoveAll(o.temporary)
	}
}

// ExecuteScan scans a tenant. An incomplete scan answers its outcome and fault.Incomplete.
func (d *ExecutionDispatcher) ExecuteScan(ctx context.Context, request *backend.ScanRequest, task Task) (*Outcome, error) {
	task.Request = request
	return d.Execute(ctx, task)
}

// ExecuteIaCGeneration generates code into task.OutputDir; FilesGenerated are then absolute paths.
// An incomplete result answers its outcome and fault.Incomplete.
func (d *ExecutionDispatcher) ExecuteIaCGeneration(ctx context.Context, request *backend.IaCGenerationRequest, task Task) (*Outcome, error) {
	task.Request = request
	return d.Execute(ctx, task)
}

// ExecuteTenantCreation deploys the specification in the local file spec, or plans to.
func (d *ExecutionDispatcher) ExecuteTenantCreation(ctx context.Context, request *backend.TenantCreationRequest, spec string, task Task) (*Outcome, error) {
	task.Request = request
	if spec != "" {
		task.Inputs = []File{{Path: request.Spec, File: spec}}
	}
	return d.Execute(ctx, task)
}

// Execute runs a task on the chosen backend, or on the fallback if nothing was submitted to the
// chosen one. An outcome beside an error is one that is not what was asked for: incomplete, or not
// successful.
func (d *ExecutionDispatcher) Execute(ctx context.Context, task Task) (*Outcome, error) {
	submission := backend.Submission{Request: task.Request, IdempotencyKey: newKey()}
	out, sent, err := d.attempt(ctx, d.options.Backend, task, submission)
	switch {
	case err == nil:
	case task.Queue:
		if d.canWait(ctx, out, err) {
			return d.enqueue(ctx, Unsent{Backend: d.options.Backend, Submission: submission, Files: task.Inputs, Ending: task.Ending, Doubtful: sent}, err)
		}
	case !sent && d.fallsBack(ctx, err):
		d.options.Note("backend %s cannot be used: %v", d.options.Backend, err)
		d.options.Note("falling back to %s, as the configuration allows", d.options.Fallback)
		out, _, err = d.attempt(ctx, d.options.Fallback, task, submission)
	}
	if err != nil && out != nil && out.Result == nil { // there was a job, but there is nothing to show of it
		out.Discard()
		out = nil
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
func (d *ExecutionDispatcher) attempt(ctx context.Context, name string, task Task, submission backend.Submission) (out *Outcome, sent bool, err error) {
	if err := checkOutput(task.OutputDir); err != nil {
		return nil, false, err
	}
	s, err := d.Open(ctx, name)
	if err != nil {
		return nil, false, err
	}
	defer s.Close(ctx)
	defer func() { err = s.addressed(err) }()
	if err := s.check(task); err != nil {
		return nil, false, err
	}
	if task.Prepare != nil {
		if err := task.Prepare(ctx, s); err != nil {
			return nil, false, err
		}
	}
	if task.Queue || d.options.Fallback != "" && d.options.Fallback != name {
		if err := s.Reach(ctx); err != nil {
			return nil, false, err
		}
	}
	if submission.Inputs, err = s.store(ctx, task.Inputs); err != nil {
		return nil, false, err
	}

	kept, err := s.resumable(task, &submission)
	if err != nil {
		return nil, false, err
	}
	defer func() { err = kept.end(ctx, err) }()
	job, err := s.Backend.Submit(ctx, submission)
	if err != nil {
		return nil, true, s.unanswered(ctx, err)
	}
	kept.began(job)
	job.Operation = task.Request.Operation()
	out = &Outcome{Backend: name, Job: job}
	if task.Detach {
		return out, true, nil
	}
	observer := d.options.Observe()
	defer observer.Close()
	return out, true, d.finish(ctx, s, task.Ending, out, kept.observe(observer))
}

// finish follows the job and fills its outcome.
func (d *ExecutionDispatcher) finish(ctx context.Context, s *Session, e Ending, out *Outcome, observer Observer) error {
	job, err := s.follow(ctx, out.Job.JobID, e, observer)
	if err != nil {
		return err
	}
	job.Operation = out.Job.Operation
	out.Job = job
	if err := failure(s.Name, job); err != nil {
		return err
	}
	if ctx.Err() != nil { // the job was quicker than the user: its result is there all the same
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), d.options.Grace)
		defer cancel()
	}
	return s.collect(ctx, e, out, observer)
}

// collect fetches the result and the files of a completed job.
func (s *Session) collect(ctx context.Context, e Ending, out *Outcome, observer Observer) error {
	id := out.Job.JobID
	result, err := s.Backend.GetResult(ctx, id)
	if err != nil {
		return s.goesOn(id, e, err)
	}
	if result == nil || result.Operation() != out.Job.Operation {
		return fault.New(fault.Internal, fmt.Sprintf("backend %s answered a result of another kind", s.Name),
			fault.On(id), fault.From(fault.OriginBackend))
	}
	switch {
	case e.Temporary:
		if err := s.downloadAside(ctx, id, e, out, observer); err != nil {
			return err
		}
	case e.OutputFile != "":
		if out.Files, err = s.downloadFile(ctx, id, e, observer); err != nil {
			return err
		}
	case e.OutputDir != "":
		if out.Files, err = s.download(ctx, id, out.Job.Operation, e, observer); err != nil {
			return err
		}
		if iac, ok := result.(*backend.IaCGenerationResult); ok {
			iac.FilesGenerated = out.Files
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
