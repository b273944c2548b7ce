package query

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"modernc.org/libc"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// The limits of a query. Beside them stand its time and the room of its temporary files.
const (
	maxMemory  = 384 << 20 // bytes that SQLite may use in this process while a query runs
	maxValue   = 32 << 20  // bytes of one value, and of a row that is sorted or kept
	maxSQL     = 1 << 20   // bytes of a query
	maxColumns = 500
	maxPattern = 1000 // bytes of a pattern of LIKE or GLOB: matching takes as long as pattern and text multiplied
	maxDepth   = 200  // of an expression
)

// bounds are what depends on the query: tests have small ones.
type bounds struct {
	value  int           // bytes of one value
	memory int64         // bytes
	temp   int64         // bytes of temporary files; 0 depends on the snapshot
	grace  time.Duration // how long a query may take to notice that it has to end: single functions of SQLite do not
}

var usualBounds = bounds{value: maxValue, memory: maxMemory, grace: 5 * time.Second}

// limits are SQLite's own: https://www.sqlite.org/limits.html.
var limits = map[int]int{
	sqlite3.SQLITE_LIMIT_ATTACHED:            0,
	sqlite3.SQLITE_LIMIT_SQL_LENGTH:          maxSQL,
	sqlite3.SQLITE_LIMIT_COLUMN:              maxColumns,
	sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: maxPattern,
	sqlite3.SQLITE_LIMIT_EXPR_DEPTH:          maxDepth,
	sqlite3.SQLITE_LIMIT_COMPOUND_SELECT:     200,
	sqlite3.SQLITE_LIMIT_VDBE_OP:             1_000_000,
	sqlite3.SQLITE_LIMIT_WORKER_THREADS:      0,
}

// session is a connection that reads a snapshot and can do nothing else.
type session struct {
	db     *sql.DB
	conn   *sql.Conn
	tls    *libc.TLS
	handle uintptr // SQLite's own, for what the driver does not offer

	mu     sync.Mutex
	closed bool
	denied string // what the statement wanted to do that it may not
	bounds bounds
}

// openSession opens one with the views.
func openSession(ctx context.Context, r *graph.Reader, b bounds) (*session, error) {
	s := &session{db: r.OpenSQL(), tls: libc.NewTLS(), bounds: b}
	if err := s.open(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *session) open(ctx context.Context) (err error) {
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return err
	}
	// The cache stays as small as OpenSQL makes it: with 32 MB named queries took 5 % longer, and memory that grew with the snapshot.
	if _, err = s.conn.ExecContext(ctx, "PRAGMA temp_store = FILE; PRAGMA trusted_schema = OFF"); err != nil {
		return err
	}
	for _, v := range views() {
		if _, err = s.conn.ExecContext(ctx, "CREATE TEMP VIEW "+v.name+" AS\n"+v.sql); err != nil {
			return fmt.Errorf("the view %s: %w", v.name, err)
		}
	}
	if _, err = s.conn.ExecContext(ctx, "PRAGMA query_only = ON"); err != nil { // also of views
		return err
	}
	if _, err = sqlite.Limit(s.conn, sqlite3.SQLITE_LIMIT_LENGTH, s.bounds.value); err != nil {
		return err
	}
	for limit, most := range limits {
		if _, err = sqlite.Limit(s.conn, limit, most); err != nil {
			return err
		}
	}
	return s.conn.Raw(func(driver any) error {
		// Nothing else leads to the handle. TestHandle holds the driver to it.
		field := reflect.ValueOf(driver).Elem().FieldByName("db")
		if field.Kind() != reflect.Uintptr {
			return errors.New("the driver of SQLite has changed")
		}
		s.handle = uintptr(field.Uint())
		return driver.(sqlite.AuthorizerRegisterer).RegisterAuthorizer(s.authorize)
	})
}

// changing is what a query cannot do above all.
const changing = "change anything"

// authorize is asked for everything that a statement would do, when it is compiled.
func (s *session) authorize(action sqlite.AuthorizerActionCode, first, _, _, _ string) sqlite.AuthorizerReturnCode {
	switch action {
	case sqlite.AuthSelect, sqlite.AuthRead, sqlite.AuthFunction, sqlite.AuthRecursive:
		return sqlite.AuthorizerOK
	case sqlite.AuthPragma:
		s.denied = "use PRAGMA " + first
	case sqlite.AuthAttach, sqlite.AuthDetach:
		s.denied = "open other databases"
	case sqlite.AuthTransaction, sqlite.AuthSavepoint:
		s.denied = "begin transactions"
	default:
		s.denied = changing
	}
	return sqlite.AuthorizerDeny
}

// interrupt ends what runs on the connection. The driver does so only until a query's first row.
func (s *session) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		tls := libc.NewTLS()
		defer tls.Close()
		sqlite3.Xsqlite3_interrupt(tls, s.handle)
	}
}

func (s *session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.conn != nil {
		_ = s.conn.Close()
	}
	_ = s.db.Close()
	s.tls.Close()
}

// memory limits what SQLite uses in this process while at least one query runs.
var memory struct {
	sync.Mutex
	queries int
}

// limitMemory begins the limit, and answers what ends it.
func limitMemory(most int64) (end func()) {
	add := func(n int) {
		memory.Lock()
		defer memory.Unlock()
		memory.queries += n
		tls := libc.NewTLS()
		defer tls.Close()
		if memory.queries == 0 {
			most = 0 // is none
		}
		sqlite3.Xsqlite3_hard_heap_limit64(tls, most)
	}
	add(1)
	return func() { add(-1) }
}
