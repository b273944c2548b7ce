package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// ErrEnded says that a job has ended before it could be cancelled.
var ErrEnded = errors.New("the job has ended")

// Cancel asks for the end of a job and waits for it, but not longer than patience; stopped says whether the
// work has stopped. A finished job is fault.Conflict.
func (s *Service) Cancel(ctx context.Context, c Caller, id string, patience time.Duration) (status backend.JobStatusResponse, stopped bool, err error) {
	if _, err := s.Status(ctx, c, id); err != nil {
		return status, false, err
	}
	r, err := AskEnd(ctx, s.o.Records, s.o.Queue, s.o.Events, id, s.o.Now())
	switch {
	case errors.Is(err, ErrEnded):
		return r.Job, true, ended(r.Job)
	case err != nil:
		return r.Job, false, jobFault(id, err)
	case r.Job.Status.Terminal():
		return r.Job, true, nil
	}
	// Whoever has the job asks them as well, but it may be waiting for another worker.
	if err := AskEndOfShards(ctx, s.o.Records, s.o.Queue, s.o.Events, r, s.o.Now()); err != nil {
		s.o.Logger.WarnContext(ctx, "shards of a cancelled job were not told", "job_id", id, "error", err)
	}
	status, err = s.StatusWhen(ctx, c, id, func(now backend.JobStatusResponse) bool { return !now.Status.Terminal() }, patience)
	if err == nil && status.Status.Terminal() && status.Status != backend.JobCancelled { // it was quicker
		err = ended(status)
	}
	return status, status.Status.Terminal(), err
}

// AskEnd asks for the end of a job: one that no worker has begun is cancelled now, another one's worker is told. The answer
// is its record as of then; ErrEnded, with it, if it had ended, and ErrNotFound.
func AskEnd(ctx context.Context, records Records, queue Queue, events Events, id string, now time.Time) (Record, error) {
	r, err := Change(ctx, records, id, func(r *Record) error {
		switch {
		case r.Job.Status.Terminal():
			return ErrEnded
		case r.Job.Status == backend.JobPending: // no worker has begun; the one that comes finds it ended
			r.Cancel(now)
		case r.CancelRequestedAt == nil:
			asked := now.UTC()
			r.CancelRequestedAt = &asked
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	if !r.Job.Status.Terminal() {
		return r, queue.AskCancel(ctx, id)
	}
	job := r.Job // an event that is lost is made from the record
	_ = events.Append(ctx, id, backend.Event{Seq: Seq(0, 2), Time: now.UTC(), Kind: backend.EventStatus, Status: &job})
	return r, nil
}

// AskEndOfShards asks for the end of those shards of a job that have not ended.
func AskEndOfShards(ctx context.Context, records Records, queue Queue, events Events, r Record, now time.Time) error {
	var problems []error
	for _, shard := range r.Shards {
		if _, err := AskEnd(ctx, records, queue, events, shard.ID, now); err != nil && !errors.Is(err, ErrEnded) && !errors.Is(err, ErrNotFound) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

func ended(job backend.JobStatusResponse) error {
	return fault.New(fault.Conflict, fmt.Sprintf("the job %s is already %s", job.JobID, job.Status), fault.On(job.JobID), fault.From(fault.OriginService))
}
