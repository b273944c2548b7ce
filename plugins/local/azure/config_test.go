package azure

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

func TestClouds(t *testing.T) {
	own := Endpoints{ResourceManager: "https://arm.example", AuthorityHost: "https://login.example"}
	completed := Endpoints{ResourceManager: "https://arm.example", AuthorityHost: "https://login.example", Audience: "https://arm.example"}
	variables := map[string]string{envResourceManager: "https://127.0.0.1:1/", envAuthorityHost: "https://127.0.0.1:1/", envGraph: "https://127.0.0.1:1"}
	simulated := Endpoints{ResourceManager: "https://127.0.0.1:1", AuthorityHost: "https://127.0.0.1:1", Graph: "https://127.0.0.1:1", Audience: "https://127.0.0.1:1"}
	with := func(more ...string) map[string]string {
		m := map[string]string{}
		for k, v := range variables {
			m[k] = v
		}
		for i := 0; i+1 < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	cases := map[string]struct {
		config    Config
		env       map[string]string
		cloud     Cloud
		endpoints Endpoints
		problems  []string // keys
	}{
		"nothing said":                    {Config{}, nil, CloudPublic, known[CloudPublic], nil},
		"a national cloud":                {Config{Cloud: CloudChina}, nil, CloudChina, known[CloudChina], nil},
		"endpoints alone":                 {Config{Endpoints: own}, nil, CloudCustom, completed, nil},
		"endpoints of no use":             {Config{Cloud: CloudPublic, Endpoints: own}, nil, CloudPublic, known[CloudPublic], nil},
		"the environment's endpoints":     {Config{Cloud: CloudPublic}, variables, CloudCustom, simulated, nil},
		"the environment's cloud":         {Config{Cloud: CloudChina}, map[string]string{envCloud: "usgovernment"}, CloudUSGovernment, known[CloudUSGovernment], nil},
		"the environment, all of it":      {Config{}, with(envCloud, "custom"), CloudCustom, simulated, nil},
		"no such cloud":                   {Config{Cloud: "german"}, nil, "german", Endpoints{}, []string{"cloud"}},
		"custom without endpoints":        {Config{Cloud: CloudCustom}, nil, CloudCustom, Endpoints{}, []string{"resource_manager_endpoint", "authority_host"}},
		"plain http, on loopback":         {Config{}, with(envResourceManager, "http://127.0.0.1:1"), CloudCustom, Endpoints{}, []string{"resource_manager_endpoint"}},
		"no URL, a password, and a query": {Config{}, with(envResourceManager, "arm.example", envAuthorityHost, "https://u:p@h", envGraph, "https://h?x=1"), CloudCustom, Endpoints{}, []string{"resource_manager_endpoint", "authority_host", "graph_endpoint"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.config.Getenv = func(name string) string { return c.env[name] }
			var keys []string
			for _, p := range c.config.resolve() {
				keys = append(keys, p.Key)
				if strings.Contains(p.Message, "u:p") {
					t.Errorf("the problem shows a password: %s", p.Message)
				}
			}
			if d := cmp.Diff(c.problems, keys); d != "" {
				t.Fatalf("problems (-want +got):\n%s", d)
			}
			if c.config.Cloud != c.cloud {
				t.Errorf("cloud = %s, want %s", c.config.Cloud, c.cloud)
			}
			if d := cmp.Diff(c.endpoints, c.config.Endpoints); c.problems == nil && d != "" {
				t.Errorf("endpoints (-want +got):\n%s", d)
			}
		})
	}
}

func TestCredentialsFromSettingsAndEnvironment(t *testing.T) {
	env := map[string]string{"AZURE_TENANT_ID": "env.example.com", "AZURE_CLIENT_ID": "env-client", "AZURE_CLIENT_SECRET": "env-secret"}
	own := Config{TenantID: "own.example.com", ClientID: "own-client", ClientSecret: secret.New("own-secret")}
	ofEnv := own
	ofEnv.Auth = AuthEnv
	cases := map[string]struct {
		config                 Config
		tenant, client, secret string
	}{
		"settings come first":           {own, "own.example.com", "own-client", "own-secret"},
		"the environment fills in":      {Config{TenantID: "own.example.com"}, "own.example.com", "env-client", "env-secret"},
		"env means the environment":     {ofEnv, "own.example.com", "env-client", "env-secret"},
		"a certificate needs no secret": {Config{ClientCertificateFile: "x.pem"}, "env.example.com", "env-client", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.config.Getenv = func(name string) string { return env[name] }
			if problems := c.config.resolve(); problems != nil {
				t.Fatal(problems)
			}
			got := []string{c.config.TenantID, c.config.ClientID, c.config.ClientSecret.Reveal()}
			if d := cmp.Diff([]string{c.tenant, c.client, c.secret}, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestTenantForms(t *testing.T) {
	cases := map[string]bool{
		"72f988bf-86f1-41af-91ab-2d7cd011db47": true, "72F988BF-86F1-41AF-91AB-2D7CD011DB47": true,
		"contoso.onmicrosoft.com": true, "a-b.example": true, "xn--bcher-kva.example": true,
		"": false, "common": false, "72f988bf": false, "{72f988bf-86f1-41af-91ab-2d7cd011db47}": false, "a..b": false,
		"-a.com": false, "a.com/": false, "a.com?x": false, "a b.com": false, "../x.com": false, "127.0.0.1": false,
		strings.Repeat("a.", 130) + "com": false,
	}
	for text, want := range cases {
		if got := ValidTenant(text); got != want {
			t.Errorf("ValidTenant(%q) = %v", text, got)
		}
		if err := CheckTenant(text); (err == nil) != want || err != nil && fault.CodeOf(err) != fault.InvalidArgument {
			t.Errorf("CheckTenant(%q) = %v", text, err)
		}
	}
}

func TestAuthorities(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := New(Config{CAFile: filepath.Join(dir, "none.pem"), Cloud: "x", TenantID: "y", Getenv: func(name string) string {
		return map[string]string{"SSL_CERT_FILE": empty}[name]
	}})
	f := fault.As(err)
	if f == nil || f.Code != fault.ConfigInvalid {
		t.Fatalf("New = %v", err)
	}
	keys := map[string]bool{}
	for _, p := range f.Problems {
		keys[p.Key] = true
	}
	want := map[string]bool{"ca_file": true, "SSL_CERT_FILE": true, "cloud": true, "tenant_id": true}
	if d := cmp.Diff(want, keys, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("problems (-want +got):\n%s", d)
	}
}

func TestHeaders(t *testing.T) {
	clocks := map[string]string{"00:00:05": "5s", "01:02:03": "1h2m3s", "": "0s", "5": "0s", "a:b:c": "0s", "-1:00:00": "0s", "00:00:00.5": "500ms"}
	for text, want := range clocks {
		if got := clockTime(text).String(); got != want {
			t.Errorf("clockTime(%q) = %s, want %s", text, got, want)
		}
	}
	lines := map[string]string{"a\r\nb\x1b[31mc": "a b [31mc", "x.\t": "x", strings.Repeat("é", 400): strings.Repeat("é", 300) + "…"}
	for text, want := range lines {
		if got := oneLine(text); got != want {
			t.Errorf("oneLine(%q) = %q", text, got)
		}
	}
}
