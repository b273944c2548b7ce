package bicep_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/bicep"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// write gives the files that a template becomes, by their names.
func write(t *testing.T, tpl *template.Template, o bicep.Options) map[string]string {
	t.Helper()
	dir := t.TempDir()
	files, err := output.New(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := bicep.Write(t.Context(), tpl, files, o); err != nil {
		t.Fatal(err)
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	return read(t, dir)
}

func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	content := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		content[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func golden(t *testing.T, dir string, got map[string]string) {
	t.Helper()
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		for name, text := range got {
			path := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff(read(t, dir), got); diff != "" {
		t.Errorf("files differ (-want +got); -update rewrites them:\n%s", diff)
	}
}

func TestGolden(t *testing.T) {
	for name, test := range map[string]struct {
		template *template.Template
		options  bicep.Options
	}{
		"properties": {templatetest.Properties(template.SplitDeployment), bicep.Options{}},
		"sample":     {templatetest.Sample(template.SplitDeployment), bicep.Options{}},
		"stages":     {templatetest.Stages(), bicep.Options{}},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, filepath.Join("testdata", name, "want"), write(t, test.template, test.options))
		})
	}
}

func TestNothing(t *testing.T) {
	empty := template.Of(template.Template{Source: template.Source{TenantID: "t", Complete: true}, Split: template.SplitDeployment}, nil, nil)
	if files := write(t, empty, bicep.Options{}); len(files) > 0 {
		t.Errorf("a template of nothing became %v", files)
	}
}
