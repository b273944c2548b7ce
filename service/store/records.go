package store

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// marker is how long the trace of a removal stays, so that every process hears of it.
const marker = time.Hour

// Enqueue is jobs.Records. The job is one message of the queue; the consumer of its owner is there before it.
func (s *Store) Enqueue(ctx context.Context, r jobs.Record) (jobs.Record, bool, error) {
	const what = "the job could not be stored"
	id := r.Job.JobID
	if _, _, known := s.index.status(id); known {
		if stored, _, err := s.Get(ctx, id); !errors.Is(err, jobs.ErrNotFound) {
			return stored, false, err
		}
	}
	if err := s.Room(); err != nil {
		return jobs.Record{}, false, err
	}
	if err := s.ensureConsumer(ctx, r.Lane()); err != nil {
		return jobs.Record{}, false, s.fault(ctx, err, what)
	}
	data, err := encode(r)
	if err != nil {
		return jobs.Record{}, false, s.fault(ctx, err, what)
	}
	m := &nats.Msg{Subject: queueSubject(r.Lane(), id), Data: data, Header: nats.Header{}}
	for message := id; ; {
		m.Header.Set(nats.MsgIdHdr, message)
		ack, err := s.commits.commit(ctx, m)
		if err != nil {
			return jobs.Record{}, false, s.fault(ctx, err, what)
		}
		if !ack.Duplicate {
			break
		}
		stored, _, err := s.Get(ctx, id)
		if !errors.Is(err, jobs.ErrNotFound) {
			return stored, false, err
		}
		message = again(id, ack.Sequence) // the job was removed; the server still knows its message
	}
	s.learn(summarize(r), 0)
	return r, true, nil
}

// Get is jobs.Records.
func (s *Store) Get(ctx context.Context, id string) (jobs.Record, jobs.Revision, error) {
	// A job moves from the queue into the bucket, never back: whoever finds it in neither looks once more.
	for range 2 {
		r, revision, err := s.kept(ctx, id)
		if err == nil || !errors.Is(err, jobs.ErrNotFound) {
			return r, revision, s.fault(ctx, err, "the job could not be read")
		}
		m, err := s.last(ctx, queueStream, queuePrefix+"*."+token(id))
		if err == nil {
			err = decode(m.data, &r)
		}
		if err == nil || !errors.Is(err, jobs.ErrNotFound) {
			return r, 0, s.fault(ctx, err, "the job could not be read")
		}
	}
	return jobs.Record{}, 0, jobs.ErrNotFound
}

// kept answers a record from the bucket.
func (s *Store) kept(ctx context.Context, id string) (r jobs.Record, revision jobs.Revision, err error) {
	m, err := s.last(ctx, bucketStream(recordsBucket), bucketSubject(recordsBucket, token(id)))
	if err != nil {
		return r, 0, err
	}
	if removed(m.header) {
		return r, 0, jobs.ErrNotFound
	}
	return r, jobs.Revision(m.seq), decode(m.data, &r)
}

// removed says whether a message of a bucket marks a removal.
func removed(h nats.Header) bool {
	return h.Get("KV-Operation") != "" || h.Get(jetstream.MarkerReasonHeader) != ""
}

// Update is jobs.Records.
func (s *Store) Update(ctx context.Context, r jobs.Record, was jobs.Revision) (jobs.Revision, error) {
	const what = "the job could not be stored"
	data, err := encode(r)
	if err != nil {
		return 0, s.fault(ctx, err, what)
	}
	if was == 0 {
		if _, _, known := s.index.status(r.Job.JobID); !known {
			if _, _, err := s.Get(ctx, r.Job.JobID); err != nil {
				return 0, err
			}
		}
	}
	var revision uint64
	unanswered := false // a try, which may have stored it all the same
	err = s.persist(ctx, func(ctx context.Context) (err error) {
		defer func() { unanswered = unanswered || ctx.Err() != nil || errors.Is(err, nats.ErrTimeout) }()
		if was == 0 {
			revision, err = s.records.Create(ctx, token(r.Job.JobID), data)
		} else {
			revision, err = s.records.Update(ctx, token(r.Job.JobID), data, uint64(was))
		}
		return err
	})
	if errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		now, err := s.last(ctx, bucketStream(recordsBucket), bucketSubject(recordsBucket, token(r.Job.JobID)))
		switch {
		case err == nil && removed(now.header):
			return 0, jobs.ErrNotFound
		case err != nil:
			return 0, s.fault(ctx, err, what)
		case !unanswered || !bytes.Equal(now.data, data):
			return 0, jobs.ErrChanged
		}
		s.learn(summarize(r), jobs.Revision(now.seq))
		return jobs.Revision(now.seq), nil
	}
	if err != nil {
		return 0, s.fault(ctx, err, what)
	}
	s.learn(summarize(r), jobs.Revision(revision))
	return jobs.Revision(revision), nil
}

// Waiting is jobs.Records.
func (s *Store) Waiting(owner string) (own, all int) {
	return s.index.waiting(token(owner)), s.index.waitingAll()
}

// Known is jobs.Records.
func (s *Store) Known(id string) bool {
	_, _, known := s.index.status(id)
	return known
}

// JobCounts is how many jobs there are, by status.
func (s *Store) JobCounts() map[backend.JobStatus]int64 { return s.index.tally() }

// List is jobs.Records.
func (s *Store) List(ctx context.Context, owner string, filter backend.JobFilter) (backend.JobPage, error) {
	s.fresh(ctx, s.recordsTail, s.queueTail)
	return s.index.list(owner, filter)
}

// Status is jobs.Records. What another process has just enqueued may not be in memory yet, and a state that may change may have.
func (s *Store) Status(ctx context.Context, id string) (backend.JobStatusResponse, string, error) {
	status, owner, known := s.index.status(id)
	if known && !status.Status.Terminal() {
		s.fresh(ctx, s.recordsTail)
		status, owner, known = s.index.status(id)
	}
	if known {
		return status, owner, nil
	}
	r, revision, err := s.Get(ctx, id)
	if err != nil {
		return backend.JobStatusResponse{}, "", err
	}
	s.learn(summarize(r), revision)
	return r.Job, r.Owner, nil
}

// Changed is jobs.Records.
func (s *Store) Changed(id string) (<-chan struct{}, func()) { return s.index.waiters.wait(id) }

// Remove is jobs.Records.
func (s *Store) Remove(ctx context.Context, id string) error {
	const what = "the job could not be removed"
	ctx, cancel := bound(ctx)
	defer cancel()
	for stream, subject := range map[string]string{queueStream: queuePrefix + "*." + token(id), eventsStream: eventsSubject(id)} {
		if err := s.purge(ctx, stream, subject); err != nil {
			return s.fault(ctx, err, what)
		}
	}
	_, revision, err := s.kept(ctx, id)
	if err == nil {
		err = s.records.Purge(ctx, token(id), jetstream.PurgeTTL(marker), jetstream.LastRevision(uint64(revision)))
	}
	if err != nil && !errors.Is(err, jobs.ErrNotFound) {
		return s.fault(ctx, err, what)
	}
	s.index.remove(id, revision)
	return nil
}

// startIndex fills the index from the bucket and the queue, and follows both.
func (s *Store) startIndex(ctx, background context.Context) error {
	s.recordsTail = s.newTail(bucketStream(recordsBucket), bucketSubject(recordsBucket, ">"), func(m message) { s.recorded(background, entryOf(m, recordsBucket)) })
	s.queueTail = s.newTail(queueStream, queuePrefix+">", func(m message) { s.queued(m.data) })
	queued, err := s.nc.Subscribe(queuedPrefix+">", func(m *nats.Msg) {
		s.queued(m.Data)
		if seq, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64); err == nil {
			s.queueTail.heard(seq)
		}
	})
	if err != nil {
		return err
	}
	if err := queued.SetPendingLimits(-1, 256<<20); err != nil {
		return err
	}
	if s.records, err = s.js.KeyValue(ctx, recordsBucket); err != nil {
		return err
	}
	watcher, err := s.records.WatchAll(background)
	if err != nil {
		return err
	}
	hear := func(e jetstream.KeyValueEntry) {
		s.recorded(background, keyed{e.Key(), e.Value(), e.Revision(), e.Operation() != jetstream.KeyValuePut})
		s.recordsTail.reached(e.Revision())
	}
	if err := s.first(ctx, watcher.Updates(), hear); err != nil {
		return err
	}
	if err := s.scanQueue(ctx); err != nil {
		return err
	}
	s.index.loaded()
	s.running.Go(func() {
		for e := range watcher.Updates() {
			if e != nil {
				hear(e)
			}
		}
	})
	return nil
}

// first takes what a bucket has to begin with.
func (s *Store) first(ctx context.Context, updates <-chan jetstream.KeyValueEntry, take func(jetstream.KeyValueEntry)) error {
	for {
		select {
		case e, open := <-updates:
			if !open {
				return nats.ErrConnectionClosed
			}
			if e == nil {
				return nil
			}
			take(e)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// scanQueue takes what waits in the queue.
func (s *Store) scanQueue(ctx context.Context) error {
	heard := uint64(0)
	err := s.scan(ctx, queueStream, queuePrefix+">", 1, func(m message) error {
		s.queued(m.data)
		heard = m.seq
		return nil
	})
	s.queueTail.reached(heard)
	return err
}

// queued hears of a job that waits for a worker.
func (s *Store) queued(data []byte) {
	job, err := decodeSummary(data)
	if err != nil {
		s.log.Error("a job in the queue cannot be read", "error", err)
		return
	}
	s.learn(job, 0)
	if known, _, _ := s.index.status(job.Job.JobID); known.Status.Terminal() {
		s.owners.ended(job.lane(), time.Now().Add(settling*s.config.AckWait))
	}
}

// settling is for how many AckWaits one looks whether a job that has ended is still in the queue: the worker may have died in the first.
const settling = 3

// learn takes a job's state as of a revision, and tells who waits for it.
func (s *Store) learn(job summary, revision jobs.Revision) {
	if !s.index.put(job, revision) {
		return
	}
	if job.Job.Status != backend.JobRunning { // it waits for a worker, or leaves a place to another one
		s.owners.offer(job.lane())
	}
	if job.Job.Status.Terminal() {
		s.owners.ended(job.lane(), time.Now().Add(settling*s.config.AckWait))
		s.fan.ended(token(job.Job.JobID))
	}
}

// recorded hears of a record's change.
func (s *Store) recorded(ctx context.Context, e keyed) {
	if !e.removed {
		job, err := decodeSummary(e.value)
		if err != nil {
			s.log.Error("a job's record cannot be read", "key", e.key, "error", err)
			return
		}
		s.learn(job, jobs.Revision(e.revision))
		return
	}
	id, revision := s.index.named(e.key)
	if id == "" {
		return
	}
	if revision == 0 { // it was removed, and may have come anew before this was heard
		if _, _, err := s.Get(ctx, id); !errors.Is(err, jobs.ErrNotFound) {
			return
		}
	}
	s.index.remove(id, jobs.Revision(e.revision))
}
