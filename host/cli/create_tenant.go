package cli

import (
	"context"
	"os"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type createTenantCmd struct {
	tenantFlag
	waitFlags
	Spec   string `arg:"" type:"path" placeholder:"SPEC.md" help:"The specification."`
	DryRun bool   `help:"Only show the plan."`
	Yes    bool   `short:"y" help:"Deploy the plan without asking."`
}

// Help is the long help.
func (createTenantCmd) Help() string {
	return `Reads a specification, shows what it would create, asks, and deploys exactly that plan: one that has
changed since it was shown is refused.

Examples:
  atg create-tenant contoso.md --dry-run
  atg create-tenant contoso.md --yes`
}

// specInput is the name under which a specification travels.
const specInput = "spec.md"

// Run plans, asks and deploys.
func (c *createTenantCmd) Run(ctx context.Context, a *app) error {
	if _, err := os.Stat(c.Spec); err != nil {
		return fault.New(fault.InvalidArgument, "the specification cannot be read", fault.Because(err), fault.On(c.Spec), fault.From(fault.OriginHost))
	}
	if !c.DryRun && !c.Yes && !a.console.CanAsk() {
		return needsFlag("deploying a specification", "--yes")
	}
	d, err := a.dispatcher(ctx)
	if err != nil {
		return err
	}
	request := backend.TenantCreationRequest{TenantID: a.tenant(), Spec: specInput, DryRun: true}
	task := c.task(dispatch.Ending{})
	plan := task
	if !c.DryRun { // there is no plan to confirm yet
		plan.Detach, plan.Queue = false, false
	}
	planned, err := d.ExecuteTenantCreation(ctx, &request, c.Spec, plan)
	if err != nil || c.DryRun {
		return a.outcome(d, planned, plan.Ending, err)
	}
	made := planned.Result.(*backend.TenantCreationResult).Plan
	if made == nil {
		return fault.New(fault.Internal, "backend "+planned.Backend+" answered a dry run without a plan", fault.From(fault.OriginBackend))
	}
	if !c.Yes {
		a.console.Aside(func(p *ui.Page) { p.Tenant(planned.Result.(*backend.TenantCreationResult)) })
		if err := a.confirm(ctx, "Deploy this plan?"); err != nil {
			return err
		}
	}
	request.DryRun, request.PlanDigest = false, made.Digest
	out, err := d.ExecuteTenantCreation(ctx, &request, c.Spec, task)
	return a.outcome(d, out, task.Ending, err)
}
