// Package worker takes jobs from the queue and executes each through a backend process of its own,
// reports what happens, keeps checkpoints and files, and says how the job ended. It is where a job's
// attempts are counted: one that was lost or crashed is tried again, by whichever worker is free.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// The defaults of Options.
const (
	DefaultConcurrency = 2
	DefaultAttempts    = 3
	DefaultGrace       = 15 * time.Second
)

// Program is a backend's process.
type Program interface {
	Backend() backend.Backend
	// Exited is closed when the process has ended.
	Exited() <-chan struct{}
	// Stop closes the backend and lets its process end, by force if need be.
	Stop(ctx context.Context) error
	// Kill ends it and its children at once.
	Kill()
}

// Options say what a Worker stands on.
type Options struct {
	Name      string // of this worker, for histories and logs
	Records   jobs.Records
	Queue     jobs.Queue
	Events    jobs.Events
	Files     jobs.Files
	Snapshots jobs.Snapshots
	Budget    jobs.Budget // shared by the backends of a principal; nil leaves the whole of it to each
	// Start starts a backend process for a job. It finds its data folder below dir, which is the job's.
	Start func(ctx context.Context, dir string) (Program, error)
	// Settings are the backend's, with the credential for a tenant.
	Settings func(tenant string) (backend.Settings, error)
	// Dir is where the folders of jobs at work are made; each is removed with its attempt.
	Dir         string
	Concurrency int           // jobs at once; 0 is DefaultConcurrency
	Shards      int           // into how many jobs a scan is split at most, where the backend can do that; 1 is never, 0 is DefaultShards
	Attempts    int           // of one job, at most; 0 is DefaultAttempts
	RetryDelay  time.Duration // before the second attempt, twice as long before each further one; 0 is 5 s
	Grace       time.Duration // for a backend to stop its work; 0 is DefaultGrace
	Lease       time.Duration // how long it may go unheard before its job is another's; 0 is jobs.AckWait
	Alive       time.Duration // between two signs of life; 0 is jobs.Beat of Lease
	Logger      *slog.Logger
	Tracer      trace.Tracer // of a span for each attempt, below the one that submitted the job; nil makes none
	Now         func() time.Time
}

// Worker executes jobs.
type Worker struct {
	o Options

	places  *places
	closing chan struct{} // closed when the worker is shut down

	mu      sync.Mutex
	running map[string]context.CancelCauseFunc // by job id
}

// The reasons for which the work on a job ends early.
var (
	errCancelled = errors.New("the job was cancelled")
	errShutdown  = errors.New("the worker is shut down")
	errLost      = errors.New("the job was given to another worker")
)

// New makes a worker.
func New(o Options) *Worker {
	if o.Concurrency <= 0 {
		o.Concurrency = DefaultConcurrency
	}
	if o.Shards <= 0 {
		o.Shards = DefaultShards
	}
	if o.Attempts <= 0 {
		o.Attempts = DefaultAttempts
	}
	if o.RetryDelay <= 0 {
		o.RetryDelay = 5 * time.Second
	}
	if o.Grace <= 0 {
		o.Grace = DefaultGrace
	}
	if o.Lease <= 0 {
		o.Lease = jobs.AckWait
	}
	if o.Alive <= 0 {
		o.Alive = jobs.Beat(o.Lease)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Tracer == nil {
		o.Tracer = noop.NewTracerProvider().Tracer("")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Worker{o: o, places: newPlaces(o.Concurrency), closing: make(chan struct{}), running: map[string]context.CancelCauseFunc{}}
}

// Run takes jobs until ctx ends, and is called once. Jobs that are at work then are stopped and go back to the queue, for another
// worker; it returns when they have.
func (w *Worker) Run(ctx context.Context) error {
	if err := os.MkdirAll(w.o.Dir, 0o700); err != nil {
		return fault.New(fault.ConfigInvalid, "the worker's folder cannot be made", fault.Because(err), fault.On(w.o.Dir))
	}
	// What ends the work says so by its cause, whatever ended the worker.
	working, shut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, func() { close(w.closing); shut(errShutdown) })()
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { w.hearCancels(ctx) })
	for w.places.take(ctx) == nil {
		if err := w.writable(); err != nil { // it would take one job after the other, and do none
			w.places.give()
			w.o.Logger.ErrorContext(ctx, "no job is taken from the queue", "error", err)
			if !pause(ctx, time.Second) {
				return nil
			}
			continue
		}
		searching, found := w.places.searching(ctx)
		d, err := w.o.Queue.Next(searching)
		wanted := searching.Err() != nil // by a job that was here before, or no more
		found()
		if err != nil {
			w.places.give()
			if wanted {
				continue
			}
			w.o.Logger.ErrorContext(ctx, "no job could be taken from the queue", "error", err)
			if !pause(ctx, time.Second) {
				return nil
			}
			continue
		}
		all.Go(func() {
			p := &place{of: w.places, held: true}
			defer p.leave()
			defer w.survive(working, d)
			w.work(working, d, p)
		})
	}
	return nil
}

// survive keeps a defect that one job brings to light from ending the others. The queue gives the job to another attempt.
func (w *Worker) survive(ctx context.Context, d jobs.Delivery) {
	if p := recover(); p != nil {
		w.o.Logger.ErrorContext(ctx, "the work on a job panicked", "job_id", d.ID(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	}
}

// hearCancels listens until ctx ends. What it misses, the next sign of life of the job finds out.
func (w *Worker) hearCancels(ctx context.Context) {
	for {
		err := w.o.Queue.Cancels(ctx, w.cancel)
		if ctx.Err() != nil {
			return
		}
		w.o.Logger.WarnContext(ctx, "cancelling is not heard at once", "error", err)
		if !pause(ctx, time.Second) {
			return
		}
	}
}

// cancel ends a job that is at work here.
func (w *Worker) cancel(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if cancel, here := w.running[id]; here {
		cancel(errCancelled)
	}
}

// pause waits; it says false if ctx ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
