package service

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// FuzzConfig: whatever stands in the service's file, it is a configuration that makes sense or is refused with its problems, and a file with
// a place for credentials is never taken if others can read it.
func FuzzConfig(f *testing.F) {
	for _, text := range []string{
		"dev: true\nlimits: {rate: .inf, burst: -1, request_bytes: 9223372036854775807}\n", "listen: \":\"\ndev: yes\n", "tls: {cert: a}\nworker: {lease: 1e400s}\n",
		"dev: true\ntenants: {a: {settings: {auth: cli}, files: {client_secret: /x}}}\n", "dev: true\nbackend: {settings: {a: [1, {b: c}]}, env: [A]}\n", "role: api\nnats: {url: 'tls://u:p@h', replicas: 0}\n",
		"retention: {jobs: -5}\ntraces: {endpoint: ':'}\napi: {cors_origins: ['*']}\n", "dev: !!str true\n", "worker: {concurrency: 1e9, attempts: 0x10}\n",
	} {
		f.Add(text, true)
		f.Add(text, false)
	}
	f.Fuzz(func(t *testing.T, text string, open bool) {
		file := filepath.Join(t.TempDir(), "server.yaml")
		mode := os.FileMode(0o600)
		if open {
			mode = 0o644
		}
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		c, err := LoadConfig(file, map[string]any{"data_dir": t.TempDir()}, func(string) string { return "a flag" }, func(string) string { return "" })
		if err != nil {
			if f := fault.As(err); f == nil || f.Code != fault.ConfigInvalid {
				t.Errorf("%v", err)
			}
			return
		}
		if open && (len(c.Tenants) > 0 || len(c.Backend.Settings) > 0) {
			t.Errorf("credentials are read of a file that is open to others")
		}
		positive := c.Worker.Concurrency > 0 && c.Worker.Attempts > 0 && c.NATS.Replicas > 0 && c.Limits.RequestBytes >= 0 && c.Limits.InputBytes >= 0 && c.Limits.Rate >= 0 &&
			c.Limits.Burst >= 0 && c.Limits.Concurrent >= 0 && time.Duration(c.Worker.Lease) > 0 && time.Duration(c.Worker.Grace) >= 0 && time.Duration(c.Limits.JobTimeout) >= 0 && time.Duration(c.Retention.Jobs) >= 0
		if !positive {
			t.Errorf("%+v makes no sense", c)
		}
		for id := range c.Tenants {
			if _, err := c.settingsFor(id); err != nil && fault.As(err) == nil {
				t.Error(err)
			}
		}
	})
}
