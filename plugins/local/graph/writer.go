package graph

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

//go:embed schema.sql
var schema string

// batch is how many rows go into one transaction.
const batch = 1000

// pageSize is the size of a page, in bytes. Larger ones hold rows of some kilobytes with less waste
// (at 2 KB a row the file has 10 % of it at 16 KiB, 7 % at 32, 4 % at 64), smaller ones leave a small
// snapshot small: it has a page for each table and index.
const pageSize = 32768

// loading are the settings of a file that nobody else sees yet and that is synced once, at the end. A
// statement that fails cannot be taken back, for there is no journal: the whole file is given up.
// The cache is also what a sort may hold in memory: more than 4 MiB is no faster.
var loading = fmt.Sprintf(`
PRAGMA page_size = %d;
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -4096;
PRAGMA locking_mode = EXCLUSIVE;
`, pageSize)

// scratchCache is the cache of a scratch snapshot, beside which there is in memory what its rows were made of.
const scratchCache = "PRAGMA cache_size = -1024;\n"

// Meta is what a snapshot says about the scan that made it.
type Meta struct {
	ID         string // of the form of NewID; empty makes one
	TenantID   string
	TenantName string
	JobID      string
	CreatedAt  time.Time // when the scan began; zero is now
	Request    backend.ScanRequest
	Producer   string // the program and version that scans
	// Scratch is a snapshot of which one job reads the rows, and which goes with it: it has no graph, and nobody waits until it is on the disk.
	Scratch bool
}

// Counts are what a writer has seen so far.
type Counts struct {
	Rows       int64 // added, duplicates included
	WithoutID  int64 // of them, those without an id: kept in other_rows
	Duplicates int64 // given up for another row of the same id; known after Finish
}

// Writer writes one snapshot. It belongs to one goroutine.
type Writer struct {
	store   *Store
	meta    Meta
	staging *staging        // nil once finished or aborted
	ctx     context.Context // of NewWriter, without its end
	db      *sql.DB
	conn    *sql.Conn // the only one of db, in a transaction until Finish
	inserts map[string]*insert
	pending int // rows in the transaction
	counts  Counts
	tally   tally
	related bool  // there is a graph, and nothing can be added any more
	failed  error // the first failure, which every later call repeats
}

// insert adds rows to one table.
type insert struct {
	stmt *sql.Stmt
	args []any
}

// The columns that every table of Azure's rows has: text, before those of the table alone, and JSON,
// behind them.
var (
	textColumns = []string{"id", "id_fold", "name", "type", "kind", "location", "resource_group",
		"subscription_id", "tenant_id", "managed_by", "api_version"}
	jsonColumns = []string{"sku", "plan", "tags", "identity", "zones", "extended_location", "extra", "properties"}
)

// tables are the tables of Azure's rows: the columns that each adds, and which of several rows with
// one id is the best; of equally good ones it is the last.
var tables = []struct {
	name string
	more []string
	best string
}{
	{"resources", []string{"source", "parent_length"}, bestSource},
	{"containers", []string{"parent_key"}, ""},
	{"role_assignments", []string{"principal_id", "principal_type", "role_definition_id",
		"role_definition_name", "scope", "scope_key"}, ""},
	{"role_definitions", []string{"role_name", "role_type"}, ""},
	{"other_rows", []string{"table_name"}, ""},
}

// bestSource puts what ARM said first, for it is fresh and whole, then the main table of Resource
// Graph, then the others in an order that does not depend on when they were read.
const bestSource = "source <> '" + SourceARM + "', source <> '" + TableResources + "', source, "

// NewWriter begins a snapshot. It must end with Finish or Abort; the death of the process counts as
// Abort, and the next writer clears up behind it. Values of ctx are kept, its end is not: Add and
// Finish are told by their callers.
func (s *Store) NewWriter(ctx context.Context, meta Meta) (*Writer, error) {
	if meta.TenantID == "" {
		return nil, fault.New(fault.InvalidArgument, "a snapshot needs the id of its tenant")
	}
	if meta.CreatedAt.IsZero() {
		meta.CreatedAt = time.Now()
	}
	if meta.ID == "" {
		meta.ID = NewID(meta.CreatedAt)
	}
	if !idForm().MatchString(meta.ID) {
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("%q is no id for a snapshot", meta.ID))
	}
	g, err := s.stage(meta.ID)
	if err != nil {
		return nil, err
	}
	w := &Writer{store: s, meta: meta, staging: g, ctx: context.WithoutCancel(ctx), inserts: map[string]*insert{}, tally: newTally()}
	if err := w.create(); err != nil {
		w.Abort()
		return nil, writeFault(s.dir, err)
	}
	return w, nil
}

// ID is the id that the snapshot will have.
func (w *Writer) ID() string { return w.meta.ID }

// Counts are what has been added so far.
func (w *Writer) Counts() Counts { return w.counts }

func (w *Writer) create() error {
	path := filepath.Join(w.staging.dir, stagingFile)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) // SQLite would follow the umask
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	placeTemporaries(w.store.dir)
	w.db = open(path, "mode=rw")
	if w.conn, err = w.db.Conn(w.ctx); err != nil {
		return err
	}
	settings := loading
	if w.meta.Scratch {
		settings += scratchCache
	}
	if _, err := w.conn.ExecContext(w.ctx, settings+schema); err != nil {
		return err
	}
	for _, t := range tables {
		columns := slices.Concat(textColumns, t.more, jsonColumns)
		values := strings.Repeat(", ?", len(textColumns)+len(t.more)) +
			// Bytes are bound without the copy that a string would be: a quarter of the whole rate.
			strings.Repeat(", CAST(? AS TEXT)", len(jsonColumns))
		stmt, err := w.conn.PrepareContext(w.ctx,
			fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", t.name, strings.Join(columns, ", "), values[2:]))
		if err != nil {
			return err
		}
		w.inserts[t.name] = &insert{stmt: stmt, args: make([]any, 0, len(columns))}
	}
	for table, text := range identityInserts {
		stmt, err := w.conn.PrepareContext(w.ctx, text)
		if err != nil {
			return err
		}
		w.inserts[table] = &insert{stmt: stmt}
	}
	_, err = w.conn.ExecContext(w.ctx, "BEGIN")
	return err
}

// Add adds rows, in any order. Of several rows with one id the last one stays; but what was read of
// ARM stays before what Resource Graph said. It keeps nothing of rows when it returns.
func (w *Writer) Add(rows []Row) error {
	return w.adding(func() error {
		for i := range rows {
			if err := w.add(&rows[i]); err != nil {
				return err
			}
			if err := w.added(); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *Writer) add(r *Row) error {
	typ := strings.ToLower(r.Type)
	w.counts.Rows++
	if r.ID == "" {
		w.counts.WithoutID++
		return w.insert("other_rows", r, typ, strings.ToLower(r.Table))
	}
	table := strings.ToLower(r.Table)
	switch table {
	case TableContainers:
		return w.insert("containers", r, typ, containerParent(r, tenantKey(w.meta.TenantID)))
	case TableAuthorization:
		switch typ {
		case typeRoleAssignment:
			a := decode[assignment](r.Properties)
			return w.insert("role_assignments", r, typ, a.PrincipalID, a.PrincipalType,
				a.RoleDefinitionID, key(lastSegment(a.RoleDefinitionID)), a.Scope, key(a.Scope))
		case typeRoleDefinition:
			d := decode[definition](r.Properties)
			return w.insert("role_definitions", r, typ, d.RoleName, d.Type)
		}
		return w.insert("other_rows", r, typ, table)
	}
	length := parentLength(r.ID)
	w.tally.add(strings.ToLower(r.SubscriptionID), typ, r.Location, 1)
	return w.insert("resources", r, typ, table, length)
}

func (w *Writer) insert(table string, r *Row, typ string, more ...any) error {
	in := w.inserts[table]
	in.args = append(in.args[:0],
		r.ID, fold(r.ID), r.Name, typ, r.Kind, r.Location, strings.ToLower(r.ResourceGroup),
		strings.ToLower(r.SubscriptionID), strings.ToLower(r.TenantID), r.ManagedBy, r.APIVersion)
	in.args = append(in.args, more...)
	in.args = append(in.args,
		text(r.SKU), text(r.Plan), text(r.Tags), text(r.Identity), text(r.Zones), text(r.ExtendedLocation),
		text(r.Extra), text(r.Properties))
	_, err := in.stmt.ExecContext(w.ctx, in.args...)
	return err
}

// fold is the key of an id where SQLite cannot make it: lower() knows the letters of ASCII alone and
// ends at a NUL. NULL is every other id.
func fold(id string) any {
	for i := range len(id) {
		if id[i] >= utf8.RuneSelf || id[i] == 0 {
			return key(id)
		}
	}
	return nil
}

// parentLength is how many characters of an id name what contains it: 0 for a thing of the tenant, NULL
// if it is no ARM id.
func parentLength(id string) any {
	parent, ok := parentOf(id)
	if !ok {
		return nil
	}
	return int64(utf8.RuneCountInString(parent))
}

// text is a JSON value as the insert takes it: its bytes, or NULL for nothing.
func text(json []byte) any {
	if len(json) == 0 || string(json) == "null" {
		return nil
	}
	return json
}

// added counts a row of the transaction, and commits when the batch is full.
func (w *Writer) added() error {
	if w.pending++; w.pending < batch {
		return nil
	}
	return w.commit()
}

func (w *Writer) commit() error {
	w.pending = 0
	_, err := w.conn.ExecContext(w.ctx, "COMMIT; BEGIN")
	return err
}

// AddSubscriptions adds subscriptions as ARM lists them; the last of the same id stays.
func (w *Writer) AddSubscriptions(subscriptions []Subscription) error {
	return w.do(func() error {
		for _, s := range subscriptions {
			_, err := w.conn.ExecContext(w.ctx, `INSERT OR REPLACE INTO subscriptions VALUES (?, ?, ?, ?, CAST(? AS TEXT))`,
				strings.ToLower(s.ID), s.Name, s.State, strings.ToLower(s.TenantID), text(s.Raw))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// adding runs a step that adds something.
func (w *Writer) adding(step func() error) error {
	return w.do(func() error {
		if w.related {
			return fault.New(fault.Conflict, "the snapshot "+w.meta.ID+" has its graph already", fault.On(w.meta.ID))
		}
		return step()
	})
}

// do runs a step of a writer that is still good, and remembers its failure.
func (w *Writer) do(step func() error) error {
	if w.failed == nil && w.staging == nil {
		w.failed = fault.New(fault.Conflict, "the snapshot "+w.meta.ID+" is closed", fault.On(w.meta.ID))
	}
	if w.failed == nil {
		w.failed = writeFault(w.store.dir, step())
	}
	return w.failed
}

// Abort gives the snapshot up and removes what was written. After Finish it does nothing.
func (w *Writer) Abort() {
	if w.staging == nil {
		return
	}
	_ = w.close()
	w.staging.remove()
	w.staging = nil
}

// close closes the database, so that its file may be moved or removed.
func (w *Writer) close() error {
	if w.db == nil {
		return nil
	}
	var errs []error
	for _, in := range w.inserts {
		errs = append(errs, in.stmt.Close())
	}
	if w.conn != nil {
		errs = append(errs, w.conn.Close())
	}
	errs = append(errs, w.db.Close())
	w.db = nil
	return errors.Join(errs...)
}
