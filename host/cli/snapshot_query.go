package cli

import (
	"context"
	"regexp"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

type snapshotQueryCmd struct {
	tenantFlag
	rowsFlags
	Query    string   `arg:"" optional:"" placeholder:"SQL|NAME" help:"SQL, or the name of a query, or - to read SQL from standard input."`
	Args     []string `arg:"" optional:"" help:"Values of its parameters: of each ? in SQL, or as --list says."`
	List     bool     `help:"List the queries that have names."`
	Snapshot string   `placeholder:"ID" help:"Snapshot to ask (default: the newest complete one)."`
	Limit    int64    `placeholder:"N" help:"At most so many rows."`
	Format   string   `enum:",ndjson,csv" default:"" placeholder:"FORMAT" help:"What is written: ndjson (an object a line), or csv."`
}

// Help is the long help.
func (snapshotQueryCmd) Help() string {
	return `Asks a snapshot with SQL over views of the tenant: resources, edges, identities, role_assignments,
effective_access, tags and others. docs/query.md has all of them with their columns. Queries that people ask
often have names, and some take arguments.

A query only reads. One that runs longer than a minute is ended (query_timeout of the backend's settings).

Examples:
  What there is of which type:
    atg snapshot query "SELECT type, count(*) AS n FROM resources GROUP BY type ORDER BY n DESC"

  Who may do something to a vault, also by way of groups and of what contains it:
    atg snapshot query access-to /subscriptions/…/vaults/prod

  Resources without the tag owner, for a spreadsheet:
    atg snapshot query untagged owner --format csv --output untagged.csv

  All queries that have names:
    atg snapshot query --list`
}

// queryName is the form of a named query's name; SQL has blanks.
var queryName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// maxQuery is how much SQL is read from standard input, in bytes; no backend needs to take so much.
const maxQuery = 4 << 20

// Run asks.
func (c *snapshotQueryCmd) Run(ctx context.Context, a *app) error {
	request := &backend.SnapshotQueryRequest{Snapshot: c.Snapshot, Args: c.Args, Format: c.Format, RowLimit: c.Limit}
	switch {
	case c.List && c.Query != "":
		return usage("--list takes no query")
	case c.List:
		request.Name = backend.QueryList
	case c.Query == "":
		return usage("say what to ask: SQL, or the name of a query of atg snapshot query --list")
	case c.Limit < 0:
		return usage("--limit is less than 0")
	case c.Query == "-":
		text, err := a.console.ReadText(maxQuery)
		if err != nil {
			return err
		}
		request.SQL = text
	case queryName.MatchString(c.Query):
		request.Name = c.Query
	default:
		request.SQL = c.Query
	}
	_, err := a.rows(ctx, c.rowsFlags, rows{
		request: request, prepare: a.snapshotNames(&request.Snapshot), text: c.Format == "csv", field: "rows",
		page: func(p *ui.Page, out *dispatch.Outcome, rows ui.Rows) error {
			return p.Query(out.Result.(*backend.SnapshotQueryResult), rows)
		},
	})
	return err
}
