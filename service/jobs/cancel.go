package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// errEnded says that a job has ended before it could be cancelled.
var errEnded = errors.New("the job has ended")

// Cancel asks for the end of a job and waits for it, but not longer than patience; stopped says whether the
// work has stopped. A finished job is fault.Conflict.
func (s *Service) Cancel(ctx context.Context, c Caller, id string, patience time.Duration) (status backend.JobStatusResponse, stopped bool, err error) {
	if _, err := s.Status(ctx, c, id); err != nil {
		return status, false, err
	}
	r, err := Change(ctx, s.o.Records, id, func(r *Record) error {
		switch {
		case r.Job.Status.Terminal():
			return errEnded
		case r.Job.Status == backend.JobPending: // no worker has begun; the one that comes finds it ended
			r.Cancel(s.o.Now())
		case r.CancelRequestedAt == nil:
			now := s.o.Now().UTC()
			r.CancelRequestedAt = &now
		}
		return nil
	})
	switch {
	case errors.Is(err, errEnded):
		return r.Job, true, ended(r.Job)
	case err != nil:
		return status, false, jobFault(id, err)
	case r.Job.Status.Terminal():
		job := r.Job
		err := s.o.Events.Append(ctx, id, backend.Event{Seq: Seq(0, 2), Time: s.o.Now().UTC(), Kind: backend.EventStatus, Status: &job})
		if err != nil { // the record says it as well
			s.o.Logger.WarnContext(ctx, "the end of a cancelled job was not announced", "job_id", id, "error", err)
		}
		return r.Job, true, nil
	}
	if err := s.o.Queue.AskCancel(ctx, id); err != nil {
		return r.Job, false, fault.Of(err)
	}
	status, err = s.StatusWhen(ctx, c, id, func(now backend.JobStatusResponse) bool { return !now.Status.Terminal() }, patience)
	if err == nil && status.Status.Terminal() && status.Status != backend.JobCancelled { // it was quicker
		err = ended(status)
	}
	return status, status.Status.Terminal(), err
}

func ended(job backend.JobStatusResponse) error {
	return fault.New(fault.Conflict, fmt.Sprintf("the job %s is already %s", job.JobID, job.Status), fault.On(job.JobID), fault.From(fault.OriginService))
}
