package ui

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// How many rows a table of rows looks at.
const (
	mostShown   = 200  // on a terminal; a person reads no more
	mostSampled = 1000 // elsewhere, to find the widths of columns; the others are shown all the same
	leastCell   = 8    // columns that a cell keeps where a row is too wide for the terminal
)

// RowColumn is a column of a table of rows.
type RowColumn struct {
	Column
	Field string // of the rows' objects
}

// RowTable says how rows are shown as a table, one line each.
type RowTable struct {
	Columns []RowColumn
	Tone    func(cells []string, column int) Tone // nil is Normal
	Total   int64                                 // how many rows there are; 0 is unknown
	All     string                                // says how to get all rows, where a terminal shows only the first ones
	Empty   string                                // shown instead, if there are no rows
	Most    int                                   // rows on a terminal; 0 is 200
}

// Rows adds a table of rows. On a terminal these are the first ones, with cells cut to its width; elsewhere all of them, whole, as they come.
func (p *Page) Rows(t RowTable, rows Rows) error {
	most := mostSampled
	if p.screen.terminal {
		if most = t.Most; most == 0 {
			most = mostShown
		}
	}
	var held [][]string
	var widths []int
	shown := int64(0)
	for row, err := range rows {
		if err != nil {
			return err
		}
		shown++
		if p.screen.terminal && len(held) == most {
			if t.Total > 0 { // there is nothing left to count
				break
			}
			continue
		}
		cells, err := t.cells(row)
		if err != nil {
			return err
		}
		if widths != nil {
			p.rowCells(t, cells, widths)
			if err := p.flushSome(); err != nil {
				return err
			}
			continue
		}
		if held = append(held, cells); len(held) == most && !p.screen.terminal {
			widths = p.rowHead(t, held)
			held = nil
		}
	}
	if widths == nil {
		if len(held) == 0 {
			if t.Empty != "" {
				p.Line(Toned{Faint, t.Empty})
			}
			return nil
		}
		p.rowHead(t, held)
	}
	if more := max(t.Total, shown) - int64(len(held)); p.screen.terminal && more > 0 {
		words := "and " + Counted(more, "more row", "more rows")
		if t.All != "" {
			words += "; " + t.All
		}
		p.Line(Toned{Faint, words})
	}
	return nil
}

// rowHead adds the titles and the first rows, and answers how wide the columns are.
func (p *Page) rowHead(t RowTable, first [][]string) []int {
	widths := make([]int, len(t.Columns))
	titles := make([]string, len(t.Columns)+1)
	for i, c := range t.Columns {
		titles[i] = Clean(c.Title)
		widths[i] = columns(titles[i])
		for _, cells := range first {
			widths[i] = max(widths[i], columns(cells[i]))
		}
	}
	if width := p.screen.width(); width > 0 {
		t.narrow(widths, width)
	}
	plain := t
	plain.Tone = func([]string, int) Tone { return Faint }
	p.rowCells(plain, titles, widths)
	for _, cells := range first {
		p.rowCells(t, cells, widths)
	}
	return widths
}

// rowCells adds one row. Its name leads to where its id does.
func (p *Page) rowCells(t RowTable, cells []string, widths []int) {
	table := Table{Columns: make([]Column, len(t.Columns))}
	cells, id := cells[:len(t.Columns)], cells[len(t.Columns)]
	cut, about, widths := slices.Clone(cells), slices.Clone(cells), slices.Clone(widths)
	for i, c := range t.Columns {
		table.Columns[i] = c.Column
		if c.Field == "name" {
			about[i] = id
		}
		switch w := columns(cells[i]); {
		case w <= widths[i]:
		case p.screen.terminal:
			cut[i] = truncate(cells[i], widths[i])
		default: // wider than all of the first ones
			widths[i] = w
		}
	}
	p.row(table, cut, widths, func(column int) Tone {
		if t.Tone == nil {
			return Normal
		}
		return t.Tone(cells, column)
	}, about)
}

// narrow takes columns of the screen from the widest of those that may be cut, until all of them have room.
func (t RowTable) narrow(widths []int, room int) {
	for total(widths) > room {
		widest := -1
		for i, w := range widths {
			if !t.Columns[i].Whole && w > leastCell && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

// cells are those of a row, clean, and behind them its id, if it has one.
func (t RowTable) cells(row json.RawMessage) ([]string, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(row, &fields); err != nil {
		return nil, fault.New(fault.Integrity, "a row of the result is no JSON object", fault.Because(err))
	}
	cells := make([]string, len(t.Columns)+1)
	for i, c := range t.Columns {
		cells[i] = Clean(cellOf(fields[c.Field]))
	}
	cells[len(t.Columns)] = cellOf(fields["id"])
	return cells, nil
}

// cellOf is a value for people: a text as it is, nothing for null, anything else as JSON.
func cellOf(value json.RawMessage) string {
	text := string(value)
	switch {
	case text == "null":
		return ""
	case strings.HasPrefix(text, `"`):
		var s string
		if json.Unmarshal(value, &s) == nil {
			return s
		}
	}
	return text
}
