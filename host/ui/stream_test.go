package ui

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// streamed are rows with what texts may have.
const streamed = `{"id":"a","n":1,"text":"two\nlines\n\n  and more"}
{"id":"b","n":null,"list":["x",{"y":"\u001b[31m"}],"text":"` + "\u202e" + `evil"}
`

func stream(rows string, columns ...RowColumn) Stream {
	return Stream{
		Data:  &backend.SnapshotQueryResult{Columns: []backend.Column{{Name: "id", Type: "text"}}, RowCount: 2, Rows: "rows.ndjson", Snapshot: "s"},
		Field: "rows", Rows: ReadRows(strings.NewReader(rows)),
		Page: func(p *Page, rows Rows) error { return p.Rows(RowTable{Columns: columns, Empty: "nothing"}, rows) },
	}
}

func TestStreamFormats(t *testing.T) {
	for _, format := range []Format{FormatJSON, FormatYAML, FormatNDJSON} {
		for name, rows := range map[string]string{"rows": streamed, "none": ""} {
			t.Run(string(format)+" "+name, func(t *testing.T) {
				c, out, _ := fakeConsole(0, Options{Format: format})
				if err := c.PrintStream(stream(rows)); err != nil {
					t.Fatal(err)
				}
				golden(t, "stream_"+name+"."+string(format), out.Bytes())
			})
		}
	}
}

// TestStreamIsOneObject holds what is streamed against what encoding it at once gives.
func TestStreamIsOneObject(t *testing.T) {
	var want []any
	for line := range strings.Lines(streamed) {
		var row any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		want = append(want, row)
	}
	for format, decode := range map[Format]func([]byte, any) error{FormatJSON: json.Unmarshal, FormatYAML: yaml.Unmarshal} {
		c, out, _ := fakeConsole(0, Options{Format: format})
		if err := c.PrintStream(stream(streamed)); err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := decode(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(got["rows"]) // numbers of YAML are int
		if err != nil {
			t.Fatal(err)
		}
		wanted, _ := json.Marshal(want)
		if diff := cmp.Diff(string(wanted), string(again)); diff != "" {
			t.Errorf("%s: %s", format, diff)
		}
		if fmt.Sprintf("%v %v %v", got["schema_version"], got["snapshot"], got["row_count"]) != "1 s 2" {
			t.Errorf("%s lost fields of the result: %v", format, got)
		}
	}
}

func TestReadRowsRefuses(t *testing.T) {
	for name, rows := range map[string]string{"no JSON": "{\"a\":1}\n{\"a\":\n", "no object": "{}\n[1]\n", "cut short": "{\"a\":1}\n{\"a\""} {
		t.Run(name, func(t *testing.T) {
			read := 0
			var err error
			for _, e := range ReadRows(strings.NewReader(rows)) {
				if err = e; e == nil {
					read++
				}
			}
			if read != 1 || fault.CodeOf(err) != fault.Integrity || !strings.Contains(err.Error(), "line 2") {
				t.Errorf("%d rows, then %v", read, err)
			}
		})
	}
}

func TestReadRowsTakesLongLines(t *testing.T) {
	long := `{"a":"` + strings.Repeat("x", 3<<20) + `"}`
	var lengths []int
	for row, err := range ReadRows(strings.NewReader("{}\n" + long + "\n\n{}")) {
		if err != nil {
			t.Fatal(err)
		}
		lengths = append(lengths, len(row))
	}
	if diff := cmp.Diff([]int{2, len(long), 2}, lengths); diff != "" {
		t.Error(diff)
	}
}

// manyRows are n rows of increasing length.
func manyRows(n int) io.Reader {
	read, write := io.Pipe()
	go func() {
		for i := range n {
			if _, err := fmt.Fprintf(write, `{"name":"row %d","location":"%s","size":%d,"id":"/subscriptions/s/%d"}`+"\n", i, strings.Repeat("we", i%40), i*i, i); err != nil {
				return
			}
		}
		write.Close()
	}()
	return read
}

func TestRowTable(t *testing.T) {
	table := RowTable{
		Columns: []RowColumn{
			{Column{Title: "NAME"}, "name"}, {Column{Title: "LOCATION"}, "location"}, {Column{Title: "SIZE", Right: true}, "size"}, {Column{Title: "ID", Whole: true}, "id"},
		},
		All: "--output FILE has them all", Most: 5,
	}
	for _, tc := range []struct {
		name        string
		width, rows int
		total       int64
		lines       int
		last        string
	}{
		{"all fit", 200, 3, 3, 4, "/subscriptions/s/2"},
		{"more than a terminal shows", 70, 1234, 1234, 7, "and 1,229 more rows; --output FILE has them all"},
		{"more, by counting", 70, 1234, 0, 7, "and 1,229 more rows; --output FILE has them all"},
		{"no terminal", 0, 5000, 0, 5001, "24990001  /subscriptions/s/4999"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, out, _ := fakeConsole(tc.width, Options{Color: ColorNever})
			table := table
			table.Total = tc.total
			p := &Page{screen: c.out}
			if err := p.Rows(table, ReadRows(manyRows(tc.rows))); err != nil {
				t.Fatal(err)
			}
			if err := p.Flush(); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			if len(lines) != tc.lines || !strings.Contains(lines[len(lines)-1], tc.last) {
				t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
			}
			for _, line := range lines {
				if tc.width > 0 && columns(line) > tc.width {
					t.Errorf("%q is too wide", line)
				}
			}
		})
	}
	c, out, _ := fakeConsole(40, Options{Color: ColorNever})
	p := &Page{screen: c.out}
	hostile := `{"name":"\u001b[2Jevil\nname that is long","location":{"a":[1]},"id":"whole-id-1"}`
	if err := p.Rows(table, ReadRows(strings.NewReader(hostile))); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	golden(t, "rows_hostile.txt", out.Bytes())
}

func TestPrintText(t *testing.T) {
	const text = "# Title\n\n| a | b |\n\x1b[2J\u202eno end of line"
	for width, want := range map[int]string{0: text, 80: CleanLines(text)} {
		c, out, _ := fakeConsole(width, Options{Format: FormatJSON})
		if err := c.PrintText(strings.NewReader(text)); err != nil || out.String() != want {
			t.Errorf("width %d: %q, %v", width, out, err)
		}
	}
}
