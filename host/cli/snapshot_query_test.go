package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// asked is a backend that answers every query alike.
func asked() *fake {
	f := newFake(nil)
	f.files = map[string]string{"rows.ndjson": `{"name":"a","n":1,"p":{"x":[1]}}` + "\n" + `{"name":"b\u001b[31m","n":23456,"p":null}` + "\n"}
	f.answer = &backend.SnapshotQueryResult{
		Columns:  []backend.Column{{Name: "name", Type: "text"}, {Name: "n", Type: "integer"}, {Name: "p", Type: "json"}},
		RowCount: 2, Rows: "rows.ndjson", Snapshot: "snap-2",
	}
	return f
}

func TestSnapshotQueryRequest(t *testing.T) {
	for _, tc := range []struct {
		name  string
		args  []string
		stdin string
		want  *backend.SnapshotQueryRequest // nil if it is refused
		err   string
	}{
		{"SQL", []string{"SELECT 1"}, "", &backend.SnapshotQueryRequest{SQL: "SELECT 1"}, ""},
		{"SQL with all", []string{"SELECT ?", "--snapshot", "snap-1", "--limit", "3", "--format", "csv", "--tenant-id", "t", "a"}, "",
			&backend.SnapshotQueryRequest{SQL: "SELECT ?", Args: []string{"a"}, Snapshot: "snap-1", RowLimit: 3, Format: "csv", TenantID: "t"}, ""},
		{"standard input", []string{"-", "b"}, "SELECT ?\n", &backend.SnapshotQueryRequest{SQL: "SELECT ?\n", Args: []string{"b"}}, ""},
		{"a name", []string{"access-to", "/subscriptions/s", "--snapshot", "@latest"}, "", &backend.SnapshotQueryRequest{Name: "access-to", Args: []string{"/subscriptions/s"}, Snapshot: "snap-2"}, ""},
		{"a list", []string{"--list"}, "", &backend.SnapshotQueryRequest{Name: "queries"}, ""},
		{"nothing", nil, "", nil, "say what to ask"},
		{"a list of something", []string{"--list", "owners"}, "", nil, "--list takes no query"},
		{"less than no rows", []string{"owners", "--limit=-1"}, "", nil, "less than 0"},
		{"another format", []string{"owners", "--format", "xml"}, "", nil, "csv"},
		{"too much", []string{"-"}, strings.Repeat("x", maxQuery+1), nil, "more than 4.2 MB"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := asked()
			r := atg(t, t.Context(), f, []string{"STDIN=" + tc.stdin}, append([]string{"snapshot", "query"}, tc.args...)...)
			if tc.want == nil {
				if r.code != 2 || f.request != nil || !strings.Contains(r.err, tc.err) {
					t.Errorf("%+v", r)
				}
				return
			}
			if diff := cmp.Diff(backend.Request(tc.want), f.request); diff != "" || r.code != 0 {
				t.Errorf("%+v\n%s", r, diff)
			}
		})
	}
}

func TestSnapshotQueryFormats(t *testing.T) {
	const head = `"columns":[{"name":"name","type":"text"},{"name":"n","type":"integer"},{"name":"p","type":"json"}],"row_count":2,"truncated":false,"duration_seconds":0,"snapshot":"snap-2",`
	for _, tc := range []struct{ format, want string }{
		{"table", "name           n  p\na              1  {\"x\":[1]}\nb\\x1b[31m  23456\n"},
		{"ndjson", asked().files["rows.ndjson"]},
		{"json", `{"schema_version":1,` + head + `"rows":[{"name":"a","n":1,"p":{"x":[1]}},{"name":"b\u001b[31m","n":23456,"p":null}]}`},
	} {
		t.Run(tc.format, func(t *testing.T) {
			r := atg(t, t.Context(), asked(), nil, "snapshot", "query", "SELECT 1", "-o", tc.format)
			if tc.format == "json" {
				r.out = strings.NewReplacer("\n", "", " ", "").Replace(r.out)
			}
			if diff := cmp.Diff(tc.want, r.out); diff != "" || r.code != 0 {
				t.Errorf("%d %s\n%s", r.code, r.err, diff)
			}
		})
	}
	f := asked()
	f.answer.Truncated = true
	if r := atg(t, t.Context(), f, nil, "snapshot", "query", "SELECT 1"); r.code != 0 || !strings.Contains(r.out, "--limit was reached") {
		t.Errorf("truncated: %+v", r)
	}
	f = asked()
	f.files = map[string]string{"rows.csv": "name\r\na\r\n"}
	if r := atg(t, t.Context(), f, nil, "snapshot", "query", "SELECT 1", "--format", "csv"); r.code != 0 || r.out != "name\r\na\r\n" {
		t.Errorf("CSV: %+v", r)
	}
	f = asked()
	file := filepath.Join(t.TempDir(), "all.ndjson")
	if r := atg(t, t.Context(), f, nil, "snapshot", "query", "SELECT 1", "--output", file); r.code != 0 {
		t.Errorf("into a file: %+v", r)
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != f.files["rows.ndjson"] {
		t.Errorf("the file has %q, %v", content, err)
	}
}
