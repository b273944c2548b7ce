package cli

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

type scanCmd struct {
	tenantFlag
	filterFlags
	waitFlags
	Limit       limitFlag `placeholder:"N" help:"Read at most so many resources."`
	Depth       string    `enum:",resources,children,extensions" default:"" placeholder:"DEPTH" help:"How deep: resources, children (that only ARM lists) or extensions (of each resource). Default: the most that the backend can."`
	Identities  string    `enum:",all,referenced,none" default:"" placeholder:"WHICH" help:"Users, groups and principals: all, referenced (by what is scanned) or none."`
	NoAADImport bool      `name:"no-aad-import" help:"The same as --identities none."`
	Discovery   string    `enum:",auto,graph,arm" default:"" placeholder:"HOW" help:"How to find resources: auto, graph (Resource Graph) or arm (lists)."`
	DryRun      bool      `help:"Only say what a scan would read, and how long it would take."`
}

// Help is the long help.
func (scanCmd) Help() string {
	return `Reads subscriptions, resource groups, resources and role assignments of an Azure tenant into a
snapshot, which is immutable and kept by the backend. What could not be read stands in the
snapshot's coverage ledger and in the summary; an incomplete scan exits with 3.

Several filters must all hold; several values of one filter are alternatives. Values may be
repeated or separated by commas.

Examples:
  atg scan                                         # the only tenant that the credential reaches
  atg scan --tenant-id contoso.onmicrosoft.com
  atg scan --subscription 6f0c… --location westeurope,northeurope
  atg scan --tag env=prod --exclude-type microsoft.insights/components
  atg scan -o json | jq .snapshot.id
  atg --backend remote scan --detach               # the job goes on: atg job watch ID comes back to it`
}

// Run scans.
func (c *scanCmd) Run(ctx context.Context, a *app) error {
	d, err := a.dispatcher(ctx)
	if err != nil {
		return err
	}
	request := &backend.ScanRequest{
		TenantID: a.tenant(), Filter: c.filter(), ResourceLimit: int64(c.Limit), Depth: backend.Depth(c.Depth),
		Identities: backend.Identities(c.Identities), Discovery: backend.Discovery(c.Discovery), DryRun: c.DryRun,
	}
	if c.NoAADImport {
		if c.Identities != "" && request.Identities != backend.IdentitiesNone {
			return usage("--no-aad-import and --identities %s contradict each other", c.Identities)
		}
		request.Identities = backend.IdentitiesNone
	}
	task := c.task(dispatch.Ending{})
	out, err := d.ExecuteScan(ctx, request, task)
	return a.outcome(d, out, task.Ending, err)
}
