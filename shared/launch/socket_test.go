//go:build unix

package launch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestASocketHasAPrivateFolderWithAShortPath(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, root := range map[string]string{"the usual": "/tmp", "too long": long, "missing": "/no/such/folder"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", root)
			dir, err := newSocketDir()
			if err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(dir.path)
			if err != nil || info.Mode() != os.ModeDir|0o700 {
				t.Errorf("its mode is %v, %v", info.Mode(), err)
			}
			// what go-plugin adds, at its longest
			if address := dir.path + "/plugin-dir4294967295/plugin4294967295"; len(address) > 103 {
				t.Errorf("%s has %d bytes", address, len(address))
			}
			dir.remove()
			if _, err := os.Stat(dir.path); !os.IsNotExist(err) {
				t.Errorf("it is still there: %v", err)
			}
		})
	}
}

func TestSweepRemovesWhatKilledHostsLeft(t *testing.T) {
	root, err := os.MkdirTemp("/tmp", "sweep")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	made := func() *socketDir {
		dir, err := newSocketDirIn(root)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir.path, "socket"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	inUse, abandoned := made(), made()
	_ = abandoned.lock.Close() // as the kernel does for a dead host
	for name, mode := range map[string]os.FileMode{"atg-jobs-1": 0o700, "atg-s": 0o700, "atg-s1x": 0o700, "atg-s2": 0o755} {
		if err := os.Mkdir(filepath.Join(root, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	elsewhere := t.TempDir()
	if err := os.Symlink(elsewhere, filepath.Join(root, "atg-s3")); err != nil {
		t.Fatal(err)
	}

	all := names(t, root)
	sweep(root, time.Now().Add(-time.Hour))
	if diff := cmp.Diff(all, names(t, root)); diff != "" {
		t.Errorf("young folders were removed: %s", diff)
	}
	sweep(root, time.Now().Add(time.Hour))
	want := slices.DeleteFunc(all, func(name string) bool { return name == filepath.Base(abandoned.path) })
	if diff := cmp.Diff(want, names(t, root)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	inUse.remove()
}

func names(t *testing.T, root string) []string {
	t.Helper()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
