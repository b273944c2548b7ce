package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var snapshotChecks = []Check{
	{
		Name:        "snapshots/not-found",
		Requirement: "Every call about a snapshot that does not exist answers snapshot_not_found, whatever the id looks like.",
		Feature:     backend.FeatureSnapshots,
		Run: func(ctx context.Context, s *Subject) error {
			store := s.configured.(backend.SnapshotStore)
			dir, err := os.MkdirTemp("", "atg-conformance-")
			if err != nil {
				return err
			}
			defer func() { _ = os.RemoveAll(dir) }()
			for _, id := range []string{"no-such-snapshot", "../no-such-snapshot", "/etc/passwd", "..", "a\x00b", "%"} {
				_, get := store.GetSnapshot(ctx, id)
				_, fetch := store.FetchSnapshot(ctx, id, dir, func(backend.Progress) {})
				for call, err := range map[string]error{"GetSnapshot": get, "FetchSnapshot": fetch, "DeleteSnapshot": store.DeleteSnapshot(ctx, id)} {
					if err := expect(fault.SnapshotNotFound, err); err != nil {
						return fmt.Errorf("%s of %q: %w", call, id, err)
					}
				}
			}
			return nil
		},
	},
	{
		Name:        "snapshots/of-a-scan",
		Requirement: "A completed scan's snapshot is listed, shown with the same figures, and fetched with its SHA-256.",
		Feature:     backend.FeatureSnapshots,
		Run: func(ctx context.Context, s *Subject) error {
			f, err := s.job(ctx)
			if err != nil {
				return err
			}
			scan, ok := f.result.(*backend.ScanResult)
			if !ok {
				return skipped{"the backend's scan does not complete here"}
			}
			if scan.Snapshot == nil {
				return errors.New("the scan's result names no snapshot")
			}
			store, want := s.configured.(backend.SnapshotStore), *scan.Snapshot
			page, err := store.ListSnapshots(ctx, backend.SnapshotFilter{TenantID: want.TenantID, Limit: 1})
			if err != nil {
				return err
			}
			if len(page.Snapshots) != 1 {
				return fmt.Errorf("a list of one has %d", len(page.Snapshots))
			}
			detail, err := store.GetSnapshot(ctx, want.ID)
			if err != nil {
				return err
			}
			if got := detail.Snapshot; got.ID != want.ID || got.Resources != scan.Resources || got.Complete != scan.Complete {
				return fmt.Errorf("shown as %+v, the scan said %+v", got, want)
			}
			return s.fetch(ctx, store, want)
		},
	},
}

// fetch fetches a snapshot and checks the file against the answer, and the answer against want.
func (s *Subject) fetch(ctx context.Context, store backend.SnapshotStore, want backend.Snapshot) error {
	dir, err := os.MkdirTemp("", "atg-conformance-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file, err := store.FetchSnapshot(ctx, want.ID, dir, func(backend.Progress) {})
	if err != nil {
		return err
	}
	if file.SHA256 != want.SHA256 || file.Size != want.Size {
		return fmt.Errorf("fetched %d bytes with SHA-256 %s; the snapshot has %d and %s", file.Size, file.SHA256, want.Size, want.SHA256)
	}
	return verify(dir, file)
}
