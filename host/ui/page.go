package ui

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
)

// Page is a result for people. What is put on it is cleaned: it may come from anywhere.
type Page struct {
	screen *screen
	text   strings.Builder
	begun  bool // something of it is on the screen already
}

// Flush puts what was added so far on the screen, so that a page of any length needs no memory.
func (p *Page) Flush() error {
	if p.text.Len() == 0 {
		return nil
	}
	err := p.screen.write([]byte(p.text.String()))
	p.text.Reset()
	p.begun = true
	return err
}

// flushSome is Flush, once there is enough to be worth it.
func (p *Page) flushSome() error {
	if p.text.Len() < 32<<10 {
		return nil
	}
	return p.Flush()
}

// Toned is a piece of text with a meaning.
type Toned struct {
	Tone Tone
	Text string
}

// Line adds a line. The parts are strings, Toned and Link; anything else is printed as fmt does. The id of a resource leads to it.
func (p *Page) Line(parts ...any) {
	p.text.WriteString(p.line(parts))
	p.text.WriteByte('\n')
}

// Prose adds a line that a terminal which is too narrow for it shows in several, broken between words.
// It is indented by first columns, and what follows by rest.
func (p *Page) Prose(first, rest int, parts ...any) {
	text := p.line(parts)
	room := p.screen.width() - max(first, rest)
	if room > 20 && columns(text) > room {
		text = wrap(text, room, "\n"+strings.Repeat(" ", rest))
	}
	p.text.WriteString(strings.Repeat(" ", first) + text + "\n")
}

// wrap breaks text at spaces alone: ids and paths have hyphens, and are there to be copied.
func wrap(text string, width int, newline string) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Split(text, " ") {
		w := columns(word)
		switch {
		case i == 0:
		case column+1+w > width:
			b.WriteString(newline)
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += w
	}
	return b.String()
}

func (p *Page) line(parts []any) string {
	var b strings.Builder
	for _, part := range parts {
		var toned Toned
		address := ""
		switch part := part.(type) {
		case string:
			toned.Text = part
		case Toned:
			toned = part
		case Link:
			toned, address = part.Toned, p.screen.address(part.To)
		default:
			toned.Text = fmt.Sprint(part)
		}
		if address == "" {
			address = p.screen.resourceAddress(toned.Text)
		}
		b.WriteString(link(p.screen.paint.text(toned.Tone, Clean(toned.Text)), address))
	}
	return b.String()
}

// Lines adds text as it is, which may have several lines, cleaned.
func (p *Page) Lines(text string) {
	p.text.WriteString(strings.TrimRight(CleanLines(text), "\n"))
	p.text.WriteByte('\n')
}

// Title adds an empty line, unless it is the first, and a heading.
func (p *Page) Title(text string) {
	p.Gap()
	p.Line(Toned{Strong, text})
}

// Gap adds an empty line, unless it is the first.
func (p *Page) Gap() {
	if p.begun || p.text.Len() > 0 {
		p.text.WriteByte('\n')
	}
}

// Pair is a name and what belongs to it.
type Pair struct {
	Name  string
	Value any // as the parts of Page.Line
}

// Pairs adds names and values in two columns. Pairs whose value is the empty string are left out.
func (p *Page) Pairs(pairs ...Pair) {
	width := 0
	for _, pair := range pairs {
		if pair.Value != "" {
			width = max(width, columns(Clean(pair.Name)))
		}
	}
	for _, pair := range pairs {
		if pair.Value == "" {
			continue
		}
		name := Clean(pair.Name)
		p.Line("  ", Toned{Faint, name}, strings.Repeat(" ", width-columns(name)+2), pair.Value)
	}
}

// Column is a column of a table.
type Column struct {
	Title string
	Right bool // numbers
	Whole bool // never wrapped: what one copies
}

// Table is rows under titles, or without, where no column has one. On a terminal it fits the width, by wrapping cells; elsewhere each row
// is one line, however long.
type Table struct {
	Columns []Column
	Rows    [][]string
	Tone    func(row, column int) Tone // nil is Normal
	Indent  int
	Width   int    // where the stream is no terminal; 0 is no limit
	Empty   string // shown instead, if there are no rows
}

// Table adds a table.
func (p *Page) Table(t Table) {
	if len(t.Rows) == 0 {
		if t.Empty != "" {
			p.Line(strings.Repeat(" ", t.Indent), Toned{Faint, t.Empty})
		}
		return
	}
	headers, widths := make([]string, len(t.Columns)), make([]int, len(t.Columns))
	titled := false
	rows := make([][]string, len(t.Rows))
	for i, c := range t.Columns {
		headers[i], widths[i] = c.Title, columns(c.Title)
		titled = titled || c.Title != ""
	}
	for i, row := range t.Rows {
		rows[i] = make([]string, len(t.Columns))
		for j := range row {
			rows[i][j] = Clean(row[j])
			widths[j] = max(widths[j], columns(rows[i][j]))
		}
	}

	width := p.screen.width()
	if width == 0 {
		width = t.Width
	}
	if room := width - t.Indent; width > 0 && total(widths) > room {
		p.wrapped(t, headers, titled, rows, widths, max(room, 20))
		return
	}
	if titled {
		p.row(t, headers, widths, func(int) Tone { return Faint }, headers)
	}
	for i, row := range rows {
		p.row(t, row, widths, func(column int) Tone { return t.tone(i, column) }, t.Rows[i])
	}
}

// margin is how many columns of the screen are free between those of a table.
const margin = 2

func (t *Table) tone(row, column int) Tone {
	if t.Tone == nil {
		return Normal
	}
	return t.Tone(row, column)
}

// row adds a row of a table for which there is room enough. A cell leads to the resource whose id stands in about.
func (p *Page) row(t Table, cells []string, widths []int, tone func(column int) Tone, about []string) {
	space := t.Indent // is written before the next text, so that no line ends with it
	for i, cell := range cells {
		pad := widths[i] - columns(cell)
		if t.Columns[i].Right {
			space, pad = space+pad, 0
		}
		text := strings.TrimRight(cell, " ")
		if text != "" {
			p.text.WriteString(strings.Repeat(" ", space))
			p.text.WriteString(link(p.screen.paint.text(tone(i), text), p.screen.resourceAddress(about[i])))
			space = 0
		}
		space += len(cell) - len(text) + pad + margin
	}
	p.text.WriteByte('\n')
}

// wrapped adds a table whose cells have to be wrapped so that it has room.
func (p *Page) wrapped(t Table, headers []string, titled bool, rows [][]string, widths []int, room int) {
	drawn := table.New().Rows(rows...).Width(room).
		BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).
		BorderColumn(false).BorderRow(false).BorderHeader(false).
		StyleFunc(func(row, column int) lipgloss.Style {
			tone := Faint
			if row != table.HeaderRow {
				tone = t.tone(row, column)
			}
			style, c := p.screen.paint.style(tone), t.Columns[column]
			if c.Right {
				style = style.Align(lipgloss.Right)
			}
			if c.Whole {
				style = style.Width(widths[column] + margin)
			}
			if column < len(t.Columns)-1 || c.Whole {
				style = style.PaddingRight(margin)
			}
			return style
		})
	if titled {
		drawn = drawn.Headers(headers...)
	}
	for line := range strings.SplitSeq(drawn.String(), "\n") {
		p.text.WriteString(strings.TrimRight(strings.Repeat(" ", t.Indent)+line, " "))
		p.text.WriteByte('\n')
	}
}

func total(widths []int) int {
	sum := margin * (len(widths) - 1)
	for _, w := range widths {
		sum += w
	}
	return sum
}

// columns is how many columns of the screen clean text takes.
func columns(text string) int {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return lipgloss.Width(text)
		}
	}
	return len(text)
}
