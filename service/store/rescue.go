package store

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/azure-tenant-grapher/atg/service/jobs"
)

// rescues is after how many AckWaits one looks again for jobs that are in the bucket, have not ended, and are not in the queue.
const rescues = 5

// rescue puts jobs back into the queue that it has lost: now and then a cluster takes a job for done whose worker, and whose leader
// with it, were killed before. Whoever looks twice and finds the same record without a place in the queue makes it one; of many who do,
// NATS takes the first.
func (s *Store) rescue(background context.Context) {
	s.running.Go(func() {
		look := time.NewTicker(rescues * s.config.AckWait)
		defer look.Stop()
		before := map[string]jobs.Revision{}
		for {
			select {
			case <-look.C:
			case <-background.Done():
				return
			}
			lost, err := s.unqueued(background)
			if err != nil {
				continue // there is no leader to ask: next time
			}
			for id, revision := range lost {
				if before[id] != revision {
					continue
				}
				if err := s.requeue(background, id, revision); err != nil && background.Err() == nil {
					s.log.Warn("a job that the queue has lost could not be put back", "job_id", id, "error", err)
				}
			}
			before = lost
		}
	})
}

// unqueued are the jobs that a worker has begun, have not ended, and have no place in the queue, each with the revision of its record.
func (s *Store) unqueued(ctx context.Context) (map[string]jobs.Revision, error) {
	lost := s.index.begun()
	if len(lost) == 0 {
		return lost, nil
	}
	queue, err := s.queue(ctx)
	if err != nil {
		return nil, err
	}
	for id := range lost {
		queued, err := isQueued(ctx, queue, id)
		if err != nil {
			return nil, err
		}
		if queued {
			delete(lost, id)
		}
	}
	return lost, nil
}

func (s *Store) queue(ctx context.Context) (jetstream.Stream, error) {
	ctx, cancel := bound(ctx)
	defer cancel()
	return s.js.Stream(ctx, queueStream)
}

// isQueued asks the leader whether a job has a place in the queue. It is asked about each by itself: to list a queue of more than 100,000 takes it many
// seconds, in which each submission waits.
func isQueued(ctx context.Context, queue jetstream.Stream, id string) (bool, error) {
	ctx, cancel := bound(ctx)
	defer cancel()
	info, err := queue.Info(ctx, jetstream.WithSubjectFilter(queuePrefix+"*."+token(id)))
	if err != nil {
		return false, err
	}
	return len(info.State.Subjects) > 0, nil
}

// requeue puts a job into the queue as its record says, if that has not changed.
func (s *Store) requeue(ctx context.Context, id string, revision jobs.Revision) error {
	r, now, err := s.kept(ctx, id)
	if err != nil || now != revision || r.Job.Status.Terminal() {
		return err
	}
	data, err := encode(r)
	if err != nil {
		return err
	}
	m := &nats.Msg{Subject: queueSubject(r.Lane(), id), Data: data, Header: nats.Header{}}
	m.Header.Set(nats.MsgIdHdr, again(id, uint64(revision)))
	ack, err := s.commits.commit(ctx, m)
	if err == nil && !ack.Duplicate {
		s.log.Warn("the queue had lost a job, which is put back", "job_id", id, "attempt", r.Job.Attempt)
	}
	return err
}
