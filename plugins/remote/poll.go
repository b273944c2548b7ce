package remote

import (
	"context"
	"math"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

const (
	// longPoll is how long the service is asked to hold an answer that has not changed.
	longPoll = 30 * time.Second
	// firstPoll is the time between the first two looks at a job.
	firstPoll = 250 * time.Millisecond
	// minHeld is how long an answer was held, at least, whose loss is put down to its holding.
	minHeld = 3 * time.Second
)

// held asks for a job's state, and has the service hold an unchanged one for a while, if not too many others
// are held already, and unless a proxy has lost patience before.
func (c *RemoteClient) held(ctx context.Context, id string) (backend.JobStatusResponse, error) {
	if c.hurried.Load() {
		return c.status(ctx, question{id: id})
	}
	select {
	case c.patient <- struct{}{}:
		defer func() { <-c.patient }()
	default:
		return c.status(ctx, question{id: id})
	}
	began := time.Now()
	job, err := c.status(ctx, question{id: id, patience: min(longPoll, c.config.RequestTimeout/2)})
	if mayPass(err) && time.Since(began) > minHeld {
		c.hurried.Store(true)
	}
	return job, err
}

// pacer spaces looks at a job: ever less often, until something happens.
type pacer struct {
	next, most time.Duration
}

// rest is how long to wait behind a look that took so long. A service that held its answer has waited
// already.
func (p *pacer) rest(took time.Duration, changed bool) time.Duration {
	if p.next == 0 || changed {
		p.next = min(firstPoll, p.most)
	}
	d := p.next - took
	p.next = min(2*p.next, p.most)
	return d
}

// poll looks at the job until it has ended, and makes events of what it sees.
func (w *watch) poll(ctx context.Context) error {
	pace := &pacer{most: w.c.config.JobPollInterval}
	for {
		began := time.Now()
		job, err := w.c.patiently(ctx, w.id)
		if err != nil {
			return err
		}
		w.note("")
		changed, err := w.tell(ctx, job)
		if err != nil || job.Status.Terminal() {
			return err
		}
		if err := wait(ctx, pace.rest(time.Since(began), changed)); err != nil {
			return err
		}
	}
}

// The numbers of events that are made of a state: the same for every follower, with progress between.
// They stand in the order of the service's own, which count each attempt from a multiple of 2^32.
const (
	seqPending  = 1
	seqRunning  = 1 // of the attempt
	seqTerminal = math.MaxUint32
)

// tell makes events of a state, as far as they are new, and says whether any was.
func (w *watch) tell(ctx context.Context, job backend.JobStatusResponse) (changed bool, err error) {
	attempt := uint64(job.Attempt) << 32 //nolint:gosec // counts from 1
	event := func(seq uint64, at time.Time, status backend.JobStatusResponse) error {
		if err != nil || seq <= w.seen || w.last != nil && !news(*w.last, status) {
			return err
		}
		changed = true
		if at.IsZero() {
			at = time.Now().UTC()
		}
		return w.send(ctx, backend.Event{Seq: seq, Time: at, Kind: backend.EventStatus, Status: &status})
	}
	pending := backend.JobStatusResponse{
		JobID: job.JobID, Operation: job.Operation, TenantID: job.TenantID,
		Status: backend.JobPending, Attempt: 1, CreatedAt: job.CreatedAt,
	}
	err = event(seqPending, job.CreatedAt, pending)
	if job.StartedAt != nil {
		running := pending
		running.Status, running.Attempt, running.StartedAt = backend.JobRunning, job.Attempt, job.StartedAt
		err = event(attempt|seqRunning, *job.StartedAt, running)
	}
	if job.Status == backend.JobRunning && err == nil {
		var moved bool
		if moved, err = w.tellProgress(ctx, attempt, job); moved {
			changed = true
		}
	}
	if job.Status.Terminal() {
		at := time.Time{}
		if job.CompletedAt != nil {
			at = *job.CompletedAt
		}
		err = event(attempt|seqTerminal, at, job)
	}
	return changed, err
}

// news says whether a state is one that a job may go to from the one before.
func news(before, now backend.JobStatusResponse) bool {
	return before.Status.CanBecome(now.Status) || now.Status == backend.JobRunning && now.Attempt > before.Attempt
}

// tellProgress makes an event of a state's phase and progress, if they have changed.
func (w *watch) tellProgress(ctx context.Context, attempt uint64, job backend.JobStatusResponse) (moved bool, err error) {
	if job.Phase == "" && job.Progress == nil {
		return false, nil
	}
	p := backend.Progress{Phase: job.Phase}
	if p.Phase == "" {
		p.Phase = string(job.Operation)
	}
	if job.Progress != nil {
		p.Done, p.Total, p.Unit = int64(math.Round(*job.Progress*100)), 100, "%"
	}
	if w.told != nil && *w.told == p {
		return false, nil
	}
	seq := max(w.seen, attempt|seqRunning) + 1
	if seq >= attempt|seqTerminal {
		return false, nil
	}
	w.told = &p
	return true, w.send(ctx, backend.Event{Seq: seq, Time: time.Now().UTC(), Kind: backend.EventProgress, Progress: &p})
}
