// Package runner is a job engine for backends whose jobs live and die with their process. A backend
// embeds a *Runner and supplies one function per operation, the work; the runner answers the job calls of the
// contract (package backend): submission with idempotency keys, states, ordered and replayable
// events, cancellation that waits, results, inputs, and artifacts.
package runner

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Work does what a job asks for. It returns when ctx is done, as soon as it can; what it returns then
// is ignored, unless it is a result. A panic fails the job with fault.Internal.
type Work func(ctx context.Context, job *Job) (backend.Result, error)

// Works says which function does which operation. Other operations are refused as unsupported.
type Works map[backend.Operation]Work

// Features are the features that a Runner gives the backend that embeds it; declare them.
func Features() []backend.Feature {
	return []backend.Feature{backend.FeatureListJobs, backend.FeatureBatch, backend.FeatureInputs, backend.FeatureArtifacts}
}

// Runner runs jobs. Make one with New; end it with Close.
type Runner struct {
	works Works
	check func(backend.Request) error
	log   *slog.Logger
	now   func() time.Time
	slots chan struct{} // nil is no limit
	cuts  bool          // works know of Submission.Shard

	mu     sync.Mutex
	jobs   map[string]*Job
	order  []*Job               // by creation
	keys   map[string]submitted // by idempotency key
	inputs map[string]struct{}  // SHA-256 of the stored ones
	root   string               // the folder for inputs, work and output; empty until needed
	closed bool
	alive  sync.WaitGroup
}

type submitted struct {
	job         *Job
	fingerprint [sha256.Size]byte
}

// Interface assertions: what embedding a Runner gives a backend.
var (
	_ backend.Lister        = (*Runner)(nil)
	_ backend.Batcher       = (*Runner)(nil)
	_ backend.InputStore    = (*Runner)(nil)
	_ backend.ArtifactStore = (*Runner)(nil)
)

// Option changes a default of New.
type Option func(*Runner)

// WithLogger logs to l instead of slog.Default.
func WithLogger(l *slog.Logger) Option { return func(r *Runner) { r.log = l } }

// WithLimit runs at most n jobs at once; the others stay pending. 0 is no limit, the default.
func WithLimit(n int) Option {
	return func(r *Runner) {
		if n > 0 {
			r.slots = make(chan struct{}, n)
		}
	}
}

// WithCheck refuses submissions whose request check returns an error for; the error is the answer.
func WithCheck(check func(backend.Request) error) Option { return func(r *Runner) { r.check = check } }

// WithShards takes shards of a scan, which are refused otherwise: the feature backend.FeatureShards, which the
// backend declares, and whose work it does.
func WithShards() Option { return func(r *Runner) { r.cuts = true } }

// New makes a runner for works.
func New(works Works, options ...Option) *Runner {
	r := &Runner{
		works: works, check: func(backend.Request) error { return nil }, log: slog.Default(), now: time.Now,
		jobs: map[string]*Job{}, keys: map[string]submitted{}, inputs: map[string]struct{}{},
	}
	for _, o := range options {
		o(r)
	}
	return r
}

// Submit starts a job. See backend.Backend.
func (r *Runner) Submit(ctx context.Context, s backend.Submission) (backend.JobStatusResponse, error) {
	if s.Request == nil {
		return backend.JobStatusResponse{}, fault.New(fault.InvalidArgument, "the submission has no request")
	}
	if _, ok := r.works[s.Request.Operation()]; !ok {
		return backend.JobStatusResponse{}, fault.New(fault.Unsupported, fmt.Sprintf("this backend does not do %s", s.Request.Operation()))
	}
	if len(s.Shard) > 0 && (!r.cuts || s.Request.Operation() != backend.OpScan) {
		return backend.JobStatusResponse{}, fault.New(fault.Unsupported, fmt.Sprintf("this backend does not do %s in shards", s.Request.Operation()))
	}
	if err := r.check(s.Request); err != nil {
		return backend.JobStatusResponse{}, err
	}
	fingerprint, err := fingerprintOf(s)
	if err != nil {
		return backend.JobStatusResponse{}, err
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return backend.JobStatusResponse{}, fault.New(fault.Conflict, "the backend is closing and takes no more jobs")
	}
	if s.IdempotencyKey != "" {
		if earlier, ok := r.keys[s.IdempotencyKey]; ok {
			if earlier.fingerprint != fingerprint {
				return backend.JobStatusResponse{}, fault.New(fault.Conflict,
					"the idempotency key was used for another submission", fault.On(earlier.job.id),
					fault.Hint("use a new key for new content"))
			}
			return earlier.job.status(), nil
		}
	}
	for _, in := range s.Inputs {
		if _, ok := r.inputs[in.SHA256]; !ok {
			return backend.JobStatusResponse{}, fault.New(fault.InvalidArgument,
				fmt.Sprintf("the input %q is not stored", in.Path), fault.Hint("send it with PutInput first"))
		}
	}

	jobCtx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	job := newJob(r, newID(), s, cancel)
	r.jobs[job.id] = job
	r.order = append(r.order, job)
	if s.IdempotencyKey != "" {
		r.keys[s.IdempotencyKey] = submitted{job, fingerprint}
	}
	answer := job.status()
	r.alive.Add(1)
	go r.run(jobCtx, job)
	return answer, nil
}

// SubmitBatch submits each on its own.
func (r *Runner) SubmitBatch(ctx context.Context, submissions []backend.Submission) ([]backend.BatchItem, error) {
	if len(submissions) > backend.MaxBatch {
		return nil, fault.Newf(fault.InvalidArgument, "a batch takes at most %d submissions, not %d", backend.MaxBatch, len(submissions))
	}
	items := make([]backend.BatchItem, len(submissions))
	for i, s := range submissions {
		job, err := r.Submit(ctx, s)
		if err != nil {
			items[i].Fault = fault.Of(err)
			continue
		}
		items[i].Job = &job
	}
	return items, nil
}

func (r *Runner) run(ctx context.Context, job *Job) {
	defer r.alive.Done()
	defer job.cancel(nil)
	if r.slots != nil {
		select {
		case r.slots <- struct{}{}:
			defer func() { <-r.slots }()
		case <-ctx.Done():
			job.finish(nil, context.Cause(ctx))
			return
		}
	}
	if !job.start() {
		return
	}
	result, err := r.guard(ctx, job)
	if err == nil && result == nil {
		err = fault.New(fault.Internal, "the job ended without a result")
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	job.finish(result, err)
}

// guard turns a panic of the work into a fault, so that one job never ends the others.
func (r *Runner) guard(ctx context.Context, job *Job) (result backend.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			r.log.ErrorContext(ctx, "a job panicked", "job_id", job.id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			result, err = nil, fault.Newf(fault.Internal, "the job ended in a panic: %v", p)
		}
	}()
	return r.works[job.submission.Request.Operation()](ctx, job)
}

// GetJob answers a job's present state.
func (r *Runner) GetJob(_ context.Context, id string) (backend.JobStatusResponse, error) {
	job, err := r.job(id)
	if err != nil {
		return backend.JobStatusResponse{}, err
	}
	return job.status(), nil
}

// ListJobs answers this process's jobs, newest first. The cursor is the id of the last one shown.
func (r *Runner) ListJobs(_ context.Context, f backend.JobFilter) (backend.JobPage, error) {
	r.mu.Lock()
	jobs := slices.Clone(r.order)
	r.mu.Unlock()
	slices.Reverse(jobs)
	if f.Cursor != "" {
		at := slices.IndexFunc(jobs, func(j *Job) bool { return j.id == f.Cursor })
		if at < 0 {
			return backend.JobPage{}, fault.New(fault.InvalidArgument, "the cursor belongs to no page of this list")
		}
		jobs = jobs[at+1:]
	}
	page := backend.JobPage{Jobs: []backend.JobStatusResponse{}}
	for _, j := range jobs {
		s := j.status()
		if f.Status != "" && s.Status != f.Status || f.Operation != "" && s.Operation != f.Operation ||
			f.TenantID != "" && s.TenantID != f.TenantID {
			continue
		}
		if f.Limit > 0 && len(page.Jobs) == f.Limit {
			page.Cursor = page.Jobs[len(page.Jobs)-1].JobID
			break
		}
		page.Jobs = append(page.Jobs, s)
	}
	return page, nil
}

// WatchJob yields a job's events. See backend.Backend.
func (r *Runner) WatchJob(ctx context.Context, id string, after uint64, yield func(backend.Event) error) error {
	job, err := r.job(id)
	if err != nil {
		return err
	}
	return job.events.follow(ctx, after, yield)
}

// GetResult answers a completed job's result.
func (r *Runner) GetResult(_ context.Context, id string) (backend.Result, error) {
	job, err := r.job(id)
	if err != nil {
		return nil, err
	}
	return job.outcome()
}

// CancelJob ends a job and answers when its work has stopped.
func (r *Runner) CancelJob(ctx context.Context, id string) (backend.JobStatusResponse, error) {
	job, err := r.job(id)
	if err != nil {
		return backend.JobStatusResponse{}, err
	}
	if s := job.status(); s.Status.Terminal() {
		return s, finished(s)
	}
	job.cancel(errCancelled)
	select {
	case <-job.done:
	case <-ctx.Done():
		return job.status(), context.Cause(ctx)
	}
	s := job.status()
	if s.Status != backend.JobCancelled {
		return s, finished(s)
	}
	return s, nil
}

// Close cancels every job, waits for their end, and removes their files.
func (r *Runner) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	for _, j := range r.order {
		j.cancel(errCancelled)
	}
	r.mu.Unlock()

	ended := make(chan struct{})
	go func() { r.alive.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-ctx.Done():
		return fmt.Errorf("waiting for the jobs to end: %w", context.Cause(ctx))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.root == "" {
		return nil
	}
	err := os.RemoveAll(r.root)
	r.root = ""
	return err
}

func (r *Runner) job(id string) (*Job, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if job, ok := r.jobs[id]; ok {
		return job, nil
	}
	return nil, fault.New(fault.JobNotFound, fmt.Sprintf("there is no job %q in this process", id), fault.On(id),
		fault.Hint("this backend's jobs live and die with its process"))
}

// folder makes and answers a folder below the runner's own.
func (r *Runner) folder(elements ...string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return "", fault.New(fault.Conflict, "the backend is closing")
	}
	if r.root == "" {
		root, err := os.MkdirTemp("", "atg-jobs-")
		if err != nil {
			return "", fault.New(fault.ExecutionFailed, "cannot make a folder for jobs", fault.Because(err))
		}
		r.root = root
	}
	dir := filepath.Join(append([]string{r.root}, elements...)...)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fault.New(fault.ExecutionFailed, "cannot make a folder for a job", fault.Because(err))
	}
	return dir, nil
}

func finished(s backend.JobStatusResponse) error {
	return fault.New(fault.Conflict, fmt.Sprintf("the job %s is already %s", s.JobID, s.Status), fault.On(s.JobID))
}

// fingerprintOf tells equal submissions from others; where they work is not what they ask for.
func fingerprintOf(s backend.Submission) ([sha256.Size]byte, error) {
	s.WorkDir = ""
	content, err := json.Marshal(struct {
		Operation backend.Operation
		backend.Submission
	}{s.Request.Operation(), s})
	if err != nil {
		return [sha256.Size]byte{}, fault.New(fault.InvalidArgument, "the submission cannot be read", fault.Because(err))
	}
	return sha256.Sum256(content), nil
}

// errCancelled is the cause of a job's context that CancelJob or Close ended.
var errCancelled = errors.New("cancelled")
