package graph

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
)

// Links yields the edges as numbers, in the order of their sources: far quicker than Edges. What a label stands for says EdgeLabels;
// their numbers, and so the order of one source's edges, do not depend on the content alone.
func (r *Reader) Links(ctx context.Context, yield func(source, label, target int64) error) error {
	if err := r.hasGraph(); err != nil {
		return err
	}
	rows, err := r.db.QueryContext(ctx, "SELECT source, label, target FROM edges ORDER BY source")
	if err != nil {
		return readFault(r.path, err)
	}
	defer discard(rows)
	for rows.Next() {
		var source, label, target int64
		if err := rows.Scan(&source, &label, &target); err != nil {
			return readFault(r.path, err)
		}
		if err := yield(source, label, target); err != nil {
			return err
		}
	}
	return readFault(r.path, rows.Err())
}

// Relationships is Edges, with the keys of the nodes.
func (r *Reader) Relationships(ctx context.Context, yield func(e Edge, source, target string) error) error {
	if err := r.hasGraph(); err != nil {
		return err
	}
	labels, err := r.EdgeLabels(ctx)
	if err != nil {
		return err
	}
	// CROSS JOIN keeps the edges outermost, in the order in which they lie.
	rows, err := r.db.QueryContext(ctx, `SELECT source, label, target, one.key, other.key FROM edges
		CROSS JOIN nodes AS one ON one.node = source CROSS JOIN nodes AS other ON other.node = target ORDER BY source`)
	if err != nil {
		return readFault(r.path, err)
	}
	defer discard(rows)
	type held struct {
		Edge
		source, target string
	}
	var all []held // those of one source
	flush := func() error {
		slices.SortFunc(all, func(a, b held) int { return compareEdges(a.Edge, b.Edge) })
		for _, h := range all {
			if err := yield(h.Edge, h.source, h.target); err != nil {
				return err
			}
		}
		all = all[:0]
		return nil
	}
	for rows.Next() {
		var source, label, target int64
		var h held
		if err := rows.Scan(&source, &label, &target, &h.source, &h.target); err != nil {
			return readFault(r.path, err)
		}
		if len(all) > 0 && all[0].Source != source {
			if err := flush(); err != nil {
				return err
			}
		}
		h.Edge = labels[label]
		h.Source, h.Target = source, target
		all = append(all, h)
	}
	if err := rows.Err(); err != nil {
		return readFault(r.path, err)
	}
	return flush()
}

// NodeTypes yields number, kind and type of the nodes, in the order of their numbers.
func (r *Reader) NodeTypes(ctx context.Context, yield func(number int64, kind NodeKind, typ string) error) error {
	if err := r.hasGraph(); err != nil {
		return err
	}
	rows, err := r.db.QueryContext(ctx, "SELECT node, kind, type FROM nodes ORDER BY node")
	if err != nil {
		return readFault(r.path, err)
	}
	defer discard(rows)
	for rows.Next() {
		var number int64
		var kind NodeKind
		var typ sql.RawBytes // seldom another than that of the node before
		if err := rows.Scan(&number, &kind, &typ); err != nil {
			return readFault(r.path, err)
		}
		if err := yield(number, kind, string(typ)); err != nil {
			return err
		}
	}
	return readFault(r.path, rows.Err())
}

// NodeLookup reads nodes one by one, on a connection of its own.
type NodeLookup struct {
	reader          *Reader
	conn            *sql.Conn
	byNumber, byKey *sql.Stmt
}

// NodeLookup opens one. It is for one goroutine, and has to be closed.
func (r *Reader) NodeLookup(ctx context.Context) (*NodeLookup, error) {
	if err := r.hasGraph(); err != nil {
		return nil, err
	}
	conn, err := r.db.Conn(ctx)
	if err != nil {
		return nil, readFault(r.path, err)
	}
	l := &NodeLookup{reader: r, conn: conn}
	if l.byNumber, err = conn.PrepareContext(ctx, "SELECT "+nodeColumns+" FROM nodes WHERE node = ?"); err == nil {
		l.byKey, err = conn.PrepareContext(ctx, "SELECT "+nodeColumns+" FROM nodes WHERE key = ?")
	}
	if err != nil {
		l.Close()
		return nil, readFault(r.path, err)
	}
	return l, nil
}

// Close gives the connection back.
func (l *NodeLookup) Close() {
	for _, s := range []*sql.Stmt{l.byNumber, l.byKey} {
		if s != nil {
			discard(s)
		}
	}
	discard(l.conn)
}

// Number reads the node with a number; ok is false if there is none.
func (l *NodeLookup) Number(ctx context.Context, number int64) (n Node, ok bool, err error) {
	return l.read(one(ctx, l.byNumber, number))
}

// ID reads the node with an id, in any case; ok is false if there is none.
func (l *NodeLookup) ID(ctx context.Context, id string) (n Node, ok bool, err error) {
	return l.read(one(ctx, l.byKey, key(id)))
}

func (l *NodeLookup) read(row *sql.Row) (n Node, ok bool, err error) {
	n, err = scanNode(row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return n, false, nil
	}
	return n, err == nil, readFault(l.reader.path, err)
}

// Known yields the object ids of the identities that have a login or an application id, in any case, those that act before
// registrations.
func (r *Reader) Known(ctx context.Context, loginOrAppID string) (objectIDs []string, err error) {
	if r.snapshot.SchemaVersion < firstWithIdentities || loginOrAppID == "" {
		return nil, nil
	}
	rows, err := r.db.QueryContext(ctx, `SELECT object_id, login, app_id FROM identities WHERE login <> '' OR app_id <> '' ORDER BY kind = 'application', object_id`)
	if err != nil {
		return nil, readFault(r.path, err)
	}
	defer discard(rows)
	for rows.Next() {
		var id, login, app string
		if err := rows.Scan(&id, &login, &app); err != nil {
			return nil, readFault(r.path, err)
		}
		if strings.EqualFold(login, loginOrAppID) || strings.EqualFold(app, loginOrAppID) {
			objectIDs = append(objectIDs, id)
		}
	}
	return objectIDs, readFault(r.path, rows.Err())
}

// RoleDefinitions yields the names of the role definitions and their properties, in the order of their ids. The properties are yield's
// only while it runs.
func (r *Reader) RoleDefinitions(ctx context.Context, yield func(roleName, name string, properties []byte) error) error {
	rows, err := r.db.QueryContext(ctx, `SELECT role_name, name, properties FROM role_definitions WHERE id_key IS NOT NULL ORDER BY id_key`)
	if err != nil {
		return readFault(r.path, err)
	}
	defer discard(rows)
	for rows.Next() {
		var roleName, name string
		var properties sql.RawBytes
		if err := rows.Scan(&roleName, &name, &properties); err != nil {
			return readFault(r.path, err)
		}
		if err := yield(roleName, name, properties); err != nil {
			return err
		}
	}
	return readFault(r.path, rows.Err())
}
