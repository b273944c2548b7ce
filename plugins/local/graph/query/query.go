// Package query answers questions about a snapshot: SQL over documented views, which can only read and has limits, and queries that have names.
package query

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// The formats of rows.
const (
	formatNDJSON = "ndjson"
	formatCSV    = "csv"
)

// DefaultTimeout ends a query that runs longer.
const DefaultTimeout = time.Minute

// Query does one query.
type Query struct {
	Reader  *graph.Reader // with a graph; nil for the list of named queries
	Dir     string        // where the rows go, in a file rows.ndjson or rows.csv
	Timeout time.Duration // 0 is DefaultTimeout

	bounds bounds // zero is the usual ones
}

// Check refuses a request that asks for nothing, or for what there is not. The fault is fault.InvalidArgument.
func Check(r *backend.SnapshotQueryRequest) error {
	switch {
	case (r.SQL == "") == (r.Name == ""):
		return invalid("a query is either SQL or the name of one", "atg snapshot query --list shows queries that have names; docs/query.md has what SQL can ask")
	case strings.ContainsRune(r.SQL, 0):
		return invalid("the query has a NUL character", "SQL is text")
	case len(r.SQL) > maxSQL:
		return invalid(fmt.Sprintf("the query is longer than %d bytes", maxSQL), "ask for less at once")
	case r.Format != "" && r.Format != formatNDJSON && r.Format != formatCSV:
		return invalid(fmt.Sprintf("there is no format %q of rows", r.Format), "the formats are ndjson and csv")
	case r.RowLimit < 0:
		return invalid("the limit of rows is less than 0", "0 is no limit")
	}
	q, err := find(r)
	if q != nil {
		_, err = q.arguments(r.Args)
	}
	return err
}

// NeedsSnapshot says whether a request reads one: the list of named queries does not.
func NeedsSnapshot(r *backend.SnapshotQueryRequest) bool { return r.Name != backend.QueryList }

// Run does it. What is wrong with the SQL, or too much for the limits, is fault.InvalidArgument.
func (q *Query) Run(ctx context.Context, r *backend.SnapshotQueryRequest) (*backend.SnapshotQueryResult, error) {
	began := time.Now()
	result := &backend.SnapshotQueryResult{Rows: "rows." + formatNDJSON}
	if r.Format == formatCSV {
		result.Rows = "rows." + formatCSV
	}
	out, err := newWriter(filepath.Join(q.Dir, result.Rows), r.Format == formatCSV)
	if err != nil {
		return nil, err
	}
	if q.Reader == nil {
		err = writeList(out, result, r)
	} else {
		result.Snapshot = q.Reader.Snapshot().ID
		err = q.ask(ctx, r, out, result)
	}
	if err = errors.Join(err, out.close()); err != nil {
		return nil, err
	}
	result.DurationSeconds = time.Since(began).Seconds()
	return result, nil
}

// ask runs the query in a goroutine, which is left behind if it does not end in time.
func (q *Query) ask(ctx context.Context, r *backend.SnapshotQueryRequest, out *writer, result *backend.SnapshotQueryResult) error {
	statement, args, err := statementOf(r)
	if err != nil {
		return err
	}
	limit, b := cmp.Or(q.Timeout, DefaultTimeout), cmp.Or(q.bounds, usualBounds)
	tooLong := invalid(fmt.Sprintf("the query did not end within %s", limit), "ask for less: a filter by type or id uses an index; the setting query_timeout is the limit")
	timed, cancel := context.WithTimeoutCause(ctx, limit, tooLong)
	defer cancel()
	timed, stop := context.WithCancelCause(timed)
	defer stop(nil)

	done := make(chan error, 1)
	go func() { done <- q.stream(timed, stop, b, statement, args, r.RowLimit, out, result) }()
	select {
	case err = <-done:
	case <-timed.Done():
		timer := time.NewTimer(b.grace)
		defer timer.Stop()
		select {
		case err = <-done:
		case <-timer.C:
			err = timed.Err()
		}
	}
	if err != nil && timed.Err() != nil {
		if ctx.Err() != nil {
			return fault.Of(context.Cause(ctx))
		}
		return fault.Of(context.Cause(timed))
	}
	return err
}

// statementOf is the SQL of a request, and the values of its parameters.
func statementOf(r *backend.SnapshotQueryRequest) (statement string, args []any, err error) {
	named, err := find(r)
	if err != nil {
		return "", nil, err
	}
	if named == nil {
		for _, a := range r.Args {
			args = append(args, a)
		}
		return r.SQL, args, nil
	}
	values, err := named.arguments(r.Args)
	for i, p := range named.parameters {
		args = append(args, sql.Named(p.name, values[i]))
	}
	return named.sql, args, err
}

// stream runs a statement and writes its rows.
func (q *Query) stream(ctx context.Context, stop context.CancelCauseFunc, b bounds, statement string, args []any, limit int64, out *writer, result *backend.SnapshotQueryResult) error {
	defer limitMemory(b.memory)()
	s, err := openSession(ctx, q.Reader, b)
	if err != nil {
		return ranInto(q.Reader, b, err)
	}
	defer s.close()
	if err := s.compile(statement, args); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, s.interrupt)()
	defer watch(cmp.Or(b.temp, roomFor(q.Reader.Snapshot().Size)), stop)()

	columns, err := s.columns(statement)
	if err != nil {
		return s.failed(q.Reader, err)
	}
	rows, err := s.conn.QueryContext(ctx, statement, args...)
	if err != nil {
		return s.failed(q.Reader, err)
	}
	defer func() { _ = rows.Close() }()
	if err := out.begin(columns); err != nil {
		return err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if limit > 0 && result.RowCount == limit {
			result.Truncated = true
			break
		}
		if err := rows.Scan(into...); err != nil {
			return s.failed(q.Reader, err)
		}
		if err := out.row(values); err != nil {
			return err
		}
		result.RowCount++
	}
	if err := rows.Err(); err != nil && !result.Truncated {
		return s.failed(q.Reader, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	result.Columns = out.types()
	return nil
}

// writeList writes the named queries as rows.
func writeList(out *writer, result *backend.SnapshotQueryResult, r *backend.SnapshotQueryRequest) error {
	if err := out.begin([]column{{name: "name"}, {name: "summary"}, {name: "usage"}}); err != nil {
		return err
	}
	for _, q := range namedQueries() {
		if r.RowLimit > 0 && result.RowCount == r.RowLimit {
			result.Truncated = true
			break
		}
		if err := out.row([]any{q.name, q.summary, q.usage()}); err != nil {
			return err
		}
		result.RowCount++
	}
	result.Columns = out.types()
	return nil
}
