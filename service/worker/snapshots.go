package worker

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// keepSnapshot brings the snapshot of a scan into the store, where every worker finds it: its file first. The file is
// one of the job's, too, without being kept twice: see jobs.SnapshotArtifact.
func (a *attempt) keepSnapshot(ctx context.Context, scan *backend.ScanResult) (made backend.Artifact, err error) {
	store, ok := a.backend.(backend.SnapshotStore)
	if !ok || !a.can.Has(backend.FeatureSnapshots) {
		return made, fault.New(fault.Unsupported, "the service's backend gives its snapshots to nobody", fault.From(fault.OriginService))
	}
	detail, err := store.GetSnapshot(ctx, scan.Snapshot.ID)
	if err != nil {
		return made, err
	}
	dir := filepath.Join(a.dir, "snapshot")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return made, disk(err, dir)
	}
	file, err := store.FetchSnapshot(ctx, scan.Snapshot.ID, dir, func(p backend.Progress) { a.report.progress(ctx, p) })
	if err != nil {
		return made, err
	}
	// The record says which job of the service made it; the backend knows its own jobs alone.
	detail.Snapshot.JobID, detail.Snapshot.Size, detail.Snapshot.SHA256 = a.r.Job.JobID, file.Size, file.SHA256
	scan.Snapshot.JobID = a.r.Job.JobID
	if err := a.keep(ctx, dir, file, jobs.SnapshotFile(detail.Snapshot)); err != nil {
		return made, err
	}
	if err := a.w.o.Snapshots.PutSnapshot(ctx, detail); err != nil {
		_ = a.w.dropSnapshot(context.WithoutCancel(ctx), detail.Snapshot) // it may be known after all
		return made, err
	}
	return backend.Artifact{Path: jobs.SnapshotArtifact(detail.Snapshot.ID), Size: file.Size, SHA256: file.SHA256}, nil
}

// forgetSnapshots removes the snapshots that a scan that has ended has made, but that of its result: those of attempts that ended
// between storing their snapshot and saying so. No attempt removes those of others before: it may be the one that came too late.
func (w *Worker) forgetSnapshots(ctx context.Context, r jobs.Record) error {
	if r.Job.Operation != backend.OpScan || r.Job.Status == backend.JobCompleted && r.Job.Attempt == 1 {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	var filter backend.SnapshotFilter // of any tenant: its snapshots may know it by another name
	for {
		page, err := w.o.Snapshots.ListSnapshots(ctx, []string{"*"}, filter)
		if err != nil {
			return err
		}
		for _, s := range page.Snapshots {
			if s.JobID != r.Job.JobID || r.Made(s.ID) {
				continue
			}
			if err := w.dropSnapshot(ctx, s); err != nil {
				return err
			}
		}
		if filter.Cursor = page.Cursor; filter.Cursor == "" {
			return nil
		}
	}
}

// dropSnapshot removes one. What is known of it goes first, so that nobody finds a snapshot without a file.
func (w *Worker) dropSnapshot(ctx context.Context, s backend.Snapshot) error {
	if err := w.o.Snapshots.DeleteSnapshot(ctx, s.ID); err != nil && !errors.Is(err, jobs.ErrNotFound) {
		return err
	}
	return w.o.Files.Delete(ctx, jobs.SnapshotFile(s))
}

// dropUnwanted removes the snapshot of an attempt that ended when its job had ended otherwise, or was another worker's.
func (w *Worker) dropUnwanted(ctx context.Context, id string, result backend.Result) {
	scan, ok := result.(*backend.ScanResult)
	if !ok || scan.Snapshot == nil {
		return
	}
	r, _, err := w.o.Records.Get(ctx, id)
	if err == nil && !r.Made(scan.Snapshot.ID) {
		err = w.dropSnapshot(ctx, *scan.Snapshot)
	}
	if err != nil && !errors.Is(err, jobs.ErrNotFound) {
		w.o.Logger.WarnContext(ctx, "the snapshot of an attempt that came too late was not removed", "job_id", id, "snapshot", scan.Snapshot.ID, "error", err)
	}
}
