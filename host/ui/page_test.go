package ui

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A table looks the same whether it has room enough, or just so much that nothing has to be wrapped.
func TestTable(t *testing.T) {
	table := Table{
		Indent:  2,
		Columns: []Column{{Title: "NAME", Whole: true}, {Title: "N", Right: true}, {Title: "WHERE"}, {}},
		Rows: [][]string{
			{"Größe", "1", "東京", "café"}, {"", "12,345", "a\x1b[2J", ""}, {"trailing  ", "7", "", "x "}, {"", "", "", ""},
		},
		Tone: func(row, _ int) Tone { return []Tone{Normal, Bad, Good, Faint}[row] },
	}
	const want = `  NAME             N  WHERE
  Größe            1  東京      café
              12,345  a\x1b[2J
  trailing         7            x

`
	for name, show := range map[string]func(*Page){
		"room": func(p *Page) { p.Table(table) },
		"wrapped": func(p *Page) {
			t := table
			p.wrapped(t, []string{"NAME", "N", "WHERE", ""}, true, [][]string{
				{"Größe", "1", "東京", "café"}, {"", "12,345", `a\x1b[2J`, ""}, {"trailing  ", "7", "", "x "}, {"", "", "", ""},
			}, []int{10, 6, 8, 4}, 10+6+8+4+3*margin)
		},
	} {
		c, out, _ := fakeConsole(0, Options{})
		if err := c.Show(show); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}

	c, out, _ := fakeConsole(0, Options{Color: ColorAlways})
	if err := c.Show(func(p *Page) { p.Table(table) }); err != nil {
		t.Fatal(err)
	}
	const red = "\x1b[1;31m"
	if got := out.String(); !strings.Contains(got, red+"12,345\x1b[m  "+red+`a\x1b[2J`+"\x1b[m\n") {
		t.Errorf("in colour: %q", got)
	}
}
