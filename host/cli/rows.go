package cli

import (
	"context"
	"os"
	"path/filepath"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// rowsFlags are the flags of verbs whose result has rows, however many.
type rowsFlags struct {
	File              string `name:"output" type:"path" placeholder:"FILE" help:"Write them into FILE instead of showing them."`
	Force             bool   `help:"Replace the file if it exists."`
	Detach            bool   `group:"wait" help:"Do not wait: print the job's id. Needs a backend whose jobs outlive the command."`
	CancelOnInterrupt bool   `group:"wait" help:"Let Ctrl-C cancel the job also where it would go on without the command."`
}

// rows is an operation whose job makes one artifact: the rows of its result, or a text.
type rows struct {
	request backend.Request
	// prepare completes the request with what only its backend knows; nil does nothing. See snapshotNames.
	prepare func(ctx context.Context, s *dispatch.Session) error
	// text says that the artifact is in a format of its own, such as Markdown or CSV, and goes to stdout as it is. The others are JSON
	// objects, one a line.
	text bool
	// field of the result names the artifact; in JSON and YAML the rows stand there.
	field string
	// page shows the rows to people; see ui.Page.Rows.
	page func(p *ui.Page, out *dispatch.Outcome, rows ui.Rows) error
}

// rows runs the operation, and prints the rows or brings them into f.File. The outcome is nil where there is no result, as when detached.
func (a *app) rows(ctx context.Context, f rowsFlags, r rows) (*dispatch.Outcome, error) {
	ending := dispatch.Ending{Temporary: f.File == "", Overwrite: f.Force, CancelOnInterrupt: f.CancelOnInterrupt}
	if r.text && f.File == "" && a.flags.JQ != "" { // before the work, and not after it
		return nil, usage("--jq looks at JSON, and this is printed in a format of its own: leave --format out")
	}
	if f.File != "" {
		file, err := filepath.Abs(f.File)
		if err != nil {
			return nil, err
		}
		if info, err := os.Lstat(file); err == nil && (!f.Force || info.IsDir()) { // before the work, and again after it
			return nil, dispatch.Occupied(file)
		}
		ending.OutputDir, ending.OutputFile = filepath.Dir(file), filepath.Base(file)
	}
	d, err := a.dispatcher(ctx)
	if err != nil {
		return nil, err
	}
	if r.request.Tenant() == "" {
		backend.SetTenant(r.request, a.tenant())
	}
	out, err := d.Execute(ctx, dispatch.Task{Request: r.request, Prepare: r.prepare, Detach: f.Detach, Ending: ending})
	defer out.Discard()
	if out == nil || out.Result == nil || f.File != "" {
		err = a.outcome(d, out, ending, err)
	} else if printed := a.printRows(r, out); printed != nil {
		return nil, printed
	}
	if out == nil || out.Result == nil {
		return nil, err
	}
	return out, err
}

// printRows prints what is in the one file of an outcome.
func (a *app) printRows(r rows, out *dispatch.Outcome) error {
	if len(out.Files) == 0 {
		return fault.New(fault.Internal, "the result has no rows", fault.On(out.Job.JobID), fault.From(fault.OriginHost))
	}
	file, err := os.Open(out.Files[0])
	if err != nil {
		return fault.New(fault.Internal, "the rows of the result cannot be read", fault.Because(err), fault.From(fault.OriginHost))
	}
	defer func() { _ = file.Close() }()
	if r.text {
		return a.console.PrintText(file)
	}
	return a.console.PrintStream(ui.Stream{
		Data: out.Result, Field: r.field, Rows: ui.ReadRows(file),
		Page: func(p *ui.Page, rows ui.Rows) error { return r.page(p, out, rows) },
	})
}
