package dispatch

import (
	"context"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Unsent is a submission that did not reach its service, or perhaps did.
type Unsent struct {
	Backend    string
	Submission backend.Submission // without its inputs
	Files      []File             // these
	Ending     Ending             // of the job, one day
	Doubtful   bool               // the service may have it all the same
}

// canWait says whether a submission that came to nothing may be sent later: where the service cannot be
// reached, never where a person has to act, and not where there is a job already.
func (d *ExecutionDispatcher) canWait(ctx context.Context, out *Outcome, err error) bool {
	return d.options.Enqueue != nil && out == nil && ctx.Err() == nil && fault.CodeOf(err) == fault.ServiceUnavailable
}

func (d *ExecutionDispatcher) enqueue(ctx context.Context, u Unsent, reason error) (*Outcome, error) {
	id, err := d.options.Enqueue(ctx, u)
	if err != nil {
		return nil, err
	}
	d.options.Note("backend %s cannot be used: %v", u.Backend, reason)
	return &Outcome{Backend: u.Backend, Queued: id, Job: backend.JobStatusResponse{Operation: u.Submission.Request.Operation()}}, nil
}

// Send submits what was kept: with the same idempotency key it is one job, however often it is sent.
// Doubtful says of an error that the service may have it all the same.
func (s *Session) Send(ctx context.Context, u Unsent) (job backend.JobStatusResponse, doubtful bool, err error) {
	if err := s.check(Task{Request: u.Submission.Request, Inputs: u.Files, Detach: true, Ending: u.Ending}); err != nil {
		return job, false, err
	}
	submission := u.Submission
	if submission.Inputs, err = s.store(ctx, u.Files); err != nil {
		return job, false, err
	}
	job, err = s.Backend.Submit(ctx, submission)
	return job, err != nil, err
}
