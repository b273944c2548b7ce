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

// write makes a file below dir and describes it.
func write(t *testing.T, dir, name, content string) backend.Artifact {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	size, sum, err := digest(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return backend.Artifact{Path: name, Size: size, SHA256: sum}
}

// tree reads every file below dir but the manifest.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		if name != manifestName {
			files[filepath.ToSlash(name)] = string(b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestDownload(t *testing.T) {
	main := func(t *testing.T, dir string) backend.Artifact { return write(t, dir, "main.tf", "main") }
	for _, tc := range []struct {
		name   string
		before string // a file that the output folder holds
		force  bool
		listed func(t *testing.T) []backend.Artifact // nil is what fill writes
		fill   func(t *testing.T, dir string) []backend.Artifact
		code   fault.Code
		want   map[string]string
	}{
		{"several files", "", false, nil, func(t *testing.T, dir string) []backend.Artifact {
			return []backend.Artifact{main(t, dir), write(t, dir, "modules/net/a.tf", "net")}
		}, "", map[string]string{"main.tf": "main", "modules/net/a.tf": "net"}},
		{"replaces", "main.tf", true, nil, func(t *testing.T, dir string) []backend.Artifact {
			return []backend.Artifact{main(t, dir)}
		}, "", map[string]string{"main.tf": "main"}},
		{"beside a file of the user's", "other.txt", false, nil, func(t *testing.T, dir string) []backend.Artifact {
			return []backend.Artifact{main(t, dir)}
		}, "", map[string]string{"main.tf": "main", "other.txt": "before"}},
		{"over a file of the user's", "main.tf", false, nil, func(t *testing.T, dir string) []backend.Artifact {
			return []backend.Artifact{main(t, dir), write(t, dir, "a.tf", "a")}
		}, fault.Conflict, map[string]string{"main.tf": "before"}},
		{"where a folder is", "main.tf/inner", true, nil, func(t *testing.T, dir string) []backend.Artifact {
			return []backend.Artifact{main(t, dir)}
		}, fault.Conflict, map[string]string{"main.tf/inner": "before"}},
		{"below a file", "modules", true, nil, func(t *testing.T, dir string) []backend.Artifact {
			return []backend.Artifact{write(t, dir, "modules/net/a.tf", "net")}
		}, fault.Conflict, map[string]string{"modules": "before"}},
		{"wrong checksum", "", false, nil, func(t *testing.T, dir string) []backend.Artifact {
			a := main(t, dir)
			a.SHA256 = strings.Repeat("0", 64)
			return []backend.Artifact{a}
		}, fault.Integrity, map[string]string{}},
		{"wrong size", "", false, nil, func(t *testing.T, dir string) []backend.Artifact {
			a := main(t, dir)
			a.Size++
			return []backend.Artifact{a}
		}, fault.Integrity, map[string]string{}},
		{"one wrong file spoils all", "", false, nil, func(t *testing.T, dir string) []backend.Artifact {
			bad := write(t, dir, "z.tf", "z")
			bad.Size = 0
			return []backend.Artifact{main(t, dir), bad}
		}, fault.Integrity, map[string]string{}},
		{"not written", "", false, nil, func(t *testing.T, dir string) []backend.Artifact {
			return []backend.Artifact{{Path: "main.tf"}}
		}, fault.Integrity, map[string]string{}},
		{"a link out of the folder", "", false, nil, func(t *testing.T, dir string) []backend.Artifact {
			outside := t.TempDir()
			target := write(t, outside, "secret", "secret")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(outside, "secret"), filepath.Join(dir, "main.tf")); err != nil {
				t.Fatal(err)
			}
			target.Path = "main.tf"
			return []backend.Artifact{target}
		}, fault.Integrity, map[string]string{}},
		{"leads out", "", false, nil, func(t *testing.T, dir string) []backend.Artifact {
			return []backend.Artifact{write(t, dir, "../evil.tf", "evil")}
		}, fault.Integrity, nil},
		{"absolute", "", false, nil, func(t *testing.T, dir string) []backend.Artifact {
			return []backend.Artifact{{Path: "/etc/passwd"}}
		}, fault.Integrity, map[string]string{}},
		{"not clean", "", false, nil, func(t *testing.T, dir string) []backend.Artifact {
			a := write(t, dir, "a/main.tf", "main")
			a.Path = "a/./main.tf"
			return []backend.Artifact{a}
		}, fault.Integrity, map[string]string{}},
		{"twice", "", false, nil, func(t *testing.T, dir string) []backend.Artifact {
			return []backend.Artifact{main(t, dir), main(t, dir)}
		}, fault.Integrity, map[string]string{}},
		{"not what was listed", "", false, func(*testing.T) []backend.Artifact {
			return []backend.Artifact{{Path: "main.tf", Size: 4, SHA256: "other"}}
		}, func(t *testing.T, dir string) []backend.Artifact {
			return []backend.Artifact{main(t, dir)}
		}, fault.Integrity, map[string]string{}},
		{"unsafe name listed", "", false, func(*testing.T) []backend.Artifact {
			return []backend.Artifact{{Path: "../../x"}}
		}, nil, fault.Integrity, map[string]string{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "out")
			if tc.before != "" {
				write(t, dir, tc.before, "before")
			}
			f := &fake{
				can: backend.Capabilities{
					Operations: []backend.Operation{backend.OpGenerateIaC}, Features: []backend.Feature{backend.FeatureArtifacts},
				},
				result: &backend.IaCGenerationResult{Success: true, Complete: true, FilesGenerated: []string{"main.tf"}},
			}
			if tc.listed != nil {
				f.artifacts = tc.listed(t)
			} else if tc.fill != nil {
				f.artifacts = tc.fill(t, filepath.Join(t.TempDir(), "x"))
			}
			f.fill = func(staging string) []backend.Artifact { return tc.fill(t, staging) }
			d, _ := dispatcher(t, map[string]*fake{"fake": f}, Options{})
			out, err := d.ExecuteIaCGeneration(t.Context(), &backend.IaCGenerationRequest{}, Task{Ending: Ending{OutputDir: dir, Overwrite: tc.force}})
			if got := fault.CodeOf(err); got != tc.code {
				t.Fatalf("got %v", err)
			}
			if tc.want != nil {
				if _, err := os.Stat(dir); err == nil || len(tc.want) > 0 {
					if diff := cmp.Diff(tc.want, tree(t, dir)); diff != "" {
						t.Errorf("files (-want +got):\n%s", diff)
					}
				}
			}
			if err == nil {
				files := out.Result.(*backend.IaCGenerationResult).FilesGenerated
				if len(files) != len(f.artifacts) || !filepath.IsAbs(files[0]) || files[0] != filepath.Join(dir, "main.tf") {
					t.Errorf("files generated: %q", files)
				}
			}
		})
	}
}

func TestOutputFolderIsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, filepath.Dir(file), "file", "x")
	f := &fake{can: backend.Capabilities{Operations: []backend.Operation{backend.OpScan}, Features: []backend.Feature{backend.FeatureArtifacts}}}
	d, _ := dispatcher(t, map[string]*fake{"fake": f}, Options{})
	_, err := d.Execute(t.Context(), Task{Request: &backend.ScanRequest{}, Ending: Ending{OutputDir: file}})
	if fault.CodeOf(err) != fault.InvalidArgument || len(f.calls) > 0 {
		t.Errorf("got %v after %q", err, f.calls)
	}
}

func TestInputs(t *testing.T) {
	spec := filepath.Join(t.TempDir(), "tenant.md")
	want := write(t, filepath.Dir(spec), "tenant.md", "# tenant")
	f := &fake{
		can: backend.Capabilities{
			Operations: []backend.Operation{backend.OpCreateTenant}, Features: []backend.Feature{backend.FeatureInputs},
		},
		result: &backend.TenantCreationResult{Success: true, Complete: true},
	}
	d, _ := dispatcher(t, map[string]*fake{"fake": f}, Options{})
	if _, err := d.ExecuteTenantCreation(t.Context(), &backend.TenantCreationRequest{Spec: "spec.md"}, spec, Task{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]backend.Input{{Path: "spec.md", Size: want.Size, SHA256: want.SHA256}}, f.submission.Inputs); diff != "" {
		t.Errorf("inputs (-want +got):\n%s", diff)
	}
	if got := f.inputs["spec.md"]; got != "# tenant 8 "+want.SHA256 {
		t.Errorf("the backend got %q", got)
	}
	_, err := d.ExecuteTenantCreation(t.Context(), &backend.TenantCreationRequest{Spec: "spec.md"}, spec+"x", Task{})
	if fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("a missing file: got %v", err)
	}
}

func TestFetchSnapshot(t *testing.T) {
	content := write(t, t.TempDir(), "x", "sqlite")
	for _, tc := range []struct {
		name   string
		id     string
		known  string // the checksum that the backend lists
		before bool
		force  bool
		code   fault.Code
	}{
		{"new", "snap", content.SHA256, false, false, ""},
		{"replaces", "snap", content.SHA256, true, true, ""},
		{"exists", "snap", content.SHA256, true, false, fault.InvalidArgument},
		{"unknown", "snip", content.SHA256, false, false, fault.SnapshotNotFound},
		{"another file", "snap", strings.Repeat("0", 64), false, false, fault.Integrity},
	} {
		t.Run(tc.name, func(t *testing.T) {
			target := filepath.Join(t.TempDir(), "sub", "my.db")
			want := map[string]string{}
			if tc.before {
				write(t, filepath.Dir(target), "my.db", "before")
				want["my.db"] = "before"
			}
			if tc.code == "" {
				want["my.db"] = "sqlite"
			}
			f := &fake{
				can:      backend.Capabilities{Features: []backend.Feature{backend.FeatureSnapshots}, Operations: []backend.Operation{}},
				snapshot: backend.Snapshot{ID: "snap", SHA256: tc.known},
				fill:     func(dir string) []backend.Artifact { return []backend.Artifact{write(t, dir, "snap.db", "sqlite")} },
			}
			d, r := dispatcher(t, map[string]*fake{"fake": f}, Options{})
			s, err := d.Open(t.Context(), "fake")
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close(t.Context())
			_, err = s.FetchSnapshot(t.Context(), tc.id, target, tc.force)
			if got := fault.CodeOf(err); got != tc.code {
				t.Fatalf("got %v", err)
			}
			if _, err := os.Stat(filepath.Dir(target)); err == nil || len(want) > 0 {
				if diff := cmp.Diff(want, tree(t, filepath.Dir(target))); diff != "" {
					t.Errorf("files (-want +got):\n%s", diff)
				}
			}
			if tc.code == "" && len(r.events) != 1 {
				t.Errorf("progress: %+v", r.events)
			}
		})
	}
}

func TestNoSnapshots(t *testing.T) {
	f := &fake{}
	d, _ := dispatcher(t, map[string]*fake{"fake": f}, Options{})
	s, err := d.Open(t.Context(), "fake")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	if _, err := s.Snapshots(); fault.CodeOf(err) != fault.Unsupported || !strings.Contains(err.Error(), "backend fake") {
		t.Errorf("got %v", err)
	}
}
