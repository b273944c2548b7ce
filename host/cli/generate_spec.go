package cli

import (
	"context"
	"os"
	"path/filepath"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

type generateSpecCmd struct {
	tenantFlag
	filterFlags
	waitFlags
	File      string `name:"output" required:"" type:"path" placeholder:"FILE" help:"File for the specification, as contoso.md."`
	Snapshot  string `placeholder:"ID" help:"Snapshot to take (default: the newest complete one of the tenant)."`
	Anonymize bool   `help:"Replace names, ids and addresses by pseudonyms. A map of them comes beside the file: keep it to yourself."`
	Force     bool   `help:"Replace the file if it exists."`
}

// Help is the long help.
func (generateSpecCmd) Help() string {
	return `Writes what a tenant is as one Markdown file: a summary and tables for people, and blocks of YAML that
create-tenant deploys. Secrets are placeholders. What cannot be said is missing: the end of the file lists
it by reason, and the command exits with 3. docs/specification.md describes the form of the file.

With --anonymize the file can be passed on: names, ids, addresses and the values of tags are pseudonyms, the
same ones wherever they stand. FILE.map.json beside it, NAME.map.json of NAME.md, says what they stand for,
and is yours alone.

Examples:
  The whole tenant:
    atg generate-spec --output contoso.md

  One resource group, to start another one from:
    atg generate-spec --output web.md --resource-group web

  To ask somebody else about it:
    atg generate-spec --output question.md --anonymize`
}

// Run writes.
func (c *generateSpecCmd) Run(ctx context.Context, a *app) error {
	ending, err := intoFile(c.File, c.Force)
	if err != nil {
		return err
	}
	d, err := a.dispatcher(ctx)
	if err != nil {
		return err
	}
	task := c.task(ending)
	out, err := d.ExecuteSpecGeneration(ctx, &backend.SpecGenerationRequest{TenantID: a.tenant(), Snapshot: c.Snapshot, Filter: c.filter(), Anonymize: c.Anonymize}, task)
	return a.outcome(d, out, task.Ending, err)
}

// specSummary is what is shown of a specification.
func specSummary(d *dispatch.ExecutionDispatcher, out *dispatch.Outcome, r *backend.SpecGenerationResult) ui.SpecSummary {
	s := ui.SpecSummary{Result: r, Files: out.Files}
	if len(out.Files) > 0 {
		s.Next = d.Again(out.Backend, "create-tenant", out.Files[0], "--dry-run")
	} else {
		s.Next = d.Again(out.Backend, "job", "download", out.Job.JobID, "--output-dir", "DIR")
	}
	return s
}

// intoFile is the ending of a job whose one file goes where the user says. It looks whether something is there before the work, and
// whoever writes the file looks again after it.
func intoFile(name string, force bool) (dispatch.Ending, error) {
	file, err := filepath.Abs(name)
	if err != nil {
		return dispatch.Ending{}, err
	}
	if info, err := os.Lstat(file); err == nil && (!force || info.IsDir()) {
		return dispatch.Ending{}, dispatch.Occupied(file)
	}
	return dispatch.Ending{OutputDir: filepath.Dir(file), OutputFile: filepath.Base(file), Overwrite: force}, nil
}
