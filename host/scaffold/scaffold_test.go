package scaffold

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestWrite(t *testing.T) {
	cases := map[string]struct {
		language, version string
		want              []string
		contains          map[string]string
	}{
		"go": {"go", "v1.2.3", []string{".gitignore", "README.md", "go.mod", "main.go", "main_test.go"}, map[string]string{
			"go.mod":  "module example.com/atg-backend-acme\n\ngo 1.26.0\n\nrequire github.com/azure-tenant-grapher/atg v1.2.3\n",
			"main.go": `Name: "acme"`,
		}},
		"go, of no release": {"go", "v1.2.3-4-gabcdef", []string{".gitignore", "README.md", "go.mod", "main.go", "main_test.go"}, map[string]string{
			"go.mod": "module example.com/atg-backend-acme\n\ngo 1.26.0\n",
		}},
		"python": {"python", "dev", []string{
			".gitignore", "README.md", "build.py", "requirements.txt", "src/__main__.py",
			"src/atg/backend/v1/backend_pb2.py", "src/atg/backend/v1/fault_pb2.py", "src/atg/backend/v1/requests_pb2.py",
			"src/atg/backend/v1/results_pb2.py", "src/atg/backend/v1/snapshots_pb2.py", "src/atg_backend.py",
		}, map[string]string{"src/__main__.py": `    name = "acme"`, "README.md": "./atg-backend-acme"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "deep", "acme")
			written, err := Write(dir, c.language, "acme", c.version)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, written); d != "" {
				t.Errorf("written (-want +got):\n%s", d)
			}
			for file, text := range c.contains {
				content, err := os.ReadFile(filepath.Join(dir, file))
				if err != nil || !strings.Contains(string(content), text) {
					t.Errorf("%s is %s (%v)", file, content, err)
				}
			}
			if _, err := Write(dir, c.language, "acme", c.version); fault.CodeOf(err) != fault.Conflict {
				t.Errorf("over it: %v", err)
			}
		})
	}
	if _, err := Write(filepath.Join(t.TempDir(), "x"), "cobol", "x", "dev"); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("in cobol: %v", err)
	}
}

// What makes a Python program a backend is the same in the example.
func TestPythonIsThatOfTheExample(t *testing.T) {
	example := filepath.Join("..", "..", "examples", "backend-python")
	if err := fs.WalkDir(files, "python", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".tmpl") {
			return err
		}
		ours, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		theirs, err := os.ReadFile(filepath.Join(example, strings.TrimPrefix(path, "python/")))
		if err != nil || !bytes.Equal(ours, theirs) {
			t.Errorf("%s is not that of the example (%v): cp one of them over the other", path, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
