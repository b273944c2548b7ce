package iac_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/build/buildtest"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// TestRandomSnapshots are the same resources with the same bodies in Terraform, Bicep and ARM.
func TestRandomSnapshots(t *testing.T) {
	for seed := range uint64(18) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := snapshot(t, backend.Coverage{Complete: true}, buildtest.Random(seed)...)
			want, tmpl := modelled(t, r)
			want = alike(want)
			split := []string{template.SplitGroup, template.SplitType, template.SplitNone}[seed%3]
			_, files := generate(t, r, backend.IaCGenerationRequest{OutputFormat: iac.Terraform, Split: split})
			got := map[string]map[string]resource{"Terraform, " + split: alike(terraformed(t, files))}
			_, files = generate(t, r, backend.IaCGenerationRequest{OutputFormat: iac.Bicep})
			got["Bicep"] = alike(bicepped(t, tmpl, files))
			_, files = generate(t, r, backend.IaCGenerationRequest{OutputFormat: iac.ARM})
			got["ARM"] = alike(armed(t, tmpl, files))
			for format, g := range got {
				if diff := cmp.Diff(want, g); diff != "" {
					t.Errorf("%s (-snapshot +code):\n%s", format, diff)
				}
			}
		})
	}
}
