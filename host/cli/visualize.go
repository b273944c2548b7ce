package cli

import (
	"context"
	"os/exec"
	"runtime"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

type visualizeCmd struct {
	tenantFlag
	filterFlags
	waitFlags
	File     string `name:"output" required:"" type:"path" placeholder:"FILE" help:"File for the page, as contoso.html."`
	Snapshot string `placeholder:"ID" help:"Snapshot to draw (default: the newest complete one of the tenant)."`
	Open     bool   `help:"Open the page in the browser, where a person is at the terminal."`
	Force    bool   `help:"Replace the file if it exists."`
}

// Help is the long help.
func (visualizeCmd) Help() string {
	return `Writes a snapshot as one HTML file that shows the tenant as a graph: subscriptions, resource groups, resources,
identities, and what relates them. One can search, filter, walk from neighbour to neighbour, and ask for the
shortest path between two things. The file holds everything that it needs and asks nothing of the network; secrets
are not in it. It shows what is in the snapshot, so pass it on with the same care.

Where the scan missed something, the page says so, and the command exits with 3.

Examples:
  The whole tenant:
    atg visualize --output contoso.html --open

  One subscription:
    atg visualize --output prod.html --subscription 00000000-0000-0000-0000-000000000001`
}

// Run draws.
func (c *visualizeCmd) Run(ctx context.Context, a *app) error {
	ending, err := intoFile(c.File, c.Force)
	if err != nil {
		return err
	}
	d, err := a.dispatcher(ctx)
	if err != nil {
		return err
	}
	task := c.task(ending)
	out, err := d.ExecuteVisualization(ctx, &backend.VisualizationRequest{TenantID: a.tenant(), Snapshot: c.Snapshot, Filter: c.filter()}, task)
	err = a.outcome(d, out, task.Ending, err)
	if c.Open && out != nil && len(out.Files) > 0 {
		a.openPage(ctx, out.Files[0])
	}
	return err
}

// openPage opens a file in the browser, if a person is there to see it. It is no error if that cannot be done: the file is there.
func (a *app) openPage(ctx context.Context, file string) {
	if !a.console.CanAsk() {
		a.console.Note("the page is not opened, for nobody is at a terminal")
		return
	}
	open := a.browse
	if open == nil {
		open = browse
	}
	if err := open(ctx, file); err != nil {
		a.console.Note("the page cannot be opened from here (%v): open %s yourself", err, file)
	}
}

// browse asks the platform to open a file with the program that is for it, and does not wait for that program, which may stay.
func browse(ctx context.Context, file string) error {
	name, args := opener(runtime.GOOS)
	cmd := exec.CommandContext(context.WithoutCancel(ctx), name, append(args, file)...) //nolint:gosec // the platform's own program
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}

// opener is the platform's program for that.
func opener(goos string) (name string, args []string) {
	switch goos {
	case "darwin":
		return "open", nil
	case "windows":
		return "rundll32", []string{"url.dll,FileProtocolHandler"}
	}
	return "xdg-open", nil
}

// pictureSummary is what is shown of a picture.
func pictureSummary(d *dispatch.ExecutionDispatcher, out *dispatch.Outcome, r *backend.VisualizationResult) ui.PictureSummary {
	s := ui.PictureSummary{Result: r}
	if len(out.Files) > 0 {
		s.File = out.Files[0]
	} else {
		s.Next = d.Again(out.Backend, "job", "download", out.Job.JobID, "--output-dir", "DIR")
	}
	return s
}
