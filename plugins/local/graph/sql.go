package graph

import (
	"database/sql"

	"modernc.org/libc"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// newEngine makes the engine. SQLite has to be told before anything else that it shall count its memory: without that it keeps no
// limit of it, which package query sets. The counting itself costs nothing that could be measured.
func newEngine() *sqlite.Driver {
	tls := libc.NewTLS()
	defer tls.Close()
	on := libc.NewVaList(int32(1))
	defer libc.Xfree(tls, on)
	sqlite3.Xsqlite3_config(tls, sqlite3.SQLITE_CONFIG_MEMSTATUS, on) // fails only where SQLite is in use already
	return new(sqlite.Driver)
}

// OpenSQL opens another connection to the snapshot, for SQL that people write. Whoever does so sets its limits. The file cannot be changed
// through it. It has to be closed before the Reader is.
func (r *Reader) OpenSQL() *sql.DB {
	return open(r.path, "mode=ro&immutable=1&_defensive=1&_dqs=0")
}

// ReadFault says why the snapshot could not be read.
func (r *Reader) ReadFault(err error) error { return readFault(r.path, err) }

// HasGraph says that the snapshot is of a format with nodes and edges; see WithGraph.
func (r *Reader) HasGraph() bool { return r.snapshot.SchemaVersion >= firstWithIdentities }
