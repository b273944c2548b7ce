package jobstest

import (
	"bytes"
	"context"
	"strconv"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Enqueue is jobs.Records.
func (s *Store) Enqueue(ctx context.Context, r jobs.Record) (jobs.Record, bool, error) {
	if err := s.enter(ctx, "Enqueue"); err != nil {
		return jobs.Record{}, false, err
	}
	defer s.mu.Unlock()
	if have, ok := s.records[r.Job.JobID]; ok {
		return decode[jobs.Record](have.content), false, nil
	}
	have := &record{content: encode(r)}
	s.records[r.Job.JobID] = have
	s.order = append(s.order, r.Job.JobID)
	s.waiting = append(s.waiting, r.Job.JobID)
	s.bells.ring("queue")
	s.bells.ring("job " + r.Job.JobID)
	return decode[jobs.Record](have.content), true, nil
}

// Get is jobs.Records.
func (s *Store) Get(ctx context.Context, id string) (jobs.Record, jobs.Revision, error) {
	if err := s.enter(ctx, "Get"); err != nil {
		return jobs.Record{}, 0, err
	}
	defer s.mu.Unlock()
	have, ok := s.records[id]
	if !ok {
		return jobs.Record{}, 0, jobs.ErrNotFound
	}
	return decode[jobs.Record](have.content), have.revision, nil
}

// Update is jobs.Records.
func (s *Store) Update(ctx context.Context, r jobs.Record, was jobs.Revision) (jobs.Revision, error) {
	if err := s.enter(ctx, "Update"); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	have, ok := s.records[r.Job.JobID]
	if !ok {
		return 0, jobs.ErrNotFound
	}
	if have.revision != was {
		return 0, jobs.ErrChanged
	}
	before, _ := s.status(r.Job.JobID)
	have.content = encode(r)
	have.revision++
	if after, _ := s.status(r.Job.JobID); !bytes.Equal(encode(before), encode(after)) {
		s.bells.ring("job " + r.Job.JobID)
	}
	if r.Job.Status.Terminal() {
		s.bells.ring("events " + r.Job.JobID)
	}
	return have.revision, nil
}

// Status is jobs.Records.
func (s *Store) Status(ctx context.Context, id string) (backend.JobStatusResponse, string, error) {
	if err := s.enter(ctx, "Status"); err != nil {
		return backend.JobStatusResponse{}, "", err
	}
	defer s.mu.Unlock()
	if _, ok := s.records[id]; !ok {
		return backend.JobStatusResponse{}, "", jobs.ErrNotFound
	}
	status, owner := s.status(id)
	return status, owner, nil
}

// status is a job's state with its live progress.
func (s *Store) status(id string) (backend.JobStatusResponse, string) {
	r := decode[jobs.Record](s.records[id].content)
	if live, ok := s.live[id]; ok && r.Job.Status == backend.JobRunning {
		if r.Job.Phase = live.Phase; live.Progress != nil {
			r.Job.Progress = live.Progress
		}
	}
	return r.Job, r.Owner
}

// shard says whether a job is a piece of another one, which lists do not show.
func (s *Store) shard(id string) bool { return decode[jobs.Record](s.records[id].content).Parent != "" }

// Changed is jobs.Records.
func (s *Store) Changed(id string) (<-chan struct{}, func()) { return s.subscribe("job " + id) }

// List is jobs.Records. The cursor is how many jobs were enqueued before the last one of the page.
func (s *Store) List(ctx context.Context, owner string, filter backend.JobFilter) (backend.JobPage, error) {
	if err := s.enter(ctx, "List"); err != nil {
		return backend.JobPage{}, err
	}
	defer s.mu.Unlock()
	from := len(s.order)
	if filter.Cursor != "" {
		n, err := strconv.Atoi(filter.Cursor)
		if err != nil || n < 0 || n > from {
			return backend.JobPage{}, fault.New(fault.InvalidArgument, "the cursor is not one that this service made", fault.On("cursor"))
		}
		from = n
	}
	if filter.Limit == 0 {
		filter.Limit = 100
	}
	page := backend.JobPage{Jobs: []backend.JobStatusResponse{}}
	for i := from - 1; i >= 0; i-- {
		if _, ok := s.records[s.order[i]]; !ok {
			continue
		}
		job, of := s.status(s.order[i])
		if s.shard(s.order[i]) || (owner != "" && of != owner) || (filter.Status != "" && filter.Status != job.Status) ||
			(filter.Operation != "" && filter.Operation != job.Operation) || (filter.TenantID != "" && filter.TenantID != job.TenantID) {
			continue
		}
		if len(page.Jobs) == filter.Limit {
			page.Cursor = strconv.Itoa(i + 1)
			break
		}
		page.Jobs = append(page.Jobs, job)
	}
	return page, nil
}

// Waiting is jobs.Records.
func (s *Store) Waiting(owner string) (own, all int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.records {
		if job, of := s.status(id); job.Status == backend.JobPending {
			if all++; of == owner {
				own++
			}
		}
	}
	return own, all
}

// Known is jobs.Records.
func (s *Store) Known(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records[id] != nil
}

// Room is jobs.Records. FailWith makes there be none.
func (s *Store) Room() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail == nil {
		return nil
	}
	return s.fail("Room")
}

// Remove is jobs.Records.
func (s *Store) Remove(ctx context.Context, id string) error {
	if err := s.enter(ctx, "Remove"); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if _, ok := s.records[id]; !ok {
		return jobs.ErrNotFound
	}
	delete(s.records, id)
	delete(s.events, id)
	delete(s.live, id)
	s.drop(id)
	s.bells.ring("job " + id)
	s.bells.ring("events " + id)
	return nil
}
