package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestSnapshots(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.db")
	for _, tc := range []struct {
		args string
		code int
		out  []string
		err  string
	}{
		{"snapshot list", 0, []string{"snap-2", "Contoso", "complete", "snap-1", "incomplete"}, "snapshot bad cannot be read: cut short"},
		{"-q snapshot list -o ndjson", 0, []string{`{"schema_version":1,"id":"snap-2"`, `"id":"snap-1"`}, ""},
		{"-q snapshot list --limit 1 -o json", 0, []string{`"snapshots": [`, "snap-2"}, ""},
		{"snapshot show", 0, []string{"snap-2", "microsoft.web/sites"}, ""},
		{"snapshot show snap-1 -o json", 0, []string{`"id": "snap-1"`}, ""},
		{"snapshot show nope", 2, nil, "no snapshot nope"},
		{"snapshot pull --file " + file, 0, []string{file}, ""},
		{"snapshot pull --file " + file, 2, nil, "--force"},
		{"snapshot pull --force -o json --file " + file, 0, []string{`"id": "snap-2"`, `"size": 4`}, ""},
		{"snapshot pull ../x", 2, nil, "--file"},
		{"snapshot delete snap-1", 2, nil, "--yes"},
		{"--no-input snapshot delete snap-1", 2, nil, "--yes"},
		{"snapshot delete snap-1 nope --yes", 2, nil, "no snapshot nope"},
		{"snapshot delete snap-1 snap-2 --yes", 0, []string{"deleted snap-1", "deleted snap-2"}, ""},
	} {
		t.Run(tc.args, func(t *testing.T) {
			f := newFake(nil)
			r := atg(t, t.Context(), f, nil, strings.Fields(tc.args)...)
			if r.code != tc.code || (r.err == "") != (tc.err == "") || !strings.Contains(r.err, tc.err) {
				t.Errorf("%+v", r)
			}
			for _, w := range tc.out {
				if !strings.Contains(r.out, w) {
					t.Errorf("%q does not say %q", r.out, w)
				}
			}
			if left := 2 - strings.Count(r.out, "deleted"); len(f.snapshots) != left {
				t.Errorf("%d snapshots are left, want %d", len(f.snapshots), left)
			}
			if strings.Contains(tc.args, "--limit 1") && strings.Contains(r.out, "snap-1") {
				t.Errorf("more than the limit: %q", r.out)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		f := newFake(nil)
		f.snapshots = nil
		if r := atg(t, t.Context(), f, nil, "snapshot", "show"); r.code != 2 || !strings.Contains(r.err, "atg scan") {
			t.Errorf("%+v", r)
		}
		if r := atg(t, t.Context(), f, nil, "snapshot", "list"); r.code != 0 || !strings.Contains(r.out, "no snapshots yet") {
			t.Errorf("%+v", r)
		}
	})
}

func TestHealth(t *testing.T) {
	f := newFake(nil)
	if r := atg(t, t.Context(), f, nil, "health"); r.code != 0 || !strings.Contains(r.out, "backend local: healthy") {
		t.Errorf("%+v", r)
	}
	f.health = backend.Health{Dependencies: []backend.Dependency{{Name: "credential", Fault: fault.New(fault.AzureAuthRequired, "none", fault.Hint("az login"))}}}
	if r := atg(t, t.Context(), f, nil, "health"); r.code != 5 || !strings.Contains(r.out, "az login") || !strings.Contains(r.err, "not healthy") {
		t.Errorf("%+v", r)
	}
	if r := atg(t, t.Context(), f, nil, "health", "-o", "json"); r.code != 5 || !strings.Contains(r.out, `"healthy": false`) || !strings.Contains(r.out, `"backend": "local"`) {
		t.Errorf("%+v", r)
	}
}

func TestConfigCommands(t *testing.T) {
	file := filepath.Join(t.TempDir(), "atg.yaml")
	for _, tc := range []struct {
		args string
		code int
		out  string
	}{
		{"config path", 0, file},
		{"config init", 0, file},
		{"config init", 2, ""},
		{"config init --force", 0, file},
		{"config init --stdout", 0, "backend"},
		{"config validate", 0, "valid"},
		{"config show -o json", 0, `"values"`},
	} {
		r := atg(t, t.Context(), newFake(nil), nil, append([]string{"--config", file}, strings.Fields(tc.args)...)...)
		if r.code != tc.code || !strings.Contains(r.out, tc.out) {
			t.Errorf("%s: %+v", tc.args, r)
		}
	}
	if err := os.WriteFile(file, []byte("bakend: local\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"config validate", "config show", "scan", "backend list"} {
		r := atg(t, t.Context(), newFake(nil), nil, append([]string{"--config", file}, strings.Fields(args)...)...)
		if r.code != 2 || !strings.Contains(r.err, "backend") || !strings.Contains(r.err, "line 1") {
			t.Errorf("%s: %+v", args, r)
		}
	}
}

func TestExtensionName(t *testing.T) {
	var g grammar
	parser, err := newParser(&g, nil)
	if err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{"hello --x": "hello", "scan": "", "--backend x hello": "", "": "", "server start": "server", "help": ""} {
		if got, _ := extensionName(parser.Model.Node, strings.Fields(args)); got != want {
			t.Errorf("%q: got %q, want %q", args, got, want)
		}
	}
	var stderr bytes.Buffer
	code := Main(t.Context(), Process{Args: []string{"sacn"}, Streams: ui.Streams{Out: &stderr, Err: &stderr}})
	if code != 2 || !strings.Contains(stderr.String(), "scan") {
		t.Errorf("exit %s, %q", strconv.Itoa(code), stderr.String())
	}
}
