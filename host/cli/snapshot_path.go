package cli

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

type snapshotPathCmd struct {
	tenantFlag
	waitFlags
	From     string    `arg:"" help:"Where the path begins: an id, a user's login, or a name."`
	To       string    `arg:"" help:"Where it ends."`
	Snapshot string    `placeholder:"ID" help:"Snapshot to look into (default: the newest complete one of the tenant)."`
	MaxHops  limitFlag `placeholder:"N" help:"Look at most so many steps far (default: 12)."`
}

// Help is the long help.
func (snapshotPathCmd) Help() string {
	return `Shows the shortest ways through the graph from one thing to another: who has which role where, what uses
what, what contains what. A way along the relationships comes first; if there is none, one against them
(←). Ways that only say that both belong to one group or subscription come last; docs/paths.md has the rules.

A thing is named by its ARM id, object id or application id, a user's login, or its name. Where several have
that name, put more in front: rg-web/vm-1, virtualmachines/vm-1, group/Admins.

Examples:
  Can Ada get at the vault?
    atg snapshot path ada@contoso.com kv-payments

  Why does this application depend on that network?
    atg snapshot path sites/shop vnet-hub --jq '.paths[0].steps[].relationship'`
}

// Run asks for the paths.
func (c *snapshotPathCmd) Run(ctx context.Context, a *app) error {
	d, err := a.dispatcher(ctx)
	if err != nil {
		return err
	}
	request := &backend.SnapshotPathRequest{TenantID: a.tenant(), Snapshot: c.Snapshot, From: c.From, To: c.To, MaxHops: int(c.MaxHops)}
	task := c.task(dispatch.Ending{})
	task.Request, task.Prepare = request, a.snapshotNames(&request.Snapshot)
	out, err := d.Execute(ctx, task)
	return a.outcome(d, out, task.Ending, err)
}
