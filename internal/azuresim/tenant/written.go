package tenant

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/kql"
)

// Resource is a resource, or a resource group, as Resource Manager shows it, to be written over
// what a tenant has.
type Resource struct {
	ID string
	// Members are all but id, name and type. Those that Resource Graph has no column for are shown
	// by Resource Manager alone.
	Members map[string]any
}

// Put returns the tenant with a resource, or a resource group, in place of the one of its id.
// Which table shows it follows from its type. The tenant before stays as it is.
func (t *Tenant) Put(r Resource) (*Tenant, error) {
	name := tableOf(r.ID)
	row, err := t.rowOf(name, r)
	if err != nil {
		return nil, err
	}
	table, err := t.writable(name)
	if err != nil {
		return nil, err
	}
	if old, ok := table.Find(r.ID); ok {
		table.hide(old)
	}
	table.append(row)
	return t.with(name, table), nil
}

// Delete returns the tenant without what is at an id and below it, and the ids of that.
func (t *Tenant) Delete(id string) (next *Tenant, deleted []string, err error) {
	next = t
	lower := strings.ToLower(id)
	for _, name := range slices.Sorted(maps.Keys(t.tables)) {
		rows := below(t.tables[name], lower)
		if len(rows) == 0 {
			continue
		}
		table, err := next.writable(name)
		if err != nil {
			return nil, nil, err
		}
		for _, row := range rows {
			deleted = append(deleted, table.Text(row, idColumn))
			table.hide(row)
		}
		next = next.with(name, table)
	}
	return next, deleted, nil
}

// below are the rows whose id is lower or stands below it.
func below(table Table, lower string) []uint32 {
	subscription, group := "", ""
	if segments := strings.Split(lower, "/"); len(segments) > 2 && segments[1] == "subscriptions" {
		subscription = segments[2]
		if len(segments) > 4 && segments[3] == "resourcegroups" {
			group = segments[4]
		}
	}
	candidates := table.InSubscription(subscription)
	if group != "" {
		candidates = table.InGroup(subscription, group)
	}
	var rows []uint32
	for _, row := range candidates {
		own := strings.ToLower(table.Text(row, idColumn))
		if own == lower || strings.HasPrefix(own, lower+"/") {
			rows = append(rows, row)
		}
	}
	return rows
}

// writable is a copy of a table that rows can be added to and hidden in.
func (t *Tenant) writable(name string) (*writtenTable, error) {
	base, ok := t.Table(name)
	if name == tableARM && !ok {
		base, ok = emptyTable, true
	}
	if !ok {
		return nil, fmt.Errorf("there is no table %q", name)
	}
	if again, ok := base.(*writtenTable); ok {
		return again.clone(), nil
	}
	table := &writtenTable{base: base}
	table.indices.Base, _ = base.(kql.Indexed)
	return table, nil
}

// rowOf makes a row of a resource.
func (t *Tenant) rowOf(table string, r Resource) (map[string]json.RawMessage, error) {
	typ, _ := TypeOf(r.ID)
	segments := strings.Split(r.ID, "/")
	cells := map[string]any{
		"id": r.ID, "name": segments[len(segments)-1], "type": strings.ToLower(typ), "tenantId": t.ID,
		"kind": "", "location": "", "resourceGroup": "", "subscriptionId": "", "managedBy": "",
	}
	if len(segments) > 2 && strings.EqualFold(segments[1], "subscriptions") {
		cells["subscriptionId"] = strings.ToLower(segments[2])
		cells["resourceGroup"] = strings.ToLower(groupOf(r.ID))
	}
	if table == tableContainers {
		cells["type"] = typeGroup
	}
	for name, value := range r.Members {
		if value != nil {
			cells[name] = value
		}
	}
	row := map[string]json.RawMessage{}
	for name, value := range cells {
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("member %s of %s: %w", name, r.ID, err)
		}
		row[name] = raw
	}
	return row, nil
}

// writtenTable is a table over which rows have been written: a row that is written again is added
// behind the others, and the one before hidden. What is shared with its copies does not change.
type writtenTable struct {
	base Table
	rows [][]map[string]json.RawMessage // pages of pageRows
	len  int
	find sharded[string, uint32] // of rows by lower-case id
	gone sharded[uint32, bool]

	order   lazyOrder
	lookup  lazyLookup
	indices kql.Index
}

const pageRows = 256

func (t *writtenTable) clone() *writtenTable {
	next := &writtenTable{base: t.base, rows: slices.Clone(t.rows), len: t.len, find: t.find, gone: t.gone}
	next.indices.Base = t.indices.Base
	return next
}

func (t *writtenTable) append(row map[string]json.RawMessage) {
	last := len(t.rows) - 1
	if last < 0 || len(t.rows[last]) == pageRows {
		t.rows = append(t.rows, nil)
		last++
	}
	t.rows[last] = append(slices.Clone(t.rows[last]), row)
	number := uint32(t.base.Len() + t.len)
	t.len++
	id := strings.ToLower(t.Text(number, idColumn))
	t.find.set(shardOf(id), id, number)
}

func (t *writtenTable) hide(row uint32) {
	t.gone.set(row%shards, row, true)
	id := strings.ToLower(t.Text(row, idColumn))
	if known, ok := t.find.get(shardOf(id), id); ok && known == row {
		t.find.drop(shardOf(id), id)
	}
}

func (t *writtenTable) hidden(row uint32) bool {
	_, ok := t.gone.get(row%shards, row)
	return ok
}

// Index implements kql.Indexed.
func (t *writtenTable) Index() *kql.Index { return &t.indices }

func (t *writtenTable) Columns() []kql.Column { return t.base.Columns() }

// Len is the number after the last row, of which some may be hidden.
func (t *writtenTable) Len() int { return t.base.Len() + t.len }

func (t *writtenTable) cell(row uint32, name string) json.RawMessage {
	n := int(row) - t.base.Len()
	return t.rows[n/pageRows][n%pageRows][name]
}

func (t *writtenTable) Text(row uint32, column int) string {
	if int(row) < t.base.Len() {
		return t.base.Text(row, column)
	}
	raw := t.cell(row, t.Columns()[column].Name)
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return string(raw)
	}
	return text
}

func (t *writtenTable) AppendJSON(dst []byte, row uint32, column int) []byte {
	if int(row) < t.base.Len() {
		return t.base.AppendJSON(dst, row, column)
	}
	c := t.Columns()[column]
	raw := t.cell(row, c.Name)
	if raw == nil {
		return append(dst, emptyCell(c)...)
	}
	return append(dst, raw...)
}

// Find returns the row of an id that is not hidden.
func (t *writtenTable) Find(id string) (uint32, bool) {
	lower := strings.ToLower(id)
	if row, ok := t.find.get(shardOf(lower), lower); ok {
		return row, true
	}
	row, ok := t.base.Find(id)
	return row, ok && !t.hidden(row)
}

// Extra are the members of a row that has been written which no column shows.
func (r Row) Extra() map[string]json.RawMessage {
	t, ok := r.Table.(*writtenTable)
	if !ok || int(r.Index) < t.base.Len() {
		return nil
	}
	extra := map[string]json.RawMessage{}
	n := int(r.Index) - t.base.Len()
	for name, raw := range t.rows[n/pageRows][n%pageRows] {
		if columnOf(t, name) < 0 {
			extra[name] = raw
		}
	}
	return extra
}
