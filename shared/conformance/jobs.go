package conformance

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var jobChecks = []Check{
	{
		Name:        "jobs/unsupported-operation",
		Requirement: "Submitting an operation that Capabilities does not name answers unsupported.",
		Run: func(ctx context.Context, s *Subject) error {
			tried := 0
			for _, op := range backend.Operations() {
				if s.can.Can(op) {
					continue
				}
				tried++
				_, err := s.configured.Submit(ctx, backend.Submission{Request: backend.NewRequest(op)})
				if err := expect(fault.Unsupported, err); err != nil {
					return fmt.Errorf("%s: %w", op, err)
				}
			}
			if tried == 0 {
				return skipped{"the backend does every operation"}
			}
			return nil
		},
	},
	{
		Name:        "jobs/not-found",
		Requirement: "Every call about a job that does not exist answers job_not_found.",
		Run: func(ctx context.Context, s *Subject) error {
			const id = "no-such-job"
			_, get := s.configured.GetJob(ctx, id)
			_, result := s.configured.GetResult(ctx, id)
			_, cancel := s.configured.CancelJob(ctx, id)
			watch := s.configured.WatchJob(ctx, id, 0, func(backend.Event) error { return nil })
			for call, err := range map[string]error{"GetJob": get, "GetResult": result, "CancelJob": cancel, "WatchJob": watch} {
				if err := expect(fault.JobNotFound, err); err != nil {
					return fmt.Errorf("%s: %w", call, err)
				}
			}
			return nil
		},
	},
	{
		Name:        "jobs/states",
		Requirement: "A job goes from pending or running to one terminal state, with the times of each.",
		Run: func(ctx context.Context, s *Subject) error {
			f, err := s.job(ctx)
			if err != nil {
				return err
			}
			state := backend.JobPending
			for _, e := range f.events {
				if e.Kind != backend.EventStatus {
					continue
				}
				next := e.Status.Status
				if next != state && !state.CanBecome(next) {
					return fmt.Errorf("the job went from %s to %s", state, next)
				}
				state = next
			}
			end, err := s.configured.GetJob(ctx, f.submitted.JobID)
			if err != nil {
				return err
			}
			switch {
			case end.Status != f.end().Status:
				return fmt.Errorf("GetJob says %s, the terminal event %s", end.Status, f.end().Status)
			case end.Operation != backend.OpScan:
				return fmt.Errorf("the operation became %q", end.Operation)
			case end.Attempt < 1:
				return fmt.Errorf("the attempt is %d", end.Attempt)
			case end.CreatedAt.IsZero() || end.CompletedAt == nil || end.CompletedAt.Before(end.CreatedAt):
				return fmt.Errorf("created at %v, completed at %v", end.CreatedAt, end.CompletedAt)
			case end.Progress != nil && (*end.Progress < 0 || *end.Progress > 1):
				return fmt.Errorf("the progress is %v", *end.Progress)
			case end.Status == backend.JobFailed && (end.Fault == nil || end.Error == ""):
				return errors.New("failed, and no fault says why")
			case end.Fault != nil && !end.Fault.Code.Known():
				return fmt.Errorf("the fault's code %q is unknown", end.Fault.Code)
			}
			return nil
		},
	},
	{
		Name:        "jobs/result",
		Requirement: "GetResult answers the operation's result of a completed job, and job_not_complete of any other.",
		Run: func(ctx context.Context, s *Subject) error {
			f, err := s.job(ctx)
			if err != nil {
				return err
			}
			if f.end().Status != backend.JobCompleted {
				if err := expect(fault.JobNotComplete, f.resultErr); err != nil {
					return err
				}
				if !errors.Is(errors.Unwrap(fault.As(f.resultErr)), f.end().Fault) {
					return fmt.Errorf("the job's own fault %q is not its cause", f.end().Fault.Code)
				}
				return nil
			}
			if f.resultErr != nil {
				return f.resultErr
			}
			scan, ok := f.result.(*backend.ScanResult)
			if !ok {
				return fmt.Errorf("the result of a scan is a %T", f.result)
			}
			if scan.Complete != scan.Coverage.Complete || scan.Complete && len(scan.Coverage.Gaps()) > 0 {
				return fmt.Errorf("complete is %v, the coverage's is %v with %d gaps", scan.Complete, scan.Coverage.Complete, len(scan.Coverage.Gaps()))
			}
			return nil
		},
	},
	{
		Name:        "jobs/idempotency",
		Requirement: "The same idempotency key with the same content answers the same job; with other content, conflict.",
		Run: func(ctx context.Context, s *Subject) error {
			key := fmt.Sprintf("conformance-%d", time.Now().UnixNano())
			first, err := s.submit(ctx, key)
			if err != nil {
				return err
			}
			again, err := s.submit(ctx, key)
			if err != nil {
				return fmt.Errorf("the same again: %w", err)
			}
			if again.JobID != first.JobID {
				return fmt.Errorf("the same submission made the jobs %q and %q", first.JobID, again.JobID)
			}
			other := s.Scan
			other.ResourceLimit++
			_, err = s.configured.Submit(ctx, backend.Submission{Request: &other, IdempotencyKey: key})
			if err := expect(fault.Conflict, err); err != nil {
				return fmt.Errorf("other content: %w", err)
			}
			return s.discard(ctx, first.JobID)
		},
	},
	{
		Name:        "jobs/side-by-side",
		Requirement: "Jobs run side by side, each with an id and events of its own, also those that are submitted at the same moment.",
		Run: func(ctx context.Context, s *Subject) error {
			const n = 8
			ids, errs := make([]string, n), make([]error, n)
			var all sync.WaitGroup
			for i := range n {
				all.Go(func() { errs[i] = s.whole(ctx, &ids[i]) })
			}
			all.Wait()
			if err := errors.Join(errs...); err != nil {
				return err
			}
			known := map[string]bool{}
			for _, id := range ids {
				if known[id] {
					return fmt.Errorf("two jobs have the id %s", id)
				}
				known[id] = true
			}
			for _, id := range ids {
				if err := s.discard(ctx, id); err != nil {
					return err
				}
			}
			return nil
		},
	},
	{
		Name:        "jobs/concurrent-calls",
		Requirement: "Calls may come concurrently.",
		Run: func(ctx context.Context, s *Subject) error {
			f, err := s.job(ctx)
			if err != nil {
				return err
			}
			errs := make([]error, 16)
			var calls sync.WaitGroup
			for i := range errs {
				calls.Go(func() {
					job, err := s.configured.GetJob(ctx, f.submitted.JobID)
					if err == nil && job.Status != f.end().Status {
						err = fmt.Errorf("a terminal state changed to %s", job.Status)
					}
					errs[i] = err
				})
			}
			calls.Wait()
			return errors.Join(errs...)
		},
	},
	{
		Name:        "jobs/deadline",
		Requirement: "A call whose context is over answers with that, and not with something else.",
		Run: func(ctx context.Context, s *Subject) error {
			past, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
			defer cancel()
			err := s.configured.WatchJob(past, "no-such-job", 0, func(backend.Event) error { return nil })
			if err == nil {
				return errors.New("no error")
			}
			if !errors.Is(err, context.DeadlineExceeded) && fault.CodeOf(err) != fault.JobNotFound {
				return fmt.Errorf("the answer is %w", err)
			}
			return nil
		},
	},
}

// whole submits a job and sees it through.
func (s *Subject) whole(ctx context.Context, id *string) error {
	job, err := s.submit(ctx, "")
	if err != nil {
		return err
	}
	*id = job.JobID
	events, err := s.watch(ctx, job.JobID, 0)
	if err != nil {
		return err
	}
	for _, e := range events {
		if e.Status != nil && e.Status.JobID != job.JobID {
			return fmt.Errorf("among the events of the job %s is one of %s", job.JobID, e.Status.JobID)
		}
	}
	if len(events) == 0 || !events[len(events)-1].Terminal() {
		return fmt.Errorf("the events of the job %s do not end with a terminal one", job.JobID)
	}
	return nil
}

// discard cancels a job that a check no longer needs, and notes the snapshot that it made.
func (s *Subject) discard(ctx context.Context, id string) error {
	if _, err := s.configured.CancelJob(ctx, id); err != nil && fault.CodeOf(err) != fault.Conflict {
		return fmt.Errorf("cancel: %w", err)
	}
	if result, err := s.configured.GetResult(ctx, id); err == nil {
		if scan, ok := result.(*backend.ScanResult); ok && scan.Snapshot != nil {
			s.made = append(s.made, scan.Snapshot.ID)
		}
	}
	return nil
}

func expect(code fault.Code, err error) error {
	if got := fault.CodeOf(err); got != code {
		return fmt.Errorf("the answer is %q (%w), not %q", got, errOrNone(err), code)
	}
	return nil
}

func errOrNone(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return err
}
