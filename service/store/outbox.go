package store

import (
	"context"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// waitingMost is how many events of one job wait for a cluster to take them. Behind that, lines of log are lost.
const waitingMost = 8192

// outbox brings events into the stream of a cluster: those of one job one after the other, each again until it was taken. A cluster that
// elects a leader takes none for seconds; what were published then, and given up, would be missing in the midst of a job's events, and
// what were published later all the same, would come behind its followers.
type outbox struct {
	link
	lost func(id string, e backend.Event, err error)

	done waiters // for what waits of a job, by id

	mu      sync.Mutex
	waiting map[string][]backend.Event // by job; an entry is there while somebody sends
	sending sync.WaitGroup
}

// put takes an event to send. Progress takes the place of what waits of the same phase.
func (o *outbox) put(ctx context.Context, id string, e backend.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	events, busy := o.waiting[id]
	if len(events) >= waitingMost && !e.Terminal() {
		go o.lost(id, e, nats.ErrReconnectBufExceeded)
		return
	}
	o.waiting[id] = coalesce(events, e)
	if !busy {
		o.sending.Go(func() { o.send(context.WithoutCancel(ctx), id) })
	}
}

// send sends what waits of a job until nothing does.
func (o *outbox) send(ctx context.Context, id string) {
	for {
		o.mu.Lock()
		events := o.waiting[id]
		if len(events) == 0 {
			delete(o.waiting, id)
			o.mu.Unlock()
			o.done.wake(id)
			return
		}
		e := events[0]
		o.waiting[id] = events[1:]
		o.mu.Unlock()
		if err := o.publish(ctx, id, e); err != nil {
			o.lost(id, e, err)
		}
	}
}

// publish publishes an event until it was taken, for as long as the store has patience. The server knows one that comes twice.
func (o *outbox) publish(ctx context.Context, id string, e backend.Event) error {
	m, err := eventMessage(id, e)
	if err != nil {
		return err
	}
	m.Header = nats.Header{nats.MsgIdHdr: {fmt.Sprintf("%s/%d", id, e.Seq)}}
	return o.persist(ctx, func(ctx context.Context) error {
		_, err := o.js.PublishMsg(ctx, m)
		return err
	})
}

// sent waits until nothing waits of a job, or ctx ends.
func (o *outbox) sent(ctx context.Context, id string) error {
	for {
		done, forget := o.done.wait(id)
		o.mu.Lock()
		_, busy := o.waiting[id]
		o.mu.Unlock()
		if !busy {
			forget()
			return nil
		}
		select {
		case <-done:
		case <-ctx.Done():
			forget()
			return context.Cause(ctx)
		}
		forget()
	}
}

// flush waits until everything was sent, or ctx ends.
func (o *outbox) flush(ctx context.Context) error {
	sent := make(chan struct{})
	go func() { o.sending.Wait(); close(sent) }()
	select {
	case <-sent:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
