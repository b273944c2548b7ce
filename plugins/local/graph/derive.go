package graph

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph/relate"
)

//go:embed nodes.sql
var nodesSQL string

// deriver makes the graph of a snapshot's rows: its nodes and edges. Rows are read and edges written by one goroutine, since the
// file has one connection; what the rows name is found by another.
type deriver struct {
	w      *Writer
	insert [2]*sql.Stmt // of many edges, and of one
	miss   *sql.Stmt
	linker *linker

	progress    func(done, total int64)
	done, total int64
}

// derive fills the tables nodes, edges and edge_labels.
func (w *Writer) derive(ctx context.Context, progress func(done, total int64)) error {
	tenantID := strings.ToLower(w.meta.TenantID)
	if _, err := w.conn.ExecContext(ctx, nodesSQL, sql.Named("tenant", tenantKey(tenantID)), sql.Named("name", w.meta.TenantName)); err != nil {
		return err
	}
	var keys int64 // of role definitions and of what has an address there are two
	if err := w.conn.QueryRowContext(ctx, "SELECT count(*) + coalesce(sum(kind = 'role_definition'), 0) FROM nodes").Scan(&keys); err != nil {
		return err
	}
	for typ, resources := range w.tally.sums[1] {
		if relate.HasHost(typ) {
			keys += resources
		}
	}
	l, err := newLinker(tenantKey(tenantID), w.tally.sums[1], keys)
	if err != nil {
		return err
	}
	d := &deriver{w: w, linker: l, progress: progress, total: w.tally.resources}
	if err := d.prepare(ctx); err != nil {
		return err
	}
	defer d.close()
	for _, step := range []func(context.Context) error{d.readKeys, d.rows, d.assignments, d.identities, d.memberships, d.writeLabels, d.absent} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// edgesAtOnce is how many edges one statement inserts.
const edgesAtOnce = 64

func (d *deriver) prepare(ctx context.Context) (err error) {
	conn := d.w.conn
	const missing = `CREATE TEMP TABLE missing (key TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, node INTEGER NOT NULL, label INTEGER NOT NULL, reversed INTEGER NOT NULL)`
	if _, err = conn.ExecContext(ctx, missing); err != nil {
		return err
	}
	for i, rows := range []int{edgesAtOnce, 1} {
		values := strings.Repeat(", (?, ?, ?)", rows)[2:]
		if d.insert[i], err = conn.PrepareContext(ctx, "INSERT OR IGNORE INTO edges VALUES "+values); err != nil { //nolint:gosec // question marks
			return err
		}
	}
	d.miss, err = conn.PrepareContext(ctx, "INSERT INTO missing VALUES (?, ?, ?, ?, ?, ?)")
	return err
}

func (d *deriver) close() {
	for _, s := range []*sql.Stmt{d.insert[0], d.insert[1], d.miss} {
		if s != nil {
			discard(s)
		}
	}
}

// readKeys fills the table of keys, and of accounts with names on the internet.
func (d *deriver) readKeys(ctx context.Context) error {
	rows, err := d.w.conn.QueryContext(ctx, "SELECT node, key, kind, type, name FROM nodes")
	if err != nil {
		return err
	}
	defer discard(rows)
	for rows.Next() {
		var node uint32
		var key, kind, typ, name string
		if err := rows.Scan(&node, &key, &kind, &typ, &name); err != nil {
			return err
		}
		d.linker.know(node, key, kind, typ, name)
	}
	return rows.Err()
}

// rowsAtOnce is how many rows one goroutine hands to the other.
const rowsAtOnce = 256

// rows derives the edges of resources and containers.
func (d *deriver) rows(ctx context.Context) error {
	todo, done := make(chan *linking, 2), make(chan *linking, 2)
	go func() {
		defer close(done)
		for l := range todo {
			d.linker.link(l)
			done <- l
		}
	}()
	err := d.read(ctx, todo, done)
	close(todo)
	for l := range done {
		if err == nil {
			err = d.took(ctx, l)
		}
	}
	return err
}

// took writes the edges of rows that have come back.
func (d *deriver) took(ctx context.Context, l *linking) error {
	d.done += int64(len(l.subjects))
	d.progress(min(d.done, d.total), d.total)
	return d.write(ctx, &l.links)
}

const subjects = `
SELECT coalesce(id_key, ''), type, managed_by, parent_length, '', tags, identity, properties FROM resources WHERE id_key IS NOT NULL
UNION ALL
SELECT coalesce(id_key, ''), type, managed_by, NULL, parent_key, tags, identity, properties FROM containers WHERE id_key IS NOT NULL`

// read hands rows over, and writes the edges of those that come back meanwhile.
func (d *deriver) read(ctx context.Context, todo chan<- *linking, done <-chan *linking) error {
	rows, err := d.w.conn.QueryContext(ctx, subjects)
	if err != nil {
		return err
	}
	defer discard(rows)
	free := []*linking{{}, {}, {}}
	take := func() (*linking, error) { // one that is free, or the next that comes back
		if n := len(free); n > 0 {
			l := free[n-1]
			free = free[:n-1]
			return l, nil
		}
		l := <-done
		return l, d.took(ctx, l)
	}
	var batch *linking
	for rows.Next() {
		if batch == nil {
			if batch, err = take(); err != nil {
				return err
			}
			batch.subjects = batch.subjects[:0]
		}
		s, err := scanSubject(rows)
		if err != nil {
			return err
		}
		if batch.subjects = append(batch.subjects, s); len(batch.subjects) == rowsAtOnce {
			todo <- batch
			batch = nil
		}
	}
	if batch != nil {
		todo <- batch
	}
	return rows.Err()
}

func scanSubject(rows *sql.Rows) (s subject, err error) {
	var length sql.NullInt64
	if err := rows.Scan(&s.Key, &s.Type, &s.ManagedBy, &length, &s.parent, &s.Tags, &s.Identity, &s.Properties); err != nil {
		return s, err
	}
	s.Type = strings.ToLower(s.Type)
	if length.Valid {
		s.contained = true
		if s.parent, _ = parentOf(s.Key); s.parent == "" {
			s.parent = tenantParent
		}
	}
	s.contained = s.contained || s.parent != ""
	return s, nil
}

// write writes what was derived.
func (d *deriver) write(ctx context.Context, l *links) error {
	args := make([]any, 0, 3*edgesAtOnce)
	for edges := l.edges; len(edges) > 0; {
		n, stmt := 1, d.insert[1]
		if len(edges) >= edgesAtOnce {
			n, stmt = edgesAtOnce, d.insert[0]
		}
		args = args[:0]
		for _, e := range edges[:n] {
			args = append(args, int64(e.source), int64(e.label), int64(e.target))
		}
		if _, err := stmt.ExecContext(ctx, args...); err != nil {
			return err
		}
		edges = edges[n:]
	}
	for _, m := range l.missing {
		if _, err := d.miss.ExecContext(ctx, m.key, m.id, m.kind, int64(m.node), int64(m.label), m.reversed); err != nil {
			return err
		}
	}
	l.edges, l.missing = l.edges[:0], l.missing[:0]
	return nil
}

// each derives the edges of a query's rows, whose columns are texts.
func (d *deriver) each(ctx context.Context, query string, columns int, derive func(l *links, row []string)) error {
	rows, err := d.w.conn.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer discard(rows)
	row := make([]string, columns)
	into := make([]any, columns)
	for i := range row {
		into[i] = &row[i]
	}
	var l links
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		derive(&l, row)
		if len(l.edges) >= edgesAtOnce {
			if err := d.write(ctx, &l); err != nil {
				return err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return d.write(ctx, &l)
}

// assignments derives who has which role where. A tenant may have many of both, and no index of definitions is there yet.
func (d *deriver) assignments(ctx context.Context) error {
	_, err := d.w.conn.ExecContext(ctx, `
		CREATE TEMP TABLE role_names (name TEXT NOT NULL PRIMARY KEY, role_name TEXT NOT NULL) WITHOUT ROWID;
		INSERT OR IGNORE INTO role_names SELECT lower(name), role_name FROM role_definitions WHERE role_name <> '' ORDER BY id_key`)
	if err != nil {
		return err
	}
	err = d.each(ctx, `SELECT lower(principal_id), scope, coalesce(role_names.role_name, role_definition_name)
		FROM role_assignments LEFT JOIN role_names ON role_names.name = role_definition_name
		WHERE principal_id <> '' AND scope <> ''`, 3, func(l *links, row []string) {
		d.linker.assign(l, row[0], row[1], row[2])
	})
	if err != nil {
		return err
	}
	_, err = d.w.conn.ExecContext(ctx, "DROP TABLE role_names")
	return err
}

// identities derives which service principals belong to which application and resource.
func (d *deriver) identities(ctx context.Context) error {
	err := d.each(ctx, `SELECT object_id, resource_id FROM identities WHERE resource_id <> ''`, 2, func(l *links, row []string) {
		d.linker.owned(l, row[0], row[1])
	})
	if err != nil {
		return err
	}
	return d.each(ctx, `SELECT principal.object_id, application.object_id FROM identities AS application
		JOIN identities AS principal ON principal.app_id = application.app_id AND principal.kind <> 'application'
		WHERE application.kind = 'application' AND application.app_id <> ''`, 2, func(l *links, row []string) {
		d.linker.join(l, row[0], row[1], label{kind: "INSTANCE_OF", rule: "application", property: "appId"})
	})
}

func (d *deriver) memberships(ctx context.Context) error {
	return d.each(ctx, `SELECT member_id, group_id FROM memberships`, 2, func(l *links, row []string) {
		d.linker.join(l, row[0], row[1], label{kind: "MEMBER_OF", rule: "membership", property: "members"})
	})
}

// writeLabels writes what the edges' labels stand for.
func (d *deriver) writeLabels(ctx context.Context) error {
	for l, number := range d.linker.labels {
		if _, err := d.w.conn.ExecContext(ctx, `INSERT INTO edge_labels VALUES (?, ?, ?, ?, ?, ?)`, int64(number), l.kind, l.rule, l.property, l.detail, l.reversed); err != nil {
			return err
		}
	}
	return nil
}

// absent makes nodes of what is only named, and takes away the edges that Azure writes at both ends.
func (d *deriver) absent(ctx context.Context) error {
	_, err := d.w.conn.ExecContext(ctx, `
		INSERT INTO nodes (id, id_fold, kind, state, name, type, location, resource_group, subscription_id)
		SELECT min(id), CASE WHEN key <> lower(id) THEN key END, kind, 'missing', '', '', '', '', '' FROM missing GROUP BY key ORDER BY key;
		INSERT OR IGNORE INTO edges
		SELECT iif(missing.reversed, nodes.node, missing.node), label, iif(missing.reversed, missing.node, nodes.node)
		FROM missing JOIN nodes ON nodes.key = missing.key;
		DROP TABLE missing;
		DELETE FROM edges WHERE (source, label, target) IN (
			SELECT twice.source, twice.label, twice.target FROM edges AS twice
			JOIN edge_labels AS written ON written.label = twice.label AND written.reversed
			WHERE EXISTS (SELECT 1 FROM edge_labels AS same JOIN edges AS first ON first.source = twice.source AND first.label = same.label AND first.target = twice.target
				WHERE same.kind = written.kind AND NOT same.reversed))`)
	if err != nil {
		return fmt.Errorf("what is only named: %w", err)
	}
	return d.describeMissing(ctx)
}

// describeMissing says of nodes that are only named what their ids tell.
func (d *deriver) describeMissing(ctx context.Context) error {
	rows, err := d.w.conn.QueryContext(ctx, `SELECT node, id FROM nodes WHERE state = 'missing' AND kind <> 'identity'`)
	if err != nil {
		return err
	}
	defer discard(rows)
	stmt, err := d.w.conn.PrepareContext(ctx, `UPDATE nodes SET state = ?, name = ?, type = ?, resource_group = ?, subscription_id = ? WHERE node = ?`)
	if err != nil {
		return err
	}
	defer discard(stmt)
	for rows.Next() {
		var node int64
		var id string
		if err := rows.Scan(&node, &id); err != nil {
			return err
		}
		subscription, group := relate.Scope(id)
		state := NodeMissing
		if relate.IsPlatform(key(id)) {
			state = NodePlatform
		}
		if _, err := stmt.ExecContext(ctx, state, lastSegment(id), relate.TypeOf(id), strings.ToLower(group), strings.ToLower(subscription), node); err != nil {
			return err
		}
	}
	return rows.Err()
}
