//go:build terraform

package terraform_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/check"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/terraform"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/terraform/terraformtest"
)

// TestTerraform has the terraform that is installed read what was generated, with a provider that has azapi's schema.
func TestTerraform(t *testing.T) {
	more, err := terraformtest.Provider(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), more...)
	examine := func(t *testing.T, dir string) []check.Result {
		t.Helper()
		results, err := terraform.Check(t.Context(), dir, env)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			t.Logf("%s %s: %s: %s", r.Tool, r.Version, r.State, r.Message)
		}
		return results
	}
	passes := func(t *testing.T, dir string) {
		t.Helper()
		if results := examine(t, dir); check.Worst(results) != check.Passed {
			t.Errorf("%+v", results)
		}
	}
	golden, err := filepath.Glob("testdata/write/*/want")
	if err != nil || len(golden) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, dir := range golden {
		t.Run(filepath.Base(filepath.Dir(dir)), func(t *testing.T) { passes(t, dir) })
	}
	for seed, split := range []string{template.SplitGroup, template.SplitNone, template.SplitType} {
		t.Run(fmt.Sprintf("random-%s", split), func(t *testing.T) {
			passes(t, generate(t, randomTemplate(uint64(seed), split, 300, 5), terraform.Options{Import: true}))
		})
	}

	// What is wrong is found: else the above would prove nothing.
	for name, test := range map[string]struct{ old, new, want string }{
		"an unknown attribute":     {"\n  location  =", "\n  locality  =", "An argument named \"locality\" is not expected here"},
		"no parent":                {"\n  parent_id = azapi_resource.virtual_network_vnet_hub.id\n", "\n", "parent_id is required"},
		"no such resource":         {"= azapi_resource.virtual_network_vnet_hub.id", "= azapi_resource.nothing.id", "Reference to undeclared resource"},
		"no such variable":         {"var.location", "var.nowhere", "Reference to undeclared input variable"},
		"a type without a version": {"@2024-05-01", "", "is not <resource-type>@<api-version>"},
		"a body with tags":         {"body = {\n    properties", "tags = {}\n\n  body = {\n    tags = {}\n    properties", "can't specify both"},
		"a cycle":                  {"name      = \"vnet-hub\"", "name      = azapi_resource.lock_vnet_hub_keep.name", "Cycle"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("testdata/write/group/want")); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "modules", "rg-hub", "main.tf")
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			changed := strings.ReplaceAll(string(source), test.old, test.new)
			if changed == string(source) {
				t.Fatalf("there is no %q", test.old)
			}
			if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
			r := examine(t, dir)[1]
			if r.State != check.Failed || !strings.Contains(fmt.Sprint(r.Findings), test.want) {
				t.Errorf("terraform validate did not find it: %+v", r)
			}
		})
	}
}
