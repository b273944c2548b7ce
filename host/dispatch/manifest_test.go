package dispatch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// run generates files into dir, as a job of a durable backend.
func run(t *testing.T, dir string, overwrite bool, files map[string]string) (*recorder, error) {
	t.Helper()
	return runAs(t, &backend.IaCGenerationRequest{}, &backend.IaCGenerationResult{Success: true, Complete: true}, dir, overwrite, files)
}

// runAs is run for any operation.
func runAs(t *testing.T, request backend.Request, result backend.Result, dir string, overwrite bool, files map[string]string) (*recorder, error) {
	t.Helper()
	fill := func(to string) (artifacts []backend.Artifact) {
		for name, content := range files {
			artifacts = append(artifacts, write(t, to, name, content))
		}
		return artifacts
	}
	f := &fake{
		can: backend.Capabilities{
			Operations: []backend.Operation{request.Operation()}, Features: []backend.Feature{backend.FeatureArtifacts, backend.FeatureDurableJobs},
		},
		result: result, artifacts: fill(t.TempDir()), fill: fill,
	}
	d, r := dispatcher(t, map[string]*fake{"fake": f}, Options{})
	_, err := d.Execute(t.Context(), Task{Request: request, Ending: Ending{OutputDir: dir, Overwrite: overwrite}})
	return r, err
}

// TestFilesOfTheUserAreKept: atg replaces what it wrote, and nothing else.
func TestFilesOfTheUserAreKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	if _, err := run(t, dir, false, map[string]string{"a.tf": "1", "sub/b.tf": "1", "c.tf": "1", "d.tf": "1"}); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "mine.tf", "mine")
	write(t, dir, "c.tf", "changed")
	r, err := run(t, dir, false, map[string]string{"a.tf": "2", "sub/b.tf": "2"})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.notes) != 2 || !strings.HasSuffix(r.notes[0], "has not: d.tf") || !strings.Contains(r.notes[1], "was changed since earlier code had it: c.tf;") {
		t.Errorf("notes %q", r.notes)
	}
	want := map[string]string{"a.tf": "2", "sub/b.tf": "2", "mine.tf": "mine", "c.tf": "changed"}
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}

	_, err = run(t, dir, false, map[string]string{"a.tf": "3", "mine.tf": "3", "c.tf": "3"})
	f := fault.Of(err)
	if f == nil || f.Code != fault.Conflict || len(f.Problems) != 2 || !strings.Contains(f.Hint, "atg --backend fake job download job-1 --output-dir "+dir+" --force") {
		t.Errorf("got %+v", f)
	}
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}

	if _, err = run(t, dir, true, map[string]string{"a.tf": "3", "mine.tf": "3", "c.tf": "3"}); err != nil {
		t.Fatal(err)
	}
	if _, err = run(t, dir, false, map[string]string{"mine.tf": "4"}); err != nil { // atg's own by now
		t.Fatal(err)
	}
	if got := tree(t, dir)["mine.tf"]; got != "4" {
		t.Errorf("mine.tf holds %q", got)
	}
}

// TestAManifestVouchesForNothingElse: neither a damaged one nor a link counts.
func TestAManifestVouchesForNothingElse(t *testing.T) {
	files := map[string]string{"a.tf": "1"}
	for name, spoil := range map[string]func(dir string) error{
		"damaged": func(dir string) error { return os.WriteFile(filepath.Join(dir, manifestName), []byte("{"), 0o600) },
		"gone":    func(dir string) error { return os.Remove(filepath.Join(dir, manifestName)) },
		"a link in the place of the file": func(dir string) error {
			a := filepath.Join(dir, "a.tf")
			if err := os.Rename(a, filepath.Join(dir, "b.tf")); err != nil {
				return err
			}
			return os.Symlink("b.tf", a)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := run(t, dir, false, files); err != nil {
				t.Fatal(err)
			}
			if err := spoil(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := run(t, dir, false, files); fault.CodeOf(err) != fault.Conflict {
				t.Errorf("got %v", err)
			}
			if _, err := run(t, dir, true, files); err != nil {
				t.Errorf("with --force: %v", err)
			}
		})
	}
}
