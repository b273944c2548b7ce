package tenant

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/kql"
)

// Change returns the tenant with some rows of a table taken away and some added, all chosen at
// random; the others, and what was handed out before, stay as they are. An added row is a copy of
// another under an id and a name of its own. A table with too few rows loses those that it has.
// Containers, and what Resource Manager alone shows, do not change.
func (t *Tenant) Change(table string, add, remove int, random *rand.Rand) (next *Tenant, added, removed []string, err error) {
	before, ok := t.tables[table]
	if !ok || table == tableContainers || table == tableARM {
		return nil, nil, nil, fmt.Errorf("the rows of table %q cannot change", table)
	}
	changed := &changedTable{base: before, gone: map[uint32]bool{}}
	if again, ok := before.(*changedTable); ok {
		changed = &changedTable{base: again.base, copies: slices.Clip(again.copies), gone: maps.Clone(again.gone)}
	}
	changed.indices.Base, _ = changed.base.(kql.Indexed)
	present := func() (uint32, bool) {
		if len(changed.gone) >= changed.Len() {
			return 0, false
		}
		for {
			if row := random.Uint32N(uint32(changed.Len())); !changed.gone[row] {
				return row, true
			}
		}
	}
	for range remove {
		row, ok := present()
		if !ok {
			break
		}
		changed.gone[row] = true
		removed = append(removed, changed.Text(row, idColumn))
	}
	for range add {
		row, ok := present()
		if !ok {
			break
		}
		suffix := fmt.Sprintf("n%04d", len(changed.copies))
		if int(row) >= changed.base.Len() {
			row = changed.copies[int(row)-changed.base.Len()].of
		}
		changed.copies = append(changed.copies, copiedRow{row, suffix})
		added = append(added, changed.Text(uint32(changed.Len()-1), idColumn))
	}
	return t.with(table, changed), added, removed, nil
}

// with is the tenant with another table.
func (t *Tenant) with(name string, table Table) *Tenant {
	next := &Tenant{
		ID: t.ID, Name: t.Name, Domain: t.Domain,
		Subscriptions: t.Subscriptions, ManagementGroups: t.ManagementGroups, Directory: t.Directory,
		tables: maps.Clone(t.tables), providers: t.Providers(), byNamespace: t.byNamespace,
	}
	next.once.Do(func() {}) // the providers are known
	next.tables[name] = table
	next.findInARM()
	return next
}

// changedTable is a table of which rows are gone, with copies of rows behind its own.
type changedTable struct {
	base   Table
	copies []copiedRow
	gone   map[uint32]bool

	order   lazyOrder
	indices kql.Index
}

// copiedRow is a row of the base whose id and name end in something else.
type copiedRow struct {
	of     uint32
	suffix string
}

// source is the row of the base that holds a row's cells, and what its id and name have in addition.
func (t *changedTable) source(row uint32) (uint32, string) {
	if int(row) < t.base.Len() {
		return row, ""
	}
	c := t.copies[int(row)-t.base.Len()]
	return c.of, c.suffix
}

// Index implements kql.Indexed.
func (t *changedTable) Index() *kql.Index { return &t.indices }

func (t *changedTable) Columns() []kql.Column { return t.base.Columns() }

// Len is the number after the last row, of which some may be gone.
func (t *changedTable) Len() int { return t.base.Len() + len(t.copies) }

func (t *changedTable) Text(row uint32, column int) string {
	of, suffix := t.source(row)
	text := t.base.Text(of, column)
	if column == idColumn || column == nameColumn {
		return text + suffix
	}
	return text
}

func (t *changedTable) AppendJSON(dst []byte, row uint32, column int) []byte {
	of, suffix := t.source(row)
	if suffix != "" && (column == idColumn || column == nameColumn) {
		raw, err := json.Marshal(t.Text(row, column))
		if err != nil {
			panic(err) // a string always has a JSON form
		}
		return append(dst, raw...)
	}
	return t.base.AppendJSON(dst, of, column)
}

// ByID puts the copies at their places among the rows of the base.
func (t *changedTable) ByID() []uint32 {
	t.order.once.Do(func() {
		base := t.base.ByID()
		if base == nil {
			return
		}
		t.order.rows = slices.Clone(base)
		for i := range t.copies {
			row := uint32(t.base.Len() + i)
			at, _ := slices.BinarySearchFunc(t.order.rows, t.Text(row, idColumn), func(other uint32, id string) int {
				return strings.Compare(t.Text(other, idColumn), id)
			})
			t.order.rows = slices.Insert(t.order.rows, at, row)
		}
	})
	return t.order.rows
}

func (t *changedTable) InSubscription(subscription string) []uint32 {
	return t.present(t.base.InSubscription(subscription), func(of uint32) bool {
		return strings.EqualFold(t.base.Text(of, subscriptionIDColumn), subscription)
	})
}

func (t *changedTable) InGroup(subscription, group string) []uint32 {
	return t.present(t.base.InGroup(subscription, group), func(of uint32) bool {
		return strings.EqualFold(t.base.Text(of, subscriptionIDColumn), subscription) && strings.EqualFold(t.base.Text(of, groupColumn), group)
	})
}

// present are the rows of the base that are not gone, and the copies of rows that belong there.
func (t *changedTable) present(rows []uint32, belongs func(of uint32) bool) []uint32 {
	var kept []uint32
	for _, row := range rows {
		if !t.gone[row] {
			kept = append(kept, row)
		}
	}
	for i, c := range t.copies {
		if row := uint32(t.base.Len() + i); !t.gone[row] && belongs(c.of) {
			kept = append(kept, row)
		}
	}
	return kept
}

func (t *changedTable) Find(id string) (uint32, bool) {
	if row, ok := t.base.Find(id); ok {
		return row, !t.gone[row]
	}
	for i := range t.copies {
		if row := uint32(t.base.Len() + i); !t.gone[row] && strings.EqualFold(t.Text(row, idColumn), id) {
			return row, true
		}
	}
	return 0, false
}
