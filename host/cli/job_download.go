package cli

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
)

type jobDownloadCmd struct {
	ID        string `arg:"" help:"Job."`
	OutputDir string `required:"" type:"path" placeholder:"DIR" help:"Folder for the files. Files there that atg did not write stay, unless --force."`
	Force     bool   `help:"Replace files of the same names that atg did not write, or that were changed since."`
}

// Help is the long help.
func (jobDownloadCmd) Help() string {
	return `Brings the files of a completed job into a folder: all of them, checked against the backend's
checksums, or none. Which files atg wrote stands in .atg-files.json there, so that it replaces those
and no others. The code of generate-iac replaces earlier code in the folder as a whole.

Examples:
  atg --backend remote job download ID --output-dir ./infra`
}

// downloaded is what was written.
type downloaded struct {
	JobID  string   `json:"job_id"`
	Folder string   `json:"folder"`
	Files  []string `json:"files"` // absolute paths
}

// Run downloads.
func (c *jobDownloadCmd) Run(ctx context.Context, a *app) error {
	d, err := a.dispatcher(ctx)
	if err != nil {
		return err
	}
	files, err := d.Download(ctx, c.ID, dispatch.Ending{OutputDir: c.OutputDir, Overwrite: c.Force})
	if err != nil {
		return err
	}
	return a.console.Print(ui.Document{Data: downloaded{c.ID, c.OutputDir, files}, Page: func(p *ui.Page) { p.Files(c.OutputDir, files) }})
}
