package terraform_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/terraform"
)

var update = flag.Bool("update", false, "rewrite the wanted files")

// generate writes a template into a folder of the test's own.
func generate(t testing.TB, tmpl *template.Template, o terraform.Options) string {
	t.Helper()
	dir := t.TempDir()
	files, err := output.New(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	if err := terraform.Write(t.Context(), tmpl, files, o); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tree reads the files of a folder.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestWrite(t *testing.T) {
	for name, test := range map[string]struct {
		template *template.Template
		options  terraform.Options
	}{
		"group":           {templatetest.Sample(template.SplitGroup), terraform.Options{}},
		"group-import":    {templatetest.Sample(template.SplitGroup), terraform.Options{Import: true}},
		"type":            {templatetest.Sample(template.SplitType), terraform.Options{}},
		"none":            {templatetest.Sample(template.SplitNone), terraform.Options{}},
		"none-import":     {templatetest.Sample(template.SplitNone), terraform.Options{Import: true}},
		"principals":      {templatetest.Principals(template.SplitGroup), terraform.Options{}},
		"principals-none": {templatetest.Principals(template.SplitNone), terraform.Options{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := tree(t, generate(t, test.template, test.options))
			want := filepath.Join("testdata", "write", name, "want")
			if *update {
				if err := os.RemoveAll(want); err != nil {
					t.Fatal(err)
				}
				for name, content := range got {
					path := filepath.Join(want, filepath.FromSlash(name))
					if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
			if diff := cmp.Diff(tree(t, want), got); diff != "" {
				t.Errorf("go test -update rewrites what is wanted (-want +got):\n%s", diff)
			}
		})
	}
}
