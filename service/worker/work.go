package worker

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// errOver says that a job needs no work any more; errLater that it needs a worker of a later version.
var (
	errOver  = errors.New("the job is over")
	errLater = errors.New("a later version of the service submitted the job")
)

// recording bounds the writing of what became of a job, which outlives the worker's own end.
const recording = 45 * time.Second

// work does one delivery: it begins an attempt, executes, and records how that ended.
func (w *Worker) work(ctx context.Context, d jobs.Delivery, p *place) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer d.Leave()
	w.enter(d.ID(), cancel)
	defer w.leave(d.ID())
	log := w.o.Logger.With("job_id", d.ID(), "attempt", d.Attempt())

	r, err := w.begin(ctx, d)
	switch {
	case errors.Is(err, errOver):
		w.settle(ctx, d, r)
		return
	case errors.Is(err, errLost):
		log.WarnContext(ctx, "the job was given to another worker before it was begun here")
		return
	case errors.Is(err, errLater):
		log.WarnContext(ctx, "the job is left to a worker of a later version", "operation", r.Job.Operation)
		w.settleWith(ctx, log, func(ctx context.Context) error { return d.Retry(ctx, w.o.RetryDelay) })
		return
	case err != nil:
		// One that was removed is in the queue no more, and does not come again. One that only a replica does not know yet does.
		log.ErrorContext(ctx, "the job could not be begun", "error", err)
		w.settleWith(ctx, log, func(ctx context.Context) error { return d.Retry(ctx, w.o.RetryDelay) })
		return
	}
	log.InfoContext(ctx, "job begun", "operation", r.Job.Operation, "tenant_id", r.Job.TenantID)
	report := newReport(w, r.Job)
	report.status(ctx, r.Job)

	working, stop := ctx, context.CancelFunc(func() {})
	if !r.Deadline.IsZero() {
		working, stop = context.WithDeadlineCause(ctx, r.Deadline, timedOut(r))
	}
	if r.CancelRequestedAt != nil { // its shards have to be stopped
		cancel(errCancelled)
	}
	// It shows life until its end is recorded, which may take a while where a cluster elects a leader.
	alive, still := context.WithCancel(context.WithoutCancel(ctx))
	defer still()
	beating := make(chan struct{})
	go func() { defer close(beating); w.beat(alive, d, cancel) }()
	traced, span := w.span(working, r)
	result, files, err := w.execute(traced, d, &r, report, p)
	if working.Err() != nil && (err != nil || result == nil) {
		err = context.Cause(working)
	}
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
	stop()
	w.conclude(context.WithoutCancel(ctx), d, report, result, files, err)
	still()
	<-beating
}

// span begins the span of an attempt, below the span of whoever submitted the job.
func (w *Worker) span(ctx context.Context, r jobs.Record) (context.Context, trace.Span) {
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": r.Trace})
	return w.o.Tracer.Start(ctx, "job "+string(r.Job.Operation), trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String("atg.job_id", r.Job.JobID), attribute.Int("atg.attempt", r.Job.Attempt), attribute.String("atg.worker", w.o.Name)))
}

func timedOut(r jobs.Record) error {
	return fault.New(fault.Timeout, "the job did not end in the time that the service gives a job", fault.On(r.Job.JobID),
		fault.From(fault.OriginService), fault.Hint("narrow it (subscriptions, resource groups), or ask the service's operator for a longer limits.job_timeout"))
}

func (w *Worker) enter(id string, cancel context.CancelCauseFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running[id] = cancel
}

func (w *Worker) leave(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.running, id)
}

// begin moves the job to running. errOver says that there is nothing to do: the job has ended, or ends
// with what begin found. One that is to end and has shards is begun all the same: they have to be stopped before. errLater says that
// this worker cannot do it, and another one may; errLost that another one does.
func (w *Worker) begin(ctx context.Context, d jobs.Delivery) (jobs.Record, error) {
	ended := false // by this call
	orphan := w.orphaned(ctx, d.Record().Parent)
	r, err := jobs.Change(ctx, w.o.Records, d.ID(), func(r *jobs.Record) error {
		now := w.o.Now()
		ended = true
		switch {
		case r.Job.Status.Terminal():
			ended = false
			return errOver
		case r.Job.StartedAt != nil && r.Job.Attempt >= d.Attempt():
			ended = false
			return errLost
		case orphan:
			r.Cancel(now)
		case r.CancelRequestedAt != nil && len(r.Shards) == 0:
			r.Cancel(now)
		case !r.Deadline.IsZero() && now.After(r.Deadline) && len(r.Shards) == 0:
			r.Fail(timedOut(*r), now)
		case r.Tried() >= w.o.Attempts:
			r.Fail(r.Exhausted(), now)
		case r.Later():
			ended = false
			return errLater
		default:
			ended = false
			r.Begin(w.o.Name, d.Attempt(), now)
		}
		return nil
	})
	if err == nil && ended {
		r.Job.Attempt = d.Attempt()
		newReport(w, r.Job).status(ctx, r.Job)
		err = errOver
	}
	return r, err
}

// looks is after how many signs of life a job's record is read.
const looks = 3

// beat shows the queue that the job is at work, and looks whether its owner still wants it. When the queue does not hear it for as long as another worker
// may then have the job, the work here ends.
func (w *Worker) beat(ctx context.Context, d jobs.Delivery, cancel context.CancelCauseFunc) {
	heard := w.o.Now()
	again := time.NewTicker(w.o.Alive)
	defer again.Stop()
	for n := 1; ; n++ {
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
		telling, stop := context.WithTimeout(ctx, w.o.Lease)
		told := w.o.Now()
		err := d.Alive(telling)
		stop()
		switch {
		case err == nil:
			heard = told
		case ctx.Err() == nil && w.o.Now().Sub(heard) > w.o.Lease:
			w.o.Logger.ErrorContext(ctx, "the queue does not hear this worker; the job is left to another", "job_id", d.ID(), "error", err)
			cancel(errLost)
			return
		}
		if n%looks == 0 && w.unwanted(ctx, d.ID()) {
			cancel(errCancelled)
		}
	}
}

// unwanted says whether a job's owner has asked for its end. A store that does not answer at once must not keep the worker from showing life.
func (w *Worker) unwanted(ctx context.Context, id string) bool {
	ctx, stop := context.WithTimeout(ctx, w.o.Alive)
	defer stop()
	r, _, err := w.o.Records.Get(ctx, id)
	return err == nil && (r.CancelRequestedAt != nil || w.orphaned(ctx, r.Parent)) || errors.Is(err, jobs.ErrNotFound)
}

// conclude records how the attempt ended.
func (w *Worker) conclude(ctx context.Context, d jobs.Delivery, report *report, result backend.Result, files []backend.Artifact, err error) {
	ctx, stop := context.WithTimeout(ctx, recording)
	defer stop()
	log := w.o.Logger.With("job_id", d.ID(), "attempt", d.Attempt())
	if errors.Is(err, errLost) {
		return // the job is another worker's now
	}
	w.keepEvents(ctx, d.ID())
	again := false
	final, changeErr := jobs.Change(ctx, w.o.Records, d.ID(), func(r *jobs.Record) error {
		now := w.o.Now()
		switch {
		case r.Job.Status.Terminal() || r.Job.Attempt != d.Attempt():
			return errOver
		case err == nil:
			again = false
			return r.Complete(result, files, now)
		case errors.Is(err, errCancelled) || r.CancelRequestedAt != nil && errors.Is(err, errShutdown):
			r.Cancel(now)
		case errors.Is(err, errShutdown):
			r.Release(now)
			again = true
		case errors.Is(err, jobs.ErrSilent):
			r.Excuse(err, now)
			again = true
		case retryable(err):
			r.Suspend(err, now)
			if again = r.Tried() < w.o.Attempts; !again {
				r.Fail(r.Exhausted(), now)
			}
		default:
			r.Fail(forCaller(err, r.Job.TenantID), now)
		}
		return nil
	})
	switch {
	case errors.Is(changeErr, errOver):
		w.dropUnwanted(ctx, d.ID(), result)
		return
	case errors.Is(changeErr, jobs.ErrNotFound):
		return
	case changeErr != nil:
		log.ErrorContext(ctx, "the end of an attempt could not be recorded; the job will be tried again", "error", changeErr)
		w.settleWith(ctx, log, func(ctx context.Context) error { return d.Retry(ctx, w.o.RetryDelay) })
		return
	case again:
		if errors.Is(err, errShutdown) {
			log.InfoContext(ctx, "the job is left to another worker")
			w.settleWith(ctx, log, func(ctx context.Context) error { return d.Retry(ctx, 0) })
			return
		}
		delay := w.o.RetryDelay << min(max(len(final.History)-1, 0), 6)
		log.WarnContext(ctx, "attempt failed, the job will be tried again", "error", err, "delay", delay)
		report.log(ctx, backend.LevelWarn, "attempt %d ended: %v; trying again in %s", d.Attempt(), err, delay)
		w.settleWith(ctx, log, func(ctx context.Context) error { return d.Retry(ctx, delay) })
		return
	}
	report.status(ctx, final.Job)
	log.InfoContext(ctx, "job ended", "status", final.Job.Status, "error", final.Job.Error)
	w.settle(ctx, d, final)
}

// keeping is how long the end of an attempt waits for its events to be kept: as long as a cluster may be without a leader.
const keeping = 15 * time.Second

// keepEvents waits until the events of an attempt are kept.
func (w *Worker) keepEvents(ctx context.Context, id string) {
	ctx, stop := context.WithTimeout(ctx, keeping)
	defer stop()
	if err := w.o.Events.Kept(ctx, id); err != nil {
		w.o.Logger.WarnContext(ctx, "the job ends before all of its events are kept", "job_id", id, "error", err)
	}
}

// settle removes what a job that has ended leaves, and then takes it out of the queue: if it is interrupted, it is done again.
func (w *Worker) settle(ctx context.Context, d jobs.Delivery, r jobs.Record) {
	log := w.o.Logger.With("job_id", d.ID())
	if r.Parent == "" { // a shard's parts are its parent's
		if err := jobs.AskEndOfShards(ctx, w.o.Records, w.o.Queue, w.o.Events, r, w.o.Now()); err != nil { // they find out
			log.WarnContext(ctx, "shards were not told of the end of their job", "error", err)
		}
		if err := errors.Join(w.forgetParts(ctx, r), w.forgetSnapshots(ctx, r)); err != nil {
			log.WarnContext(ctx, "what an ended job leaves was not removed yet", "error", err)
			w.settleWith(ctx, log, func(ctx context.Context) error { return d.Retry(ctx, w.o.RetryDelay) })
			return
		}
	}
	answer := d.Done
	if r.GivenUp() {
		answer = func(ctx context.Context) error { return d.Bury(ctx, r.Job.Error) }
	}
	w.settleWith(ctx, log, answer)
}

func (w *Worker) settleWith(ctx context.Context, log interface {
	ErrorContext(ctx context.Context, msg string, args ...any)
}, answer func(context.Context) error) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), recording)
	defer stop()
	if err := answer(ctx); err != nil { // it comes again, and is found to have ended
		log.ErrorContext(ctx, "the queue did not take the answer for a job", "error", err)
	}
}

// retryable says that another attempt may do better.
func retryable(err error) bool {
	f := fault.Of(err)
	return f.Retryable || f.Code == fault.BackendCrashed || f.Code == fault.ServiceUnavailable
}

// forCaller gives a fault the hint of somebody who cannot act on the worker's machine.
func forCaller(err error, tenant string) error {
	f := *fault.Of(err)
	switch f.Code {
	case fault.AzureAuthRequired:
		f.Hint = "ask the service's operator: the service has no working credential for tenant " + named(tenant)
	case fault.AzureForbidden:
		f.Hint = "ask the service's operator to give the service's principal the Reader role on what is to be read in tenant " + named(tenant)
	case fault.BackendNotFound, fault.BackendIncompatible, fault.ConfigInvalid, fault.Integrity:
		f.Hint = "ask the service's operator: the service's backend cannot be used (" + f.Hint + ")"
	}
	return &f
}

func named(tenant string) string {
	if tenant == "" {
		return "(none was named)"
	}
	return tenant
}
