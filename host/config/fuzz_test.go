package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// FuzzLoad: whatever stands in the user's file and in the environment, it is a configuration or is refused as one, and remote mode is never on
// without being asked for.
func FuzzLoad(f *testing.F) {
	const secret = "hunter2-hunter2"
	for _, text := range []string{
		"backend: remote\nbackends: {remote: {settings: {service_url: https://a, api_key: SECRET}}}\n", "profiles: {p: {backend: acme, backends: {acme: {path: /x, settings: {token: SECRET}}}}}\n",
		"backends: {local: {settings: {client_secret: SECRET, parallelism: 1e9}}}\nfallback: local\n", "backends: {acme: {settings: {a: [{password: SECRET}]}}}\n", "backends: {'../x': {sha256: zz}}\n", "extensions: {env: ['*']}\n",
		"remote_mode: true\n", "tenant_id: [1]\n",
	} {
		f.Add(strings.ReplaceAll(text, "SECRET", secret), "ATG_SERVICE_URL", "https://b")
		f.Add(text, "ATG_API_KEY", secret)
	}
	f.Add("", "ATG_REMOTE_MODE", "maybe")
	f.Add("", "ATG_PROFILE", "../../etc")
	dir := f.TempDir()
	environ := []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "AppData=" + dir}
	paths, err := config.FindPaths("", environ)
	if err != nil {
		f.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(paths.Config), 0o700); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text, name, value string) {
		if strings.ContainsAny(name, "=\x00") || strings.Contains(value, "\x00") || name == "" || strings.HasPrefix(name, "XDG_") || name == "HOME" || name == "ATG_CONFIG" {
			return
		}
		if err := os.WriteFile(paths.Config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(config.Options{Environ: append([]string{name + "=" + value}, environ...)})
		if err != nil {
			if f := fault.As(err); f == nil || f.Code != fault.ConfigInvalid && f.Code != fault.InvalidArgument {
				t.Errorf("%v", err)
			}
			return
		}
		if c.IsRemoteMode() && !strings.Contains(text, "remote") && value != "remote" && name != "ATG_REMOTE_MODE" {
			t.Errorf("remote mode is on")
		}
	})
}
