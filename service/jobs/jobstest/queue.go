package jobstest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
)

// errEnded says that a delivery was ended already, or was given to another worker.
var errEnded = errors.New("the delivery has ended")

type delivery struct {
	store   *Store
	record  jobs.Record
	attempt int
}

// Next is jobs.Queue. Owners are served in turn.
func (s *Store) Next(ctx context.Context) (jobs.Delivery, error) {
	for {
		if err := s.enter(ctx, "Next"); err != nil {
			return nil, err
		}
		if d := s.pick(); d != nil {
			s.mu.Unlock()
			return d, nil
		}
		woken := s.bells.wait("queue")
		s.mu.Unlock()
		select {
		case <-woken:
		case <-ctx.Done():
			s.mu.Lock()
			s.bells.forget("queue", woken)
			s.mu.Unlock()
			return nil, ctx.Err()
		}
	}
}

// pick takes the oldest waiting job of the owner who comes next, or answers nil.
func (s *Store) pick() *delivery {
	busy := map[string]int{}
	for _, d := range s.delivered {
		busy[d.record.Lane()]++
	}
	first := map[string]string{} // the oldest job of each owner who may have one more
	var owners []string
	for _, id := range s.waiting {
		r := decode[jobs.Record](s.records[id].content)
		owner := r.Lane()
		if _, seen := first[owner]; seen || s.retryAt[id] || (s.PerOwner > 0 && busy[owner] >= s.PerOwner) {
			continue
		}
		first[owner] = id
		owners = append(owners, owner)
	}
	if len(owners) == 0 {
		return nil
	}
	slices.Sort(owners)
	at, found := slices.BinarySearch(owners, s.lastOwner)
	if found {
		at++
	}
	owner := owners[at%len(owners)]
	id := first[owner]
	s.waiting = slices.DeleteFunc(s.waiting, func(w string) bool { return w == id })
	s.lastOwner = owner
	s.attempts[id]++
	d := &delivery{store: s, record: decode[jobs.Record](s.records[id].content), attempt: s.attempts[id]}
	s.delivered[id] = d
	return d
}

// drop takes a job out of the queue.
func (s *Store) drop(id string) {
	s.waiting = slices.DeleteFunc(s.waiting, func(w string) bool { return w == id })
	delete(s.delivered, id)
	s.bells.ring("queue")
}

// Expire says that the worker that has a job has shown no life for jobs.AckWait: the job goes to another one.
func (s *Store) Expire(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.delivered[id]; ok {
		s.drop(id)
		s.waiting = append(s.waiting, id)
		s.bells.ring("queue")
	}
}

// Buried is the dead letters: the reason by the job's id.
func (s *Store) Buried() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]string{}
	for id, reason := range s.buried {
		all[id] = reason
	}
	return all
}

// Idle says that no job waits or is with a worker.
func (s *Store) Idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting) == 0 && len(s.delivered) == 0
}

// Depth is jobs.Queue.
func (s *Store) Depth(ctx context.Context) (int64, error) {
	if err := s.enter(ctx, "Depth"); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	return int64(len(s.waiting)), nil
}

// AskCancel is jobs.Queue.
func (s *Store) AskCancel(ctx context.Context, id string) error {
	if err := s.enter(ctx, "AskCancel"); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for c := range s.cancels {
		select {
		case c <- id:
		default: // a hint may be lost
		}
	}
	return nil
}

// Cancels is jobs.Queue.
func (s *Store) Cancels(ctx context.Context, cancel func(id string)) error {
	c := make(chan string, 1000)
	s.mu.Lock()
	s.cancels[c] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.cancels, c)
	}()
	for {
		select {
		case id := <-c:
			cancel(id)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (d *delivery) ID() string          { return d.record.Job.JobID }
func (d *delivery) Record() jobs.Record { return d.record }
func (d *delivery) Attempt() int        { return d.attempt }

func (d *delivery) Alive(ctx context.Context) error {
	if err := d.enter(ctx, "Alive"); err != nil {
		return err
	}
	d.store.mu.Unlock()
	return nil
}

func (d *delivery) Done(ctx context.Context) error {
	if err := d.enter(ctx, "Done"); err != nil {
		return err
	}
	defer d.store.mu.Unlock()
	d.store.drop(d.ID())
	return nil
}

func (d *delivery) Retry(ctx context.Context, delay time.Duration) error {
	if err := d.enter(ctx, "Retry"); err != nil {
		return err
	}
	s := d.store
	defer s.mu.Unlock()
	s.drop(d.ID())
	s.waiting = append(s.waiting, d.ID())
	if delay > 0 {
		s.retryAt[d.ID()] = true
		time.AfterFunc(delay, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.retryAt, d.ID())
			s.bells.ring("queue")
		})
	}
	s.bells.ring("queue")
	return nil
}

func (d *delivery) Bury(ctx context.Context, reason string) error {
	if err := d.enter(ctx, "Bury"); err != nil {
		return err
	}
	defer d.store.mu.Unlock()
	d.store.drop(d.ID())
	d.store.buried[d.ID()] = reason
	return nil
}

func (d *delivery) Leave() {}

// enter locks the store if the delivery has not ended.
func (d *delivery) enter(ctx context.Context, call string) error {
	if err := d.store.enter(ctx, call); err != nil {
		return err
	}
	if d.store.delivered[d.ID()] != d {
		d.store.mu.Unlock()
		return errEnded
	}
	return nil
}
