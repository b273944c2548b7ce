package config_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// home is an environment whose configuration file holds content.
func home(t *testing.T, content string, environ ...string) config.Options {
	t.Helper()
	dir := t.TempDir()
	environ = append([]string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "AppData=" + dir}, environ...)
	name := configFile(t, environ)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Options{Environ: environ}
}

func configFile(t *testing.T, environ []string) string {
	t.Helper()
	paths, err := config.FindPaths("", environ)
	if err != nil {
		t.Fatal(err)
	}
	return paths.Config
}

func load(t *testing.T, o config.Options) *config.Config {
	t.Helper()
	c, err := config.Load(o)
	if err != nil {
		t.Fatalf("Load: %v %+v", err, fault.Of(err).Problems)
	}
	return c
}

func TestDefaults(t *testing.T) {
	c := load(t, config.Options{Environ: []string{"HOME=" + t.TempDir()}})
	if c.Backend != config.Local || c.IsRemoteMode() || c.Fallback != "" || !c.ShowProgress || c.ProgressUpdateInterval != 2*time.Second || c.File != "" {
		t.Errorf("defaults = %+v", c)
	}
}

func TestPrecedence(t *testing.T) {
	const file = `
tenant_id: file
backends: {local: {settings: {cloud: china, parallelism: 4}}}
profiles:
  prod: {tenant_id: profile, backends: {local: {settings: {cloud: usgovernment}}}}
`
	cases := map[string]struct {
		options       func(*config.Options)
		tenant, cloud string
		source        string
	}{
		"file":         {func(*config.Options) {}, "file", "china", ":2"},
		"azure's own":  {func(o *config.Options) { o.Environ = append(o.Environ, "AZURE_TENANT_ID=azure") }, "file", "china", ":2"},
		"profile":      {func(o *config.Options) { o.Flags.Profile = "prod" }, "profile", "usgovernment", "profile prod"},
		"profile, env": {func(o *config.Options) { o.Environ = append(o.Environ, "ATG_PROFILE=prod") }, "profile", "usgovernment", "profile prod"},
		"environment": {func(o *config.Options) {
			o.Flags.Profile = "prod"
			o.Environ = append(o.Environ, "ATG_TENANT_ID=env")
		}, "env", "usgovernment", "environment ATG_TENANT_ID"},
		"flag": {func(o *config.Options) {
			o.Environ = append(o.Environ, "ATG_TENANT_ID=env")
			o.Flags.TenantID = "flag"
		}, "flag", "china", "flag --tenant-id"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := home(t, file)
			c.options(&o)
			got := load(t, o)
			if got.TenantID != c.tenant || got.Settings("local")["cloud"] != c.cloud || got.Settings("local")["parallelism"] != 4 {
				t.Errorf("tenant %q, settings %v", got.TenantID, map[string]any(got.Settings("local")))
			}
			for _, v := range got.Values(nil) {
				if v.Key == "tenant_id" && !strings.Contains(v.Source, c.source) {
					t.Errorf("the tenant comes from %q, want %q", v.Source, c.source)
				}
			}
		})
	}
	only := load(t, config.Options{Environ: []string{"HOME=" + t.TempDir(), "AZURE_TENANT_ID=azure"}})
	if only.TenantID != "azure" {
		t.Errorf("AZURE_TENANT_ID alone: %q", only.TenantID)
	}
}

func TestModes(t *testing.T) {
	const ready = "backends: {remote: {settings: {service_url: https://atg.example.com, api_key_file: /k}}}\n"
	key := "ATG_API_KEY=k"
	cases := map[string]struct {
		file    string
		environ []string
		flag    string
		remote  bool
		want    string
		fault   bool
	}{
		"nothing":                      {want: "local"},
		"a URL and a key alone":        {environ: []string{"ATG_SERVICE_URL=https://x", key}, want: "local"},
		"file":                         {file: ready + "backend: remote\n", environ: []string{key}, want: "remote"},
		"environment":                  {file: ready, environ: []string{"ATG_BACKEND=remote", key}, want: "remote"},
		"mode variable":                {file: ready, environ: []string{"ATG_REMOTE_MODE=true", key}, want: "remote"},
		"--remote":                     {file: ready, environ: []string{key}, remote: true, want: "remote"},
		"--backend remote":             {file: ready, environ: []string{key}, flag: "remote", want: "remote"},
		"false means local":            {file: ready + "backend: remote\n", environ: []string{"ATG_REMOTE_MODE=false"}, want: "local"},
		"the flag wins":                {file: ready + "backend: remote\n", environ: []string{key}, flag: "acme", want: "acme"},
		"without a URL":                {environ: []string{key, "ATG_BACKEND=remote"}, fault: true},
		"without a key":                {file: ready, environ: []string{"ATG_BACKEND=remote"}, fault: true},
		"two flags":                    {remote: true, flag: "local", fault: true},
		"two flags that agree":         {file: ready, environ: []string{key}, remote: true, flag: "remote", want: "remote"},
		"two variables":                {environ: []string{"ATG_BACKEND=acme", "ATG_REMOTE_MODE=true"}, fault: true},
		"two variables, one is false":  {environ: []string{"ATG_BACKEND=remote", "ATG_REMOTE_MODE=false"}, fault: true},
		"two variables that agree":     {environ: []string{"ATG_BACKEND=local", "ATG_REMOTE_MODE=false"}, want: "local"},
		"a mode that is neither":       {environ: []string{"ATG_REMOTE_MODE=maybe"}, fault: true},
		"a name that is none":          {environ: []string{"ATG_BACKEND=../x"}, fault: true},
		"a higher layer may disagree":  {environ: []string{"ATG_BACKEND=acme"}, flag: "local", want: "local"},
		"an empty variable is absent":  {environ: []string{"ATG_BACKEND="}, want: "local"},
		"the environment beats a file": {file: "backend: acme\n", environ: []string{"ATG_BACKEND=local"}, want: "local"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := home(t, c.file, c.environ...)
			o.Flags.Remote, o.Flags.Backend = c.remote, c.flag
			got, err := config.Load(o)
			if err == nil {
				err = got.CheckRemote()
			}
			if c.fault {
				if fault.CodeOf(err) != fault.ConfigInvalid {
					t.Errorf("Load = %v", err)
				}
				return
			}
			if err != nil || got.Backend != c.want || got.IsRemoteMode() != (c.want == "remote") {
				t.Errorf("backend = %+v, %v", got, err)
			}
		})
	}
}

func TestWhatIsWrongWithAFile(t *testing.T) {
	cases := map[string]struct {
		content string
		want    fault.Problem
	}{
		"unknown key":         {"backend: local\nbackends:\n  local:\n    setings: {}\n", fault.Problem{Key: "backends.local.setings", Hint: `did you mean "settings"?`, Line: 4}},
		"unknown, far off":    {"zzz: 1\n", fault.Problem{Key: "zzz", Hint: "known keys are backend", Line: 1}},
		"wrong type":          {"show_progress: [1]\n", fault.Problem{Key: "show_progress", Message: "must be true or false, but is a list", Line: 1}},
		"not a duration":      {"progress_update_interval: soon\n", fault.Problem{Key: "progress_update_interval", Message: "is no duration", Line: 1}},
		"out of bounds":       {"progress_update_interval: 1ms\n", fault.Problem{Key: "progress_update_interval", Message: "out of bounds"}},
		"a list for a map":    {"backends: [local]\n", fault.Problem{Key: "backends", Message: "a mapping", Line: 1}},
		"not YAML":            {"backend: [\n", fault.Problem{Message: "line"}},
		"not a mapping":       {"- a\n", fault.Problem{Message: "keys and values", Line: 1}},
		"a key twice":         {"backend: a\nbackend: b\n", fault.Problem{Message: "backend", Line: 2}},
		"in a profile":        {"profiles:\n  p:\n    tenant: x\n", fault.Problem{Key: "profiles.p.tenant", Hint: `did you mean "tenant_id"?`, Line: 3}},
		"a fallback":          {"fallback: remote\n", fault.Problem{Key: "fallback", Hint: "none or local"}},
		"a digest that isn't": {"backends: {acme: {sha256: abc}}\n", fault.Problem{Key: "backends.acme.sha256", Message: "no SHA-256"}},
		"a name that isn't":   {"backends: {ACME: {}}\n", fault.Problem{Key: "backends.ACME", Message: "no name"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(home(t, c.content))
			f := fault.As(err)
			if f == nil || f.Code != fault.ConfigInvalid || len(f.Problems) != 1 {
				t.Fatalf("Load = %v, %+v", err, f)
			}
			p := f.Problems[0]
			if p.Key != c.want.Key || !strings.Contains(p.Message, c.want.Message) || !strings.Contains(p.Hint, c.want.Hint) || c.want.Line != 0 && p.Line != c.want.Line {
				t.Errorf("problem = %+v, want %+v", p, c.want)
			}
		})
	}
}

func TestEveryProblemAtOnce(t *testing.T) {
	_, err := config.Load(home(t, "backnd: x\nshow_progress: 3\ntenant_id: [a]\n"))
	if f := fault.As(err); f == nil || len(f.Problems) != 3 {
		t.Errorf("Load = %v, %+v", err, f)
	}
	_, err = config.Load(home(t, "", "ATG_MAX_RETRIES=many", "ATG_REQUEST_TIMEOUT=long"))
	if f := fault.As(err); f == nil || len(f.Problems) != 2 {
		t.Errorf("Load = %v, %+v", err, f)
	}
}

func TestProblemsOfAllLayersAtOnce(t *testing.T) {
	o := home(t, "show_progress: 3\n", "ATG_MAX_RETRIES=many", "ATG_BACKEND=acme", "ATG_REMOTE_MODE=true")
	o.Flags = config.Flags{Remote: true, Backend: "local", Profile: "nowhere"}
	_, err := config.Load(o)
	var keys []string
	for _, p := range fault.Of(err).Problems {
		keys = append(keys, p.Key)
	}
	want := []string{"show_progress", "ATG_MAX_RETRIES", "ATG_REMOTE_MODE", "--remote", "--profile"}
	if d := cmp.Diff(want, keys); d != "" {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}

func TestAMachineWithoutAHome(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll(".config/atg", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(".config/atg/config.yaml", []byte("backend: stranger"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c := load(t, config.Options{}); c.Backend != config.Local || c.File != "" {
		t.Errorf("the current folder was taken for a home: %+v", c)
	}
	if _, err := config.FindPaths("", nil); fault.CodeOf(err) != fault.ConfigInvalid {
		t.Errorf("FindPaths = %v", err)
	}
	if p, err := config.FindPaths("named.yaml", []string{"HOME=/h", "AppData=/h", "LocalAppData=/h", "ATG_CONFIG=other", "XDG_CACHE_HOME=relative"}); err != nil || p.Config != "named.yaml" || !strings.HasPrefix(filepath.ToSlash(p.Cache), "/h") {
		t.Errorf("FindPaths = %+v, %v", p, err)
	}
}

func TestPathsOfPrograms(t *testing.T) {
	o := home(t, "backends: {a: {path: bin/a}, b: {path: ~/b}, c: {path: }}")
	c := load(t, o)
	dir := filepath.Dir(filepath.Dir(c.File))
	want := map[string]string{"a": filepath.Join(dir, "atg", "bin", "a"), "b": filepath.Join(dir, "b"), "c": ""}
	for name, path := range want {
		if got := c.Backends[name].Path; got != path {
			t.Errorf("%s is at %q, want %q", name, got, path)
		}
	}
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	missing := config.Options{Flags: config.Flags{Config: filepath.Join(t.TempDir(), "nothing.yaml")}}
	if _, err := config.Load(missing); fault.CodeOf(err) != fault.ConfigInvalid || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a named file that is not there: %v", err)
	}
	if _, err := config.Load(config.Options{Flags: config.Flags{Config: t.TempDir()}}); fault.CodeOf(err) != fault.ConfigInvalid {
		t.Errorf("a folder: %v", err)
	}
	if _, err := config.Load(home(t, "#"+strings.Repeat("x", 2<<20))); fault.CodeOf(err) != fault.ConfigInvalid {
		t.Errorf("a huge file: %v", err)
	}
	o := home(t, "profiles: {a: {}, b: {}}")
	o.Flags.Profile = "c"
	if _, err := config.Load(o); fault.CodeOf(err) != fault.ConfigInvalid || fault.As(err).Problems[0].Hint != "there are a, b" || fault.As(err).Problems[0].Key != "--profile" {
		t.Errorf("an unknown profile: %v", err)
	}
}

func TestASecretInAFileThatOthersCanRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // its modes say nothing about who can read
	}
	const content = "backends:\n  acme:\n    settings:\n      client_secret: hunter2\n      client_secret_file: /x\n"
	o := home(t, content)
	load(t, o)
	name := configFile(t, o.Environ)
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(o)
	f := fault.As(err)
	if f == nil || f.Code != fault.ConfigInvalid || f.Hint != "chmod 600 "+name || f.Problems[0].Line != 4 || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Load = %v, %+v", err, f)
	}
	if err := os.WriteFile(name, []byte("backends: {acme: {settings: {client_secret_file: /x}}}"), 0o640); err != nil {
		t.Fatal(err)
	}
	load(t, o)
}

func TestValuesRedact(t *testing.T) {
	o := home(t, "backends: {acme: {settings: {url: u, key: k}}, other: {settings: {url: u}}}", "ATG_API_KEY=hunter2")
	schema := json.RawMessage(`{"properties":{"url":{},"key":{"writeOnly":true}}}`)
	got := map[string]any{}
	for _, v := range load(t, o).Values(map[string]json.RawMessage{"acme": schema}) {
		if strings.Contains(v.Key, ".settings.") {
			got[v.Key] = v.Value
		}
	}
	want := map[string]any{
		"backends.acme.settings.url": "u", "backends.acme.settings.key": "[redacted]",
		"backends.other.settings.url": "[redacted]", "backends.remote.settings.api_key": "[redacted]",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestInit(t *testing.T) {
	name := filepath.Join(t.TempDir(), "deep", "config.yaml")
	if err := config.Init(name, config.Template(), false); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := config.Init(name, config.Template(), false); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("a second Init: %v", err)
	}
	if err := config.Init(name, config.Template(), true); err != nil {
		t.Errorf("a forced Init: %v", err)
	}
	load(t, config.Options{Flags: config.Flags{Config: name}})

	// What the template comments out must be right too.
	var on strings.Builder
	for line := range strings.Lines(string(config.Template())) {
		if code, ok := strings.CutPrefix(line, "#"); ok && !strings.HasPrefix(code, " ") || ok && strings.HasPrefix(code, "  ") {
			line = code
		}
		on.WriteString(line)
	}
	c := load(t, home(t, on.String()))
	if c.Backend != "local" || c.Backends["acme"].Env[0] != "ACME_TOKEN" || c.Settings("local")["parallelism"] != 8 {
		t.Errorf("the template with everything on = %+v", c)
	}
}

func TestDurationsInTheFile(t *testing.T) {
	for text, want := range map[string]time.Duration{"5": 5 * time.Second, "0.5": 500 * time.Millisecond, "5m": 5 * time.Minute, `"7"`: 7 * time.Second} {
		if c := load(t, home(t, "progress_update_interval: "+text)); c.ProgressUpdateInterval != want {
			t.Errorf("%s became %s", text, c.ProgressUpdateInterval)
		}
	}
}

func TestEveryKeyAndVariableIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/reference/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range config.Documented() {
		if !strings.Contains(string(doc), "`"+name+"`") {
			t.Errorf("docs/reference/configuration.md does not explain `%s`", name)
		}
	}
}
