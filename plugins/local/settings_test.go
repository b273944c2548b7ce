package local_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestConfigureAnswersEveryProblemAtOnce(t *testing.T) {
	bare(t)
	err := local.New().Configure(t.Context(), backend.Settings{
		"cluod": "public", "something": 1, "auth": "password", "parallelism": 0, "max_rps": "fast", "throttle_patience": "forever",
		"client_secret": 5, "tenant_id": "common", "ca_file": "/nowhere/ca.pem", "store_dir": "\x00",
	})
	f := fault.As(err)
	if f == nil || f.Code != fault.ConfigInvalid {
		t.Fatalf("Configure = %v", err)
	}
	got := map[string]string{}
	for _, p := range f.Problems {
		got[p.Key] = p.Hint
	}
	for key, hint := range map[string]string{
		"cluod": "did you mean cloud?", "something": "", "auth": "one of auto, env, cli", "parallelism": "from 1 to 64", "max_rps": "a number",
		"throttle_patience": "90s or 5m", "client_secret": "a text", "tenant_id": "a domain", "ca_file": "",
	} {
		if at, ok := got[key]; !ok || !strings.Contains(at, hint) {
			t.Errorf("problem with %s: %q, want %q", key, at, hint)
		}
	}
}

func TestSettingsInEveryForm(t *testing.T) {
	bare(t)
	for name, settings := range map[string]backend.Settings{
		"as JSON":            {"parallelism": 4.0, "max_rps": 2.5, "throttle_patience": 300.0},
		"as YAML":            {"parallelism": 4, "max_rps": 2, "throttle_patience": 300},
		"as text":            {"parallelism": "4", "max_rps": "2.5", "throttle_patience": "5m"},
		"as JSON's numbers":  {"parallelism": json.Number("4"), "throttle_patience": json.Number("300")},
		"seconds as text":    {"throttle_patience": "300"},
		"nothing is nothing": {"parallelism": nil, "client_secret": nil},
		"none":               nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_DATA_HOME", t.TempDir())
			b := local.New()
			if err := b.Configure(t.Context(), settings); err != nil {
				t.Errorf("Configure = %v, %+v", err, fault.As(err).Problems)
			}
			if err := b.Configure(t.Context(), settings); fault.CodeOf(err) != fault.Conflict {
				t.Errorf("a second Configure = %v", err)
			}
		})
	}
}

func TestTheSchema(t *testing.T) {
	d, err := local.New().Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]struct {
			Description string
			WriteOnly   bool
			Default     any
			Enum        []string
			Minimum     *float64
		}
	}
	if err := json.Unmarshal(d.SettingsSchema, &schema); err != nil {
		t.Fatal(err)
	}
	var secrets []string
	for name, p := range schema.Properties {
		if p.WriteOnly {
			secrets = append(secrets, name)
		}
		if strings.Contains(name, "secret") && !p.WriteOnly || p.Description == "" {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if len(secrets) != 2 {
		t.Errorf("secrets = %v", secrets)
	}
	if p := schema.Properties["parallelism"]; p.Default != 8.0 || *p.Minimum != 1 {
		t.Errorf("parallelism = %+v", p)
	}
	if d := cmp.Diff([]string{"public", "usgovernment", "china", "custom"}, schema.Properties["cloud"].Enum); d != "" {
		t.Error(d)
	}
}

func TestBeforeConfigure(t *testing.T) {
	b := local.New()
	_, submit := b.Submit(t.Context(), backend.Submission{Request: &backend.ScanRequest{}})
	_, can := b.Capabilities(t.Context())
	_, list := b.(backend.SnapshotStore).ListSnapshots(t.Context(), backend.SnapshotFilter{})
	_, get := b.(backend.SnapshotStore).GetSnapshot(t.Context(), "x")
	_, fetch := b.(backend.SnapshotStore).FetchSnapshot(t.Context(), "x", t.TempDir(), func(backend.Progress) {})
	remove := b.(backend.SnapshotStore).DeleteSnapshot(t.Context(), "x")
	for call, err := range map[string]error{"submit": submit, "capabilities": can, "list": list, "get": get, "fetch": fetch, "delete": remove} {
		if fault.CodeOf(err) != fault.Conflict {
			t.Errorf("%s = %v", call, err)
		}
	}
	if h := b.CheckHealth(t.Context()); h.Healthy || h.Message == "" {
		t.Errorf("health = %+v", h)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSnapshotsGoWhereTheSystemKeepsData(t *testing.T) {
	home := t.TempDir()
	bare(t)
	t.Setenv("XDG_DATA_HOME", home)
	b := start(t, backend.Settings{"auth": "env"})
	found := ""
	for _, d := range b.CheckHealth(t.Context()).Dependencies {
		if d.Name == "snapshot store" {
			found = d.Message
		}
	}
	if want := filepath.Join(home, "atg", "snapshots"); found != want {
		t.Errorf("store = %q, want %q", found, want)
	}
}
