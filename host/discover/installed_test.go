//go:build unix

package discover_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/discover"
	"github.com/azure-tenant-grapher/atg/host/lockfile"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// install puts an empty program where atg installs, and records it.
func install(t *testing.T, o *discover.Options, name, signer string) (string, lockfile.Entry) {
	t.Helper()
	empty := sha256.Sum256(nil)
	sum := hex.EncodeToString(empty[:])
	e := lockfile.Entry{Version: "1", Source: "oci://example.com/acme/" + name + ":1", Signer: signer, Platforms: map[string]lockfile.Platform{lockfile.Here(): {SHA256: sum}}}
	o.Lock = filepath.Join(o.Data, "..", "backends.lock.json")
	if err := lockfile.Update(t.Context(), o.Lock, func(f *lockfile.File) error { f.Backends[name] = e; return nil }); err != nil {
		t.Fatal(err)
	}
	return program(t, lockfile.Folder(o.Data, sum), "atg-backend-"+name), e
}

func TestInstalledBackendsArePinned(t *testing.T) {
	o, _, first, dropped := places(t)
	path, e := install(t, &o, "acme", "")
	hidden := program(t, dropped, "atg-backend-acme")
	want := discover.Program{Name: "acme", Path: path, SHA256: e.Platforms[lockfile.Here()].SHA256, Source: "backends.lock.json", Shadowed: []string{hidden}, Installed: &e}
	got, err := discover.Find(o, "acme")
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("Find: %v (-want +got):\n%s", err, d)
	}
	if d := cmp.Diff(want, discover.List(o)[1]); d != "" {
		t.Errorf("List (-want +got):\n%s", d)
	}
	if !strings.Contains(got.Repair(), "atg backend install --locked acme") {
		t.Errorf("Repair = %q", got.Repair())
	}

	o.Backends["acme"] = config.Backend{SHA256: "ABC"} // the configuration wins
	if got, _ := discover.Find(o, "acme"); got.SHA256 != "abc" || got.Repair() != "" {
		t.Errorf("pinned by the configuration: %+v", got)
	}
	delete(o.Backends, "acme")
	front := program(t, first, "atg-backend-acme") // ATG_BACKEND_PATH is somebody's own will
	if got, _ := discover.Find(o, "acme"); got.Path != front || got.SHA256 != "" || len(got.Shadowed) != 2 {
		t.Errorf("in front of it: %+v", got)
	}
	if err := os.Remove(front); err != nil {
		t.Fatal(err)
	}

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := discover.Find(o, "acme"); fault.CodeOf(err) != fault.BackendNotFound || !strings.Contains(fault.As(err).Hint, "--locked acme") {
		t.Errorf("without its program: %v", err)
	}
}

func TestWithALockFileThatCannotBeTrusted(t *testing.T) {
	o, _, first, _ := places(t)
	install(t, &o, "acme", "")
	program(t, first, "atg-backend-own")
	if err := os.WriteFile(o.Lock, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := discover.Find(o, "acme"); fault.CodeOf(err) != fault.Integrity {
		t.Errorf("installed: %v", err)
	}
	for _, name := range []string{"local", "own"} {
		if _, err := discover.Find(o, name); err != nil {
			t.Errorf("%s, of which it says nothing: %v", name, err)
		}
	}
}

func TestAPolicyThatAsksForSignatures(t *testing.T) {
	o, _, first, dropped := places(t)
	install(t, &o, "unsigned", "")
	install(t, &o, "signed", "minisign:1")
	program(t, first, "atg-backend-front")
	program(t, dropped, "atg-backend-dropped")
	program(t, dropped, "atg-backend-own")
	o.Backends["own"] = config.Backend{Path: filepath.Join(dropped, "atg-backend-own")}
	o.Trust = config.Trust{RequireSignature: true, Keys: []string{"x"}}
	for name, refused := range map[string]bool{"unsigned": true, "signed": false, "front": true, "dropped": true, "own": false, "local": false} {
		if _, err := discover.Find(o, name); (fault.CodeOf(err) == fault.Integrity) != refused {
			t.Errorf("Find(%s) = %v", name, err)
		}
	}
	o.Trust.Sources = []config.Source{{Prefix: "oci://example.com/acme"}, {Prefix: dropped}}
	for _, name := range []string{"unsigned", "dropped"} {
		if _, err := discover.Find(o, name); err != nil {
			t.Errorf("Find(%s) = %v", name, err)
		}
	}
}
