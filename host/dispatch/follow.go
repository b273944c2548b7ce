package dispatch

import (
	"context"
	"fmt"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// aftermath is how long the events of a backend that has ended may still take to arrive.
const aftermath = 2 * time.Second

// follow watches a job to its terminal state. When ctx ends before, a durable job is left alone, unless
// the user interrupted and e says otherwise, and any other is cancelled; its last events are still
// observed. The error is then the cause of ctx.
func (s *Session) follow(ctx context.Context, id string, e Ending, observer Observer) (backend.JobStatusResponse, error) {
	// The events outlive ctx: what the job says while it stops is worth seeing.
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	w := &watch{ended: make(chan struct{})}
	defer func() { stop(); <-w.ended }()
	go func() {
		defer close(w.ended)
		w.err = s.Backend.WatchJob(watching, id, 0, func(e backend.Event) error {
			observer.Event(e)
			if e.Terminal() {
				w.last = *e.Status
			}
			return nil
		})
	}()

	select {
	case <-w.ended:
	case <-s.program.Exited():
		wait(w.ended, aftermath)
	case <-ctx.Done():
		interrupted := fault.CodeOf(context.Cause(ctx)) == fault.Interrupted
		if !s.durable() || interrupted && e.CancelOnInterrupt {
			return s.cancel(ctx, id, e, w)
		}
		return backend.JobStatusResponse{}, s.detached(ctx, id, e)
	}
	job, err := w.outcome(s, id, stop)
	return job, s.goesOn(id, e, err)
}

// watch is WatchJob under way. Its other fields are to be read once ended is closed.
type watch struct {
	ended chan struct{}
	last  backend.JobStatusResponse
	err   error
}

// outcome is the terminal state, or why there is none. It ends a watch that its backend has forgotten.
func (w *watch) outcome(s *Session, id string, stop context.CancelFunc) (backend.JobStatusResponse, error) {
	select {
	case <-w.ended:
	default:
		stop()
		<-w.ended
		w.err = nil
	}
	switch {
	case w.last.Status.Terminal():
		return w.last, nil
	case w.err != nil:
		return w.last, w.err
	}
	select {
	case <-s.program.Exited():
		return w.last, fault.New(fault.BackendCrashed, fmt.Sprintf("backend %s ended in the middle of the job", s.Name),
			fault.On(id), fault.From(fault.OriginHost), fault.Hint("run it again with -v to see its log"))
	default:
	}
	return w.last, fault.New(fault.Internal, fmt.Sprintf("backend %s stopped to report on the job before its end", s.Name),
		fault.On(id), fault.From(fault.OriginBackend))
}

// cancel stops a job and waits for its last events. A job that would not outlive its backend is ended
// with it, if need be.
func (s *Session) cancel(ctx context.Context, id string, e Ending, w *watch) (backend.JobStatusResponse, error) {
	cause := context.Cause(ctx)
	s.options.Note("%s: cancelling the job; press Ctrl-C to end it at once", fault.Of(cause).Message)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.Grace)
	defer cancel()
	_, err := s.Backend.CancelJob(grace, id)
	if err == nil || fault.CodeOf(err) == fault.Conflict { // stopped, or was finished already
		select {
		case <-w.ended:
			if w.last.Status == backend.JobCompleted {
				return w.last, nil
			}
			return backend.JobStatusResponse{}, s.stopped(id, cause)
		case <-s.program.Exited():
			return backend.JobStatusResponse{}, cause
		case <-grace.Done():
		}
	}
	if s.durable() {
		return backend.JobStatusResponse{}, s.unstopped(id, e, cause, err)
	}
	select {
	case <-s.program.Exited():
		return backend.JobStatusResponse{}, cause
	default:
	}
	switch code := fault.CodeOf(err); {
	case grace.Err() != nil:
		s.options.Note("backend %s did not stop in %s and is killed", s.Name, s.options.Grace)
	case code != fault.Interrupted && code != fault.BackendCrashed: // these say that it is being ended already
		s.options.Note("backend %s did not cancel the job and is killed: %v", s.Name, err)
	}
	s.program.Kill()
	return backend.JobStatusResponse{}, cause
}

// wait waits for done, but not longer than patience.
func wait(done <-chan struct{}, patience time.Duration) {
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}
