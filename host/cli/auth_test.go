package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const remoteSchema = `{"properties": {"service_url": {"type": "string"}, "api_key": {"type": "string", "writeOnly": true}}}`

// TestLogin goes through a key's life: none, refused, kept, used, forgotten.
func TestLogin(t *testing.T) {
	home := t.TempDir()
	file := filepath.Join(home, "atg", "credentials.json")
	for _, step := range []struct {
		args  string
		env   []string
		stdin string
		code  int
		out   []string
		err   []string
	}{
		{"auth status", nil, "", 4, []string{"key      none"}, []string{"no key for https://atg.example.com", "atg auth login"}},
		{"--remote scan", nil, "", 2, nil, []string{"api_key", "atg auth login"}},
		{"auth login", nil, "", 2, nil, []string{"--api-key-stdin"}},
		{"auth login --api-key-stdin", nil, " \n", 2, nil, []string{"the key is empty"}},
		{"auth login --api-key-stdin", nil, "two words", 2, nil, []string{"api_key"}},
		{"auth login --api-key-stdin", nil, "hunter1", 4, nil, []string{"not kept", "no such key"}},
		{"--remote auth status", nil, "", 4, []string{"none"}, []string{"atg auth login"}},
		{"--remote auth login --api-key-stdin", nil, "hunter2\n", 0, []string{"logged in to https://atg.example.com", file}, []string{"in the file " + file}},
		{"--remote auth status", nil, "", 0, []string{"accepted", file}, nil},
		{"auth status -o json", nil, "", 0, []string{`"schema_version": 1`, `"accepted": true`, `"key_from": "` + file}, nil},
		{"--remote scan", nil, "", 0, []string{"complete"}, nil},
		{"--remote config show", nil, "", 0, []string{"backends.remote.settings.api_key", "[redacted]", file}, nil},
		{"--remote config validate", nil, "", 0, []string{"valid"}, nil},
		{"auth status", []string{"ATG_API_KEY=hunter3"}, "", 4, []string{"refused", "environment ATG_API_KEY"}, []string{"no such key"}},
		{"--remote health", []string{"ATG_API_KEY=hunter3"}, "", 5, []string{"not healthy", "key         failed"}, []string{"not healthy"}},
		{"auth login --api-key-stdin -o json", []string{"ATG_API_KEY=hunter3"}, "hunter2", 0, []string{`"kept_in": "file"`, `"verified": true`}, []string{"environment ATG_API_KEY wins"}},
		{"auth status https://other.example.com", nil, "", 4, []string{"other.example.com", "none"}, []string{"no key"}},
		{"auth login --no-verify --api-key-stdin https://other.example.com:8443", nil, "hunter4", 0, []string{"next: export ATG_SERVICE_URL=https://other.example.com:8443"}, []string{file}},
		{"auth status https://other.example.com:8443", nil, "", 4, []string{"refused"}, []string{"no such key"}},
		{"auth login http://plain.example.com --api-key-stdin", nil, "hunter5", 2, nil, []string{"https://"}},
		{"--remote auth logout", []string{"ATG_API_KEY=hunter2"}, "", 0, []string{"logged out of https://atg.example.com"}, []string{"environment ATG_API_KEY"}},
		{"auth logout -o json", nil, "", 0, []string{`"removed_from": []`}, nil},
		{"auth status https://OTHER.example.com:8443/", nil, "", 4, []string{"refused"}, []string{"no such key"}},
		{"--remote scan", nil, "", 2, nil, []string{"api_key"}},
	} {
		t.Run(step.args, func(t *testing.T) {
			f := newFake(nil)
			f.schema, f.key = remoteSchema, "hunter2"
			env := append([]string{"HOME=" + home, "XDG_CONFIG_HOME=" + home, "ATG_SERVICE_URL=https://atg.example.com", "STDIN=" + step.stdin}, step.env...)
			r := atg(t, t.Context(), f, env, strings.Fields(step.args)...)
			if r.code != step.code || (r.out == "") != (step.out == nil) || (r.err == "") != (step.err == nil) {
				t.Errorf("%+v", r)
			}
			says(t, "stdout", r.out, step.out...)
			says(t, "stderr", r.err, step.err...)
			if strings.Contains(r.out+r.err, "hunter") {
				t.Errorf("the key shows: %+v", r)
			}
			if step.args == "--remote scan" && r.code == 0 && f.settings["api_key"] != "hunter2" {
				t.Errorf("the backend got %v", f.settings.Names())
			}
		})
	}
	if content, err := os.ReadFile(file); err != nil || strings.Contains(string(content), "hunter2") {
		t.Errorf("the key is still there, or nothing is: %v", err)
	}
}

func TestLoginWithoutAService(t *testing.T) {
	for _, args := range []string{"auth login --api-key-stdin", "auth status", "auth logout"} {
		r := atg(t, t.Context(), newFake(nil), []string{"STDIN=k"}, strings.Fields(args)...)
		if r.code != 2 {
			t.Errorf("%s: %+v", args, r)
		}
		says(t, "stderr", r.err, "ATG_SERVICE_URL")
	}
}

// TestLoginWhereTheServiceIsDown: what could not be tried is not kept, unless that is wanted.
func TestLoginWhereTheServiceIsDown(t *testing.T) {
	env := []string{"HOME=" + t.TempDir(), "ATG_SERVICE_URL=https://atg.example.com", "STDIN=hunter2"}
	for _, tc := range []struct {
		args string
		code int
		says []string
	}{
		{"auth login --api-key-stdin", 5, []string{"was not kept", "is it up?", "--no-verify"}},
		{"auth login --api-key-stdin ill", 0, []string{"in the file"}}, // the key is taken all the same
		{"auth login --api-key-stdin --no-verify", 0, []string{"in the file"}},
		{"auth status", 5, []string{"is it up?"}},
	} {
		f := newFake(nil)
		f.schema = remoteSchema
		f.health = backend.Health{Dependencies: []backend.Dependency{{Name: "service", Fault: fault.New(fault.ServiceUnavailable, "no answer", fault.Hint("is it up?"))}}}
		args, ill := strings.CutSuffix(tc.args, " ill")
		if ill {
			f.health.Dependencies = append(f.health.Dependencies, backend.Dependency{Name: "key", Healthy: true})
		}
		r := atg(t, t.Context(), f, env, strings.Fields(args)...)
		if r.code != tc.code {
			t.Errorf("%s: %+v", tc.args, r)
		}
		says(t, "stderr", r.err, tc.says...)
		if tc.args == "auth status" {
			says(t, "stdout", r.out, "not known")
		}
	}
}

// TestKeyReachesTheBackendAlone: by its settings, and by nothing that others see.
func TestKeyReachesTheBackendAlone(t *testing.T) {
	f := newFake(nil)
	f.schema = remoteSchema
	env := []string{"ATG_SERVICE_URL=https://atg.example.com", "ATG_API_KEY=hunter2"}
	for _, args := range []string{"--remote -v scan", "--remote config show", "--remote -v health -o json"} {
		r := atg(t, t.Context(), f, env, strings.Fields(args)...)
		if f.settings["api_key"] != "hunter2" && !strings.Contains(args, "config show") {
			t.Errorf("%s: the backend got %v", args, f.settings.Names())
		}
		f.settings = nil
		if r.code != 0 || strings.Contains(r.out+r.err, "hunter2") {
			t.Errorf("%s: %+v", args, r)
		}
	}
}
