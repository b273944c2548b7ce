package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// exporting is a backend that exports snapshots.
func exporting() *fake {
	f := newFake(nil)
	f.export = &backend.SnapshotExportResult{Format: "jsonl", Complete: true, Nodes: 3, Edges: 1, Redacted: 1, Snapshot: "snap-2"}
	f.files = map[string]string{"graph.jsonl": "{}\n", "graph.map.json": "{}"}
	return f
}

func TestSnapshotExport(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "mine.jsonl")
	f := exporting()
	r := atg(t, t.Context(), f, nil, "snapshot", "export", "--format", "jsonl", "--output", file, "--pseudonymize", "--resource-group", "web", "--snapshot", "snap-2", "--tenant-id", "t")
	for _, want := range []string{"jsonl of 3 nodes and 1 relationship  complete", "file         " + file, "private map  " + filepath.Join(dir, "mine.map.json"), "left out     1 value that", "do not pass it on"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("%q is not in %s", want, r.out)
		}
	}
	if content, err := os.ReadFile(file); r.code != 0 || err != nil || string(content) != "{}\n" {
		t.Errorf("%+v: %q, %v", r, content, err)
	}
	want := &backend.SnapshotExportRequest{TenantID: "t", Snapshot: "snap-2", Format: "jsonl", Pseudonymize: true, Filter: backend.Filter{ResourceGroups: []string{"web"}}}
	if diff := cmp.Diff(backend.Request(want), f.request); diff != "" {
		t.Error(diff)
	}
	for args, said := range map[string]string{
		"--format jsonl --output " + file:          "the output file exists",
		"--format neo4j-csv --output x":            "more than one file",
		"--format jsonl":                           "--output",
		"--format jsonl --output x --output-dir y": "--output",
		"--format word --output x":                 "neo4j-csv",
		"--output x":                               "--format",
	} {
		f := exporting()
		if r := atg(t, t.Context(), f, nil, append([]string{"snapshot", "export"}, strings.Fields(args)...)...); r.code != 2 || f.request != nil || !strings.Contains(r.err, said) {
			t.Errorf("%s: %+v", args, r)
		}
	}
	f = exporting()
	f.export.Complete = false
	if r := atg(t, t.Context(), f, nil, "snapshot", "export", "--format", "jsonl", "--output-dir", filepath.Join(dir, "all"), "-o", "json"); r.code != 3 || !strings.Contains(r.out, `"complete": false`) {
		t.Errorf("%+v", r)
	}
}
