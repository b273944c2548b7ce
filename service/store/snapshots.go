package store

import (
	"context"
	"slices"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

func (s *Store) startSnapshots(ctx, background context.Context) (err error) {
	s.snapshots, err = follow(ctx, background, s, snapshotsBucket, func(b []byte) (backend.Snapshot, error) {
		var d struct {
			Snapshot backend.Snapshot `json:"snapshot"`
		}
		err := decode(b, &d)
		return d.Snapshot, err
	})
	return err
}

// PutSnapshot is jobs.Snapshots.
func (s *Store) PutSnapshot(ctx context.Context, d backend.SnapshotDetail) error {
	return s.fault(ctx, s.snapshots.put(ctx, token(d.Snapshot.ID), d), "the snapshot could not be recorded")
}

// GetSnapshot is jobs.Snapshots.
func (s *Store) GetSnapshot(ctx context.Context, id string) (d backend.SnapshotDetail, err error) {
	m, err := s.last(ctx, bucketStream(snapshotsBucket), bucketSubject(snapshotsBucket, token(id)))
	if err == nil && removed(m.header) {
		err = jobs.ErrNotFound
	}
	if err == nil {
		err = decode(m.data, &d)
	}
	return d, s.fault(ctx, err, "the snapshot could not be looked up")
}

// ListSnapshots is jobs.Snapshots.
func (s *Store) ListSnapshots(ctx context.Context, tenants []string, f backend.SnapshotFilter) (backend.SnapshotPage, error) {
	before, err := parsePlace(f.Cursor)
	if err != nil {
		return backend.SnapshotPage{}, err
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	s.fresh(ctx, s.snapshots.tail)
	caller := jobs.Caller{Tenants: tenants}
	all := slices.DeleteFunc(s.snapshots.values(), func(d backend.Snapshot) bool {
		return !caller.MayTouch(d.TenantID) || f.TenantID != "" && d.TenantID != f.TenantID ||
			before != nil && placeOf(d).compare(*before) >= 0
	})
	slices.SortFunc(all, func(a, b backend.Snapshot) int { return placeOf(b).compare(placeOf(a)) })
	page := backend.SnapshotPage{Snapshots: all}
	if len(all) > f.Limit {
		page.Snapshots = all[:f.Limit]
		page.Cursor = placeOf(all[f.Limit-1]).cursor()
	}
	return page, nil
}

func placeOf(d backend.Snapshot) place { return place{d.CreatedAt, d.ID} }

// DeleteSnapshot is jobs.Snapshots.
func (s *Store) DeleteSnapshot(ctx context.Context, id string) error {
	if _, err := s.GetSnapshot(ctx, id); err != nil {
		return err
	}
	s.fresh(ctx, s.snapshots.tail)
	return s.fault(ctx, s.snapshots.remove(ctx, token(id)), "the snapshot could not be removed")
}
