package worker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// pace is how often the progress of one job is told, at most. What comes quicker is coalesced: the latest of
// each phase is told.
const pace = 50 * time.Millisecond

// report tells what happens in one attempt of a job. Events are numbered here.
type report struct {
	w   *Worker
	job backend.JobStatusResponse

	mu      sync.Mutex
	n       uint32
	last    time.Time                   // when progress was told
	waiting map[string]backend.Progress // by phase: not yet told
	order   []string                    // the phases in waiting, as they came
	timer   *time.Timer
	floor   map[string]backend.Progress // by phase: how far shards have come; who puts them together begins anew
}

func newReport(w *Worker, job backend.JobStatusResponse) *report {
	return &report{w: w, job: job, waiting: map[string]backend.Progress{}}
}

// status tells the job's state.
func (r *report) status(ctx context.Context, job backend.JobStatusResponse) {
	r.tell(ctx, backend.Event{Kind: backend.EventStatus, Status: &job})
}

func (r *report) log(ctx context.Context, level backend.LogLevel, format string, args ...any) {
	r.tell(ctx, backend.Event{Kind: backend.EventLog, Log: &backend.Log{Level: level, Message: fmt.Sprintf(format, args...)}})
}

// tell publishes an event, behind the progress that came before it.
func (r *report) tell(ctx context.Context, e backend.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flush(ctx)
	r.publish(ctx, e)
}

// reached says how far phases have come, below which their progress does not fall.
func (r *report) reached(floor map[string]backend.Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.floor = floor
}

// progress publishes progress, now or within the pace.
func (r *report) progress(ctx context.Context, p backend.Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f, ok := r.floor[p.Phase]; ok && p.Total > 0 {
		p.Done, p.Total = max(p.Done, f.Done), max(p.Total, f.Total, f.Done)
	} else if ok {
		p.Done = max(p.Done, f.Done)
	}
	if _, known := r.waiting[p.Phase]; !known {
		r.order = append(r.order, p.Phase)
	}
	r.waiting[p.Phase] = p
	if since := time.Since(r.last); since >= pace {
		r.flush(ctx)
	} else if r.timer == nil {
		r.timer = time.AfterFunc(pace-since, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.flush(context.WithoutCancel(ctx))
		})
	}
}

// flush publishes what waits. The lock is held.
func (r *report) flush(ctx context.Context) {
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
	for _, phase := range r.order {
		p := r.waiting[phase]
		r.publish(ctx, backend.Event{Kind: backend.EventProgress, Progress: &p})
		r.last = time.Now()
	}
	clear(r.waiting)
	r.order = r.order[:0]
}

// publish numbers an event and hands it to the store. The lock is held, so that numbers are published in their order.
func (r *report) publish(ctx context.Context, e backend.Event) {
	r.n++
	e.Seq, e.Time = jobs.Seq(r.job.Attempt, r.n), r.w.o.Now().UTC()
	if err := r.w.o.Events.Append(context.WithoutCancel(ctx), r.job.JobID, e); err != nil {
		r.w.o.Logger.WarnContext(ctx, "an event was not published", "job_id", r.job.JobID, "kind", e.Kind, "error", err)
	}
}
