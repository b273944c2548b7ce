package dispatch

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// TestCodeReplacesEarlierCode: of two generations into one folder, the folder holds the second, and what
// is the user's own.
func TestCodeReplacesEarlierCode(t *testing.T) {
	first := map[string]string{"main.tf": "1", "web/vm.tf": "1", "web/net/a.tf": "1", "db.tf": "1"}
	for _, tc := range []struct {
		name   string
		meddle func(t *testing.T, dir string) // between the two
		second map[string]string
		want   map[string]string
		notes  []string // what they contain, in their order
		after  func(t *testing.T, dir string)
	}{
		{"fewer files", nil, map[string]string{"main.tf": "2"}, map[string]string{"main.tf": "2"}, []string{"has not: db.tf, web/net/a.tf, web/vm.tf"}, func(t *testing.T, dir string) {
			if _, err := os.Stat(filepath.Join(dir, "web")); err == nil {
				t.Error("the empty folder is left")
			}
		}},
		{"another format", nil, map[string]string{"main.bicep": "2"}, map[string]string{"main.bicep": "2"}, []string{"has not: db.tf, main.tf, web/net/a.tf, web/vm.tf"}, nil},
		{"the same files", nil, map[string]string{"main.tf": "2", "web/vm.tf": "2", "web/net/a.tf": "2", "db.tf": "2"}, map[string]string{"main.tf": "2", "web/vm.tf": "2", "web/net/a.tf": "2", "db.tf": "2"}, nil, nil},
		{"beside the user's", func(t *testing.T, dir string) {
			write(t, dir, "web/mine.tf", "mine")
			write(t, dir, "terraform.tfstate", "state")
		}, map[string]string{"main.tf": "2"}, map[string]string{"main.tf": "2", "web/mine.tf": "mine", "terraform.tfstate": "state"}, []string{"has not: db.tf, web/net/a.tf, web/vm.tf"}, nil},
		{"one was changed", func(t *testing.T, dir string) { write(t, dir, "db.tf", "mine") },
			map[string]string{"main.tf": "2"}, map[string]string{"main.tf": "2", "db.tf": "mine"}, []string{"has not: web/net/a.tf, web/vm.tf", "changed since earlier code had it: db.tf;"}, nil},
		{"one was removed", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "db.tf")); err != nil {
				t.Fatal(err)
			}
		}, map[string]string{"main.tf": "2", "web/vm.tf": "2", "web/net/a.tf": "2"}, map[string]string{"main.tf": "2", "web/vm.tf": "2", "web/net/a.tf": "2"}, nil, nil},
		{"a folder became a link", func(t *testing.T, dir string) {
			if err := os.Rename(filepath.Join(dir, "web"), filepath.Join(dir, "real")); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("real", filepath.Join(dir, "web")); err != nil {
				t.Fatal(err)
			}
			write(t, dir, "real/mine.tf", "mine")
		}, map[string]string{"main.tf": "2"}, nil, []string{"has not: db.tf, web/net/a.tf, web/vm.tf"}, func(t *testing.T, dir string) {
			if info, err := os.Lstat(filepath.Join(dir, "web")); err != nil || info.Mode()&os.ModeSymlink == 0 {
				t.Error("the link is gone")
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := run(t, dir, false, first); err != nil {
				t.Fatal(err)
			}
			if tc.meddle != nil {
				tc.meddle(t, dir)
			}
			for range 2 { // the second time nothing is new, but what stays is told again
				r, err := run(t, dir, false, tc.second)
				if err != nil {
					t.Fatal(err)
				}
				if tc.want != nil {
					if diff := cmp.Diff(tc.want, tree(t, dir)); diff != "" {
						t.Errorf("files (-want +got):\n%s", diff)
					}
				}
				if len(r.notes) != len(tc.notes) {
					t.Fatalf("notes %q", r.notes)
				}
				for i, note := range tc.notes {
					if !strings.Contains(r.notes[i], note) {
						t.Errorf("note %q has no %q", r.notes[i], note)
					}
				}
				if len(tc.notes) > 0 && strings.HasPrefix(tc.notes[0], "has not") {
					tc.notes = tc.notes[1:] // that is done
				}
			}
			if tc.after != nil {
				tc.after(t, dir)
			}
		})
	}
}

// TestOnlyCodeReplacesCode: what an export wrote is no code that a generation may remove, nor the other way
// round.
func TestOnlyCodeReplacesCode(t *testing.T) {
	dir := t.TempDir()
	if _, err := run(t, dir, false, map[string]string{"main.tf": "1"}); err != nil {
		t.Fatal(err)
	}
	export := func(name string) *recorder {
		r, err := runAs(t, &backend.SnapshotExportRequest{Format: "csv"}, &backend.SnapshotExportResult{Complete: true}, dir, false, map[string]string{name: "1"})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, name := range []string{"a.csv", "b.csv"} {
		if r := export(name); len(r.notes) != 1 || !strings.Contains(r.notes[0], "also holds what an earlier run wrote: ") {
			t.Errorf("notes %q", r.notes)
		}
	}
	r, err := run(t, dir, false, map[string]string{"other.tf": "1", "b.csv": "2"})
	if err != nil || len(r.notes) != 2 || !strings.Contains(r.notes[0], ": main.tf") || !strings.HasSuffix(r.notes[1], ": a.csv") {
		t.Errorf("notes %q, %v", r.notes, err)
	}
	if r, err = run(t, dir, false, map[string]string{"other.tf": "1"}); err != nil || len(r.notes) != 2 || !strings.Contains(r.notes[0], ": b.csv") {
		t.Errorf("what is code by now: notes %q, %v", r.notes, err)
	}
	if diff := cmp.Diff(map[string]string{"other.tf": "1", "a.csv": "1"}, tree(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestNamesThatDifferInCase: where the file system takes two names for one, the new file is not removed as
// the old one. A second name of the file stands for that here.
func TestNamesThatDifferInCase(t *testing.T) {
	dir := t.TempDir()
	if _, err := run(t, dir, false, map[string]string{"Web.tf": "same"}); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	if err := os.Remove(filepath.Join(dir, "web.tf")); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	written := write(t, dir, "Web.tf", "same")
	if _, err := os.Lstat(filepath.Join(dir, "web.tf")); err != nil {
		if err := os.Link(filepath.Join(dir, "Web.tf"), filepath.Join(dir, "web.tf")); err != nil {
			t.Fatal(err)
		}
	}
	written.Path = "web.tf"
	s := &Session{options: Options{Note: func(format string, args ...any) { t.Errorf(format, args...) }}}
	if err := s.remember(root, backend.OpGenerateIaC, []backend.Artifact{written}, true); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "web.tf")); err != nil {
		t.Error(err)
	}
	if m := readManifest(root); len(m.Files) != 1 || len(m.Code) != 1 || m.Code[0] != "web.tf" {
		t.Errorf("manifest %+v", m)
	}
}

// TestHalfADeliveryRemovesNothing: what could not take its place is not missing on purpose.
func TestHalfADeliveryRemovesNothing(t *testing.T) {
	dir := t.TempDir()
	if _, err := run(t, dir, false, map[string]string{"a.tf": "1", "b.tf": "1"}); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	s := &Session{options: Options{Note: func(format string, args ...any) { t.Errorf(format, args...) }}}
	if err := s.remember(root, backend.OpGenerateIaC, []backend.Artifact{write(t, dir, "a.tf", "2")}, false); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a.tf": "2", "b.tf": "1"}, tree(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if m := readManifest(root); len(m.Files) != 2 || len(m.Code) != 2 {
		t.Errorf("manifest %+v", m)
	}
}

// TestKilledOverADelivery: what had taken its place before atg was ended is atg's, and what had not is
// nobody's.
func TestKilledOverADelivery(t *testing.T) {
	dir := t.TempDir()
	if _, err := run(t, dir, false, map[string]string{"a.tf": "1", "b.tf": "1", "old.tf": "1"}); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	later := t.TempDir()
	arriving := []backend.Artifact{write(t, later, "a.tf", "2"), write(t, later, "b.tf", "2"), write(t, later, "new.tf", "2"), write(t, later, "mine.tf", "2")}
	if err := announce(root, backend.OpGenerateIaC, arriving); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "a.tf", "2")
	write(t, dir, "new.tf", "2")
	write(t, dir, "mine.tf", "mine") // of the user, since

	if _, err := run(t, dir, false, map[string]string{"a.tf": "3", "mine.tf": "3"}); fault.CodeOf(err) != fault.Conflict || len(fault.Of(err).Problems) != 1 {
		t.Errorf("over the user's own: %v", err)
	}
	r, err := run(t, dir, false, map[string]string{"a.tf": "3"})
	if err != nil || len(r.notes) != 1 || !strings.HasSuffix(r.notes[0], "has not: b.tf, new.tf, old.tf") {
		t.Errorf("notes %q, %v", r.notes, err)
	}
	if diff := cmp.Diff(map[string]string{"a.tf": "3", "mine.tf": "mine"}, tree(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if m := readManifest(root); len(m.Files) != 1 || m.Arriving != nil {
		t.Errorf("manifest %+v", m)
	}
}

// TestScriptsCanBeRun: what is a script arrives as one, and nothing else does.
func TestScriptsCanBeRun(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // files have no such mode there
	}
	dir := t.TempDir()
	if _, err := run(t, dir, false, map[string]string{"deploy.sh": "#!/bin/sh\n", "sub/other.sh": "", "main.tf": "1"}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"deploy.sh": 0o700, "sub/other.sh": 0o700, "main.tf": 0o644} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}
