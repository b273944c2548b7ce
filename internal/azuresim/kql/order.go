package kql

import "slices"

func (r *relation) order(s *step) error {
	if r.orderByID(s) {
		return nil
	}
	keys := make([]evaluator, len(s.order))
	for i, key := range s.order {
		eval, typ, err := r.compile(s, key.expr)
		if err != nil {
			return err
		}
		if typ == Dynamic {
			return semantic("'%s' operator: the sort key is of a 'dynamic' type. Please use an explicit cast (for example, 'tostring(...)').", s.name)
		}
		keys[i] = eval
	}
	type entry struct {
		row  uint32
		keys []Value
	}
	entries := make([]entry, len(r.rows))
	cells := make([]Value, len(r.rows)*len(keys))
	for i, row := range r.rows {
		entries[i] = entry{row: row, keys: cells[i*len(keys) : (i+1)*len(keys)]}
		for k, eval := range keys {
			entries[i].keys[k] = eval(row)
		}
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		for k, key := range s.order {
			if order := compareKeys(a.keys[k], b.keys[k], key); order != 0 {
				return order
			}
		}
		return 0
	})
	rows := make([]uint32, len(entries))
	for i, e := range entries {
		rows[i] = e.row
	}
	r.rows = rows
	return nil
}

func compareKeys(a, b Value, key orderKey) int {
	if a.kind == kindNull || b.kind == kindNull {
		switch {
		case a.kind == b.kind:
			return 0
		case (a.kind == kindNull) == key.nullsFirst:
			return -1
		}
		return 1
	}
	order, _ := compare(a, b)
	if key.descending {
		return -order
	}
	return order
}

// orderByID sorts by the table's own id order where the query asks for just that: the page query
// of most clients, which must not cost a sort of the whole tenant.
func (r *relation) orderByID(s *step) bool {
	if len(s.order) != 1 || r.table == nil {
		return false
	}
	ref, ok := s.order[0].expr.(*columnRef)
	if !ok {
		return false
	}
	i := r.find(ref.name)
	if i < 0 || r.columns[i].base < 0 || r.table.Columns()[r.columns[i].base].Name != "id" {
		return false
	}
	all := r.table.ByID()
	if all == nil {
		return false
	}
	wanted := make([]uint64, (r.table.Len()+63)/64)
	for _, row := range r.rows {
		wanted[row/64] |= 1 << (row % 64)
	}
	rows := make([]uint32, 0, len(r.rows))
	for _, row := range all {
		if wanted[row/64]&(1<<(row%64)) != 0 {
			rows = append(rows, row)
		}
	}
	if s.order[0].descending {
		slices.Reverse(rows)
	}
	r.rows = rows
	return true
}
