package cli

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

type generateIaCCmd struct {
	tenantFlag
	filterFlags
	waitFlags
	Format             string `enum:"terraform,bicep,arm" required:"" placeholder:"FORMAT" help:"terraform, bicep or arm."`
	OutputDir          string `required:"" type:"path" placeholder:"DIR" help:"Folder for the code. Files there that atg did not write stay, unless --force."`
	Snapshot           string `placeholder:"ID" help:"Snapshot to take (default: the newest complete one of the tenant)."`
	TargetTenant       string `placeholder:"ID" help:"Tenant that the code is for, if it is another."`
	TargetSubscription string `placeholder:"ID" help:"Subscription that the code is for, if it is another."`
	TargetLocation     string `placeholder:"REGION" help:"Region that the code is for, if it is another."`
	TargetPrefix       string `placeholder:"TEXT" help:"Begin every name with this."`
	Import             bool   `help:"Write import blocks for what exists."`
	Split              string `enum:",rg,type,none" default:"" placeholder:"HOW" help:"Split the code by rg, type or none."`
	Check              bool   `help:"Let the format's own tool check the code, where it is installed."`
	Force              bool   `help:"Replace files of the same names that atg did not write, or that were changed since."`
}

// Help is the long help.
func (generateIaCCmd) Help() string {
	return `Turns a snapshot into code that deploys the same resources. Secrets become variables. What cannot
be expressed is left out and listed with its reason; the command then exits with 3.

Examples:
  atg generate-iac --format terraform --output-dir ./infra
  atg generate-iac --format bicep --output-dir ./infra --resource-group web --target-location northeurope`
}

// Run generates.
func (c *generateIaCCmd) Run(ctx context.Context, a *app) error {
	d, err := a.dispatcher(ctx)
	if err != nil {
		return err
	}
	task := c.task(dispatch.Ending{OutputDir: c.OutputDir, Overwrite: c.Force})
	out, err := d.ExecuteIaCGeneration(ctx, &backend.IaCGenerationRequest{
		TenantID: a.tenant(), OutputFormat: c.Format, Snapshot: c.Snapshot, Filter: c.filter(), Import: c.Import, Split: c.Split, Check: c.Check,
		Target: backend.Target{TenantID: c.TargetTenant, SubscriptionID: c.TargetSubscription, Location: c.TargetLocation, ResourceGroupPrefix: c.TargetPrefix},
	}, task)
	return a.outcome(d, out, task.Ending, err)
}
