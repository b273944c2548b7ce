package service

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func load(t *testing.T, content string, overrides map[string]any) (Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "server.yaml")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return LoadConfig(file, overrides, func(key string) string { return "flag of " + key }, func(name string) string {
		return map[string]string{"HOME": "/home/u"}[name]
	})
}

const whole = `
role: api
listen: 0.0.0.0:443
data_dir: /var/lib/atg
tls: {cert: /c.pem, key: /k.pem}
nats: {url: "tls://n1:4222", creds: /n.creds, ca: /ca.pem, replicas: 1}
backend: {name: acme, path: /opt/acme, env: [A], settings: {parallelism: 4}}
worker: {concurrency: 7, attempts: 2, retry_delay: 1s, grace: 3}
limits: {rate: 10, burst: 20, jobs_per_key: 3, job_timeout: 2h}
retention: {jobs: 24h, snapshots: 48h, bytes: 1000000}
api: {cors_origins: ["https://portal.example.com"], public_metrics: true}
traces: {endpoint: "https://otel.example.com"}
tenants:
  t1: {name: One, settings: {auth: client-secret, client_id: c}, files: {client_secret: /run/secrets/t1}}
`

func TestEveryKeyOfTheConfiguration(t *testing.T) {
	c, err := load(t, whole, map[string]any{"worker.concurrency": 9})
	if err != nil {
		t.Fatalf("%v %+v", err, fault.Of(err).Problems)
	}
	if c.Role != RoleAPI || c.NATS.Replicas != 1 || c.Worker.Concurrency != 9 || c.Worker.Grace.Value() != 3*time.Second ||
		c.Limits.JobTimeout.Value() != 2*time.Hour || c.Limits.RequestBytes != 1<<20 || c.Tenants["t1"].Settings["client_id"] != "c" ||
		c.Retention.Jobs.Value() != 24*time.Hour || !c.API.PublicMetrics {
		t.Errorf("%+v", c)
	}
}

func TestDefaults(t *testing.T) {
	c, err := load(t, "dev: true\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Role != RoleAll || c.Listen != "127.0.0.1:8443" || c.DataDir != "/home/u/.local/share/atg/server" || c.Backend.Name != "local" ||
		c.Worker.Concurrency != 2 || c.Worker.Attempts != 3 || c.Retention.Jobs.Value() != 30*24*time.Hour || c.NATS.Replicas != 3 {
		t.Errorf("%+v", c)
	}
}

func TestWhatIsWrongWithAConfiguration(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		flags   map[string]any
		words   []string
	}{
		"an unknown key":          {"lisen: x\n", nil, []string{"lisen", "listen"}},
		"no certificate":          {"", nil, []string{"tls.cert", "--dev"}},
		"half a certificate":      {"tls: {cert: /c}\n", nil, []string{"tls.cert and tls.key"}},
		"a role that is none":     {"dev: true\nrole: boss\n", nil, []string{"boss", "all, api or worker"}},
		"an address that is none": {"dev: true\n", map[string]any{"listen": "here"}, []string{"here", "flag of listen"}},
		"too few workers":         {"dev: true\nworker: {concurrency: 0}\n", nil, []string{"worker.concurrency"}},
		"a limit below nothing":   {"dev: true\nlimits: {rate: -1, burst: -2}\nretention: {bytes: -3}\n", nil, []string{"limits.rate: -1", "limits.burst: -2", "retention.bytes: -3"}},
		"a collector without URL": {"dev: true\ntraces: {endpoint: 'otel:4318'}\n", nil, []string{"traces.endpoint", "otel:4318", "https://"}},
		"a person's login":        {"dev: true\ntenants: {t1: {settings: {auth: cli}}}\n", nil, []string{"tenants.t1.settings.auth", "nobody is there"}},
		"a login for every one":   {"dev: true\nbackend: {settings: {auth: device-code}}\n", nil, []string{"backend.settings.auth"}},
		"a wrong type":            {"dev: true\nworker: {concurrency: many}\n", nil, []string{"worker.concurrency"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, c.content, c.flags)
			if fault.CodeOf(err) != fault.ConfigInvalid {
				t.Fatalf("got %v", err)
			}
			var text strings.Builder
			for _, p := range fault.Of(err).Problems {
				text.WriteString(p.Key + ": " + p.Message + " " + p.Hint + "\n")
			}
			for _, word := range c.words {
				if !strings.Contains(text.String(), word) {
					t.Errorf("%q is not in:\n%s", word, text.String())
				}
			}
		})
	}
}

func TestAConfigurationThatOthersCanRead(t *testing.T) {
	for content, want := range map[string]fault.Code{
		"dev: true\n": "",
		"dev: true\nbackend: {settings: {client_secret: s}}\n": fault.ConfigInvalid,
		"dev: true\ntenants: {t1: {name: One}}\n":              fault.ConfigInvalid,
		"dev: true\nnats: {url: tls://nats:4222}\n":            "",
		"dev: true\nnats: {url: tls://u:p@nats:4222}\n":        fault.ConfigInvalid,
	} {
		file := filepath.Join(t.TempDir(), "server.yaml")
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := LoadConfig(file, nil, nil, func(string) string { return "/home/u" })
		if runtime.GOOS != "windows" && fault.CodeOf(err) != want {
			t.Errorf("%q: %v", content, err)
		}
	}
}

func TestSettingsForATenant(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Config{
		Backend: Backend{Settings: map[string]any{"parallelism": 4.0, "auth": "env"}},
		Tenants: map[string]Tenant{
			"AAAA": {Settings: map[string]any{"auth": "client-secret"}, Files: map[string]string{"client_secret": filepath.Join(dir, "secret")}},
			"bbbb": {Files: map[string]string{"client_secret": filepath.Join(dir, "none")}},
		},
	}
	s, err := c.settingsFor("aaaa")
	if err != nil || s["client_secret"] != "s3cret" || s["auth"] != "client-secret" || s["parallelism"] != 4.0 {
		t.Errorf("settings %#v, %v", s.Names(), err)
	}
	if _, err := c.settingsFor("bbbb"); fault.CodeOf(err) != fault.AzureAuthRequired {
		t.Errorf("a secret that is not there: %v", err)
	}
	if _, err := c.settingsFor("cccc"); fault.CodeOf(err) != fault.AzureAuthRequired || !strings.Contains(fault.Of(err).Hint, "cccc") {
		t.Errorf("a tenant without a credential: %v", err)
	}
	c.Tenants = nil
	if s, err := c.settingsFor("anything"); err != nil || s["auth"] != "env" {
		t.Errorf("no tenants: %v, %v", s, err)
	}
}

func TestAWorkersLeftovers(t *testing.T) {
	dir := t.TempDir()
	dead, mine := filepath.Join(dir, "work", "999999999"), filepath.Join(dir, "work", "1")
	for _, d := range []string{dead, mine} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	workDir(dir, nil)
	if _, err := os.Stat(dead); err == nil {
		t.Error("the folder of a dead process is left")
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error("the folder of a running process was removed")
	}
}

func TestATenantWithoutItsSecretDoesNotStopTheOthers(t *testing.T) {
	s := &service{log: slog.New(slog.DiscardHandler), c: Config{Tenants: map[string]Tenant{
		"a": {Files: map[string]string{"client_secret": filepath.Join(t.TempDir(), "none")}},
		"b": {Settings: map[string]any{"client_id": "b"}},
	}}}
	if settings, err := s.anySettings(t.Context()); err != nil || settings["client_id"] != "b" {
		t.Errorf("%v, %v", settings.Names(), err)
	}
	delete(s.c.Tenants, "b")
	if _, err := s.anySettings(t.Context()); fault.CodeOf(err) != fault.AzureAuthRequired {
		t.Errorf("none that can be had: %v", err)
	}
}
