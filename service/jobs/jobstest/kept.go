package jobstest

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// PutSnapshot is jobs.Snapshots.
func (s *Store) PutSnapshot(ctx context.Context, d backend.SnapshotDetail) error {
	if err := s.enter(ctx, "PutSnapshot"); err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.snapshots[d.Snapshot.ID] = encode(d)
	return nil
}

// GetSnapshot is jobs.Snapshots.
func (s *Store) GetSnapshot(ctx context.Context, id string) (backend.SnapshotDetail, error) {
	if err := s.enter(ctx, "GetSnapshot"); err != nil {
		return backend.SnapshotDetail{}, err
	}
	defer s.mu.Unlock()
	b, ok := s.snapshots[id]
	if !ok {
		return backend.SnapshotDetail{}, jobs.ErrNotFound
	}
	return decode[backend.SnapshotDetail](b), nil
}

// ListSnapshots is jobs.Snapshots. The cursor is how many snapshots came before.
func (s *Store) ListSnapshots(ctx context.Context, tenants []string, filter backend.SnapshotFilter) (backend.SnapshotPage, error) {
	if err := s.enter(ctx, "ListSnapshots"); err != nil {
		return backend.SnapshotPage{}, err
	}
	defer s.mu.Unlock()
	all := []backend.Snapshot{}
	caller := jobs.Caller{Tenants: tenants}
	for _, b := range s.snapshots {
		d := decode[backend.SnapshotDetail](b).Snapshot
		if caller.MayTouch(d.TenantID) && (filter.TenantID == "" || filter.TenantID == d.TenantID) {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b backend.Snapshot) int {
		if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	from := 0
	if filter.Cursor != "" {
		n, err := strconv.Atoi(filter.Cursor)
		if err != nil || n < 0 {
			return backend.SnapshotPage{}, fault.New(fault.InvalidArgument, "the cursor is not one that this service made", fault.On("cursor"))
		}
		from = min(n, len(all))
	}
	if filter.Limit == 0 {
		filter.Limit = 100
	}
	to := min(from+filter.Limit, len(all))
	page := backend.SnapshotPage{Snapshots: all[from:to]}
	if to < len(all) {
		page.Cursor = strconv.Itoa(to)
	}
	return page, nil
}

// DeleteSnapshot is jobs.Snapshots.
func (s *Store) DeleteSnapshot(ctx context.Context, id string) error {
	if err := s.enter(ctx, "DeleteSnapshot"); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if _, ok := s.snapshots[id]; !ok {
		return jobs.ErrNotFound
	}
	delete(s.snapshots, id)
	return nil
}

// PutKey is jobs.Keys.
func (s *Store) PutKey(ctx context.Context, k jobs.Key) error {
	if err := s.enter(ctx, "PutKey"); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if _, ok := s.keys[k.ID]; !ok {
		s.keyOrder = append(s.keyOrder, k.ID)
	}
	s.keys[k.ID] = encode(k)
	s.bells.ring("key " + k.ID)
	return nil
}

// GetKey is jobs.Keys.
func (s *Store) GetKey(ctx context.Context, id string) (jobs.Key, error) {
	if err := s.enter(ctx, "GetKey"); err != nil {
		return jobs.Key{}, err
	}
	defer s.mu.Unlock()
	b, ok := s.keys[id]
	if !ok {
		return jobs.Key{}, jobs.ErrNotFound
	}
	return decode[jobs.Key](b), nil
}

// ListKeys is jobs.Keys.
func (s *Store) ListKeys(ctx context.Context) ([]jobs.Key, error) {
	if err := s.enter(ctx, "ListKeys"); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	all := []jobs.Key{}
	for _, id := range s.keyOrder {
		all = append(all, decode[jobs.Key](s.keys[id]))
	}
	return all, nil
}

// KeyChanged is jobs.Keys.
func (s *Store) KeyChanged(id string) (<-chan struct{}, func()) { return s.subscribe("key " + id) }
