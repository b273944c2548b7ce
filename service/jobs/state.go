package jobs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Begin moves a job to running for an attempt of a worker. A job that is running already (its worker was
// lost) stays so with the higher attempt.
func (r *Record) Begin(worker string, attempt int, now time.Time) {
	now = now.UTC()
	if n := len(r.History); n > 0 && r.History[n-1].EndedAt == nil {
		r.endAttempt(fault.New(fault.BackendCrashed, "the worker was lost in the middle of the job", fault.From(fault.OriginService)), now)
	}
	r.Job.Status, r.Job.Attempt = backend.JobRunning, attempt
	if r.Job.StartedAt == nil {
		r.Job.StartedAt = &now
	}
	r.History = append(r.History, Attempt{Number: attempt, Worker: worker, StartedAt: now})
}

// Suspend ends the present attempt without an end of the job: it will be tried again.
func (r *Record) Suspend(why error, now time.Time) { r.endAttempt(fault.Of(why), now.UTC()) }

// Release ends the present attempt because its worker is shut down: the job will be done by another, and this attempt is
// not held against it.
func (r *Record) Release(now time.Time) {
	r.Excuse(fault.New(fault.ServiceUnavailable, "the worker was shut down in the middle of the job", fault.From(fault.OriginService)), now)
}

// Excuse ends the present attempt because of something that the job is not to blame for. It will be tried again, and this attempt is
// not held against it.
func (r *Record) Excuse(why error, now time.Time) {
	r.endAttempt(fault.Of(why), now.UTC())
	if n := len(r.History); n > 0 {
		r.History[n-1].Released = true
	}
}

// Tried is how many attempts count against the job.
func (r *Record) Tried() (n int) {
	for _, a := range r.History {
		if !a.Released {
			n++
		}
	}
	return n
}

// Complete ends the job with its result and files.
func (r *Record) Complete(result backend.Result, artifacts []backend.Artifact, now time.Time) error {
	content, err := json.Marshal(result)
	if err != nil {
		return fault.New(fault.Internal, "the result has no JSON form", fault.Because(err), fault.On(r.Job.JobID))
	}
	whole := 1.0
	r.Result, r.Artifacts, r.Job.Progress = content, artifacts, &whole
	if r.Parent == "" { // its parent needs to know a shard's parts
		r.Parts = nil
	}
	r.end(backend.JobCompleted, nil, now)
	return nil
}

// Fail ends the job with the fault that it failed with.
func (r *Record) Fail(why error, now time.Time) { r.end(backend.JobFailed, fault.Of(why), now) }

// Cancel ends the job as its owner wanted.
func (r *Record) Cancel(now time.Time) {
	r.end(backend.JobCancelled, fault.New(fault.Cancelled, "the job was cancelled", fault.On(r.Job.JobID)), now)
}

func (r *Record) end(status backend.JobStatus, f *fault.Fault, now time.Time) {
	now = now.UTC()
	r.endAttempt(f, now)
	r.Job.Status, r.Job.CompletedAt, r.Job.Fault, r.Job.Error = status, &now, f, ""
	if f != nil {
		r.Job.Error = f.Error()
	}
}

func (r *Record) endAttempt(f *fault.Fault, now time.Time) {
	n := len(r.History)
	if n == 0 || r.History[n-1].EndedAt != nil {
		return
	}
	a := &r.History[n-1]
	a.EndedAt, a.Fault = &now, f
	if f != nil {
		a.Error = f.Error()
	}
}

// Exhausted is the fault of a job that was tried as often as the service tries, with the reason of each attempt.
func (r *Record) Exhausted() *fault.Fault {
	f := fault.New(fault.JobFailed, fmt.Sprintf("the job was given up after %d attempts", r.Tried()),
		fault.On(r.Job.JobID), fault.From(fault.OriginService),
		fault.Hint("the last reason stands in the cause; once that is cured, submit it again"))
	for _, a := range r.History {
		if a.Fault == nil || a.Released {
			continue
		}
		f.Problems = append(f.Problems, fault.Problem{Key: fmt.Sprintf("attempt %d", a.Number), Message: a.Error, Hint: a.Fault.Hint})
		f.Cause = a.Fault
	}
	return f
}

// GivenUp says that the job ended because it was tried as often as the service tries, not because of what a
// backend found.
func (r *Record) GivenUp() bool {
	f := r.Job.Fault
	return r.Job.Status == backend.JobFailed && f != nil && f.Code == fault.JobFailed && f.Origin == fault.OriginService
}

// Later says that a later version submitted the job, with an operation or with options of the request that this one does not know:
// who goes on without them does something else than was asked for.
func (r *Record) Later() bool {
	request := backend.NewRequest(r.Job.Operation)
	if request == nil {
		return true
	}
	strict := json.NewDecoder(bytes.NewReader(r.Request))
	strict.DisallowUnknownFields()
	return strict.Decode(request) != nil && json.Unmarshal(r.Request, backend.NewRequest(r.Job.Operation)) == nil
}

// Decoded is the request.
func (r *Record) Decoded() (backend.Request, error) {
	request := backend.NewRequest(r.Job.Operation)
	if request == nil {
		return nil, fault.Newf(fault.Unsupported, "there is no operation %q", r.Job.Operation)
	}
	if err := json.Unmarshal(r.Request, request); err != nil {
		return nil, fault.New(fault.Internal, "the stored request cannot be read", fault.Because(err), fault.On(r.Job.JobID))
	}
	return request, nil
}
