package query

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// failed is the fault of a statement that failed while it ran.
func (s *session) failed(r *graph.Reader, err error) error {
	if s.denied != "" {
		return readsOnly(s.denied)
	}
	return ranInto(r, s.bounds, err)
}

// ranInto is the fault of what SQLite says.
func ranInto(r *graph.Reader, b bounds, err error) error {
	var e *sqlite.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Of(err)
	case !errors.As(err, &e):
		return fault.New(fault.Internal, "the query cannot be asked", fault.Because(err))
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_NOMEM:
		return invalid(fmt.Sprintf("the query needs more than %d MB of memory", b.memory>>20), "ask for fewer or shorter values at once")
	case sqlite3.SQLITE_TOOBIG:
		return invalid(fmt.Sprintf("the query makes a value of more than %d MB", b.value>>20), "ask for shorter values")
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		return fault.New(fault.ExecutionFailed, "the query cannot keep its temporary files", fault.Because(err), fault.Hint("free some space on the disk, or sort and group less"))
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return r.ReadFault(err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH:
		return readsOnly(changing)
	}
	message := e.Error()
	if at := strings.LastIndex(message, " ("); at > 0 { // the code
		message = message[:at]
	}
	return invalid("the query failed: "+strings.TrimPrefix(message, "SQL logic error: "), "docs/query.md has the views and their columns")
}
