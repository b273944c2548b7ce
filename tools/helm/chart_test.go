// Package helm tests packaging/charts/atg-server: it is rendered by Helm's engine, and what comes out is read as Kubernetes reads it.
// That atg-server understands what the chart sets is tested in cmd/atg-server/cli, of the golden files here.
package helm

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const folder = "../../packaging/charts/atg-server"

func load(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.LoadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// render renders the chart as helm install jobs --namespace atg does, each template by its name.
func render(c *chart.Chart, values map[string]any) (map[string]string, error) {
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = chartutil.KubeVersion{Version: "v1.34.0", Major: "1", Minor: "34"}
	all, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{Name: "jobs", Namespace: "atg", Revision: 1, IsInstall: true}, capabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Engine{Strict: true}.Render(c, all)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for name, content := range files {
		if content = strings.TrimSpace(content); content != "" && !strings.HasSuffix(name, ".tpl") {
			out[filepath.Base(name)] = content
		}
	}
	return out, nil
}

// valuesOf reads testdata/values/NAME.yaml.
func valuesOf(t *testing.T, file string) map[string]any {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	if err := yaml.UnmarshalStrict(content, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

func TestChart(t *testing.T) {
	files, err := filepath.Glob("testdata/values/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no values: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			rendered, err := render(load(t), valuesOf(t, file))
			if err != nil {
				t.Fatal(err)
			}
			if rendered["NOTES.txt"] == "" {
				t.Error("there are no notes")
			}
			golden(t, filepath.Join("testdata/want", filepath.Base(file)), rendered)
			var objects []object
			for _, name := range slices.Sorted(maps.Keys(rendered)) {
				if name == "NOTES.txt" {
					continue
				}
				of, err := decode(rendered[name])
				if err != nil {
					t.Fatalf("%s: %v\n%s", name, err, rendered[name])
				}
				objects = append(objects, of...)
			}
			for _, wrong := range complaints(objects) {
				t.Error(wrong)
			}
		})
	}
}

func golden(t *testing.T, file string, rendered map[string]string) {
	t.Helper()
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(rendered)) {
		if name == "NOTES.txt" {
			fmt.Fprintf(&all, "--- # %s\nnotes: |\n  %s\n", name, strings.ReplaceAll(rendered[name], "\n", "\n  "))
		} else {
			fmt.Fprintf(&all, "--- # %s\n%s\n", name, strings.TrimPrefix(rendered[name], "---\n"))
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), all.String()); d != "" {
		t.Errorf("%s (go test -update rewrites it; -want +got):\n%s", file, d)
	}
}

// TestWhatIsRefused: values that make no working service are refused before anything is installed, and say what is missing.
func TestWhatIsRefused(t *testing.T) {
	good := map[string]string{"nats.url": "tls://nats:4222", "tls.secretName": "certificate"}
	for name, c := range map[string]struct {
		set  map[string]string // dotted keys; an empty value removes one of good
		says string
	}{
		"no NATS":                       {map[string]string{"nats.url": ""}, "set nats.url or nats.urlSecret"},
		"two URLs of NATS":              {map[string]string{"nats.urlSecret.name": "nats"}, "not both"},
		"no certificate":                {map[string]string{"tls.secretName": ""}, "needs a certificate"},
		"cert-manager without issuer":   {map[string]string{"tls.secretName": "", "tls.certManager.enabled": "true"}, "issuerRef.name"},
		"an ingress without host":       {map[string]string{"ingress.enabled": "true"}, "ingress.host"},
		"an identity of no application": {map[string]string{"workloadIdentity.enabled": "true"}, "workloadIdentity.clientId"},
		"a key that is none":            {map[string]string{"replicas": "3"}, "replicas"},
		"a key of part that is none":    {map[string]string{"worker.replica": "3"}, "replica"},
		"config that the chart sets":    {map[string]string{"config.data_dir": "/data"}, "config"},
		"a digest that is none":         {map[string]string{"image.digest": "latest"}, "digest"},
		"workers that cannot end":       {map[string]string{"worker.terminationGracePeriodSeconds": "5"}, "terminationGracePeriodSeconds"},
		"a secret that climbs":          {map[string]string{"tenantSecrets": "[../etc]"}, "tenantSecrets"},
	} {
		t.Run(name, func(t *testing.T) {
			values := map[string]any{}
			for _, pairs := range []map[string]string{good, c.set} {
				for key, value := range pairs {
					set(t, values, key, value)
				}
			}
			_, err := render(load(t), values)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("render: %v; want an error with %q", err, c.says)
			}
		})
	}
	values := map[string]any{}
	for key, value := range good {
		set(t, values, key, value)
	}
	if _, err := render(load(t), values); err != nil {
		t.Errorf("the least that works: %v", err)
	}
}

// set sets a value, which is YAML, at a dotted key.
func set(t *testing.T, values map[string]any, key, value string) {
	t.Helper()
	parts := strings.Split(key, ".")
	for _, p := range parts[:len(parts)-1] {
		if values[p] == nil {
			values[p] = map[string]any{}
		}
		values = values[p].(map[string]any)
	}
	last := parts[len(parts)-1]
	if value == "" {
		delete(values, last)
		return
	}
	var parsed any
	if err := yaml.Unmarshal([]byte(value), &parsed); err != nil {
		t.Fatal(err)
	}
	values[last] = parsed
}

// TestTheCheckFinds: what complaints asks of objects is really asked.
func TestTheCheckFinds(t *testing.T) {
	rendered, err := render(load(t), valuesOf(t, "testdata/values/everything.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ file, old, new, says string }{
		"a container as root":        {"api.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "root"},
		"a disk that can be written": {"worker.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "root file system"},
		"capabilities":               {"worker.yaml", "capabilities: { drop: [ALL] }", "capabilities: { add: [NET_ADMIN] }", "capabilities"},
		"privileges":                 {"api.yaml", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "privileges"},
		"no seccomp":                 {"api.yaml", "seccompProfile: { type: RuntimeDefault }", "seccompProfile: { type: Unconfined }", "seccomp"},
		"no memory limit":            {"api.yaml", "memory: 1Gi", "cpu: 1", "memory"},
		"a mount of nothing":         {"api.yaml", "- { name: tmp, mountPath", "- { name: nothing, mountPath", "nothing"},
		"a budget for nobody":        {"replicas.yaml", "app.kubernetes.io/component: worker\n---", "app.kubernetes.io/component: other\n---", "selects"},
		"a service without port":     {"service.yaml", "targetPort: https", "targetPort: http", "port"},
		"a field that is none":       {"api.yaml", "enableServiceLinks: false", "enableServiceLink: false", "enableServiceLink"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := maps.Clone(rendered)
			changed[c.file] = strings.Replace(changed[c.file], c.old, c.new, 1)
			if changed[c.file] == rendered[c.file] {
				t.Fatalf("%s has no %q:\n%s", c.file, c.old, rendered[c.file])
			}
			delete(changed, "NOTES.txt")
			var objects []object
			var wrong []string
			for _, content := range changed {
				of, err := decode(content)
				if err != nil {
					wrong = append(wrong, err.Error())
				}
				objects = append(objects, of...)
			}
			wrong = append(wrong, complaints(objects)...)
			if !strings.Contains(strings.Join(wrong, "\n"), c.says) {
				t.Errorf("complaints: %v; want one with %q", wrong, c.says)
			}
		})
	}
}

var errKind = errors.New("is of a kind that this test does not know")
