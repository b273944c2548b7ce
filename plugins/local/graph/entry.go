package graph

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Entry is a whole row with an id, as what goes through all rows reads it. JSON is as Azure returned it; empty is none.
type Entry struct {
	Table  Table
	Key    string // the id in lower case
	Source string // who told: a Resource Graph table in lower case, or SourceARM; of snapshots of format 1 a table

	ID             string
	Name           string
	Type           string // lower case
	Kind           string
	Location       string
	ResourceGroup  string // lower case
	SubscriptionID string // lower case
	ManagedBy      string

	SKU              string
	Plan             string
	Tags             string
	Identity         string
	Zones            string
	ExtendedLocation string
	Extra            string
	Properties       string
}

// Entries calls yield for every row with an id, of all tables, in the order of Key; of rows that have one Key, the one of the
// earlier Table comes first. What yield answers ends it. An Entry is yield's to keep.
func (r *Reader) Entries(ctx context.Context, yield func(*Entry) error) error {
	var cursors []*entryCursor
	defer func() {
		for _, c := range cursors {
			discard(c.rows)
		}
	}()
	for _, t := range Tables() {
		c, err := r.entries(ctx, t)
		if err != nil {
			return err
		}
		cursors = append(cursors, c)
		if err := c.next(); err != nil {
			return readFault(r.path, err)
		}
	}
	for {
		var first *entryCursor
		for _, c := range cursors {
			if c.at != nil && (first == nil || c.at.Key < first.at.Key) {
				first = c
			}
		}
		if first == nil {
			return nil
		}
		if err := yield(first.at); err != nil {
			return err
		}
		if err := first.next(); err != nil {
			return readFault(r.path, err)
		}
	}
}

// NamelessEntries calls yield for every row without an id, in the order of NamelessKey.
func (r *Reader) NamelessEntries(ctx context.Context, yield func(*Entry) error) error {
	c, err := r.query(ctx, OtherRows, "id_key IS NULL", "table_name, type, name, subscription_id, resource_group, coalesce(properties, ''), coalesce(extra, ''), coalesce(tags, '')")
	if err != nil {
		return err
	}
	defer discard(c.rows)
	for err = c.next(); err == nil && c.at != nil; err = c.next() {
		if err := yield(c.at); err != nil {
			return err
		}
	}
	return readFault(r.path, err)
}

// NamelessKey is what tells rows without an id apart: all of what is in them. Its order is that of NamelessEntries.
func NamelessKey(e *Entry) string {
	return strings.Join([]string{e.Source, e.Type, e.Name, e.SubscriptionID, e.ResourceGroup, e.Properties, e.Extra, e.Tags}, "\x00")
}

// entryCursor goes through one table.
type entryCursor struct {
	table Table
	rows  *sql.Rows
	at    *Entry // nil behind the last
}

func (r *Reader) entries(ctx context.Context, t Table) (*entryCursor, error) {
	return r.query(ctx, t, "id_key IS NOT NULL", "id_key")
}

func (r *Reader) query(ctx context.Context, t Table, where, order string) (*entryCursor, error) {
	columns := []string{"coalesce(id_key, '')", r.sourceOf(t), "id", "name", "type", "kind", "location", "resource_group", "subscription_id", "managed_by"}
	for _, c := range jsonColumns {
		columns = append(columns, "coalesce("+c+", '')")
	}
	rows, err := r.db.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE %s ORDER BY %s", strings.Join(columns, ", "), t, where, order))
	if err != nil {
		return nil, readFault(r.path, err)
	}
	return &entryCursor{table: t, rows: rows}, nil
}

// sourceOf is the expression of who told of a row.
func (r *Reader) sourceOf(t Table) string {
	switch {
	case t == OtherRows:
		return "table_name"
	case t == Containers:
		return "'" + TableContainers + "'"
	case t == RoleAssignments, t == RoleDefinitions:
		return "'" + TableAuthorization + "'"
	case r.snapshot.SchemaVersion < firstWithSource:
		return "'" + TableResources + "'"
	}
	return "source"
}

// firstWithSource is the first format whose resources say who told of them.
const firstWithSource = 2

func (c *entryCursor) next() error {
	if !c.rows.Next() {
		c.at = nil
		return c.rows.Err()
	}
	e := &Entry{Table: c.table}
	c.at = e
	return c.rows.Scan(&e.Key, &e.Source, &e.ID, &e.Name, &e.Type, &e.Kind, &e.Location, &e.ResourceGroup, &e.SubscriptionID, &e.ManagedBy,
		&e.SKU, &e.Plan, &e.Tags, &e.Identity, &e.Zones, &e.ExtendedLocation, &e.Extra, &e.Properties)
}
