package cli

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

type jobShowCmd struct {
	ID string `arg:"" help:"Job."`
}

// Help is the long help.
func (jobShowCmd) Help() string {
	return `Shows how far a job is, or what became of it. The exit code says only whether there is such a job.

Examples:
  atg --backend remote job show ID
  atg --backend remote job show ID --jq .progress`
}

// Run shows.
func (c *jobShowCmd) Run(ctx context.Context, a *app) error {
	d, err := a.dispatcher(ctx)
	if err != nil {
		return err
	}
	var job backend.JobStatusResponse
	if err := d.WithJobs(ctx, func(ctx context.Context, s *dispatch.Session) (err error) {
		job, err = s.Backend.GetJob(ctx, c.ID)
		return err
	}); err != nil {
		return err
	}
	next := ""
	switch job.Status {
	case backend.JobPending, backend.JobRunning:
		next = d.Again(d.Backend(), "job", "watch", job.JobID)
	case backend.JobCompleted:
		next = d.Again(d.Backend(), "job", "result", job.JobID)
	case backend.JobFailed, backend.JobCancelled:
	}
	return a.console.Print(ui.Document{Data: job, Page: func(p *ui.Page) { p.JobDetail(job, next) }})
}
