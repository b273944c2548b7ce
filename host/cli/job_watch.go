package cli

import "context"

type jobWatchCmd struct {
	endingFlags
	ID                string `arg:"" help:"Job."`
	CancelOnInterrupt bool   `help:"Let Ctrl-C cancel the job instead of leaving it alone."`
}

// Help is the long help.
func (jobWatchCmd) Help() string {
	return `Follows a job from its first event to its end, live where it still runs, and then prints its result and
exits as the command that submitted it would have. Several may watch one job, on any machine.
Ctrl-C leaves the job alone.

Examples:
  atg --backend remote job watch ID
  atg --backend remote job watch ID --output-dir ./infra    # and bring its files`
}

// Run follows.
func (c *jobWatchCmd) Run(ctx context.Context, a *app) error {
	d, err := a.dispatcher(ctx)
	if err != nil {
		return err
	}
	e := c.ending()
	e.CancelOnInterrupt = c.CancelOnInterrupt
	out, err := d.Watch(ctx, c.ID, e)
	return a.outcome(d, out, e, err)
}
