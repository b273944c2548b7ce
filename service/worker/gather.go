package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// stage is what a backend does for a job.
type stage int

const (
	whole    stage = iota // all of the job, or a shard
	planning              // of a scan, which may be split
	merging               // of what shards have read
)

// inShards is how far a scan is when its shards are done and only have to be put together.
const inShards = 0.9

// overall is how far the whole job is if the backend says that it is so far with its own. What planning says of itself
// says nothing of the scan.
func (s stage) overall(progress *float64) *float64 {
	if progress == nil || s == planning {
		return nil
	}
	p := *progress
	if s == merging {
		p = inShards + (1-inShards)*p
	}
	return &p
}

// gathering is what a job tells of its shards while it waits for them: as if it did itself what they do.
type gathering struct {
	w      *Worker
	r      *jobs.Record
	report *report

	mu     sync.Mutex
	shards []shardState
	told   time.Time // when the overall progress was told
}

// shardState is how far a shard is.
type shardState struct {
	ended, failed bool
	progress      float64                     // 0..1
	phases        map[string]backend.Progress // by phase
}

// await waits until every shard of the job has ended, and tells what they do. A shard that failed does not fail the job.
func (w *Worker) await(ctx context.Context, r *jobs.Record, report *report) error {
	g := &gathering{w: w, r: r, report: report, shards: make([]shardState, len(r.Shards))}
	for i, s := range r.Shards { // those that ended during an earlier attempt told their part then
		g.shards[i].phases = map[string]backend.Progress{}
		if status, _, err := w.o.Records.Status(ctx, s.ID); err == nil && status.Status.Terminal() {
			g.settle(ctx, i, status)
		}
	}
	if err := g.note(ctx); err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var all sync.WaitGroup
	for i := range g.shards {
		if !g.shards[i].ended {
			all.Go(func() {
				if err := g.follow(ctx, i); err != nil {
					stop(err)
				}
			})
		}
	}
	all.Wait()
	report.reached(g.sums())
	return context.Cause(ctx)
}

// follow tells what a shard does until it has ended.
func (g *gathering) follow(ctx context.Context, i int) error {
	id := g.r.Shards[i].ID
	for after := uint64(0); ctx.Err() == nil; {
		watchErr := g.w.o.Events.Watch(ctx, id, after, func(e backend.Event) error {
			after = e.Seq
			g.hear(ctx, i, e)
			return nil
		})
		status, _, err := g.w.o.Records.Status(ctx, id)
		switch {
		case errors.Is(err, jobs.ErrNotFound): // somebody removed it
			return g.over(ctx, i, backend.JobStatusResponse{Status: backend.JobFailed, Error: "its job is gone"})
		case err == nil && status.Status.Terminal():
			return g.over(ctx, i, status)
		case ctx.Err() == nil:
			g.w.o.Logger.WarnContext(ctx, "a shard is not heard of", "job_id", id, "error", errors.Join(watchErr, err))
			pause(ctx, time.Second)
		}
	}
	return nil
}

// hear takes an event of a shard.
func (g *gathering) hear(ctx context.Context, i int, e backend.Event) {
	g.mu.Lock() // sums are told in the order in which they were made
	defer g.mu.Unlock()
	switch {
	case e.Progress != nil:
		g.report.progress(ctx, g.sum(i, *e.Progress))
	case e.Log != nil:
		level := e.Log.Level
		if level == backend.LevelInfo { // of each shard it would be as many lines as there are shards
			level = backend.LevelDebug
		}
		g.report.log(ctx, level, "shard %d: %s", i+1, e.Log.Message)
	case e.Status != nil && e.Status.Progress != nil:
		s := &g.shards[i]
		s.progress = max(s.progress, *e.Status.Progress) // another attempt begins further back
		if time.Since(g.told) >= overallPace {
			g.tellOverall(ctx)
		}
	}
}

// sum is how far a phase of a shard is in all that are in it or through with it. The lock is held.
func (g *gathering) sum(i int, p backend.Progress) backend.Progress {
	p.Done = max(p.Done, g.shards[i].phases[p.Phase].Done) // another attempt begins further back
	g.shards[i].phases[p.Phase] = p
	all := g.sumOf(p.Phase)
	if p.Message != "" {
		all.Message = fmt.Sprintf("shard %d: %s", i+1, p.Message)
	}
	return all
}

func (g *gathering) sumOf(phase string) backend.Progress {
	all, known := backend.Progress{Phase: phase}, true
	for _, s := range g.shards {
		p, begun := s.phases[phase]
		if !begun {
			continue
		}
		all.Unit = p.Unit
		all.Done += p.Done
		all.Total += max(p.Total, p.Done)
		known = known && p.Total > 0
	}
	if !known {
		all.Total = 0
	}
	return all
}

// sums is how far each phase is.
func (g *gathering) sums() map[string]backend.Progress {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := map[string]backend.Progress{}
	for _, s := range g.shards {
		for phase := range s.phases {
			all[phase] = g.sumOf(phase)
		}
	}
	return all
}

// over notes that a shard has ended.
func (g *gathering) over(ctx context.Context, i int, status backend.JobStatusResponse) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.settle(ctx, i, status)
	return g.note(ctx)
}

// settle takes the end of a shard. The lock is held.
func (g *gathering) settle(ctx context.Context, i int, end backend.JobStatusResponse) {
	s := &g.shards[i]
	s.ended, s.failed, s.progress = true, end.Status != backend.JobCompleted, 1
	if s.failed && ctx.Err() == nil {
		g.report.log(ctx, backend.LevelWarn, "shard %d (%s) %s: %s; what it did not read is read when the shards are put together",
			i+1, g.r.Shards[i].ID, end.Status, end.Error)
	}
}

// note puts into the job's record how many shards have ended, and tells it. The lock is held.
func (g *gathering) note(ctx context.Context) error {
	counts := g.counts()
	_, err := jobs.Change(ctx, g.w.o.Records, g.r.Job.JobID, func(r *jobs.Record) error {
		if r.Job.Status.Terminal() || r.Job.Attempt != g.r.Job.Attempt {
			return errLost
		}
		r.Job.Shards = &counts
		return nil
	})
	if err != nil {
		return err
	}
	g.r.Job.Shards = &counts
	g.report.progress(ctx, backend.Progress{Phase: "shards", Done: int64(counts.Done), Total: int64(counts.Total), Unit: "shards"})
	g.tellOverall(ctx)
	return nil
}

func (g *gathering) counts() backend.Shards {
	counts := backend.Shards{Total: len(g.shards)}
	for _, s := range g.shards {
		if s.ended {
			counts.Done++
		}
		if s.failed {
			counts.Failed++
		}
	}
	return counts
}

// tellOverall tells how far the job is. The lock is held.
func (g *gathering) tellOverall(ctx context.Context) {
	g.told = time.Now()
	sum := 0.0
	for _, s := range g.shards {
		sum += s.progress
	}
	so := inShards * sum / float64(len(g.shards))
	job := g.r.Job
	job.Progress, job.Phase = &so, "shards"
	g.report.status(ctx, job)
}
