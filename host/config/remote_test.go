package config_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// TestWhatRemoteModeLacks: both the address and the key are wanted at once, and the hint says how to get one.
func TestWhatRemoteModeLacks(t *testing.T) {
	f := fault.Of(load(t, config.Options{Environ: []string{"HOME=" + t.TempDir(), "ATG_REMOTE_MODE=true"}}).CheckRemote())
	var text string
	for _, p := range f.Problems {
		text += p.Key + " " + p.Hint + "\n"
	}
	for _, w := range []string{"service_url", "ATG_SERVICE_URL", "api_key", "atg auth login", "ATG_API_KEY"} {
		if !strings.Contains(text, w) {
			t.Errorf("%q does not say %q", text, w)
		}
	}
}

func TestProfileOfAService(t *testing.T) {
	o := home(t, `
backends: {remote: {settings: {service_url: https://one.example.com}}}
profiles:
  prod: {backend: remote, backends: {remote: {settings: {service_url: https://two.example.com, ca_file: /ca.pem}}}}
`, "ATG_PROFILE=prod", "ATG_API_KEY=k")
	c := load(t, o)
	if client := c.Client(); client.ServiceURL != "https://two.example.com" || client.CAFile != "/ca.pem" || c.CheckRemote() != nil || !c.IsRemoteMode() {
		t.Errorf("%+v, %v", client.ToMap(), c.CheckRemote())
	}
	o.Environ = append(o.Environ, "ATG_SERVICE_URL=https://three.example.com")
	if client := load(t, o).Client(); client.ServiceURL != "https://three.example.com" {
		t.Errorf("the environment does not win over the profile: %q", client.ServiceURL)
	}
}

func TestKeyFromElsewhere(t *testing.T) {
	o := home(t, "backend: remote\nbackends: {remote: {settings: {service_url: https://one.example.com}}}\n")
	c := load(t, o)
	if c.KeySource() != "" || c.CheckRemote() == nil {
		t.Errorf("a key from %q", c.KeySource())
	}
	before := c.Backends
	c.UseKey(secret.New("hunter2"), "keyring")
	if c.KeySource() != "keyring" || c.CheckRemote() != nil || c.Settings("remote")["api_key"] != "hunter2" || len(before["remote"].Settings) != 1 {
		t.Errorf("key from %q; %v; settings %v", c.KeySource(), c.CheckRemote(), c.Settings("remote").Names())
	}
	c.UseService("https://two.example.com", "the command line")
	schema := map[string]json.RawMessage{"remote": json.RawMessage(`{"properties": {"service_url": {}, "api_key": {"writeOnly": true}}}`)}
	values := map[string]config.Value{}
	list := c.Values(schema)
	for _, v := range list {
		values[v.Key] = v
	}
	if v := values["backends.remote.settings.api_key"]; v.Value != "[redacted]" || v.Source != "keyring" {
		t.Errorf("%+v", v)
	}
	if v := values["backends.remote.settings.service_url"]; v.Value != "https://two.example.com" || v.Source != "the command line" {
		t.Errorf("%+v", v)
	}
	if !slices.IsSortedFunc(list, func(a, b config.Value) int { return strings.Compare(a.Key, b.Key) }) {
		t.Errorf("not sorted: %+v", list)
	}
	o.Environ = append(o.Environ, "ATG_API_KEY=k")
	if got := load(t, o).KeySource(); got != "environment ATG_API_KEY" {
		t.Errorf("from %q", got)
	}
	empty := load(t, config.Options{Environ: []string{"HOME=" + t.TempDir()}})
	empty.UseKey(secret.New("k"), "keyring")
	if empty.Settings("remote")["api_key"] != "k" {
		t.Error("a configuration without backends takes no key")
	}
}
