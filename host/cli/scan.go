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
	Limit       limitFlag `placeholder:"N" help:"Read at most so many resources; children come with theirs."`
	Depth       string    `enum:",resources,children,extensions" default:"" placeholder:"DEPTH" help:"How deep: resources, children (that only ARM lists) or extensions (of each resource). Default: the backend chooses; local takes children."`
	Identities  string    `enum:",all,referenced,none" default:"" placeholder:"WHICH" help:"Users, groups and principals: all, referenced (by what is scanned) or none."`
	NoAADImport bool      `name:"no-aad-import" help:"The same as --identities none."`
	Discovery   string    `enum:",auto,graph,arm" default:"" placeholder:"HOW" help:"How to find resources: auto, graph (Resource Graph) or arm (lists)."`
	Resume      string    `placeholder:"JOB" help:"Go on with a scan that is not whole: its job's id, the beginning of it, or last."`
	DryRun      bool      `help:"Only say what a scan would read, and how long it would take."`
}

// Help is the long help.
func (scanCmd) Help() string {
	return `Reads subscriptions, resource groups, resources and role assignments of an Azure tenant into a
snapshot, which is immutable and kept by the backend. What could not be read stands in the
snapshot's coverage ledger and in the summary; an incomplete scan exits with 3.

A scan that was stopped, that failed or that is incomplete can be resumed for seven days: what it has
read to the end is not read again. It goes on as it was begun, so that no other flag of a scan is needed.

Several filters must all hold; several values of one filter are alternatives. Values may be
repeated or separated by commas.

Examples:
  atg scan                                         # the only tenant that the credential reaches
  atg scan --tenant-id contoso.onmicrosoft.com
  atg scan --subscription 6f0c… --location westeurope,northeurope
  atg scan --tag env=prod --exclude-type microsoft.insights/components
  atg scan --jq .snapshot.id                       # its id, for a script
  atg scan --resume last                           # go on with the one that was stopped
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
	if task.Resume = c.Resume; c.Resume != "" {
		if c.DryRun {
			return usage("--resume and --dry-run contradict each other")
		}
		request.TenantID = a.tenantID // by flag: the configured one is for new scans
	}
	out, err := d.ExecuteScan(ctx, request, task)
	return a.outcome(d, out, task.Ending, err)
}
