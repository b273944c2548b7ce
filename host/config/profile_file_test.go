package config_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// profileFile writes a profile in a file of its own.
func profileFile(t *testing.T, o config.Options, name, content string, mode os.FileMode) {
	t.Helper()
	paths, err := config.FindPaths("", o.Environ)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(paths.ProfileDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(paths.ProfileDir(), name+".yaml"), []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

const dev = "backend: remote\nbackends: {remote: {settings: {service_url: 'https://127.0.0.1:8443', api_key: atg_x}}}\n"

func TestAProfileInAFileOfItsOwn(t *testing.T) {
	o := home(t, "backend: local\n")
	profileFile(t, o, "dev", dev, 0o600)
	o.Flags.Profile = "dev"
	c := load(t, o)
	if c.Backend != config.Remote || c.Profile != "dev" || c.Settings("remote")["service_url"] != "https://127.0.0.1:8443" {
		t.Errorf("backend %q of profile %q, settings %v", c.Backend, c.Profile, c.Settings("remote"))
	}
	for _, v := range c.Values(nil) {
		if strings.HasSuffix(v.Key, "service_url") && !strings.Contains(v.Source, "dev.yaml:2") {
			t.Errorf("%s comes from %q", v.Key, v.Source)
		}
	}
}

func TestAProfileOfTheConfigurationWins(t *testing.T) {
	o := home(t, "profiles: {dev: {tenant_id: inside}}\n")
	profileFile(t, o, "dev", "tenant_id: beside\n", 0o600)
	o.Flags.Profile = "dev"
	if c := load(t, o); c.TenantID != "inside" {
		t.Errorf("tenant %q", c.TenantID)
	}
}

func TestAProfileThatDoesNotExist(t *testing.T) {
	o := home(t, "profiles: {prod: {tenant_id: inside}}\n")
	profileFile(t, o, "dev", dev, 0o600)
	o.Flags.Profile = "devel"
	_, err := config.Load(o)
	if problems := fault.Of(err).Problems; len(problems) != 1 || problems[0].Hint != "there are dev, prod" {
		t.Errorf("%v, problems %v", err, problems)
	}
}

func TestWhatIsWrongWithAProfileFile(t *testing.T) {
	for name, c := range map[string]struct {
		content, profile string
		mode             os.FileMode
		words            []string
	}{
		"an unknown key":    {"bakend: remote\n", "dev", 0o600, []string{"bakend", "dev.yaml:1"}},
		"open to others":    {dev, "dev", 0o644, []string{"open to others"}},
		"no YAML":           {"a: [", "dev", 0o600, []string{"dev.yaml"}},
		"out of the folder": {dev, "../config", 0o600, []string{"no profile"}},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" && c.mode == 0o644 {
				return // Windows keeps a profile's files private
			}
			o := home(t, "")
			profileFile(t, o, "dev", c.content, c.mode)
			o.Flags.Profile = c.profile
			_, err := config.Load(o)
			if fault.CodeOf(err) != fault.ConfigInvalid {
				t.Fatalf("Load: %v", err)
			}
			text := err.Error()
			for _, p := range fault.Of(err).Problems {
				text += p.Key + p.Message + p.Hint
			}
			for _, word := range c.words {
				if !strings.Contains(text, word) {
					t.Errorf("%q is not in %s", word, text)
				}
			}
		})
	}
}
