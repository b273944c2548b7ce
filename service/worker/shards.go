package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// DefaultShards is into how many shards a scan is split at most, unless Options say otherwise.
const DefaultShards = 16

// maySplit says whether the job is a scan that the backend can do in shards.
func (a *attempt) maySplit() bool {
	scan, ok := a.request.(*backend.ScanRequest)
	return ok && !scan.DryRun && scan.ResourceLimit == 0 && a.r.Parent == "" && len(a.r.Shards) == 0 && a.w.o.Shards > 1 &&
		a.can.Has(backend.FeatureParts) && a.can.Has(backend.FeatureShards)
}

// split has the backend plan the scan. If there is enough to do, the job's record says afterwards into which shards it is
// split; else the backend goes on with what planning has read.
func (a *attempt) split(ctx context.Context) error {
	s, err := a.submission(ctx)
	if err != nil {
		return err
	}
	s.IdempotencyKey += "/" + backend.ShardPlan
	s.Shard = []string{backend.ShardPlan}
	a.stage = planning
	_, result, err := a.submit(ctx, s)
	a.stage = whole
	if err != nil {
		return err
	}
	scan, ok := result.(*backend.ScanResult)
	if !ok || scan.Plan == nil {
		return fault.New(fault.Internal, "the backend made no plan of the scan", fault.From(fault.OriginBackend))
	}
	cut := jobs.Cut(scan.Plan.Parts, a.w.o.Shards)
	if cut == nil {
		return nil
	}
	r, err := jobs.Change(ctx, a.w.o.Records, a.r.Job.JobID, func(r *jobs.Record) error {
		if r.Job.Status.Terminal() || r.Job.Attempt != a.r.Job.Attempt {
			return errLost
		}
		r.Split(cut)
		return nil
	})
	if err != nil {
		return err
	}
	a.r.Shards, a.r.Job.Shards = r.Shards, r.Job.Shards
	a.report.log(ctx, backend.LevelInfo, "the scan is split into %d shards, which any worker may do", len(cut))
	return nil
}

// parts are the finished parts that the job's backend gets: a shard those of the plan and its own; who puts shards
// together, all of them.
func (a *attempt) parts(ctx context.Context) ([]backend.Part, error) {
	var lists [][]backend.Part
	switch {
	case a.r.Parent != "":
		parent, _, err := a.w.o.Records.Get(ctx, a.r.Parent)
		if err != nil {
			return nil, gone(err, a.r.Parent)
		}
		lists = append(lists, parent.Parts)
	case len(a.r.Shards) > 0:
		for _, s := range a.r.Shards {
			shard, _, err := a.w.o.Records.Get(ctx, s.ID)
			if err != nil && !errors.Is(err, jobs.ErrNotFound) { // without it, all of it is read now
				return nil, err
			}
			lists = append(lists, shard.Parts)
		}
	}
	var parts []backend.Part
	at := map[string]int{} // by key
	for _, list := range append(lists, a.r.Parts) {
		for _, p := range list {
			if i, known := at[p.Key]; known { // read again
				parts[i] = p
				continue
			}
			at[p.Key] = len(parts)
			parts = append(parts, p)
		}
	}
	return parts, nil
}

// gather sees to it that the shards of a job are done, by any workers, and answers when all have ended. While it waits,
// the job has no place in this worker. If the job is to end before, they are stopped first.
func (w *Worker) gather(ctx context.Context, d jobs.Delivery, r *jobs.Record, report *report, p *place) error {
	p.leave()
	err := w.enqueueShards(ctx, r)
	if err == nil {
		err = w.await(ctx, r, report)
	}
	switch cause := context.Cause(ctx); {
	case cause == nil:
	case errors.Is(cause, errShutdown), errors.Is(cause, errLost): // another worker goes on
		return cause
	default:
		w.stopShards(ctx, d, r)
		return cause
	}
	if err != nil {
		return err
	}
	return p.back(ctx)
}

// enqueueShards makes the jobs of the shards that have none yet.
func (w *Worker) enqueueShards(ctx context.Context, r *jobs.Record) error {
	for _, s := range r.Shards {
		if _, _, err := w.o.Records.Enqueue(ctx, r.ShardRecord(s, w.o.Now())); err != nil {
			return err
		}
	}
	return nil
}

// stopShards ends the shards of a job that is to end, and waits until they have stopped, but not longer than it takes
// a lost worker's shard to be found by another one. What is left then ends by itself: see orphaned.
func (w *Worker) stopShards(ctx context.Context, d jobs.Delivery, r *jobs.Record) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.o.Grace+2*w.o.Lease)
	defer cancel()
	if err := jobs.AskEndOfShards(ctx, w.o.Records, w.o.Queue, w.o.Events, *r, w.o.Now()); err != nil {
		w.o.Logger.WarnContext(ctx, "shards were not told of the end of their job", "job_id", d.ID(), "error", err)
	}
	var all sync.WaitGroup
	for _, s := range r.Shards {
		all.Go(func() { w.awaitEnd(ctx, s.ID) })
	}
	stopped := make(chan struct{})
	go func() { all.Wait(); close(stopped) }()
	alive := time.NewTicker(w.o.Alive)
	defer alive.Stop()
	for {
		select {
		case <-stopped:
			return
		case <-w.closing: // it is not waited for when the worker is shut down
			cancel()
			<-stopped
			return
		case <-alive.C:
			_ = d.Alive(ctx) // if that is not heard, another worker does the same
		}
	}
}

// awaitEnd waits until a job has ended or is gone, or ctx ends.
func (w *Worker) awaitEnd(ctx context.Context, id string) {
	look := time.NewTicker(w.o.Alive) // in case that its state could not be read
	defer look.Stop()
	for ctx.Err() == nil {
		changed, forget := w.o.Records.Changed(id)
		status, _, err := w.o.Records.Status(ctx, id)
		if err == nil && status.Status.Terminal() || errors.Is(err, jobs.ErrNotFound) {
			forget()
			return
		}
		select {
		case <-changed:
		case <-look.C:
		case <-ctx.Done():
		}
		forget()
	}
}

// orphaned says whether a shard's parent needs it no more: it has ended, or is gone.
func (w *Worker) orphaned(ctx context.Context, parent string) bool {
	if parent == "" {
		return false
	}
	status, _, err := w.o.Records.Status(ctx, parent)
	return errors.Is(err, jobs.ErrNotFound) || err == nil && status.Status.Terminal()
}
