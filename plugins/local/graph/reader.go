package graph

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// Reader reads the rows of a finished snapshot. Its methods may be called from several goroutines, each of which
// gets a connection of its own.
type Reader struct {
	path     string
	db       *sql.DB
	snapshot backend.Snapshot
	request  *backend.ScanRequest
	coverage backend.Coverage
	original *Reader // that this one has an upgraded copy of; nil is none
}

// Open opens a snapshot, named by its id or an unambiguous beginning of it, that is byte for byte what the scan sealed. The
// faults are fault.SnapshotNotFound, fault.Integrity, and fault.Unsupported for a file of a newer format.
func (s *Store) Open(ctx context.Context, id string) (*Reader, error) {
	id, err := s.resolve(id)
	if err != nil {
		return nil, err
	}
	snapshot, err := s.verified(ctx, id)
	if errors.Is(err, fs.ErrNotExist) { // deleted a moment ago
		return nil, notFound(id, nil)
	}
	if err != nil {
		return nil, err
	}
	return openReader(ctx, s.file(id), snapshot)
}

// OpenFile opens a snapshot that is no store's, such as one that was sent. Whoever sent it has checked its SHA-256. The faults
// are fault.Integrity and fault.Unsupported.
func OpenFile(ctx context.Context, path string) (*Reader, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, readFault(path, err)
	}
	_, version, err := checkFile(path)
	if err != nil {
		return nil, readFault(path, err)
	}
	db := openFinished(path)
	snapshot, _, err := readMeta(ctx, db)
	discard(db)
	if err != nil {
		return nil, readFault(path, err)
	}
	snapshot.SchemaVersion = version
	return openReader(ctx, path, snapshot)
}

// openReader opens a file whose description is known.
func openReader(ctx context.Context, path string, snapshot backend.Snapshot) (*Reader, error) {
	r := &Reader{path: path, db: openFinished(path), snapshot: snapshot}
	r.db.SetMaxOpenConns(0) // one for each goroutine
	_, request, err := readMeta(ctx, r.db)
	if err == nil {
		r.request = request
		r.coverage, err = readCoverage(ctx, r.db)
	}
	if err != nil {
		discard(r.db)
		return nil, readFault(path, err)
	}
	r.coverage.Complete = snapshot.Complete
	return r, nil
}

// Close ends the reading.
func (r *Reader) Close() {
	discard(r.db)
	if r.original != nil {
		r.original.Close()
	}
}

// Snapshot describes the snapshot.
func (r *Reader) Snapshot() backend.Snapshot { return r.snapshot }

// Request is what its scan was asked for; nil is unknown.
func (r *Reader) Request() *backend.ScanRequest { return r.request }

// Coverage is the ledger of its scan.
func (r *Reader) Coverage() backend.Coverage { return r.coverage }

// Place is where a row lies: which of its tables, and its number there.
type Place struct {
	Table Table
	Row   int64
}

// Table is a table of a snapshot with rows of Azure.
type Table uint8

// The tables.
const (
	Resources Table = iota
	Containers
	RoleAssignments
	RoleDefinitions
	OtherRows
)

// Tables are all of them.
func Tables() []Table {
	return []Table{Resources, Containers, RoleAssignments, RoleDefinitions, OtherRows}
}

var tableNames = [...]string{"resources", "containers", "role_assignments", "role_definitions", "other_rows"}

// String is the table's name in the file.
func (t Table) String() string { return tableNames[t] }

// Head is a row without what it contains.
type Head struct {
	Place
	Key            string // the id in lower case; empty for a row without an id
	ID             string
	Name           string
	Type           string // lower case
	Kind           string
	Location       string
	ResourceGroup  string // lower case
	SubscriptionID string // lower case
	ManagedBy      string
	APIVersion     string
	Tags           []byte // nil is none
	Size           int    // bytes of its JSON
	// Fact is the property that decides how a resource of its type is generated; see facts.
	Fact string
}

// valid are a row's properties, or NULL where SQLite takes them for no JSON, as what is nested more than 1,000 deep: else the whole query fails.
const valid = `iif(json_valid(properties), properties, NULL)`

// facts are, by type, the properties that decide how a resource is generated: whether Azure makes it itself, which lock it is.
const facts = `CASE type
	WHEN 'microsoft.network/networkinterfaces' THEN coalesce(` + valid + ` ->> '$.privateEndpoint.id', ` + valid + ` ->> '$.privateLinkService.id')
	WHEN 'microsoft.compute/disks' THEN ` + valid + ` ->> '$.creationData.createOption'
	WHEN 'microsoft.authorization/locks' THEN ` + valid + ` ->> '$.level'
	WHEN 'microsoft.authorization/roledefinitions' THEN ` + valid + ` ->> '$.type'
	WHEN 'microsoft.authorization/policydefinitions' THEN ` + valid + ` ->> '$.policyType'
	WHEN 'microsoft.authorization/policysetdefinitions' THEN ` + valid + ` ->> '$.policyType'
	WHEN 'microsoft.resources/subscriptions/resourcegroups' THEN managed_by
	WHEN 'microsoft.network/publicipaddresses' THEN managed_by
	END`

// Heads calls yield for every row with an id, of all tables, in the order of Key; of rows that have one Key, the one of the
// earlier Table comes first. What yield answers ends it. The Head is yield's to keep but for Tags.
func (r *Reader) Heads(ctx context.Context, yield func(Head) error) error {
	return r.heads(ctx, "id_key IS NOT NULL", "ORDER BY id_key", yield)
}

// Nameless calls yield for the rows without an id, in an order that depends on what is in them alone.
func (r *Reader) Nameless(ctx context.Context, yield func(Head) error) error {
	return r.heads(ctx, "id_key IS NULL", "ORDER BY type, name, size, id_key", yield)
}

func (r *Reader) heads(ctx context.Context, where, order string, yield func(Head) error) error {
	var query strings.Builder
	for _, t := range Tables() {
		if t > 0 {
			query.WriteString(" UNION ALL ")
		}
		fmt.Fprintf(&query, `SELECT id_key, %d AS place, rowid AS number, id, name, type, kind, location, resource_group, subscription_id, managed_by, api_version, tags,
			coalesce(length(properties), 0) + coalesce(length(tags), 0) + coalesce(length(sku), 0) + coalesce(length(identity), 0) + coalesce(length(extra), 0) AS size,
			coalesce(%s, '') FROM %s WHERE %s`, t, facts, t, where)
	}
	rows, err := r.db.QueryContext(ctx, query.String()+" "+order)
	if err != nil {
		return readFault(r.path, err)
	}
	defer discard(rows)
	var held []Head // those of one Key
	flush := func() error {
		slices.SortStableFunc(held, func(a, b Head) int { return int(a.Table) - int(b.Table) })
		for _, h := range held {
			if err := yield(h); err != nil {
				return err
			}
		}
		held = held[:0]
		return nil
	}
	for rows.Next() {
		var h Head
		var id sql.NullString
		if err := rows.Scan(&id, &h.Table, &h.Row, &h.ID, &h.Name, &h.Type, &h.Kind, &h.Location, &h.ResourceGroup, &h.SubscriptionID, &h.ManagedBy, &h.APIVersion, &h.Tags, &h.Size, &h.Fact); err != nil {
			return readFault(r.path, err)
		}
		h.Key, h.Type = id.String, strings.ToLower(h.Type)
		if len(held) > 0 && (held[0].Key != h.Key || h.Key == "") {
			if err := flush(); err != nil {
				return err
			}
		}
		held = append(held, h)
	}
	if err := rows.Err(); err != nil {
		return readFault(r.path, err)
	}
	return flush()
}

// rowColumns are those of a whole row.
const rowColumns = "id, name, type, kind, location, resource_group, subscription_id, tenant_id, managed_by, api_version, " +
	"sku, plan, tags, identity, zones, extended_location, extra, properties"

// Lookup reads whole rows by their places, on a connection of its own.
type Lookup struct {
	reader     *Reader
	conn       *sql.Conn
	statements [len(tableNames)]*sql.Stmt // for whole rows
	ids        [len(tableNames)]*sql.Stmt
}

// Lookup opens one. It is for one goroutine, and has to be closed.
func (r *Reader) Lookup(ctx context.Context) (*Lookup, error) {
	conn, err := r.db.Conn(ctx)
	if err != nil {
		return nil, readFault(r.path, err)
	}
	if _, err := conn.ExecContext(ctx, lookupCache); err != nil {
		discard(conn)
		return nil, readFault(r.path, err)
	}
	return &Lookup{reader: r, conn: conn}, nil
}

// lookupCache is how many KiB of pages the connection of a lookup keeps: many may be open at once, each of which goes through rows of its own and
// comes back to few. SQLite's own measure is 2,000.
const lookupCache = "PRAGMA cache_size = -512"

// Close gives the connection back.
func (l *Lookup) Close() {
	for _, s := range slices.Concat(l.statements[:], l.ids[:]) {
		if s != nil {
			discard(s)
		}
	}
	discard(l.conn)
}

// Row reads the row at a place. Its JSON is the caller's.
func (l *Lookup) Row(ctx context.Context, p Place) (row Row, err error) {
	s := l.statements[p.Table]
	if s == nil {
		if s, err = l.conn.PrepareContext(ctx, "SELECT "+rowColumns+" FROM "+p.Table.String()+" WHERE rowid = ?"); err != nil { //nolint:gosec // a name of tableNames
			return row, readFault(l.reader.path, err)
		}
		l.statements[p.Table] = s
	}
	row.Table = p.Table.String()
	err = one(ctx, s, p.Row).Scan(&row.ID, &row.Name, &row.Type, &row.Kind, &row.Location, &row.ResourceGroup, &row.SubscriptionID, &row.TenantID,
		&row.ManagedBy, &row.APIVersion, &row.SKU, &row.Plan, &row.Tags, &row.Identity, &row.Zones, &row.ExtendedLocation, &row.Extra, &row.Properties)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("%s has no row %d", p.Table, p.Row)
	}
	return row, readFault(l.reader.path, err)
}

// one asks for one row. That is over before anybody could end it, and where nothing can end it, neither database/sql nor SQLite's driver
// start goroutines that wait for the end.
func one(ctx context.Context, s *sql.Stmt, key any) *sql.Row {
	return s.QueryRowContext(context.WithoutCancel(ctx), key)
}

// Cursor reads whole rows of a table one after the other, which takes half as long as to look each up.
type Cursor struct {
	reader *Reader
	table  Table
	rows   *sql.Rows
}

// Cursor opens one, over all rows with an id in the order of ids. It has to be closed.
func (r *Reader) Cursor(ctx context.Context, t Table) (*Cursor, error) {
	rows, err := r.db.QueryContext(ctx, "SELECT rowid, "+rowColumns+" FROM "+t.String()+" WHERE id_key IS NOT NULL ORDER BY id_key") //nolint:gosec // a name of tableNames
	if err != nil {
		return nil, readFault(r.path, err)
	}
	return &Cursor{reader: r, table: t, rows: rows}, nil
}

// Close ends the reading.
func (c *Cursor) Close() { discard(c.rows) }

// Next reads the next row. ok is false behind the last one.
func (c *Cursor) Next() (row Row, ok bool, err error) {
	if !c.rows.Next() {
		return row, false, readFault(c.reader.path, c.rows.Err())
	}
	_, err = c.scan(&row)
	return row, err == nil, err
}

func (c *Cursor) scan(row *Row) (number int64, err error) {
	row.Table = c.table.String()
	err = c.rows.Scan(&number, &row.ID, &row.Name, &row.Type, &row.Kind, &row.Location, &row.ResourceGroup, &row.SubscriptionID, &row.TenantID,
		&row.ManagedBy, &row.APIVersion, &row.SKU, &row.Plan, &row.Tags, &row.Identity, &row.Zones, &row.ExtendedLocation, &row.Extra, &row.Properties)
	return number, readFault(c.reader.path, err)
}

// To goes on to the row with a number, over others before it, and reads it. ok is false if there is no such row any more: the rest has been gone over.
func (c *Cursor) To(number int64) (row Row, ok bool, err error) {
	for c.rows.Next() {
		at, err := c.scan(&row)
		if err != nil {
			return row, false, err
		}
		if at == number {
			return row, true, nil
		}
	}
	return row, false, readFault(c.reader.path, c.rows.Err())
}

// ID reads the id of the row at a place.
func (l *Lookup) ID(ctx context.Context, p Place) (id string, err error) {
	s := l.ids[p.Table]
	if s == nil {
		if s, err = l.conn.PrepareContext(ctx, "SELECT id FROM "+p.Table.String()+" WHERE rowid = ?"); err != nil { //nolint:gosec // a name of tableNames
			return "", readFault(l.reader.path, err)
		}
		l.ids[p.Table] = s
	}
	err = one(ctx, s, p.Row).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("%s has no row %d", p.Table, p.Row)
	}
	return id, readFault(l.reader.path, err)
}

// Subscriptions are those that ARM listed, by id in lower case.
func (r *Reader) Subscriptions(ctx context.Context) (map[string]Subscription, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT subscription_id, name, state, tenant_id FROM subscriptions`)
	if err != nil {
		return nil, readFault(r.path, err)
	}
	defer discard(rows)
	all := map[string]Subscription{}
	for rows.Next() {
		var s Subscription
		if err := rows.Scan(&s.ID, &s.Name, &s.State, &s.TenantID); err != nil {
			return nil, readFault(r.path, err)
		}
		all[s.ID] = s
	}
	return all, readFault(r.path, rows.Err())
}
