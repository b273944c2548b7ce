package store

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// defaultGrace is how long the terminal event may come behind the record that says that the job has ended, before
// it counts as lost.
const defaultGrace = 3 * time.Second

// Append is jobs.Events. The event is on its way when it returns, in the order of the calls.
func (s *Store) Append(ctx context.Context, id string, e backend.Event) error {
	if s.replicas > 1 {
		s.outbox.put(ctx, id, e)
		return nil
	}
	m, err := eventMessage(id, e)
	if err == nil {
		_, err = s.js.PublishMsgAsync(m)
	}
	return s.fault(ctx, err, "an event could not be published")
}

// Kept is jobs.Events. A single server takes events in their order, and without an answer.
func (s *Store) Kept(ctx context.Context, id string) error {
	return s.fault(ctx, s.outbox.sent(ctx, id), "the events of the job are not kept yet")
}

func eventMessage(id string, e backend.Event) (*nats.Msg, error) {
	data, err := json.Marshal(e)
	return &nats.Msg{Subject: eventsSubject(id), Data: data}, err
}

// Watch is jobs.Events.
func (s *Store) Watch(ctx context.Context, id string, after uint64, yield func(backend.Event) error) error {
	if _, _, err := s.Status(ctx, id); err != nil {
		return err
	}
	v := &view{store: s, id: id, after: after, yield: yield}
	for {
		w, seen := s.fan.join(token(id))
		done, err := v.follow(ctx, w, seen)
		s.fan.leave(token(id), w)
		if done || err != nil {
			return err
		}
	}
}

// view is one watching of a job.
type view struct {
	store *Store
	id    string
	after uint64 // number of the latest event that was yielded, or of the caller's
	yield func(backend.Event) error
}

// give yields an event, unless an equal or a later one was yielded before. It says whether it was the last one.
func (v *view) give(e backend.Event) (done bool, err error) {
	if e.Seq <= v.after {
		return false, nil
	}
	if err := v.yield(e); err != nil {
		return false, err
	}
	v.after = e.Seq
	return e.Terminal(), nil
}

// follow yields what is in the stream and then what comes, until the terminal event, or until so much came meanwhile
// that it has to be read from the stream.
func (v *view) follow(ctx context.Context, w *watcher, seen uint64) (done bool, err error) {
	if done, err := v.replay(ctx, seen); done || err != nil {
		return done, err
	}
	lost := lateness{grace: v.store.grace}
	defer lost.stop()
	for {
		events, late, ended := v.store.fan.take(w)
		for _, e := range events {
			if done, err := v.give(e); done || err != nil {
				return done, err
			}
		}
		if late {
			return false, nil
		}
		if len(events) > 0 {
			continue
		}
		if status, _, known := v.store.index.status(v.id); ended || !known || status.Status.Terminal() {
			lost.begin(status)
		}
		select {
		case <-w.wake:
		case <-lost.over():
			if done, err := v.replay(ctx, 0); done || err != nil { // it may be there, and not have been told of
				return done, err
			}
			return true, v.conclude(ctx)
		case <-v.store.stopped:
			return false, v.store.fault(ctx, errStopped, "the job cannot be watched any more")
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// lateness waits for a terminal event that should have come.
type lateness struct {
	grace time.Duration
	timer *time.Timer
}

func (l *lateness) begin(status backend.JobStatusResponse) {
	if l.timer != nil {
		return
	}
	wait := l.grace
	if status.CompletedAt != nil {
		wait = max(0, min(wait, wait-time.Since(*status.CompletedAt)))
	}
	l.timer = time.NewTimer(wait)
}

func (l *lateness) over() <-chan time.Time {
	if l.timer == nil {
		return nil
	}
	return l.timer.C
}

func (l *lateness) stop() {
	if l.timer != nil {
		l.timer.Stop()
	}
}

// conclude yields the terminal event that was lost or has expired, made from the record. Its number is above
// all others of the job.
func (v *view) conclude(ctx context.Context) error {
	r, _, err := v.store.Get(ctx, v.id)
	if err != nil {
		return err
	}
	e := backend.Event{Seq: jobs.Seq(r.Job.Attempt, math.MaxUint32), Kind: backend.EventStatus, Status: &r.Job}
	if r.Job.CompletedAt != nil {
		e.Time = *r.Job.CompletedAt
	}
	_, err = v.give(e)
	return err
}

// errRead says that a replay has read what it has to.
var errRead = errors.New("read")

// replay yields the events that are in the stream, at least up to the sequence number seen. Progress is
// coalesced.
func (v *view) replay(ctx context.Context, seen uint64) (done bool, err error) {
	const what = "the job's events could not be read"
	last, err := v.store.last(ctx, eventsStream, eventsSubject(v.id))
	if errors.Is(err, jobs.ErrNotFound) {
		return false, nil
	}
	var newest backend.Event
	if err == nil {
		err = json.Unmarshal(last.data, &newest)
	}
	if err != nil {
		return false, v.store.fault(ctx, err, what)
	}
	if newest.Seq == v.after || newest.Terminal() && newest.Seq < v.after {
		return newest.Terminal(), nil
	}
	var events []backend.Event
	next := uint64(1)
	for {
		var broken error
		err := v.store.scan(ctx, eventsStream, eventsSubject(v.id), next, func(m message) error {
			var e backend.Event
			if broken = json.Unmarshal(m.data, &e); broken != nil {
				return broken
			}
			next = m.seq + 1
			if events = coalesce(events, e); len(events) >= behind || m.seq >= last.seq {
				for _, e := range events {
					if done, broken = v.give(e); done || broken != nil {
						return errRead
					}
				}
				events = events[:0]
			}
			if m.seq >= last.seq {
				return errRead
			}
			return nil
		})
		switch {
		case broken != nil:
			return false, broken
		case errors.Is(err, errRead):
			return done, nil
		case err != nil:
			return false, v.store.fault(ctx, err, what)
		case next > 1 && v.store.replicas == 1, seen == 0 && v.store.replicas == 1:
			return false, nil // it was removed meanwhile
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil { // a replica is behind
			return false, err
		}
		if _, err := v.store.last(ctx, eventsStream, eventsSubject(v.id)); errors.Is(err, jobs.ErrNotFound) {
			return false, nil // it was removed meanwhile
		}
	}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// startFanout begins to hear of live events.
func (s *Store) startFanout(ctx, background context.Context) error {
	live, err := s.listen(ctx, background)
	if err != nil {
		return err
	}
	again := s.nc.StatusChanged(nats.CONNECTED)
	s.running.Go(func() {
		for {
			select {
			case <-again:
				anew, err := s.listen(background, background)
				if err != nil && background.Err() == nil {
					s.log.Warn("live events could not be heard of after a break", "error", err)
				}
				if anew != nil {
					live.Stop()
					live = anew
				}
			case <-background.Done():
				live.Stop()
				return
			}
		}
	})
	return nil
}

// silence is how long the server may say nothing to the consumer of live events; twice that, and it is made anew, on a server that lives.
const silence = 2 * time.Second

// listen makes a consumer of the live events, or nil if there is one that goes on by itself: it does unless a server
// that was killed has lost its latest events, so that numbers come again.
func (s *Store) listen(ctx, background context.Context) (jetstream.ConsumeContext, error) {
	stream, err := s.js.Stream(ctx, eventsStream)
	if err != nil || !s.fan.rewind(stream.CachedInfo().State.LastSeq) {
		return nil, err
	}
	consumer, err := stream.OrderedConsumer(background, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: stream.CachedInfo().State.LastSeq + 1,
	})
	if err != nil {
		return nil, err
	}
	return consumer.Consume(s.happened, jetstream.PullHeartbeat(silence), jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
		s.log.Debug("live events were interrupted", "error", err)
	}))
}

// happened hears of a live event.
func (s *Store) happened(m jetstream.Msg) {
	meta, err := m.Metadata()
	var e backend.Event
	if err == nil {
		err = json.Unmarshal(m.Data(), &e)
	}
	if err != nil {
		s.log.Error("an event cannot be read", "subject", m.Subject(), "error", err)
		return
	}
	job := strings.TrimPrefix(m.Subject(), eventsPrefix)
	if e.Progress != nil || e.Status != nil && e.Status.Status == backend.JobRunning {
		if id, _ := s.index.named(job); id != "" {
			s.index.progress(id, int(e.Seq>>32), e)
		}
	}
	s.fan.hand(job, meta.Sequence.Stream, e)
}
