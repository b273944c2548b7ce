package cli

import (
	"cmp"
	"context"
	"fmt"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type snapshotDiffCmd struct {
	tenantFlag
	filterFlags
	rowsFlags
	Before   string `arg:"" optional:"" help:"Snapshot to compare (default: @previous)."`
	After    string `arg:"" optional:"" help:"Snapshot to compare with it (default: @latest)."`
	Format   string `enum:",ndjson,markdown" default:"" placeholder:"FORMAT" help:"Write this instead of what -o says: markdown, as for a comment on a pull request, or ndjson, a change a line."`
	ExitCode bool   `help:"Exit with 8 if there are differences."`
}

// Help is the long help.
func (snapshotDiffCmd) Help() string {
	return `Says what was added, removed and changed between two snapshots, property by property. What changes by
itself, such as timestamps and etags, and the order of sets are no difference; docs/diff.md has the rules.

A removal is claimed only where both scans have read the place completely. Otherwise nobody knows: the line
says so, and why, and the command exits with 3.

A snapshot is an id or the beginning of one, or @latest or @previous: the newest two complete ones that were
not filtered.

Examples:
  What changed since the scan before:
    atg snapshot diff

  A gate in a pipeline, with a comment for people:
    atg snapshot diff 20260901 @latest --exit-code --format markdown --output changes.md`
}

// Run compares.
func (c *snapshotDiffCmd) Run(ctx context.Context, a *app) error {
	request := &backend.SnapshotDiffRequest{
		Before: cmp.Or(c.Before, previousName), After: cmp.Or(c.After, latestName), Filter: c.filter(), Format: c.Format,
	}
	out, err := a.rows(ctx, c.rowsFlags, rows{
		request: request, prepare: a.snapshotNames(&request.Before, &request.After), text: c.Format != "", field: "changes",
		page: func(p *ui.Page, out *dispatch.Outcome, rows ui.Rows) error {
			return p.Changes(ui.ChangesSummary{Result: out.Result.(*backend.SnapshotDiffResult), Before: request.Before, After: request.After}, rows)
		},
	})
	if err != nil || out == nil || !c.ExitCode {
		return err
	}
	if r := out.Result.(*backend.SnapshotDiffResult); r.Added+r.Removed+r.Changed > 0 {
		return fault.New(fault.Differences, fmt.Sprintf("the snapshots differ: %d added, %d removed, %d changed", r.Added, r.Removed, r.Changed), fault.From(fault.OriginHost))
	}
	return nil
}
