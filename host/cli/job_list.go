package cli

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

type jobListCmd struct {
	Status    string    `enum:",pending,running,completed,failed,cancelled" default:"" placeholder:"STATUS" help:"Only jobs in this state: pending, running, completed, failed or cancelled."`
	Operation string    `placeholder:"OPERATION" help:"Only jobs that do this: scan, generate-iac, …."`
	TenantID  string    `placeholder:"TENANT" help:"Only jobs on this tenant."`
	Limit     limitFlag `default:"50" placeholder:"N" help:"At most so many (default: 50)."`
	All       bool      `help:"All of them."`
}

// Help is the long help.
func (jobListCmd) Help() string {
	return `Lists your jobs, newest first, wherever they were submitted. Submissions that wait in the queue of this
machine are none yet; standard error mentions them.

Examples:
  atg --backend remote job list
  atg --backend remote job list --status running
  atg --backend remote job list --all -o ndjson --jq 'select(.status == "failed") | .job_id'`
}

// Run lists.
func (c *jobListCmd) Run(ctx context.Context, a *app) error {
	d, err := a.dispatcher(ctx)
	if err != nil {
		return err
	}
	most := int(c.Limit)
	if c.All {
		most = 0
	}
	var page backend.JobPage
	if err := d.WithJobs(ctx, func(ctx context.Context, s *dispatch.Session) error {
		lister, err := s.Jobs()
		if err != nil {
			return err
		}
		page, err = listJobs(ctx, lister, backend.JobFilter{
			Status: backend.JobStatus(c.Status), Operation: backend.Operation(c.Operation), TenantID: c.TenantID, Limit: most,
		})
		return err
	}); err != nil {
		return err
	}
	if page.Cursor != "" {
		a.console.Note("there are more; --all lists them, --limit N the newest N")
	}
	page.Cursor = ""
	a.mentionQueue(a.loaded)
	return a.console.Print(ui.Document{Data: page, Items: ui.Items(page.Jobs), Page: func(p *ui.Page) { p.Jobs(page.Jobs) }})
}

// listJobs reads pages until there are filter.Limit jobs, or all of them if it is 0. The cursor says that
// there are more.
func listJobs(ctx context.Context, lister backend.Lister, filter backend.JobFilter) (backend.JobPage, error) {
	all, most := backend.JobPage{Jobs: []backend.JobStatusResponse{}}, filter.Limit
	for {
		page, err := lister.ListJobs(ctx, filter)
		if err != nil {
			return all, err
		}
		all.Jobs = append(all.Jobs, page.Jobs...)
		stuck := page.Cursor == filter.Cursor
		all.Cursor, filter.Cursor = page.Cursor, page.Cursor
		switch {
		case page.Cursor == "" || stuck:
			all.Cursor = ""
			fallthrough
		case most > 0 && len(all.Jobs) >= most:
			if most > 0 && len(all.Jobs) > most {
				all.Jobs, all.Cursor = all.Jobs[:most], "more"
			}
			return all, nil
		}
		if most > 0 {
			filter.Limit = most - len(all.Jobs)
		}
	}
}
