package arm_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
)

var update = flag.Bool("update", false, "write what is generated into testdata")

// write writes a template into a folder and gives its files by name.
func write(t testing.TB, tmpl *template.Template) (string, map[string]string) {
	t.Helper()
	dir := t.TempDir()
	files, err := output.New(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = files.Close() }()
	if err := arm.Write(t.Context(), tmpl, files, arm.Options{}); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range files.Names() {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(text)
	}
	return dir, all
}

func TestGolden(t *testing.T) {
	for name, tmpl := range map[string]*template.Template{
		"properties": templatetest.Properties(template.SplitDeployment),
		"sample":     templatetest.Sample(template.SplitDeployment),
		"stages":     templatetest.Stages(),
	} {
		t.Run(name, func(t *testing.T) {
			_, got := write(t, tmpl)
			dir := filepath.Join("testdata", name, "want")
			if *update {
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
				if err := os.MkdirAll(dir, 0o750); err != nil {
					t.Fatal(err)
				}
				for file, text := range got {
					if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			want := map[string]string{}
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				text, err := os.ReadFile(filepath.Join(dir, e.Name()))
				if err != nil {
					t.Fatal(err)
				}
				want[e.Name()] = string(text)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("files differ (-want +got):\n%s", diff)
			}
		})
	}
}

func folderSize(t testing.TB, dir string) (size int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	return size
}
