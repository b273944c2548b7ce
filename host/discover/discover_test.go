//go:build unix

package discover_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/discover"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func program(t *testing.T, dir, name string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// places is a machine with atg, its local backend, and two folders of others.
func places(t *testing.T) (o discover.Options, beside, first, dropped string) {
	t.Helper()
	root := t.TempDir()
	beside, first, dropped = filepath.Join(root, "bin"), filepath.Join(root, "first"), filepath.Join(root, "data", "backends")
	atg := program(t, beside, "atg")
	program(t, beside, "atg-backend-local")
	link := filepath.Join(root, "atg-link")
	if err := os.Symlink(atg, link); err != nil {
		t.Fatal(err)
	}
	return discover.Options{Program: link, Path: "relative:" + first, Data: filepath.Join(root, "data"), Backends: map[string]config.Backend{}}, beside, first, dropped
}

func TestWhereBackendsAreFound(t *testing.T) {
	o, beside, first, dropped := places(t)
	acme := program(t, first, "atg-backend-acme")
	hidden := program(t, dropped, "atg-backend-acme")
	own := program(t, dropped, "atg-backend-own")
	program(t, dropped, "atg-backend-local")  // never taken for the bundled one
	program(t, first, "atg-backend-remote")   // nor this
	program(t, first, "atg-backend-Nonsense") // no name
	program(t, beside, "atg-backend-other")   // others are not looked for beside atg
	explicit := program(t, t.TempDir(), "whatever")
	o.Backends["pinned"] = config.Backend{Path: explicit, SHA256: "ABC"}
	o.Backends["unused"] = config.Backend{}

	want := []discover.Program{
		{Name: "local", Path: filepath.Join(beside, "atg-backend-local"), Source: "beside atg", Bundled: true},
		{Name: "acme", Path: acme, Source: "ATG_BACKEND_PATH", Shadowed: []string{hidden}},
		{Name: "own", Path: own, Source: dropped},
		{Name: "pinned", Path: explicit, Source: "backends.pinned.path", SHA256: "abc"},
	}
	if d := cmp.Diff(want, discover.List(o)); d != "" {
		t.Errorf("List (-want +got):\n%s", d)
	}
	for _, w := range want {
		if got, err := discover.Find(o, w.Name); err != nil || cmp.Diff(w, got) != "" {
			t.Errorf("Find(%s) = %+v, %v", w.Name, got, err)
		}
	}
	o.Backends["local"] = config.Backend{Path: explicit}
	if got, err := discover.Find(o, "local"); err != nil || got.Path != explicit || !got.Bundled {
		t.Errorf("a bundled backend elsewhere: %+v, %v", got, err)
	}
}

func TestABrokenBackendIsListedWithItsReasonAndHurtsNoOther(t *testing.T) {
	cases := map[string]struct {
		damage func(t *testing.T, path string)
		says   string
	}{
		"not executable": {func(t *testing.T, path string) { chmod(t, path, 0o600) }, "not executable"},
		"a folder": {func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "is a folder"},
		"a dangling link": {func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(path+"-gone", path); err != nil {
				t.Fatal(err)
			}
		}, "is not there"},
		"writable by everybody": {func(t *testing.T, path string) { chmod(t, path, 0o777) }, "written by everybody"},
		"a link to a folder of everybody": {func(t *testing.T, path string) {
			open := t.TempDir()
			chmod(t, open, 0o777)
			if err := os.Rename(path, filepath.Join(open, "program")); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(open, "program"), path); err != nil {
				t.Fatal(err)
			}
		}, "everybody may write to"},
		"in a folder of everybody": {func(t *testing.T, path string) { chmod(t, filepath.Dir(path), 0o777) }, "everybody may write to"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o, _, first, dropped := places(t)
			program(t, dropped, "atg-backend-good")
			c.damage(t, program(t, first, "atg-backend-bad"))
			list := discover.List(o)
			if len(list) != 3 || list[1].Name != "bad" || list[1].Fault == nil || list[2].Fault != nil {
				t.Fatalf("List = %+v", list)
			}
			_, err := discover.Find(o, "bad")
			if f := fault.As(err); f == nil || !strings.Contains(f.Message, c.says) {
				t.Errorf("Find = %v", err)
			}
			if _, err := discover.Find(o, "good"); err != nil {
				t.Errorf("the other one: %v", err)
			}
		})
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	o, _, first, dropped := places(t)
	program(t, first, "atg-backend-acme")
	for name, says := range map[string]string{
		"amce": `did you mean "acme"?`, "zzzzz": "atg backend list", "remote": "install atg with all its programs", "../acme": "lower-case letters", "": "lower-case",
	} {
		_, err := discover.Find(o, name)
		if f := fault.As(err); f == nil || f.Code != fault.BackendNotFound || !strings.Contains(f.Hint, says) {
			t.Errorf("Find(%q) = %+v", name, f)
		}
	}
	_, err := discover.Find(o, "zzzzz")
	for _, place := range []string{first, dropped} {
		if !strings.Contains(err.Error(), place) {
			t.Errorf("%v does not name %s", err, place)
		}
	}
}
