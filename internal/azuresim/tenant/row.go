package tenant

import (
	"iter"
	"maps"
	"slices"
	"strings"
)

// Row is one row of one table.
type Row struct {
	Table Table
	Index uint32
}

// Text is the cell of a column that holds strings, "" if there is no such column.
func (r Row) Text(column string) string {
	i := columnOf(r.Table, column)
	if i < 0 {
		return ""
	}
	return r.Table.Text(r.Index, i)
}

// JSON is the cell of any column, null if there is no such column.
func (r Row) JSON(column string) []byte {
	return r.Append(nil, column)
}

// ID is the id in the spelling of its table.
func (r Row) ID() string { return r.Table.Text(r.Index, idColumn) }

// Name is the last name in the id.
func (r Row) Name() string { return r.Table.Text(r.Index, nameColumn) }

// Type is in lower case in Resource Graph's tables.
func (r Row) Type() string { return r.Table.Text(r.Index, typeColumn) }

// Append appends the cell of any column as JSON, null if there is no such column.
func (r Row) Append(dst []byte, column string) []byte {
	i := columnOf(r.Table, column)
	if i < 0 {
		return append(dst, "null"...)
	}
	return r.Table.AppendJSON(dst, r.Index, i)
}

// Find returns the resource of an id, which may be in any case.
func (t *Tenant) Find(id string) (Row, bool) {
	for _, table := range t.inARM {
		if row, ok := table.Find(id); ok {
			return Row{table, row}, true
		}
	}
	return Row{}, false
}

// Group finds the row of a resource group.
func (t *Tenant) Group(subscription, group string) (Row, bool) {
	table := t.tables[tableContainers]
	row, ok := table.Find("/subscriptions/" + subscription + "/resourceGroups/" + group)
	return Row{table, row}, ok
}

// Groups lists the resource groups of a subscription.
func (t *Tenant) Groups(subscription string) []Row {
	table := t.tables[tableContainers]
	var rows []Row
	for _, row := range table.InSubscription(subscription) {
		if r := (Row{table, row}); r.Text("type") == typeGroup {
			rows = append(rows, r)
		}
	}
	return rows
}

// Rows goes through everything in a resource group, in a subscription if group is empty, or
// outside of all subscriptions if both are, except the containers.
func (t *Tenant) Rows(subscription, group string) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for _, table := range t.inARM {
			var rows []uint32
			if group != "" {
				rows = table.InGroup(subscription, group)
			} else {
				rows = table.InSubscription(subscription)
			}
			for _, row := range rows {
				if !yield(Row{table, row}) {
					return
				}
			}
		}
	}
}

// Resources is the table of tracked resources.
func (t *Tenant) Resources() Table { return t.tables[tableResources] }

// findInARM puts together the tables whose rows Resource Manager shows as resources, the tracked first.
func (t *Tenant) findInARM() {
	t.inARM = []Table{t.tables[tableResources]}
	for _, name := range slices.Sorted(maps.Keys(t.tables)) {
		if name != tableResources && name != tableContainers && !strings.HasSuffix(name, "changes") {
			t.inARM = append(t.inARM, t.tables[name])
		}
	}
}
