//go:build unix

package launch

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// taken is what newSocketDir and go-plugin make together.
func taken(t *testing.T) *socketDir {
	t.Helper()
	dir, err := newSocketDir()
	if err != nil {
		t.Fatal(err)
	}
	path, err := os.MkdirTemp(dir.root, "plugin-dir")
	if err == nil {
		err = dir.take(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestASocketHasAPrivateFolderWithAShortPath(t *testing.T) {
	short := func(name string) string { // as t.TempDir, which is too long on macOS
		root, err := os.MkdirTemp("/tmp", name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(root) })
		return root
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	runtime, open, link := short("runtime"), short("open"), short("link")
	folder := "atg-s" + strconv.Itoa(os.Geteuid())
	err := errors.Join(os.Mkdir(long, 0o700), os.Mkdir(filepath.Join(open, folder), 0o755), os.Symlink(short("target"), filepath.Join(link, folder)))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ runtime, tmp, want string }{
		"the usual":             {"", "/tmp", "/tmp"},
		"a folder for sockets":  {runtime, "/tmp", runtime},
		"too long":              {"", long, "/tmp"},
		"missing":               {"/no/such/runtime", "/no/such/folder", "/tmp"},
		"not absolute":          {"runtime", "/tmp", "/tmp"},
		"others can look in":    {open, "/tmp", "/tmp"},
		"a link to elsewhere":   {link, "/tmp", "/tmp"},
		"one that is there yet": {runtime, "/tmp", runtime},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_RUNTIME_DIR", tc.runtime)
			t.Setenv("TMPDIR", tc.tmp)
			dir := taken(t)
			for _, path := range []string{dir.root, dir.path} {
				info, err := os.Lstat(path)
				if err != nil || !private(info) {
					t.Errorf("the mode of %s is %v, %v", path, info.Mode(), err)
				}
			}
			if got := filepath.Dir(dir.root); got != tc.want {
				t.Errorf("it is in %s, want %s", got, tc.want)
			}
			// what go-plugin makes, at its longest
			if address := dir.root + "/plugin-dir4294967295/plugin4294967295"; len(address) > 103 {
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
	tmp, err := os.MkdirTemp("/tmp", "sweep")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(tmp) })
	t.Setenv("XDG_RUNTIME_DIR", tmp)
	made := func() *socketDir {
		dir := taken(t)
		if err := os.WriteFile(filepath.Join(dir.path, "socket"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	inUse, abandoned := made(), made()
	_ = abandoned.lock.Close() // as the kernel does for a dead host
	root := inUse.root
	if err := errors.Join(os.Mkdir(filepath.Join(root, "open"), 0o755), os.Symlink(t.TempDir(), filepath.Join(root, "link"))); err != nil {
		t.Fatal(err)
	}

	all := names(t, root)
	sweepSocketDirs()
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
