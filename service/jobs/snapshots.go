package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// ListSnapshots answers those of the caller's tenants, newest first.
func (s *Service) ListSnapshots(ctx context.Context, c Caller, filter backend.SnapshotFilter) (backend.SnapshotPage, error) {
	page, err := s.o.Snapshots.ListSnapshots(ctx, c.Tenants, filter)
	if err != nil {
		return page, fault.Of(err)
	}
	if page.Snapshots == nil {
		page.Snapshots = []backend.Snapshot{}
	}
	return page, nil
}

// GetSnapshot answers one of the caller's tenants.
func (s *Service) GetSnapshot(ctx context.Context, c Caller, id string) (backend.SnapshotDetail, error) {
	d, err := s.o.Snapshots.GetSnapshot(ctx, id)
	if err == nil && !c.MayTouch(d.Snapshot.TenantID) {
		err = ErrNotFound
	}
	if errors.Is(err, ErrNotFound) {
		return backend.SnapshotDetail{}, fault.New(fault.SnapshotNotFound, fmt.Sprintf("there is no snapshot %s", id), fault.On(id),
			fault.From(fault.OriginService), fault.Hint("see those there are: atg snapshot list; atg scan makes one"))
	}
	if err != nil {
		return backend.SnapshotDetail{}, fault.Of(err)
	}
	return d, nil
}

// OpenSnapshot opens the file of one.
func (s *Service) OpenSnapshot(ctx context.Context, c Caller, id string) (File, error) {
	d, err := s.GetSnapshot(ctx, c, id)
	if err != nil {
		return nil, err
	}
	f, err := s.o.Files.Open(ctx, SnapshotFile(d.Snapshot))
	if errors.Is(err, ErrNotFound) {
		return nil, fault.New(fault.SnapshotNotFound, fmt.Sprintf("the file of snapshot %s is gone", id), fault.On(id), fault.From(fault.OriginService))
	}
	if err != nil {
		return nil, fault.Of(err)
	}
	return f, nil
}

// DeleteSnapshot removes one. What is known of it goes first, so that nobody finds a snapshot without a file.
func (s *Service) DeleteSnapshot(ctx context.Context, c Caller, id string) error {
	d, err := s.GetSnapshot(ctx, c, id)
	if err != nil {
		return err
	}
	if err := s.o.Snapshots.DeleteSnapshot(ctx, id); err != nil && !errors.Is(err, ErrNotFound) {
		return fault.Of(err)
	}
	if err := s.o.Files.Delete(ctx, SnapshotFile(d.Snapshot)); err != nil {
		return fault.Of(err)
	}
	return nil
}

// SnapshotFile names the file of a snapshot.
func SnapshotFile(snapshot backend.Snapshot) FileName {
	return FileName{KindSnapshot, snapshot.TenantID, snapshot.ID}
}

// choose puts the ids of the snapshots that the request is about in their places, so that every worker works on the same
// ones: those it names, which must be the caller's, or else the newest complete one of the tenant.
func (s *Service) choose(ctx context.Context, c Caller, tenant string, request backend.Request) error {
	for _, id := range backend.SnapshotsOf(request) {
		if *id != "" && *id != api.Latest {
			if _, err := s.GetSnapshot(ctx, c, *id); err != nil {
				return err
			}
			continue
		}
		newest, err := s.newest(ctx, c, tenant)
		if err != nil {
			return err
		}
		*id = newest
	}
	return nil
}

// tenantOfSnapshot is the tenant of the first snapshot that a request names; empty if it names none.
func (s *Service) tenantOfSnapshot(ctx context.Context, c Caller, request backend.Request) (string, error) {
	for _, id := range backend.SnapshotsOf(request) {
		if *id != "" && *id != api.Latest {
			d, err := s.GetSnapshot(ctx, c, *id)
			return d.Snapshot.TenantID, err
		}
	}
	return "", nil
}

func (s *Service) newest(ctx context.Context, c Caller, tenant string) (string, error) {
	filter := backend.SnapshotFilter{TenantID: tenant}
	for {
		page, err := s.ListSnapshots(ctx, c, filter)
		if err != nil {
			return "", err
		}
		for _, found := range page.Snapshots {
			if found.Complete && !found.Filtered {
				return found.ID, nil
			}
		}
		if filter.Cursor = page.Cursor; filter.Cursor == "" {
			return "", fault.New(fault.SnapshotNotFound, "there is no complete snapshot of the tenant", fault.On(tenant), fault.From(fault.OriginService),
				fault.Hint("make one: atg scan; or name one of atg snapshot list with --snapshot"))
		}
	}
}

// SnapshotArtifact is the path of a snapshot among the files of the scan that made it.
func SnapshotArtifact(id string) string { return id + ".db" }

// fileOf names the stored file of an artifact: the snapshot of a scan is kept as a snapshot alone.
func (r *Record) fileOf(path string) FileName {
	if s := r.snapshot(); s != nil && path == SnapshotArtifact(s.ID) {
		return SnapshotFile(*s)
	}
	return FileName{KindArtifact, r.Job.JobID, path}
}

// Made says whether a snapshot is the one of the job's result.
func (r *Record) Made(snapshot string) bool {
	s := r.snapshot()
	return s != nil && s.ID == snapshot
}

// snapshot is the one of the job's result; nil is none.
func (r *Record) snapshot() *backend.Snapshot {
	var scan backend.ScanResult
	if r.Job.Operation != backend.OpScan || json.Unmarshal(r.Result, &scan) != nil {
		return nil
	}
	return scan.Snapshot
}
