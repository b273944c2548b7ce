package cli

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type generateIaCCmd struct {
	tenantFlag
	filterFlags
	targetFlags
	waitFlags
	Format          string `enum:"terraform,bicep,arm" required:"" placeholder:"FORMAT" help:"terraform, bicep or arm."`
	OutputDir       string `required:"" type:"path" placeholder:"DIR" help:"Folder for the code. Files there that atg did not write stay, unless --force."`
	Snapshot        string `placeholder:"ID" help:"Snapshot to take (default: the newest complete one of the tenant)."`
	Import          bool   `help:"Also write import blocks, so that Terraform takes over what exists."`
	Split           string `enum:",rg,type,none" default:"" placeholder:"HOW" help:"What shares a file of Terraform: rg, a resource group (default); type, a type; none, one file."`
	IncludeDefaults bool   `help:"Keep what is trimmed otherwise: service defaults, and children that Azure makes itself."`
	Check           bool   `help:"Let the format's own tool check the code, where it is installed."`
	WhatIf          bool   `help:"With --check: also ask Azure what a deployment would change. Sends it the code, changes nothing."`
	Yes             bool   `short:"y" help:"Do --what-if without asking."`
	Force           bool   `help:"Replace files of the same names that atg did not write, or that were changed since."`
}

// targetFlags say where the code will be deployed.
type targetFlags struct {
	TargetTenantID            string `group:"target" aliases:"target-tenant" placeholder:"ID" help:"Tenant."`
	TargetSubscription        string `group:"target" placeholder:"ID" help:"Subscription: everything goes into this one."`
	TargetLocation            string `group:"target" placeholder:"REGION" help:"Region, as northeurope."`
	TargetResourceGroupPrefix string `group:"target" aliases:"target-prefix" placeholder:"TEXT" help:"Begin the name of every resource group with this, as dr-."`
}

func (f targetFlags) target() backend.Target {
	return backend.Target{
		TenantID: f.TargetTenantID, SubscriptionID: f.TargetSubscription, Location: f.TargetLocation, ResourceGroupPrefix: f.TargetResourceGroupPrefix,
	}
}

// Help is the long help.
func (generateIaCCmd) Help() string {
	return `Turns a snapshot into code that deploys the same resources. Secrets become variables. What Azure makes
by itself, or what only says a default, is trimmed (--include-defaults keeps it). What cannot be expressed
is missing: it is listed by reason, report.ndjson among the files has each with its own, and the command
exits with 3. With --check, code that does not pass makes it exit with 6; the files are there all the same.

Run again into the same folder, and the new code replaces the old as a whole. What you changed stays: atg
replaces it only with --force, and says what of earlier code is still there.

Examples:
  The whole tenant as Terraform, checked by terraform itself:
    atg generate-iac --format terraform --output-dir ./infra --check

  Take over what exists, without changing it:
    atg generate-iac --format terraform --output-dir ./infra --import
    cd infra && terraform init && terraform plan

  A copy of one resource group beside it, in another region:
    atg generate-iac --format bicep --output-dir ./dr --resource-group web \
      --target-location northeurope --target-resource-group-prefix dr-

  Into another subscription, and what that would change there:
    atg generate-iac --format arm --output-dir ./copy --target-subscription ID --check --what-if

  Of an older snapshot, without network rules, for a script:
    atg generate-iac --format terraform --output-dir ./infra --snapshot ID \
      --exclude-type microsoft.network/networksecuritygroups -o json`
}

// Run generates.
func (c *generateIaCCmd) Run(ctx context.Context, a *app) error {
	if err := c.validate(); err != nil {
		return err
	}
	if c.WhatIf && !c.Yes && !a.console.CanAsk() {
		return needsFlag("sending the code to Azure, for --what-if,")
	}
	d, err := a.dispatcher(ctx)
	if err != nil {
		return err
	}
	if c.WhatIf && !c.Yes {
		if err := a.confirm(ctx, "Send the code to Azure, to ask what deploying it would change? Nothing is deployed."); err != nil {
			return err
		}
	}
	task := c.task(dispatch.Ending{OutputDir: c.OutputDir, Overwrite: c.Force})
	out, err := d.ExecuteIaCGeneration(ctx, &backend.IaCGenerationRequest{
		TenantID: a.tenant(), OutputFormat: c.Format, Snapshot: c.Snapshot, Filter: c.filter(), Target: c.target(),
		Import: c.Import, Split: c.Split, IncludeDefaults: c.IncludeDefaults, Check: c.Check, WhatIf: c.WhatIf,
	}, task)
	return a.outcome(d, out, task.Ending, err)
}

// validate refuses flags that do not go together.
func (c *generateIaCCmd) validate() error {
	const terraform = "terraform"
	switch {
	case c.Split != "" && c.Format != terraform:
		return fault.New(fault.InvalidArgument, "--split is for Terraform: the code of "+c.Format+" is split by what Azure takes in one deployment",
			fault.Hint("leave --split out, or use --format terraform"), fault.From(fault.OriginHost))
	case c.Import && c.Format != terraform:
		return fault.New(fault.InvalidArgument, "--import is for Terraform: a deployment of "+c.Format+" takes over what exists by itself",
			fault.Hint("leave --import out, or use --format terraform"), fault.From(fault.OriginHost))
	case c.WhatIf && !c.Check:
		return fault.New(fault.InvalidArgument, "--what-if is a part of --check", fault.Hint("add --check"), fault.From(fault.OriginHost))
	}
	return nil
}

// afterwards is the command to go on with once code was generated; empty where there is none, as for code that a
// check has failed.
func afterwards(d *dispatch.ExecutionDispatcher, out *dispatch.Outcome, r *backend.IaCGenerationResult, dir string) string {
	has := func(match func(name string) bool) bool {
		return slices.ContainsFunc(out.Files, func(file string) bool {
			return filepath.Dir(file) == filepath.Clean(dir) && match(filepath.Base(file))
		})
	}
	switch {
	case dir == "":
		return d.Again(out.Backend, "job", "download", out.Job.JobID, "--output-dir", "DIR")
	case len(r.FailedChecks()) > 0:
		return ""
	case has(func(name string) bool { return filepath.Ext(name) == ".tf" }):
		return "cd " + dispatch.Quote(dir) + " && terraform init && terraform plan"
	case has(func(name string) bool { return name == "deploy.sh" }):
		return "cd " + dispatch.Quote(dir) + " && ./deploy.sh"
	}
	return ""
}
