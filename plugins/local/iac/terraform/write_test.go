package terraform_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/terraform"
)

// TestSameBytes: how many processors there are, and which unit is ready first, is not to be seen.
func TestSameBytes(t *testing.T) {
	for _, split := range []string{template.SplitGroup, template.SplitNone, template.SplitType} {
		t.Run(split, func(t *testing.T) {
			all := func(processors int) map[string]string {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
				return tree(t, generate(t, randomTemplate(7, split, 1500, 20), terraform.Options{Import: true}))
			}
			if diff := cmp.Diff(all(1), all(8)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestFiles: a small unit is one file, a large one has a file for each provider, none of which grows without an end.
func TestFiles(t *testing.T) {
	count := func(split string, resources, perUnit int) map[string]int {
		counts := map[string]int{}
		for name, content := range tree(t, generate(t, large(split, resources, perUnit), terraform.Options{})) {
			if n := strings.Count(content, "\nresource "); n > 0 {
				counts[name] = n
			}
		}
		return counts
	}
	if got := count(template.SplitGroup, 200, 200); cmp.Diff(map[string]int{"modules/rg-0/main.tf": 200}, got) != "" {
		t.Errorf("200 resources: %v", got)
	}
	if got := count(template.SplitNone, 201, 0); len(got) != 30 || got["microsoft_type0.tf"] != 7 || got["microsoft_type29.tf"] != 6 {
		t.Errorf("201 resources of 30 providers: %v", got)
	}
	if got := count(template.SplitType, 2500, 2500); cmp.Diff(map[string]int{"modules/rg-0/main.tf": 1000, "modules/rg-0/main_2.tf": 1000, "modules/rg-0/main_3.tf": 500}, got) != "" {
		t.Errorf("2500 resources of a type: %v", got)
	}
}

func TestEmpty(t *testing.T) {
	for _, split := range []string{template.SplitGroup, template.SplitNone} {
		modules := read(t, tree(t, generate(t, template.Of(template.Template{Split: split}, nil, nil), terraform.Options{Import: true})))
		if root := modules["."]; len(modules) != 1 || len(root.resources)+len(root.variables)+len(root.imports) != 0 {
			t.Errorf("%s: %v", split, modules)
		}
	}
}

// TestWriteFails: what goes wrong in the middle, in however many files, ends everything and is the answer.
func TestWriteFails(t *testing.T) {
	broken := errors.New("broken")
	failing := func(split string, resources, at int) *template.Template {
		whole := large(split, resources, 100)
		return template.Of(template.Template{Units: whole.Units, Parameters: whole.Parameters, Split: split}, func(ctx context.Context, u *template.Unit, yield func(*template.Resource) error) error {
			return whole.Each(ctx, u, func(r *template.Resource) error {
				if int(r.Node) == at {
					return broken
				}
				return yield(r)
			})
		}, whole.Ref)
	}
	for name, test := range map[string]struct {
		template *template.Template
		there    string
		want     error
	}{
		"a resource of a small unit": {failing(template.SplitGroup, 500, 250), "", broken},
		"a resource of a large unit": {failing(template.SplitNone, 5000, 4000), "", broken},
		"a file of a small unit":     {large(template.SplitGroup, 500, 100), "modules/rg-3/main.tf", os.ErrExist},
		"a file of a large unit":     {large(template.SplitNone, 5000, 0), "microsoft_type7.tf", os.ErrExist},
		"a second file":              {large(template.SplitType, 5000, 5000), "modules/rg-0/main_2.tf", os.ErrExist},
		"a file of a module":         {large(template.SplitGroup, 500, 100), "modules/rg-3/versions.tf", os.ErrExist},
		"existing resources":         {templatetest.Sample(template.SplitGroup), "modules/rg-web/existing.tf", os.ErrExist},
		"variables of a module":      {templatetest.Sample(template.SplitGroup), "modules/rg-web/variables.tf", os.ErrExist},
		"outputs of a module":        {templatetest.Sample(template.SplitGroup), "modules/rg-hub/outputs.tf", os.ErrExist},
		"imports":                    {templatetest.Sample(template.SplitGroup), "imports.tf", os.ErrExist},
		"a file of the root":         {templatetest.Sample(template.SplitGroup), "providers.tf", os.ErrExist},
		"the script":                 {templatetest.Sample(template.SplitGroup), "deploy.sh", os.ErrExist},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if test.there != "" {
				if err := errors.Join(os.MkdirAll(filepath.Join(dir, filepath.Dir(test.there)), 0o700), os.WriteFile(filepath.Join(dir, test.there), nil, 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			files, err := output.New(dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer files.Close()
			if err := terraform.Write(t.Context(), test.template, files, terraform.Options{Import: true}); !errors.Is(err, test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
