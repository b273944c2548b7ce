package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/azure-tenant-grapher/atg/service/jobs"
)

// How long a pull waits for the server's answer. An owner who has as many jobs with workers as allowed gets no
// answer at all until one of them ends, so a limit makes it short.
const (
	pullPatience    = 5 * time.Second
	limitedPatience = 100 * time.Millisecond
)

// Next is jobs.Queue.
func (s *Store) Next(ctx context.Context) (jobs.Delivery, error) {
	for {
		owner, err := s.owners.next(ctx)
		if err != nil {
			return nil, s.fault(ctx, err, "no job could be taken from the queue")
		}
		if !s.owners.mayTake(owner, s.config.PerOwner, s.index) {
			continue
		}
		m, err := s.pull(ctx, owner.token)
		if err != nil {
			s.owners.offer(owner.token)
			return nil, s.fault(ctx, err, "no job could be taken from the queue")
		}
		if m == nil {
			s.owners.none(owner, s.index)
			continue
		}
		s.owners.offer(owner.token) // there may be more
		d, err := s.deliver(ctx, m, owner.token)
		switch {
		case err != nil:
			return nil, s.fault(ctx, err, "a job in the queue cannot be read")
		case d != nil:
			return d, nil
		}
	}
}

// deliver makes a delivery of a message. One that cannot be read is buried, so that it is not taken again. One that somebody has who
// was not heard is left there: nil.
func (s *Store) deliver(ctx context.Context, m *nats.Msg, owner string) (*delivery, error) {
	meta, err := m.Metadata()
	if err != nil {
		return nil, err
	}
	d := &delivery{store: s, message: m, owner: owner, attempt: int(meta.NumDelivered)} //nolint:gosec // small
	s.owners.took(owner)
	if err := decode(m.Data, &d.record); err != nil {
		return nil, errors.Join(err, d.Bury(context.WithoutCancel(ctx), "it cannot be read: "+err.Error()))
	}
	if meta.NumDelivered > 1 && s.held(ctx, d.ID()) {
		s.log.InfoContext(ctx, "a job was delivered again whose worker is alive; it stays there", "job_id", d.ID())
		d.Leave()
		return nil, nil
	}
	d.hold()
	// A server that was killed may have forgotten its latest deliveries.
	if job, _, known := s.index.status(d.ID()); known && job.StartedAt != nil {
		d.attempt = max(d.attempt, job.Attempt+1)
	}
	return d, nil
}

// pull asks for one job of an owner; nil is none. The answer is waited for even if ctx ends: a job that was sent
// and not taken would be lost until AckWait is over.
func (s *Store) pull(ctx context.Context, owner string) (*nats.Msg, error) {
	wait := pullPatience
	if s.config.PerOwner > 0 {
		wait = limitedPatience
	}
	for range 2 {
		if !s.owners.known(owner) {
			if err := s.makeConsumer(ctx, owner); err != nil {
				return nil, err
			}
		}
		m, err := s.ask(context.WithoutCancel(ctx), owner, wait)
		if !errors.Is(err, errNoConsumer) {
			return m, err
		}
		s.owners.forget(owner)
	}
	return nil, errNoConsumer
}

var errNoConsumer = fmt.Errorf("the owner's consumer is gone: %w", nats.ErrNoResponders)

func (s *Store) ask(ctx context.Context, owner string, wait time.Duration) (*nats.Msg, error) {
	inbox := s.nc.NewInbox()
	sub, err := s.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	request := []byte(`{"batch":1,"no_wait":true}`)
	if err := s.nc.PublishRequest(jetstream.DefaultAPIPrefix+"CONSUMER.MSG.NEXT."+queueStream+"."+owner, inbox, request); err != nil {
		return nil, err
	}
	short, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	m, err := sub.NextMsgWithContext(short)
	if errors.Is(err, context.DeadlineExceeded) {
		if err := sub.Drain(); err != nil { // what is under way still arrives
			return nil, err
		}
		if m, err = sub.NextMsg(pullPatience); err != nil {
			return nil, nil //nolint:nilerr // nothing was under way
		}
	}
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, errNoConsumer
	}
	if err != nil {
		return nil, err
	}
	switch status := m.Header.Get("Status"); {
	case status == "":
		return m, nil
	case status == "409" && strings.Contains(m.Header.Get("Description"), "Deleted"):
		return nil, errNoConsumer
	case status == "404", status == "408", status == "409":
		return nil, nil
	default:
		return nil, fmt.Errorf("%w: %s %s", nats.ErrInvalidMsg, status, m.Header.Get("Description"))
	}
}

// ensureConsumer sees to it that an owner has a consumer.
func (s *Store) ensureConsumer(ctx context.Context, owner string) error {
	t := token(owner)
	if s.owners.known(t) {
		return nil
	}
	return s.makeConsumer(ctx, t)
}

// makeConsumer makes an owner's consumer, or sets it to this process's limit.
func (s *Store) makeConsumer(ctx context.Context, owner string) error {
	pending := -1
	if s.config.PerOwner > 0 {
		pending = s.config.PerOwner
	}
	err := s.persist(ctx, func(ctx context.Context) error {
		_, err := s.js.CreateOrUpdateConsumer(ctx, queueStream, jetstream.ConsumerConfig{
			Durable: owner, FilterSubject: queuePrefix + owner + ".*", AckPolicy: jetstream.AckExplicitPolicy, DeliverPolicy: jetstream.DeliverAllPolicy,
			AckWait: s.config.AckWait, MaxDeliver: -1, MaxAckPending: pending,
		})
		return err
	})
	if err == nil {
		s.owners.made(owner)
	}
	return err
}

// startQueue hears of jobs that workers give back, and looks now and then for what nobody told of: the jobs of
// workers that died.
func (s *Store) startQueue(_, background context.Context) error {
	free, err := s.nc.Subscribe(freePrefix+">", func(m *nats.Msg) {
		owner := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
		var delay time.Duration
		if json.Unmarshal(m.Data, &delay) == nil && delay >= 0 {
			for _, late := range []time.Duration{5 * time.Millisecond, 50 * time.Millisecond, 500 * time.Millisecond} {
				time.AfterFunc(delay+late, func() { s.owners.insist(owner) }) // the server's clock may be a little behind
			}
			return
		}
		s.owners.offer(owner)
	})
	if err != nil {
		return err
	}
	again := s.nc.StatusChanged(nats.CONNECTED)
	s.running.Go(func() {
		defer func() { _ = free.Unsubscribe() }()
		sweep := time.NewTicker(s.config.AckWait / 8)
		defer sweep.Stop()
		for {
			select {
			case <-sweep.C:
				s.owners.sweep(s.index)
			case <-again:
				if err := s.scanQueue(background); err != nil && background.Err() == nil {
					s.log.Warn("the queue could not be read after a break", "error", err)
				}
				s.owners.sweep(s.index)
			case <-background.Done():
				return
			}
		}
	})
	return nil
}

// Cancels is jobs.Queue.
func (s *Store) Cancels(ctx context.Context, cancel func(id string)) error {
	sub, err := s.nc.Subscribe(cancelPrefix+"*", func(m *nats.Msg) { cancel(string(m.Data)) })
	if err != nil {
		return s.fault(ctx, err, "cancelling cannot be heard of")
	}
	<-ctx.Done()
	_ = sub.Unsubscribe()
	return ctx.Err()
}

// AskCancel is jobs.Queue.
func (s *Store) AskCancel(ctx context.Context, id string) error {
	return s.fault(ctx, s.nc.Publish(cancelPrefix+token(id), []byte(id)), "the worker could not be told")
}

// Depth is jobs.Queue.
func (s *Store) Depth(ctx context.Context) (int64, error) {
	ctx, cancel := bound(ctx)
	defer cancel()
	const what = "the queue could not be counted"
	stream, err := s.js.Stream(ctx, queueStream)
	if err != nil {
		return 0, s.fault(ctx, err, what)
	}
	depth := int64(stream.CachedInfo().State.Msgs) //nolint:gosec // a count
	consumers := stream.ListConsumers(ctx)
	for c := range consumers.Info() {
		depth -= int64(c.NumAckPending)
	}
	return max(depth, 0), s.fault(ctx, consumers.Err(), what)
}
