package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// walked is a backend that answers paths and reaches.
func walked() *fake {
	f := newFake(nil)
	f.path = &backend.SnapshotPathResult{Complete: true, From: "/a", To: "/c", Truncated: true, Paths: []backend.Path{
		{Steps: []backend.Step{
			{From: "/a", FromName: "ada", FromType: "user", To: "/b", ToName: "Admins", ToType: "group", Relationship: "MEMBER_OF", Property: "members"},
			{From: "/b", FromName: "Admins", FromType: "group", To: "/c", ToName: "", ToType: "key vault", ToState: "missing", Relationship: "HAS_ROLE", Detail: "Reader", Against: true},
		}},
		{Steps: []backend.Step{{From: "/a", FromName: "ada", To: "/c", ToName: "safe\x1b[31m", Relationship: "USES_VAULT", Property: "properties.uri"}}},
	}}
	f.reach = &backend.SnapshotReachResult{Complete: true, Reached: 1, Nodes: "nodes.ndjson"}
	f.files = map[string]string{"nodes.ndjson": `{"hops":1,"access":"owner","id":"/b","kind":"resource","name":"safe","type":"microsoft.keyvault/vaults","via":"/a","via_name":"ada","relationship":"HAS_ROLE","role":"Owner"}` + "\n"}
	return f
}

func TestSnapshotPath(t *testing.T) {
	f := walked()
	r := atg(t, t.Context(), f, nil, "snapshot", "path", "ada", "safe", "--max-hops", "4", "--snapshot", "snap-1", "--tenant-id", "t")
	want := `path 1 of 2
ada  user
  → MEMBER_OF  members
Admins  group
  ← HAS_ROLE Reader
/c  key vault  missing

path 2 of 2
ada
  → USES_VAULT  uri
safe\x1b[31m

there are more paths of this length
`
	if diff := cmp.Diff(want, r.out); diff != "" || r.code != 0 {
		t.Errorf("%+v\n%s", r, diff)
	}
	if diff := cmp.Diff(backend.Request(&backend.SnapshotPathRequest{TenantID: "t", Snapshot: "snap-1", From: "ada", To: "safe", MaxHops: 4}), f.request); diff != "" {
		t.Error(diff)
	}
	f = walked()
	f.path.Paths = []backend.Path{}
	if r := atg(t, t.Context(), f, nil, "snapshot", "path", "ada", "safe"); r.code != 0 || r.out != "no path from /a to /c\n" {
		t.Errorf("%+v", r)
	}
	f = walked()
	f.path.Paths, f.path.Complete = []backend.Path{}, false
	if r := atg(t, t.Context(), f, nil, "snapshot", "path", "ada", "safe", "-o", "json"); r.code != 3 || !strings.Contains(r.out, `"paths": []`) {
		t.Errorf("a snapshot with gaps: %+v", r)
	}
	for _, args := range []string{"ada", "ada b c", "ada b --max-hops 0"} {
		if r := atg(t, t.Context(), walked(), nil, append([]string{"snapshot", "path"}, strings.Fields(args)...)...); r.code != 2 {
			t.Errorf("%s: %+v", args, r)
		}
	}
}

func TestSnapshotReach(t *testing.T) {
	f := walked()
	r := atg(t, t.Context(), f, nil, "snapshot", "reach", "ada", "--max-hops", "2")
	want := "HOPS  ACCESS  NAME  TYPE                       BY        ROLE   VIA\n   1  owner   safe  microsoft.keyvault/vaults  HAS_ROLE  Owner  ada\n"
	if diff := cmp.Diff(want, r.out); diff != "" || r.code != 0 {
		t.Errorf("%+v\n%s", r, diff)
	}
	if diff := cmp.Diff(backend.Request(&backend.SnapshotReachRequest{Node: "ada", MaxHops: 2}), f.request); diff != "" {
		t.Error(diff)
	}
	if r := atg(t, t.Context(), walked(), nil, "snapshot", "reach", "ada", "-o", "json"); r.code != 0 || !strings.Contains(r.out, `"reached": 1`) || !strings.Contains(r.out, `"via_name": "ada"`) {
		t.Errorf("%+v", r)
	}
}
