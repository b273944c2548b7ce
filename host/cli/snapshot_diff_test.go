package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// comparing is a backend that compares snapshots, of which it has five.
func comparing() *fake {
	f := newFake(nil)
	day := func(d int) time.Time { return time.Date(2026, 9, d, 0, 0, 0, 0, time.UTC) }
	f.snapshots = []backend.Snapshot{
		{ID: "20260905-a", TenantID: "t", CreatedAt: day(5), Complete: true, Filtered: true}, {ID: "20260904-b", TenantID: "t", CreatedAt: day(4), Complete: true},
		{ID: "20260903-c", TenantID: "t", CreatedAt: day(3)}, {ID: "20260902-d", TenantID: "t", CreatedAt: day(2), Complete: true},
		{ID: "20260902-e", TenantID: "t", CreatedAt: day(2), Complete: true},
	}
	f.files = map[string]string{"changes.ndjson": `{"change":"added","kind":"resource","id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/new","name":"new","type":"microsoft.web/sites"}
{"change":"removed","kind":"resource","id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/old","name":"old","type":"microsoft.web/sites"}
`}
	f.difference = &backend.SnapshotDiffResult{Complete: true, Added: 1, Removed: 1, Changes: "changes.ndjson"}
	return f
}

func TestSnapshotDiffRequest(t *testing.T) {
	for _, tc := range []struct {
		args string
		want *backend.SnapshotDiffRequest // nil if it is refused
		err  string
	}{
		{"", &backend.SnapshotDiffRequest{Before: "20260902-d", After: "20260904-b"}, ""},
		{"20260903", &backend.SnapshotDiffRequest{Before: "20260903-c", After: "20260904-b"}, ""},
		{"20260902-E 20260905-a", &backend.SnapshotDiffRequest{Before: "20260902-e", After: "20260905-a"}, ""},
		{"@latest @previous --tenant-id t --resource-group web --format markdown", &backend.SnapshotDiffRequest{
			TenantID: "t", Before: "20260904-b", After: "20260902-d", Format: "markdown", Filter: backend.Filter{ResourceGroups: []string{"web"}},
		}, ""},
		{"nope", &backend.SnapshotDiffRequest{Before: "nope", After: "20260904-b"}, ""}, // the backend says what is wrong
		{"20260902", nil, "begins the ids of 2 snapshots"},
		{"--format xml", nil, "markdown"},
	} {
		t.Run(tc.args, func(t *testing.T) {
			f := comparing()
			r := atg(t, t.Context(), f, nil, append([]string{"snapshot", "diff"}, strings.Fields(tc.args)...)...)
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
	f := comparing()
	f.snapshots = f.snapshots[:2]
	if r := atg(t, t.Context(), f, nil, "snapshot", "diff"); r.code != 2 || !strings.Contains(r.err, "needs 2 snapshots of the tenant") {
		t.Errorf("with one complete snapshot: %+v", r)
	}
}

func TestSnapshotDiffExit(t *testing.T) {
	none := func(r *backend.SnapshotDiffResult) { r.Added, r.Removed = 0, 0 }
	unknown := func(r *backend.SnapshotDiffResult) { r.Complete, r.Unknown = false, 3 }
	for _, tc := range []struct {
		name, args string
		result     func(*backend.SnapshotDiffResult)
		code       int
	}{
		{"differences that nobody asked about", "", nil, 0},
		{"differences", "--exit-code", nil, 8},
		{"none", "--exit-code", none, 0},
		{"incomplete wins", "--exit-code", unknown, 3},
		{"of a job that was left alone", "--detach", nil, 2},
		{"incomplete without differences", "", func(r *backend.SnapshotDiffResult) { none(r); unknown(r) }, 3},
	} {
		for _, format := range []string{"table", "json", "yaml", "ndjson"} {
			t.Run(tc.name+" "+format, func(t *testing.T) {
				f := comparing()
				if tc.result != nil {
					tc.result(f.difference)
				}
				r := atg(t, t.Context(), f, nil, append([]string{"snapshot", "diff", "-o", format}, strings.Fields(tc.args)...)...)
				if r.code != tc.code || tc.code != 2 && !strings.Contains(r.out, "sites/new") && !strings.Contains(r.out, "+ new") {
					t.Errorf("%+v", r)
				}
				if said := "3 changes are unknown"; tc.code == 3 && !strings.Contains(r.err, said) {
					t.Errorf("it does not say %q: %s", said, r.err)
				}
			})
		}
	}
}

func TestSnapshotDiffIntoFile(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TEMP", temp)
	t.Setenv("TMP", temp)
	file := filepath.Join(t.TempDir(), "changes.ndjson")
	f := comparing()
	want := f.files["changes.ndjson"]
	r := atg(t, t.Context(), f, nil, "snapshot", "diff", "--output", file, "--exit-code")
	if content, err := os.ReadFile(file); r.code != 8 || err != nil || string(content) != want || strings.Contains(r.out, "microsoft.web") || !strings.Contains(r.out, file) {
		t.Errorf("%+v: %q, %v", r, content, err)
	}
	f = comparing()
	if r := atg(t, t.Context(), f, nil, "snapshot", "diff", "--output", file); r.code != 2 || f.request != nil || !strings.Contains(r.err, "the output file exists") {
		t.Errorf("the file is there: %+v", r)
	}
	if r := atg(t, t.Context(), comparing(), nil, "snapshot", "diff", "-o", "ndjson"); r.code != 0 || r.out != want {
		t.Errorf("NDJSON is not what the backend wrote: %+v", r)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 1 { // the fake's own folder
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}

func TestSnapshotDiffMarkdown(t *testing.T) {
	f := comparing()
	f.files = map[string]string{"changes.md": "# Changes\n"}
	if r := atg(t, t.Context(), f, nil, "snapshot", "diff", "--format", "markdown"); r.code != 0 || r.out != "# Changes\n" {
		t.Errorf("%+v", r)
	}
}

func TestSnapshotDiffNDJSON(t *testing.T) {
	f := comparing()
	if r := atg(t, t.Context(), f, nil, "snapshot", "diff", "--format", "ndjson"); r.code != 0 || r.out != f.files["changes.ndjson"] {
		t.Errorf("%+v", r)
	}
}

func TestSnapshotDiffRefusesWhatIsNoRow(t *testing.T) {
	for _, format := range []string{"table", "json", "yaml", "ndjson"} {
		f := comparing()
		f.files["changes.ndjson"] += "[]\n"
		if r := atg(t, t.Context(), f, nil, "snapshot", "diff", "-o", format); r.code != 7 || !strings.Contains(r.err, "line 3 of the rows") {
			t.Errorf("%s: %+v", format, r)
		}
	}
}

func TestSnapshotDiffAsAJob(t *testing.T) {
	f := comparing()
	f.durable = true
	r := atg(t, t.Context(), f, nil, "snapshot", "diff", "--detach", "-o", "json")
	if r.code != 0 || !strings.Contains(r.out, `"reattach": "atg --backend fake job watch`) && !strings.Contains(r.out, "job watch") {
		t.Fatalf("%+v", r)
	}
	id := regexp.MustCompile(`"job_id": "([^"]+)"`).FindStringSubmatch(r.out)[1]
	watched := atg(t, t.Context(), f, nil, "job", "watch", id)
	if watched.code != 0 || !strings.Contains(watched.out, "+ 1 added  - 1 removed") || !strings.Contains(watched.out, "job download "+id) {
		t.Errorf("%+v", watched)
	}
	dir := t.TempDir()
	if r := atg(t, t.Context(), f, nil, "job", "download", id, "--output-dir", dir); r.code != 0 || !strings.Contains(r.out, "changes.ndjson") {
		t.Errorf("%+v", r)
	}
}
