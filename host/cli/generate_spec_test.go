package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// specifying is a backend that writes specifications.
func specifying() *fake {
	f := newFake(nil)
	f.files = map[string]string{"spec.md": "# Tenant Contoso\n"}
	f.specification = &backend.SpecGenerationResult{Success: true, Complete: true, Resources: 7, Snapshot: "snap-2"}
	return f
}

func TestGenerateSpecRequest(t *testing.T) {
	for _, tc := range []struct {
		name, args string
		want       *backend.SpecGenerationRequest
	}{
		{"nothing but what is needed", "", &backend.SpecGenerationRequest{}},
		{"everything", "--tenant-id t --snapshot snap-1 --anonymize --resource-group web --tag env=prod --exclude-type a.b/c", &backend.SpecGenerationRequest{
			TenantID: "t", Snapshot: "snap-1", Anonymize: true,
			Filter: backend.Filter{ResourceGroups: []string{"web"}, Tags: map[string]string{"env": "prod"}, ExcludeTypes: []string{"a.b/c"}},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := specifying()
			args := append([]string{"generate-spec", "--output", filepath.Join(t.TempDir(), "c.md")}, strings.Fields(tc.args)...)
			if r := atg(t, t.Context(), f, nil, args...); r.code != 0 {
				t.Fatalf("%+v", r)
			}
			if diff := cmp.Diff(backend.Request(tc.want), f.request); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGenerateSpec(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "contoso.md")
	f := specifying()
	r := atg(t, t.Context(), f, nil, "generate-spec", "--output", file)
	for _, want := range []string{"specification of 7 resources  complete", "contoso.md", "create-tenant " + file + " --dry-run"} {
		if r.code != 0 || !strings.Contains(r.out, want) {
			t.Errorf("exit %d, and %q does not say %q: %s", r.code, r.out, want, r.err)
		}
	}
	content, err := os.ReadFile(file)
	if err != nil || string(content) != f.files["spec.md"] {
		t.Errorf("%q, %v", content, err)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 1 {
		t.Errorf("beside the file there is more: %v", entries)
	}

	f = specifying()
	f.files["spec.md"] = "other"
	if r := atg(t, t.Context(), f, nil, "generate-spec", "--output", file); r.code != 2 || !strings.Contains(r.err, "the output file exists") || f.request != nil {
		t.Errorf("the file is there: %+v", r)
	}
	if r := atg(t, t.Context(), f, nil, "generate-spec", "--output", file, "--force", "-o", "json"); r.code != 0 || !strings.Contains(r.out, `"resources": 7`) {
		t.Errorf("with --force: %+v", r)
	}
	if content, _ := os.ReadFile(file); string(content) != "other" {
		t.Errorf("with --force it holds %q", content)
	}
}

func TestGenerateSpecAnonymized(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "question.md")
	f := specifying()
	f.files["spec.map.json"] = "{}"
	if r := atg(t, t.Context(), f, nil, "generate-spec", "--output", file, "--anonymize"); r.code != 0 || !strings.Contains(r.out, "private map  "+filepath.Join(dir, "question.map.json")) || !strings.Contains(r.out, "do not pass it on") {
		t.Errorf("%+v", r)
	}
	info, err := os.Stat(filepath.Join(dir, "question.map.json"))
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the map: %v, %v", info, err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if r := atg(t, t.Context(), specifying(), nil, "generate-spec", "--output", file); r.code != 0 {
		t.Errorf("a map that nothing replaces is in the way: %+v", r)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	f = specifying()
	f.files["spec.map.json"] = "{}"
	if r := atg(t, t.Context(), f, nil, "generate-spec", "--output", file, "--anonymize"); r.code != 2 || !strings.Contains(r.err, "question.map.json") {
		t.Errorf("a map was replaced without --force: %+v", r)
	}
}

func TestGenerateSpecIncomplete(t *testing.T) {
	f := specifying()
	f.specification.Complete = false
	f.specification.Omitted = []backend.Omitted{{Resource: "/subscriptions/s/providers/a.b/c/d", Reason: "no such type"}}
	r := atg(t, t.Context(), f, nil, "generate-spec", "--output", filepath.Join(t.TempDir(), "c.md"))
	if r.code != 3 || !strings.Contains(r.out, "no such type  d") || !strings.Contains(r.err, "incomplete") {
		t.Errorf("%+v", r)
	}
}
