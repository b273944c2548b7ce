package cli

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

type snapshotReachCmd struct {
	tenantFlag
	rowsFlags
	Node     string    `arg:"" name:"principal|resource" help:"Whose reach: an id, a user's login, or a name."`
	Snapshot string    `placeholder:"ID" help:"Snapshot to look into (default: the newest complete one of the tenant)."`
	MaxHops  limitFlag `placeholder:"N" help:"Look at most so many steps far (default: no limit)."`
}

// Help is the long help.
func (snapshotReachCmd) Help() string {
	return `Shows what a user, group, service principal or managed identity can reach: through groups, by roles, which
hold for all below their scope, and by access policies of key vaults. Whoever may change a resource, or run
code on it, can act as its identity, and the reach goes on from there. Of a resource it shows the identity
and all that it can reach, and what the resource depends on.

ACCESS is the most that one can do there: acts_as, contains, owner (may give roles), write, read, depends.
docs/paths.md says how it is found.

Examples:
  What does this account put at risk?
    atg snapshot reach ada@contoso.com

  And if somebody takes this machine over?
    atg snapshot reach vm-web-01 -o ndjson --jq 'select(.access != "depends") | .id'`
}

// Run asks for the reach.
func (c *snapshotReachCmd) Run(ctx context.Context, a *app) error {
	request := &backend.SnapshotReachRequest{Snapshot: c.Snapshot, Node: c.Node, MaxHops: int(c.MaxHops)}
	_, err := a.rows(ctx, c.rowsFlags, rows{
		request: request, prepare: a.snapshotNames(&request.Snapshot), field: "nodes",
		page: func(p *ui.Page, out *dispatch.Outcome, rows ui.Rows) error {
			return p.Reach(out.Result.(*backend.SnapshotReachResult), rows)
		},
	})
	return err
}
