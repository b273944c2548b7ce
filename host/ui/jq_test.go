package ui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func mustJQ(t *testing.T, expression string) *JQ {
	t.Helper()
	q, err := ParseJQ(t.Context(), expression)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestJQ(t *testing.T) {
	type thing struct {
		Name string `json:"name"`
		N    int64  `json:"n"`
	}
	data := struct {
		Things []thing `json:"things"`
		None   *int    `json:"none"`
		Link   string  `json:"link"`
	}{[]thing{{"a\x1b[31m", 9007199254740993}, {"b&<>", 2}}, nil, "x\u202ey"}
	for name, c := range map[string]struct {
		format     Format
		terminal   bool
		expression string
		want       string
	}{
		"a text":                    {FormatTable, false, ".things[1].name", "b&<>\n"},
		"several":                   {FormatJSON, false, ".things[].n", "9007199254740993\n2\n"},
		"null is an empty line":     {FormatJSON, false, ".none", "\n"},
		"nothing":                   {FormatJSON, false, "empty", ""},
		"an object in one line":     {FormatJSON, false, ".things[1]", `{"n":2,"name":"b&<>"}` + "\n"},
		"indented on a terminal":    {FormatJSON, true, ".things[1]", "{\n  \"n\": 2,\n  \"name\": \"b&<>\"\n}\n"},
		"a text as it is":           {FormatJSON, false, ".things[0].name", "a\x1b[31m\n"},
		"cleaned on a terminal":     {FormatJSON, true, ".things[0].name, .link", "a\\x1b[31m\nx\\u202ey\n"},
		"no controls in JSON":       {FormatJSON, false, "[.link, .things[0].name]", `["x\u202ey","a\u001b[31m"]` + "\n"},
		"the version of the schema": {FormatTable, false, ".schema_version", "1\n"},
		"each line":                 {FormatNDJSON, false, "[.schema_version, .n]", "[1,9007199254740993]\n[1,2]\n"},
		"it halts":                  {FormatJSON, false, "1, halt, 2", "1\n"},
		"no environment":            {FormatJSON, false, "env, $ENV", "{}\n{}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("ATG_API_KEY", "secret")
			width := 0
			if c.terminal {
				width = 80
			}
			console, out, _ := fakeConsole(width, Options{Format: c.format, JQ: mustJQ(t, c.expression)})
			if err := console.Print(Document{Data: data, Items: Items(data.Things)}); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, out.String()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestJQStream(t *testing.T) {
	rows := strings.Join([]string{`{"n":1}`, `{"n":2}`, `{"n":3}`}, "\n")
	for name, c := range map[string]struct {
		format     Format
		expression string
		want       string
	}{
		"the whole":            {FormatJSON, `.rows | length, .[0].n`, "3\n1\n"},
		"with its head":        {FormatTable, `"\(.total) \(.rows[2].n)"`, "3 3\n"},
		"each row":             {FormatNDJSON, `select(.n > 1).n`, "2\n3\n"},
		"not the ones in Data": {FormatJSON, `.rows | map(.n) | add`, "6\n"},
	} {
		t.Run(name, func(t *testing.T) {
			console, out, _ := fakeConsole(0, Options{Format: c.format, JQ: mustJQ(t, c.expression)})
			err := console.PrintStream(Stream{
				Data: map[string]any{"total": 3, "rows": nil}, Field: "rows", Rows: ReadRows(strings.NewReader(rows)),
			})
			if err != nil || out.String() != c.want {
				t.Errorf("%v, %q, want %q", err, out, c.want)
			}
		})
	}
}

func TestWrongJQ(t *testing.T) {
	for expression, want := range map[string]string{
		".things[] | }":              `--jq: unexpected token "}", at character 13 of .things[] | }`,
		"\"größe\" | foo":            `--jq: function not defined: foo/0, at character 11 of "größe" | foo`,
		".a | $b":                    `--jq: variable not defined: $b, at character 6 of .a | $b`,
		".a |":                       `--jq: the expression ends too early, at character 5 of .a |`,
		`"abc`:                       `at character 5 of "abc`,
		`import "x" as x; .`:         `--jq: `,
		"input":                      `--jq: `,
		"." + strings.Repeat("[", 3): `--jq: the expression ends too early`,
	} {
		_, err := ParseJQ(t.Context(), expression)
		if fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v, want %s", expression, err, want)
		}
	}
}

func TestJQFailsOnAResult(t *testing.T) {
	for expression, want := range map[string]string{
		".name[]":             "cannot iterate over: string",
		`error("it's odd")`:   "it's odd",
		`"stop" | halt_error`: "stop",
		".n + .name":          "cannot add",
	} {
		console, out, _ := fakeConsole(0, Options{JQ: mustJQ(t, "1, ("+expression+")")})
		err := console.Print(Document{Data: map[string]any{"name": "x", "n": 1}})
		if fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v, want %s", expression, err, want)
		}
		if out.String() != "1\n" {
			t.Errorf("%s: what came before is %q", expression, out)
		}
	}
	console, _, _ := fakeConsole(0, Options{JQ: mustJQ(t, ".")})
	if err := console.PrintText(strings.NewReader("a,b\n")); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("text: %v", err)
	}
	if err := console.Show(func(*Page) {}); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("a page: %v", err)
	}
}

func TestJQEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, fault.New(fault.Timeout, "over"))
	defer cancel()
	q, err := ParseJQ(ctx, "range(infinite) | select(. < 0)")
	if err != nil {
		t.Fatal(err)
	}
	console, _, _ := fakeConsole(0, Options{JQ: q})
	if err := console.Print(Document{Data: struct{}{}}); fault.CodeOf(err) != fault.Timeout {
		t.Errorf("got %v", err)
	}
	if q, err = ParseJQ(ctx, ".job_id"); err != nil {
		t.Fatal(err)
	}
	console, out, _ := fakeConsole(0, Options{JQ: q})
	if err := console.Print(Document{Data: map[string]string{"job_id": "j"}}); err != nil || out.String() != "j\n" {
		t.Errorf("of an interrupted command: %v, %q", err, out)
	}
}

// TestJQWithHostileResults: what others have written into a tenant neither hangs nor breaks it.
func TestJQWithHostileResults(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	digits := strings.Repeat("9", 300_000)
	for name, c := range map[string]struct{ row, expression, want string }{
		"deep":        {deep, "[..] | length", "5001\n"},
		"digits":      {`{"n":` + digits + `}`, ".n * .n | . > 1", "true\n"},
		"an exponent": {`{"n":1e999999999}`, ".n > 1", "true\n"},
		"a long text": {`{"t":"` + strings.Repeat("a", 1<<20) + `"}`, `.t | test("(a+)+$")`, "true\n"},
		"empty keys":  {`{"":{"":1}}`, `.[""][""]`, "1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			console, out, _ := fakeConsole(0, Options{Format: FormatNDJSON, JQ: mustJQ(t, c.expression)})
			if err := console.PrintStream(Stream{Rows: ReadRows(strings.NewReader(c.row))}); err != nil {
				t.Fatal(err)
			}
			if out.String() != c.want {
				t.Errorf("%.100q, want %q", out, c.want)
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("took %s", took)
			}
		})
	}
}

// TestJQNeedsNoMemory: with NDJSON a row is gone when the next one comes.
func TestJQNeedsNoMemory(t *testing.T) {
	const most = 40_000
	row := json.RawMessage(`{"id":"` + strings.Repeat("x", 2000) + `"}`)
	var highest uint64
	rows := func(yield func(json.RawMessage, error) bool) {
		for i := range most {
			if i%(most/5) == 0 {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				if i == 0 {
					highest = m.HeapAlloc
				} else if m.HeapAlloc > highest+16<<20 {
					yield(nil, fmt.Errorf("%d bytes after %d rows, %d at first", m.HeapAlloc, i, highest))
					return
				}
			}
			if !yield(row, nil) {
				return
			}
		}
	}
	console := New(Streams{Out: discard{}}, Options{Format: FormatNDJSON, JQ: mustJQ(t, ".id")})
	if err := console.PrintStream(Stream{Rows: rows}); err != nil {
		t.Error(err)
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

func TestJQDoesNotHideABrokenPipe(t *testing.T) {
	console := New(Streams{Out: brokenWriter{}}, Options{JQ: mustJQ(t, ".")})
	if err := console.Print(Document{Data: struct{}{}}); fault.CodeOf(err) != fault.Internal || errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
