package cli

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type snapshotShowCmd struct {
	tenantFlag
	ID string `arg:"" optional:"" help:"Snapshot (default: the newest)."`
}

// Help is the long help.
func (snapshotShowCmd) Help() string {
	return `Shows what a snapshot holds, by subscription, type, location and resource group, what in it is worth a look,
and what the scan could not read.

Examples:
  atg snapshot show                 # the newest
  atg snapshot show ID --jq '.coverage.entries[] | select(.state != "listed") | .scope'`
}

// Run shows.
func (c *snapshotShowCmd) Run(ctx context.Context, a *app) error {
	var detail backend.SnapshotDetail
	err := a.withSnapshots(ctx, func(ctx context.Context, _ *dispatch.Session, store backend.SnapshotStore) error {
		id, err := a.snapshot(ctx, store, c.ID)
		if err != nil {
			return err
		}
		detail, err = store.GetSnapshot(ctx, id)
		return err
	})
	if err != nil {
		return err
	}
	return a.console.Print(ui.Document{Data: detail, Page: func(p *ui.Page) { p.Snapshot(detail) }})
}

// snapshot is id, or the newest snapshot of the tenant.
func (a *app) snapshot(ctx context.Context, store backend.SnapshotStore, id string) (string, error) {
	if id != "" {
		return id, nil
	}
	page, err := store.ListSnapshots(ctx, backend.SnapshotFilter{TenantID: a.tenant(), Limit: 1})
	if err != nil {
		return "", err
	}
	if len(page.Snapshots) == 0 {
		return "", fault.New(fault.SnapshotNotFound, "there is no snapshot yet", fault.Hint("atg scan makes one"), fault.From(fault.OriginHost))
	}
	return page.Snapshots[0].ID, nil
}
