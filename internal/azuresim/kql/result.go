package kql

import "slices"

// Result is the outcome of a query: an ordered list of rows that are rendered on demand. It is
// safe for use by many goroutines.
type Result struct {
	table   Table
	rows    []uint32
	columns []column
	keys    []string // `"name":` of each column
}

func newResult(r *relation) *Result {
	result := &Result{table: r.table, rows: r.rows, columns: r.columns}
	if cap(r.rows) > len(r.rows)+len(r.rows)/4 { // results are kept for their further pages
		result.rows = slices.Clone(r.rows)
	}
	for _, c := range r.columns {
		result.keys = append(result.keys, string(AppendString(nil, c.Name))+":")
	}
	return result
}

// Len is the number of rows of the whole result.
func (r *Result) Len() int { return len(r.rows) }

// Columns describes the cells of each row.
func (r *Result) Columns() []Column {
	columns := make([]Column, len(r.columns))
	for i, c := range r.columns {
		columns[i] = c.Column
	}
	return columns
}

// HasID says that the table's own id column is among the columns, without which Resource Graph
// cannot page.
func (r *Result) HasID() bool {
	return slices.ContainsFunc(r.columns, func(c column) bool {
		return c.base >= 0 && r.table.Columns()[c.base].Name == "id"
	})
}

// MapID is the result with what stands in the table's own id column changed.
func (r *Result) MapID(change func(id string) string) *Result {
	mapped := &Result{table: r.table, rows: r.rows, columns: slices.Clone(r.columns), keys: r.keys}
	for i, c := range r.columns {
		if c.base >= 0 && r.table.Columns()[c.base].Name == "id" {
			mapped.columns[i].base = -1
			mapped.columns[i].eval = func(row uint32) Value { return stringValue(change(c.eval(row).text)) }
		}
	}
	return mapped
}

// AppendObject appends row i as a JSON object.
func (r *Result) AppendObject(dst []byte, i int) []byte {
	dst = append(dst, '{')
	for c := range r.columns {
		if c > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, r.keys[c]...)
		dst = r.appendCell(dst, i, c)
	}
	return append(dst, '}')
}

// AppendArray appends row i as a JSON array of its cells.
func (r *Result) AppendArray(dst []byte, i int) []byte {
	dst = append(dst, '[')
	for c := range r.columns {
		if c > 0 {
			dst = append(dst, ',')
		}
		dst = r.appendCell(dst, i, c)
	}
	return append(dst, ']')
}

func (r *Result) appendCell(dst []byte, i, c int) []byte {
	column := &r.columns[c]
	if column.base < 0 {
		return column.eval(r.rows[i]).appendJSON(dst)
	}
	return r.table.AppendJSON(dst, r.rows[i], column.base)
}
