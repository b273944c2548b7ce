package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

func TestVisualizeRequest(t *testing.T) {
	for _, tc := range []struct {
		name, args string
		want       *backend.VisualizationRequest
	}{
		{"nothing but what is needed", "", &backend.VisualizationRequest{}},
		{"everything", "--tenant-id t --snapshot snap-1 --subscription s --location westeurope --tag env=prod", &backend.VisualizationRequest{
			TenantID: "t", Snapshot: "snap-1",
			Filter: backend.Filter{Subscriptions: []string{"s"}, Locations: []string{"westeurope"}, Tags: map[string]string{"env": "prod"}},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(nil)
			args := append([]string{"visualize", "--output", filepath.Join(t.TempDir(), "c.html")}, strings.Fields(tc.args)...)
			if r := atg(t, t.Context(), f, nil, args...); r.code != 0 {
				t.Fatalf("%+v", r)
			}
			if diff := cmp.Diff(backend.Request(tc.want), f.request); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestVisualize(t *testing.T) {
	file := filepath.Join(t.TempDir(), "contoso.html")
	r := atg(t, t.Context(), newFake(nil), nil, "visualize", "--output", file, "--open")
	for _, want := range []string{"picture of 3 nodes and 0 relationships  complete", "contoso.html"} {
		if r.code != 0 || !strings.Contains(r.out, want) {
			t.Errorf("exit %d, and %q does not say %q: %s", r.code, r.out, want, r.err)
		}
	}
	if !strings.Contains(r.err, "not opened, for nobody is at a terminal") {
		t.Errorf("--open without a terminal: %s", r.err)
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "<html>" {
		t.Errorf("%q, %v", content, err)
	}
	f := newFake(nil)
	if r := atg(t, t.Context(), f, nil, "visualize", "--output", file); r.code != 2 || !strings.Contains(r.err, "the output file exists") || f.request != nil {
		t.Errorf("the file is there: %+v", r)
	}
	if r := atg(t, t.Context(), newFake(nil), nil, "visualize", "--output", file, "--force", "-o", "json"); r.code != 0 || !strings.Contains(r.out, `"nodes": 3`) {
		t.Errorf("with --force: %+v", r)
	}
}

func TestOpener(t *testing.T) {
	for goos, want := range map[string]string{"linux": "xdg-open", "freebsd": "xdg-open", "darwin": "open", "windows": "rundll32 url.dll,FileProtocolHandler"} {
		name, args := opener(goos)
		if got := strings.Join(append([]string{name}, args...), " "); got != want {
			t.Errorf("%s: %s", goos, got)
		}
	}
}
