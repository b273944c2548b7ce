package cli

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

type snapshotDeleteCmd struct {
	IDs []string `arg:"" name:"id" help:"Snapshots."`
	Yes bool     `short:"y" help:"Do not ask."`
}

// Help is the long help.
func (snapshotDeleteCmd) Help() string {
	return `Deletes snapshots for good. Asks first; where there is nobody to ask, --yes is needed.

Examples:
  atg snapshot delete 20260901T120000Z-1f2e3d4c
  atg snapshot list -o ndjson --jq 'select(.complete | not) | .id' | xargs atg snapshot delete --yes`
}

// Run asks and deletes.
func (c *snapshotDeleteCmd) Run(ctx context.Context, a *app) error {
	if !c.Yes && !a.console.CanAsk() {
		return needsFlag("deleting a snapshot")
	}
	deleted := struct {
		Deleted []string `json:"deleted"`
	}{[]string{}}
	err := a.withSnapshots(ctx, func(ctx context.Context, _ *dispatch.Session, store backend.SnapshotStore) error {
		var doomed []backend.Snapshot
		for _, id := range c.IDs { // all of them must exist before the first is deleted
			detail, err := store.GetSnapshot(ctx, id)
			if err != nil {
				return err
			}
			doomed = append(doomed, detail.Snapshot)
		}
		if !c.Yes {
			a.console.Aside(func(p *ui.Page) { p.Snapshots(doomed) })
			if err := a.confirm(ctx, "Delete "+ui.Counted(int64(len(doomed)), "snapshot", "snapshots")+" for good?"); err != nil {
				return err
			}
		}
		for _, s := range doomed {
			if err := store.DeleteSnapshot(ctx, s.ID); err != nil {
				return err
			}
			deleted.Deleted = append(deleted.Deleted, s.ID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.console.Print(ui.Document{Data: deleted, Page: func(p *ui.Page) {
		for _, id := range deleted.Deleted {
			p.Line("deleted ", id)
		}
	}})
}
