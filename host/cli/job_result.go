package cli

import "context"

type jobResultCmd struct {
	endingFlags
	ID string `arg:"" help:"Job."`
}

// Help is the long help.
func (jobResultCmd) Help() string {
	return `Prints the result of a completed job, and exits as the command that submitted it would have. It does
not wait: a job that is not completed ends it with 2.

Examples:
  atg --backend remote job result ID -o json
  atg --backend remote job result ID --output-dir ./infra    # and bring its files`
}

// Run fetches.
func (c *jobResultCmd) Run(ctx context.Context, a *app) error {
	d, err := a.dispatcher(ctx)
	if err != nil {
		return err
	}
	out, err := d.Result(ctx, c.ID, c.ending())
	return a.outcome(d, out, c.ending(), err)
}
