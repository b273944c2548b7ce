package graph

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"sync"

	"modernc.org/libc"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// engine is SQLite without extensions, so that any SQLite can read what it writes.
var engine = newEngine()

// connector opens connections of engine to a data source name.
type connector string

func (c connector) Connect(context.Context) (driver.Conn, error) { return engine.Open(string(c)) }
func (c connector) Driver() driver.Driver                        { return engine }

// open opens the database at an absolute path with SQLite's URI parameters. One connection is all
// that a writer or a reader needs, and it keeps the settings of the connection.
func open(path, parameters string) *sql.DB {
	placeTemporaries(filepath.Dir(path))
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive letter
	}
	uri := url.URL{Scheme: "file", Path: path, RawQuery: parameters}
	db := sql.OpenDB(connector(uri.String()))
	db.SetMaxOpenConns(1)
	return db
}

// openFinished opens a finished snapshot, which nobody changes, for reading. The file may come from
// anywhere, and with it a schema: what is in it may use no function that reaches beyond the file.
func openFinished(path string) *sql.DB {
	return open(path, "mode=ro&immutable=1&_query_only=1&_defensive=1&_pragma=trusted_schema(0)&_pragma=cache_size(-1024)")
}

// TemporaryPrefix begins the names of SQLite's temporary files.
const TemporaryPrefix = "etilqs_"

var temporaries struct {
	once sync.Once
	dir  string
}

// placeTemporaries says where SQLite puts its temporary files, which sorting needs: where snapshots are, since there must be room
// anyway, and not where TMPDIR says. It counts once, for the process: SQLite reads the setting without a lock, so that it has to stand before
// there is any connection. Where the folder is gone or cannot be written, SQLite takes TMPDIR after all.
func placeTemporaries(dir string) {
	temporaries.once.Do(func() {
		name, err := libc.CString(dir)
		if err != nil {
			return // no memory: TMPDIR it is
		}
		temporaries.dir, sqlite3.Xsqlite3_temp_directory = dir, name
	})
}

// TemporaryDir is where SQLite puts its temporary files; empty before the first snapshot was opened.
func TemporaryDir() string { return temporaries.dir }

// code is SQLite's primary result code of err; 0 if err is not SQLite's.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return sqlite3.SQLITE_OK
}

// discard closes what was only read or is given up, so that nothing can be lost.
func discard(c io.Closer) { _ = c.Close() }
