package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var cancelChecks = []Check{
	{
		Name:        "cancel/stops-the-work",
		Requirement: "CancelJob answers when the work has stopped: the job is cancelled, or had already finished.",
		Run: func(ctx context.Context, s *Subject) error {
			job, err := s.submit(ctx, "")
			if err != nil {
				return err
			}
			answer, err := s.configured.CancelJob(ctx, job.JobID)
			now, getErr := s.configured.GetJob(ctx, job.JobID)
			if getErr != nil {
				return getErr
			}
			switch {
			case err == nil && answer.Status != backend.JobCancelled:
				return fmt.Errorf("the answer says %s", answer.Status)
			case err == nil && now.Status != backend.JobCancelled:
				return fmt.Errorf("GetJob says %s", now.Status)
			case err != nil && (fault.CodeOf(err) != fault.Conflict || !now.Status.Terminal()):
				return fmt.Errorf("the answer for a job that is %s: %w", now.Status, err)
			}
			events, err := s.watch(ctx, job.JobID, 0)
			if err != nil {
				return err
			}
			if len(events) == 0 || events[len(events)-1].Status == nil || events[len(events)-1].Status.Status != now.Status {
				return errors.New("the events do not end with that state")
			}
			return s.discard(ctx, job.JobID)
		},
	},
	{
		Name:        "cancel/prompt",
		Requirement: "A job that runs is cancelled within 10 seconds.",
		Run: func(ctx context.Context, s *Subject) error {
			job, err := s.submit(ctx, "")
			if err != nil {
				return err
			}
			runs := errors.New("it runs")
			err = s.configured.WatchJob(ctx, job.JobID, 0, func(e backend.Event) error {
				if e.Status != nil && e.Status.Status != backend.JobPending {
					return runs
				}
				return nil
			})
			if !errors.Is(err, runs) {
				return fmt.Errorf("no event says that the job runs: %w", errOrNone(err))
			}
			prompt, cancel := context.WithTimeout(ctx, min(10*time.Second, s.Patience/2))
			defer cancel()
			if err := errors.Join(s.discard(prompt, job.JobID), prompt.Err()); err != nil {
				return err
			}
			now, err := s.configured.GetJob(ctx, job.JobID)
			if err == nil && !now.Status.Terminal() {
				err = fmt.Errorf("CancelJob answered, and the job is %s", now.Status)
			}
			return err
		},
	},
	{
		Name:        "cancel/finished",
		Requirement: "Cancelling a finished job answers conflict and changes nothing.",
		Run: func(ctx context.Context, s *Subject) error {
			f, err := s.job(ctx)
			if err != nil {
				return err
			}
			_, err = s.configured.CancelJob(ctx, f.submitted.JobID)
			if err := expect(fault.Conflict, err); err != nil {
				return err
			}
			now, err := s.configured.GetJob(ctx, f.submitted.JobID)
			if err == nil && now.Status != f.end().Status {
				err = fmt.Errorf("the job is %s now, was %s", now.Status, f.end().Status)
			}
			return err
		},
	},
}

var endChecks = []Check{
	{
		Name:        "close/ends",
		Requirement: "Close ends the jobs that are not durable, and returns.",
		Run: func(ctx context.Context, s *Subject) error {
			return s.fresh(ctx, true, func(b backend.Backend) error {
				if s.can.Can(backend.OpScan) && !s.can.Has(backend.FeatureDurableJobs) {
					request := s.Scan
					if _, err := b.Submit(ctx, backend.Submission{Request: &request}); err != nil {
						return err
					}
				}
				return b.Close(ctx)
			})
		},
	},
}
