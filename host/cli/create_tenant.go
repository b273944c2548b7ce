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
	Spec             string `arg:"" optional:"" type:"path" placeholder:"SPEC.md" help:"The specification."`
	DryRun           bool   `help:"Only show the plan."`
	Yes              bool   `short:"y" help:"Carry the plan out without asking."`
	Rollback         string `placeholder:"JOB" help:"Remove again what the job JOB created, and nothing else."`
	CreateIdentities bool   `help:"Also create the users and groups of the specification, where the backend can."`
}

// Help is the long help.
func (createTenantCmd) Help() string {
	return `Reads a specification, shows what it would create and change, asks, and deploys exactly that plan: one
that has changed since it was shown is refused. Run it again to go on after a failure: what is there as it
is desired is not touched. With --rollback it removes what one job created, after the same kind of plan.

Examples:
  atg create-tenant contoso.md --dry-run
  atg create-tenant contoso.md --yes
  atg create-tenant --rollback 4be0643f1d98573b97cdca98a65347dd`
}

// specInput is the name under which a specification travels.
const specInput = "spec.md"

// check refuses flags that do not go together.
func (c *createTenantCmd) check() error {
	switch {
	case c.Rollback != "" && c.Spec != "":
		return usage("--rollback takes no specification: the job has written down what it created")
	case c.Rollback != "" && c.CreateIdentities:
		return usage("--rollback and --create-identities do not go together")
	case c.Rollback == "" && c.Spec == "":
		return usage("a specification is missing: atg create-tenant SPEC.md")
	case c.Spec == "":
		return nil
	}
	if _, err := os.Stat(c.Spec); err != nil {
		return fault.New(fault.InvalidArgument, "the specification cannot be read", fault.Because(err), fault.On(c.Spec), fault.From(fault.OriginHost))
	}
	return nil
}

// request is what to ask for, as a dry run.
func (c *createTenantCmd) request(tenant string) backend.TenantCreationRequest {
	r := backend.TenantCreationRequest{TenantID: tenant, DryRun: true, CreateIdentities: c.CreateIdentities}
	if c.Rollback != "" {
		r.Rollback, r.RollbackJob = true, c.Rollback
	} else {
		r.Spec = specInput
	}
	return r
}

// Run plans, asks and deploys.
func (c *createTenantCmd) Run(ctx context.Context, a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	what, question := "deploying a specification", "Deploy this plan?"
	if c.Rollback != "" {
		what, question = "removing what a job created", "Remove these resources, with all that is in them?"
	}
	if !c.DryRun && !c.Yes && !a.console.CanAsk() {
		return needsFlag(what)
	}
	d, err := a.dispatcher(ctx)
	if err != nil {
		return err
	}
	request := c.request(a.tenant())
	task := c.task(dispatch.Ending{})
	plan := task
	if !c.DryRun { // there is no plan to confirm yet
		plan.Detach, plan.Queue = false, false
	}
	planned, err := d.ExecuteTenantCreation(ctx, &request, c.Spec, plan)
	if c.DryRun {
		return a.outcome(d, planned, plan.Ending, err)
	}
	if err != nil && (fault.CodeOf(err) != fault.Incomplete || planned == nil) { // what cannot be made is in the plan, and says so
		return a.outcome(d, planned, plan.Ending, err)
	}
	made := planned.Result.(*backend.TenantCreationResult).Plan
	if made == nil {
		return fault.New(fault.Internal, "backend "+planned.Backend+" answered a dry run without a plan", fault.From(fault.OriginBackend))
	}
	if !c.Yes {
		a.console.Aside(func(p *ui.Page) { p.Tenant(planned.Result.(*backend.TenantCreationResult)) })
		if err := a.confirm(ctx, question); err != nil {
			return err
		}
	}
	request.DryRun, request.PlanDigest = false, made.Digest
	out, err := d.ExecuteTenantCreation(ctx, &request, c.Spec, task)
	return a.outcome(d, out, task.Ending, err)
}
