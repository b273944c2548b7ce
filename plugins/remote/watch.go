package remote

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	// outage is how long the service may be out of reach before a follower of a job gives up.
	outage = 5 * time.Minute
	// room is how many numbers of events stand between two of the service's: one for its own, the others for what
	// this client has to say, such as that it waits. So a number that a caller was given stands for the same
	// place in the job's events whatever happened on the way, and to whichever process.
	room = 1 << 8
	// maxSeq is the highest number of the service for which there is room.
	maxSeq = math.MaxUint64 / room
)

// watch is one following of a job.
type watch struct {
	c     *RemoteClient
	id    string
	seen  uint64                     // the service's number of the last event
	out   chan placed                // with the service's numbers
	notes chan string                // what this client has to say; empty is that a wait is over
	noted atomic.Int64               // how many notes there were
	last  *backend.JobStatusResponse // the last state that was handed over
	told  *backend.Progress          // by polling, to see whether it changed
}

// placed is an event and its place among the notes.
type placed struct {
	event backend.Event
	notes int64 // that came before
}

// WatchJob yields a job's events with a number above after, in order, and returns nil behind the terminal
// one. It streams them, goes on where a broken stream ended, and polls where the service or a proxy does not stream. Waits are
// progress events. When job_max_wait is over it answers fault.JobMaxWait, and the job goes on.
func (c *RemoteClient) WatchJob(ctx context.Context, id string, after uint64, yield func(backend.Event) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := checkID(id, noJob); err != nil {
		return err
	}
	if err := c.checkKey(ctx); err != nil {
		return err
	}
	ctx, cancel := c.maxWait(ctx, id)
	defer cancel()

	w := &watch{c: c, id: id, seen: after / room, out: make(chan placed), notes: make(chan string, 16)}
	defer c.notices.listen(w.note)()
	var produced error
	done := make(chan struct{})
	go func() {
		defer close(done)
		produced = w.produce(ctx)
	}()
	defer func() { cancel(); <-done }()

	n := numbering{last: after}
	for taken := int64(0); ; {
		select {
		case p := <-w.out:
			for ; taken < p.notes; taken++ {
				if err := n.note(<-w.notes, yield); err != nil {
					return err
				}
			}
			if err := n.yield(p.event, yield); err != nil || p.event.Terminal() {
				return err
			}
		case text := <-w.notes:
			taken++
			if err := n.note(text, yield); err != nil {
				return err
			}
		case <-done:
			return produced
		}
	}
}

// note hands over what this client has to say, unless the caller does not look: nobody needs old news.
func (w *watch) note(text string) {
	select {
	case w.notes <- text:
		w.noted.Add(1)
	default:
	}
}

// maxWait is ctx that ends when the time to wait for a job is over.
func (c *RemoteClient) maxWait(ctx context.Context, id string) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, c.config.JobMaxWait, fault.New(fault.JobMaxWait,
		fmt.Sprintf("the job %s has not ended within %s", id, c.config.JobMaxWait), fault.On(id), fault.Retryable(), fault.From(fault.OriginBackend),
		fault.Hint("the job goes on; follow it again: atg --backend remote job watch %s", id)))
}

// numbering gives events the numbers that callers see.
type numbering struct {
	last  uint64 // the last number that was given
	noted bool   // the last was a note
}

// connection is the phase of what this client has to say of its connection with the service.
const connection = "service"

func (n *numbering) yield(e backend.Event, yield func(backend.Event) error) error {
	if e.Seq *= room; e.Seq <= n.last {
		return nil
	}
	if err := n.note("", yield); err != nil {
		return err
	}
	n.last = e.Seq
	return yield(e)
}

// note yields something that this client has to say: as progress that says why the job's stands still, or
// that it no longer does.
func (n *numbering) note(text string, yield func(backend.Event) error) error {
	p := backend.Progress{Phase: connection, Message: text}
	if text == "" {
		if !n.noted {
			return nil
		}
		p = backend.Progress{Phase: connection, Done: 1, Total: 1, Message: "reached again"}
	}
	n.noted = text != ""
	if n.last%room == room-1 { // no room until the next event
		return nil
	}
	n.last++
	return yield(backend.Event{Seq: n.last, Time: time.Now().UTC(), Kind: backend.EventProgress, Progress: &p})
}

// send hands an event over.
func (w *watch) send(ctx context.Context, e backend.Event) error {
	select {
	case w.out <- placed{e, w.noted.Load()}:
		if w.seen = e.Seq; e.Kind == backend.EventStatus {
			w.last = e.Status
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// produce hands over the job's events and returns nil behind the terminal one.
func (w *watch) produce(ctx context.Context) error {
	err := w.stream(ctx)
	if errors.Is(err, errNoStream) {
		err = w.poll(ctx)
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return settled(err)
}

// patiently asks for a job's state, and outlasts an outage of the service.
func (c *RemoteClient) patiently(ctx context.Context, id string) (backend.JobStatusResponse, error) {
	began := time.Now()
	for n := 1; ; n++ {
		job, err := c.held(ctx, id)
		if !mayPass(err) || time.Since(began) > outage {
			return job, settled(err)
		}
		if err := c.rest(ctx, n, err); err != nil {
			return job, err
		}
	}
}

// rest waits before the nth repetition of something that failed, and says so.
func (c *RemoteClient) rest(ctx context.Context, n int, err error) error {
	d := c.delay(n, err)
	c.announce(ctx, err, d, "")
	return wait(ctx, d)
}
