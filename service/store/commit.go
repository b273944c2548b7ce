package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// How many submissions go into one batch. Below batchMin each is published alone: a batch costs about as much
// as so many synced writes. The server takes batches of up to 1,000.
const (
	batchMin   = 8
	batchMax   = 256
	batchBytes = 4 << 20 // about; of a batch's messages
)

// committer makes submissions durable: each with a write of its own while they are few, together in one atomic
// batch when many wait. A batch costs one sync of the disk instead of one each.
type committer struct {
	link
	waiting chan *submission
	stopped chan struct{} // closed when run has ended
}

// submission is a message on its way, and where to tell what became of it.
type submission struct {
	message *nats.Msg
	done    chan committed // has room for one
}

type committed struct {
	ack *jetstream.PubAck
	err error
}

func newCommitter(l link) *committer {
	return &committer{link: l, waiting: make(chan *submission, batchMax), stopped: make(chan struct{})}
}

// commit returns when the message is durable. A caller who gives up does not take it back.
func (c *committer) commit(ctx context.Context, m *nats.Msg) (*jetstream.PubAck, error) {
	s := &submission{message: m, done: make(chan committed, 1)}
	select {
	case c.waiting <- s:
	case <-c.stopped:
		return nil, errStopped
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case d := <-s.done:
		return d.ack, d.err
	case <-c.stopped:
		return nil, errStopped
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// run commits what comes until ctx ends.
func (c *committer) run(ctx context.Context) {
	defer close(c.stopped)
	for {
		select {
		case first := <-c.waiting:
			all := []*submission{first}
			bytes := len(first.message.Data)
			for more := true; more && len(all) < batchMax && bytes < batchBytes; {
				select {
				case s := <-c.waiting:
					all = append(all, s)
					bytes += len(s.message.Data)
				default:
					more = false
				}
			}
			if len(all) < batchMin || !c.together(ctx, all) {
				c.alone(ctx, all)
			}
		case <-ctx.Done():
			return
		}
	}
}

// alone publishes each with a write of its own, and again what is not acknowledged: the server knows its message id.
func (c *committer) alone(ctx context.Context, all []*submission) {
	ctx, cancel := bound(ctx)
	defer cancel()
	elected := time.Now().Add(c.link.alone)
	for len(all) > 0 {
		if all = c.publish(ctx, all, time.Now().Before(elected)); len(all) == 0 {
			return
		}
		if pause(ctx, tryAgainIn) != nil {
			for _, s := range all {
				s.done <- committed{err: ctx.Err()}
			}
			return
		}
	}
}

// publish publishes each once, and answers those that were not acknowledged in time, or, while that may pass, by nobody.
func (c *committer) publish(ctx context.Context, all []*submission, mayPass bool) (again []*submission) {
	ctx, cancel := context.WithTimeout(ctx, c.try)
	defer cancel()
	futures := make([]jetstream.PubAckFuture, len(all))
	for i, s := range all {
		m := &nats.Msg{Subject: s.message.Subject, Data: s.message.Data, Header: s.message.Header}
		future, err := c.js.PublishMsgAsync(m)
		if err != nil {
			s.done <- committed{err: err}
			continue
		}
		futures[i] = future
	}
	for i, f := range futures {
		if f == nil {
			continue
		}
		select {
		case ack := <-f.Ok():
			all[i].done <- committed{ack: ack}
		case err := <-f.Err():
			if isCode(err, codeDuplicateInProcess) || mayPass && nobody(err) {
				again = append(again, all[i])
				continue
			}
			all[i].done <- committed{err: err}
		case <-ctx.Done():
			again = append(again, all[i])
		}
	}
	return again
}

// together publishes all in one atomic batch (ADR-50), or says that it could not, as when one of them is a
// duplicate. What it could not is published alone: if the batch was stored after all, that finds duplicates.
func (c *committer) together(ctx context.Context, all []*submission) bool {
	ctx, cancel := context.WithTimeout(ctx, c.try)
	defer cancel()
	batch := nuid.Next()
	for i, s := range all {
		m := &nats.Msg{Subject: s.message.Subject, Data: s.message.Data, Header: nats.Header{
			nats.MsgIdHdr: s.message.Header[nats.MsgIdHdr], "Nats-Batch-Id": {batch}, "Nats-Batch-Sequence": {strconv.Itoa(i + 1)},
		}}
		if i < len(all)-1 {
			if c.nc.PublishMsg(m) != nil {
				return false
			}
			continue
		}
		m.Header.Set("Nats-Batch-Commit", "1")
		answer, err := c.nc.RequestMsgWithContext(ctx, m)
		if err != nil {
			return false
		}
		var ack struct {
			Error *jetstream.APIError `json:"error"`
			Seq   uint64              `json:"seq"`
			Count int                 `json:"count"`
		}
		if json.Unmarshal(answer.Data, &ack) != nil || ack.Error != nil || ack.Count != len(all) {
			return false
		}
		for j, s := range all {
			s.done <- committed{ack: &jetstream.PubAck{Stream: queueStream, Sequence: ack.Seq - uint64(i-j)}} //nolint:gosec // i is the last
		}
	}
	return true
}

// again is the message id of a job that comes anew after its removal.
func again(id string, sequence uint64) string { return fmt.Sprintf("%s/%d", id, sequence) }
