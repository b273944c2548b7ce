package jobstest

import (
	"context"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// Append is jobs.Events.
func (s *Store) Append(ctx context.Context, id string, e backend.Event) error {
	if err := s.enter(ctx, "Append"); err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.events[id] = append(s.events[id], decode[backend.Event](encode(e)))
	if status := e.Status; e.Progress != nil || status != nil && status.Status == backend.JobRunning {
		now := s.live[id]
		if e.Progress != nil {
			now.Phase = e.Progress.Phase
		} else if status.Progress != nil {
			now.Progress = status.Progress
		}
		s.live[id] = now
		s.bells.ring("job " + id)
	}
	s.bells.ring("events " + id)
	return nil
}

// Kept is jobs.Events.
func (s *Store) Kept(context.Context, string) error { return nil }

// Watch is jobs.Events.
func (s *Store) Watch(ctx context.Context, id string, after uint64, yield func(backend.Event) error) error {
	for {
		if err := s.enter(ctx, "Watch"); err != nil {
			return err
		}
		if _, ok := s.records[id]; !ok {
			s.mu.Unlock()
			return jobs.ErrNotFound
		}
		next, ended := s.above(id, after)
		woken := s.bells.wait("events " + id)
		s.mu.Unlock()
		for _, e := range next {
			if err := yield(e); err != nil || e.Terminal() {
				s.forget(id, woken)
				return err
			}
			after = e.Seq
		}
		if ended {
			s.forget(id, woken)
			return nil
		}
		if len(next) > 0 {
			s.forget(id, woken)
			continue
		}
		select {
		case <-woken:
		case <-ctx.Done():
			s.forget(id, woken)
			return ctx.Err()
		}
	}
}

func (s *Store) forget(id string, woken chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bells.forget("events "+id, woken)
}

// above is a job's events above a number, and whether none will follow. A terminal event that is missing is made
// from the record.
func (s *Store) above(id string, after uint64) (next []backend.Event, ended bool) {
	last := after
	for _, e := range s.events[id] {
		if e.Seq > after {
			next = append(next, decode[backend.Event](encode(e)))
		}
		last = max(last, e.Seq)
		ended = ended || e.Terminal()
	}
	if job, _ := s.status(id); !ended && job.Status.Terminal() {
		next = append(next, backend.Event{Seq: last + 1, Time: *job.CompletedAt, Kind: backend.EventStatus, Status: &job})
		ended = true
	}
	return next, ended
}
