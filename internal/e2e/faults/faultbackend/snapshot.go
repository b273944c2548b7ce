package main

import (
	"context"
	"path/filepath"

	"github.com/azure-tenant-grapher/atg/internal/e2e/faults/step"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var _ backend.SnapshotStore = (*faulty)(nil)

// ListSnapshots is backend.SnapshotStore.
func (b *faulty) ListSnapshots(context.Context, backend.SnapshotFilter) (page backend.SnapshotPage, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.snapshots {
		page.Snapshots = append(page.Snapshots, s.Snapshot)
	}
	return page, nil
}

// GetSnapshot is backend.SnapshotStore.
func (b *faulty) GetSnapshot(_ context.Context, id string) (backend.SnapshotDetail, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d, ok := b.snapshots[id]
	if !ok {
		return d, fault.New(fault.SnapshotNotFound, "there is no such snapshot", fault.On(id))
	}
	return d, nil
}

// DeleteSnapshot is backend.SnapshotStore.
func (b *faulty) DeleteSnapshot(_ context.Context, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.snapshots, id)
	return nil
}

// FetchSnapshot is backend.SnapshotStore.
func (b *faulty) FetchSnapshot(ctx context.Context, id, dir string, _ func(backend.Progress)) (made backend.Artifact, err error) {
	d, err := b.GetSnapshot(ctx, id)
	if err != nil {
		return made, err
	}
	if err := stay(ctx, step.Arrival{Tenant: d.Snapshot.TenantID, Step: step.Snapshot}); err != nil {
		return made, err
	}
	content := step.Content(d.Snapshot.TenantID, "snapshot", step.SnapshotBytes)
	made = backend.Artifact{Path: id + ".db", Size: step.SnapshotBytes, SHA256: step.Sum(content)}
	return made, write(filepath.Join(dir, made.Path), content)
}

// ListArtifacts is backend.ArtifactStore.
func (b *faulty) ListArtifacts(ctx context.Context, id string) ([]backend.Artifact, error) {
	if err := stay(ctx, b.arrival(step.Artifacts)); err != nil {
		return nil, err
	}
	return b.Runner.ListArtifacts(ctx, id)
}
