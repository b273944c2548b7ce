package kql

import (
	"fmt"
	"slices"
	"strings"
)

// DefaultTable is what a query reads that names no table.
const DefaultTable = "resources"

// Column is a column of a table or of a result.
type Column struct {
	Name string
	Type Type
}

// Table is a set of rows that a query can read. Its methods may be called from many goroutines.
type Table interface {
	// Columns are String or Dynamic; cells of a String column are never null.
	Columns() []Column
	// Len is the number of rows.
	Len() int
	// Text is a cell of a String column.
	Text(row uint32, column int) string
	// AppendJSON appends a cell, of either type, as compact JSON.
	AppendJSON(dst []byte, row uint32, column int) []byte
	// ByID lists all rows by ascending id in byte order; nil means that the table knows no such
	// order. The caller must not change it.
	ByID() []uint32
}

// View is a table as one caller may see it.
type View struct {
	Table Table
	// Rows that are visible, ascending; nil means all. Run does not change them.
	Rows []uint32
}

// Run executes the query on what lookup finds under the table's lower-case name. Errors are of
// type *Error.
func (q *Query) Run(lookup func(table string) (View, bool)) (*Result, error) {
	name := strings.ToLower(q.Table)
	if name == "" {
		name = DefaultTable
	}
	view, ok := lookup(name)
	if !ok {
		return nil, &Error{
			Code:    CodeDisallowedTable,
			Message: fmt.Sprintf("Table %s is invalid, unsupported or disallowed.", q.Table),
		}
	}
	r := newRelation(view.Table, view.Rows)
	for i := range q.steps {
		if err := r.apply(&q.steps[i]); err != nil {
			return nil, err
		}
	}
	return newResult(r), nil
}

// relation is the state between two operators: rows of a table, seen through computed columns.
type relation struct {
	table   Table
	rows    []uint32
	columns []column
}

// evaluator computes one cell of a row of the table below.
type evaluator func(row uint32) Value

// column is a column of a relation. base is the table's own column that it passes on, or -1.
type column struct {
	Column
	base int
	eval evaluator
}

func newRelation(table Table, rows []uint32) *relation {
	if rows == nil {
		rows = make([]uint32, table.Len())
		for i := range rows {
			rows[i] = uint32(i)
		}
	}
	r := &relation{table: table, rows: rows}
	for i, c := range table.Columns() {
		eval := func(row uint32) Value { return stringValue(table.Text(row, i)) }
		if c.Type != String {
			eval = func(row uint32) Value { return parseValue(table.AppendJSON(nil, row, i)) }
		}
		r.columns = append(r.columns, column{Column: c, base: i, eval: eval})
	}
	return r
}

func (r *relation) apply(s *step) error {
	switch s.kind {
	case stepWhere:
		return r.where(s)
	case stepProject:
		return r.project(s)
	case stepExtend:
		return r.extend(s)
	case stepProjectRename:
		return r.rename(s)
	case stepProjectAway, stepProjectKeep:
		return r.keep(s)
	case stepOrder:
		return r.order(s)
	case stepTop:
		if err := r.order(s); err != nil {
			return err
		}
		r.cut(s.limit)
	case stepLimit:
		r.cut(s.limit)
	case stepCount:
		r.become([]Column{{Name: "Count", Type: Long}}, [][]Value{{longValue(int64(len(r.rows)))}})
	case stepSummarize:
		return r.summarize(s)
	case stepDistinct:
		return r.distinct(s)
	}
	return nil
}

// cut keeps the first n rows.
func (r *relation) cut(n int) { r.rows = r.rows[:min(n, len(r.rows))] }

func (r *relation) where(s *step) error {
	_, typ, err := r.compile(s, s.exprs[0].expr)
	if err != nil {
		return err
	}
	if typ != Bool {
		return semantic("'where' operator: Filter expression should be Boolean, but is of type %s.", typ)
	}
	tests, err := r.predicates(s, s.exprs[0].expr)
	if err != nil {
		return err
	}
	var kept []uint32
next:
	for _, row := range r.rows {
		for _, test := range tests {
			if !test(row) {
				continue next
			}
		}
		kept = append(kept, row)
	}
	r.rows = kept
	return nil
}

func (r *relation) project(s *step) error {
	columns, err := r.compileNamed(s, s.exprs)
	if err != nil {
		return err
	}
	r.columns = columns
	return nil
}

// compileNamed compiles a list of named expressions against the columns as they are.
func (r *relation) compileNamed(s *step, list []namedExpr) ([]column, error) {
	var columns []column
	for i, item := range list {
		c := column{base: -1}
		var err error
		if c.eval, c.Type, err = r.compile(s, item.expr); err != nil {
			return nil, err
		}
		if c.Name = item.name; c.Name == "" {
			c.Name = impliedName(item.expr, i)
		}
		if ref, ok := item.expr.(*columnRef); ok {
			c.base = r.columns[r.find(ref.name)].base
		}
		if slices.ContainsFunc(columns, func(other column) bool { return other.Name == c.Name }) {
			return nil, semantic("'%s' operator: A column named '%s' already exists.", s.name, c.Name)
		}
		columns = append(columns, c)
	}
	return columns, nil
}

// impliedName is the name of a column whose expression has none: its path joined by underscores,
// else Column and its position from 1.
func impliedName(e expr, position int) string {
	switch e := e.(type) {
	case *columnRef:
		return e.name
	case *member:
		if key, ok := e.index.(*literal); ok && key.typ == String {
			return impliedName(e.base, position) + "_" + key.value.text
		}
	case *call:
		if e.name == "tostring" && len(e.args) == 1 {
			return impliedName(e.args[0], position)
		}
	}
	return fmt.Sprintf("Column%d", position+1)
}

func (r *relation) extend(s *step) error {
	columns, err := r.compileNamed(s, s.exprs)
	if err != nil {
		return err
	}
	r.columns = slices.Clone(r.columns)
	for _, c := range columns {
		if i := r.find(c.Name); i >= 0 {
			r.columns[i] = c
		} else {
			r.columns = append(r.columns, c)
		}
	}
	return nil
}

func (r *relation) rename(s *step) error {
	r.columns = slices.Clone(r.columns)
	for _, item := range s.exprs {
		ref, ok := item.expr.(*columnRef)
		if !ok || item.name == "" {
			return semantic("'project-rename' operator: expected NewName = ColumnName.")
		}
		i := r.find(ref.name)
		if i < 0 {
			return unresolved(s, ref.name)
		}
		r.columns[i].Name = item.name
	}
	return nil
}

// keep runs project-away and project-keep; both take names that end in * as prefixes.
func (r *relation) keep(s *step) error {
	named := make([]bool, len(r.columns))
	for _, pattern := range s.columns {
		prefix, isPrefix := strings.CutSuffix(pattern, "*")
		matched := false
		for i, c := range r.columns {
			if c.Name == pattern || (isPrefix && strings.HasPrefix(c.Name, prefix)) {
				named[i], matched = true, true
			}
		}
		if !matched && !isPrefix {
			return unresolved(s, pattern)
		}
	}
	var columns []column
	for i, c := range r.columns {
		if named[i] == (s.kind == stepProjectKeep) {
			columns = append(columns, c)
		}
	}
	r.columns = columns
	return nil
}

// find returns the position of a column, -1 if there is none.
func (r *relation) find(name string) int {
	return slices.IndexFunc(r.columns, func(c column) bool { return c.Name == name })
}

func unresolved(s *step, name string) error {
	return semantic("'%s' operator: Failed to resolve column or scalar expression named '%s'", s.name, name)
}

// become replaces the relation by computed rows.
func (r *relation) become(columns []Column, rows [][]Value) {
	r.columns = nil
	for i, c := range columns {
		r.columns = append(r.columns, column{
			Column: c, base: -1,
			eval: func(row uint32) Value { return rows[row][i] },
		})
	}
	r.table = nil
	r.rows = make([]uint32, len(rows))
	for i := range r.rows {
		r.rows[i] = uint32(i)
	}
}
