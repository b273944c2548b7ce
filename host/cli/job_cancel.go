package cli

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

type jobCancelCmd struct {
	ID string `arg:"" help:"Job."`
}

// Help is the long help.
func (jobCancelCmd) Help() string {
	return `Cancels a job, and returns when its work has stopped. A job that has ended already cannot be cancelled;
that exits with 2.

Examples:
  atg --backend remote job cancel ID`
}

// Run cancels.
func (c *jobCancelCmd) Run(ctx context.Context, a *app) error {
	d, err := a.dispatcher(ctx)
	if err != nil {
		return err
	}
	var job backend.JobStatusResponse
	if err := d.WithJobs(ctx, func(ctx context.Context, s *dispatch.Session) (err error) {
		job, err = s.Backend.CancelJob(ctx, c.ID)
		return err
	}); err != nil {
		return err
	}
	return a.console.Print(ui.Document{Data: job, Page: func(p *ui.Page) { p.JobDetail(job, "") }})
}
