package cli

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

type snapshotListCmd struct {
	TenantID string    `placeholder:"TENANT" help:"Only snapshots of this tenant."`
	Limit    limitFlag `placeholder:"N" help:"At most so many."`
}

// Help is the long help.
func (snapshotListCmd) Help() string {
	return `Lists the snapshots that the backend keeps, newest first. One that cannot be read is mentioned on standard
error.

Examples:
  atg snapshot list
  atg snapshot list --tenant-id contoso.onmicrosoft.com --limit 5
  atg snapshot list -o ndjson --jq 'select(.complete) | .id'`
}

// Run lists.
func (c *snapshotListCmd) Run(ctx context.Context, a *app) error {
	list := backend.SnapshotPage{Snapshots: []backend.Snapshot{}}
	err := a.withSnapshots(ctx, func(ctx context.Context, _ *dispatch.Session, store backend.SnapshotStore) error {
		for cursor := ""; ; cursor = list.Cursor {
			page, err := store.ListSnapshots(ctx, backend.SnapshotFilter{TenantID: c.TenantID, Limit: int(c.Limit), Cursor: cursor})
			if err != nil {
				return err
			}
			list.Snapshots = append(list.Snapshots, page.Snapshots...)
			list.Broken = append(list.Broken, page.Broken...)
			list.Cursor = page.Cursor
			if c.Limit > 0 && len(list.Snapshots) >= int(c.Limit) {
				list.Snapshots = list.Snapshots[:c.Limit]
				list.Cursor = ""
			}
			if list.Cursor == "" || list.Cursor == cursor {
				list.Cursor = ""
				return nil
			}
		}
	})
	if err != nil {
		return err
	}
	for _, b := range list.Broken {
		a.console.Note("snapshot %s cannot be read: %s", b.ID, b.Reason)
	}
	return a.console.Print(ui.Document{Data: list, Items: ui.Items(list.Snapshots), Page: func(p *ui.Page) { p.Snapshots(list.Snapshots) }})
}

// withSnapshots opens the chosen backend's store of snapshots for the time of use.
func (a *app) withSnapshots(ctx context.Context, use func(context.Context, *dispatch.Session, backend.SnapshotStore) error) error {
	d, err := a.dispatcher(ctx)
	if err != nil {
		return err
	}
	return d.With(ctx, func(ctx context.Context, s *dispatch.Session) error {
		store, err := s.Snapshots()
		if err != nil {
			return err
		}
		return use(ctx, s, store)
	})
}
