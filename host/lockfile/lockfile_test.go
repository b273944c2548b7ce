package lockfile_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/host/lockfile"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var sum = strings.Repeat("0a", 32)

func entry(version string) lockfile.Entry {
	return lockfile.Entry{
		Version: version, Source: "oci://example.com/acme:1", Digest: "sha256:" + sum, Signer: "minisign:1",
		Platforms: map[string]lockfile.Platform{"linux/amd64": {SHA256: sum}, "plan9/mips": {Download: sum}},
	}
}

func TestUpdateAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config", "backends.lock.json")
	if f, err := lockfile.Read(path); err != nil || len(f.Backends) != 0 {
		t.Fatalf("no file: %+v, %v", f, err)
	}
	var all sync.WaitGroup
	for n := range 10 { // each adds its own, and none is lost
		all.Go(func() {
			if err := lockfile.Update(t.Context(), path, func(f *lockfile.File) error {
				f.Backends[fmt.Sprint("b", n)] = entry(fmt.Sprint(n))
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	f, err := lockfile.Read(path)
	if err != nil || len(f.Backends) != 10 || cmp.Diff(entry("7"), f.Backends["b7"]) != "" {
		t.Errorf("Read = %+v, %v", f, err)
	}
	wrong := errors.New("wrong")
	if err := lockfile.Update(t.Context(), path, func(f *lockfile.File) error { clear(f.Backends); return wrong }); !errors.Is(err, wrong) {
		t.Errorf("Update = %v", err)
	}
	if err := lockfile.Update(t.Context(), path, func(f *lockfile.File) error { f.Backends["x"] = lockfile.Entry{}; return nil }); err == nil {
		t.Error("it wrote what it cannot read")
	}
	if again, err := lockfile.Read(path); err != nil || cmp.Diff(f, again) != "" {
		t.Errorf("changes that failed have changed it: %v", err)
	}
	entries, _ := os.ReadDir(filepath.Dir(path))
	if len(entries) != 2 { // and the mutex
		t.Errorf("files are left: %v", entries)
	}
}

func TestWaitingForAnotherEndsWithTheContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "backends.lock.json")
	enough := errors.New("enough")
	err := lockfile.Update(t.Context(), path, func(*lockfile.File) error {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, enough)
		defer cancel()
		return lockfile.Update(ctx, path, func(*lockfile.File) error { t.Error("two at once"); return nil })
	})
	if !errors.Is(err, enough) {
		t.Errorf("Update = %v", err)
	}
	// Who has given up gets the lock all the same, and gives it back: the folder cannot go before.
	if err := lockfile.Update(t.Context(), path, func(*lockfile.File) error { return nil }); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNotTrusted(t *testing.T) {
	text := func(change func(m map[string]any)) string {
		f := lockfile.File{SchemaVersion: 1, Backends: map[string]lockfile.Entry{"acme": entry("1")}}
		b, _ := json.Marshal(f)
		m := map[string]any{}
		_ = json.Unmarshal(b, &m)
		change(m)
		b, _ = json.Marshal(m)
		return string(b)
	}
	acme := func(m map[string]any) map[string]any { return m["backends"].(map[string]any)["acme"].(map[string]any) }
	here := func(m map[string]any) map[string]any {
		return acme(m)["platforms"].(map[string]any)["linux/amd64"].(map[string]any)
	}
	if _, err := lockfile.Parse([]byte(text(func(map[string]any) {}))); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"nothing":            "",
		"half":               text(func(map[string]any) {})[:50],
		"more behind":        text(func(map[string]any) {}) + "{}",
		"a newer form":       text(func(m map[string]any) { m["schema_version"] = 2 }),
		"no form":            "{}",
		"an unknown key":     text(func(m map[string]any) { acme(m)["sha512"] = "x" }),
		"no source":          text(func(m map[string]any) { acme(m)["source"] = "" }),
		"no platform":        text(func(m map[string]any) { acme(m)["platforms"] = map[string]any{} }),
		"an empty platform":  text(func(m map[string]any) { delete(here(m), "sha256") }),
		"a platform of half": text(func(m map[string]any) { acme(m)["platforms"] = map[string]any{"linux": map[string]any{"sha256": sum}} }),
		"half a SHA-256":     text(func(m map[string]any) { here(m)["sha256"] = sum[:32] }),
		"capital letters":    text(func(m map[string]any) { here(m)["sha256"] = strings.ToUpper(sum) }),
		"another digest":     text(func(m map[string]any) { acme(m)["digest"] = "sha512:" + sum }),
		"a name of atg's":    text(func(m map[string]any) { m["backends"].(map[string]any)["local"] = acme(m) }),
		"a path for a name":  text(func(m map[string]any) { m["backends"].(map[string]any)["../x"] = acme(m) }),
		"a large file":       strings.Repeat(" ", 5<<20),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lock")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := lockfile.Read(path); fault.CodeOf(err) != fault.Integrity {
				t.Errorf("Read = %v", err)
			}
		})
	}
}

func TestALockFileOfEverybodyIsNotTrusted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if err := os.WriteFile(path, []byte(`{"schema_version":1,"backends":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o646); err != nil {
		t.Fatal(err)
	}
	if _, err := lockfile.Read(path); runtime.GOOS != "windows" && fault.CodeOf(err) != fault.Integrity {
		t.Errorf("Read = %v", err)
	}
}

func FuzzParse(f *testing.F) {
	b, _ := json.Marshal(lockfile.File{SchemaVersion: 1, Backends: map[string]lockfile.Entry{"acme": entry("1")}})
	f.Add(b)
	f.Add([]byte(`{"schema_version":1}`))
	f.Add([]byte(`{"schema_version":1,"backends":{"a":{"source":"x","platforms":{"a/b":{"download":"` + sum + `"}}}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		one, err := lockfile.Parse(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(one)
		if err != nil {
			t.Fatal(err)
		}
		two, err := lockfile.Parse(again)
		if err != nil || cmp.Diff(one, two) != "" {
			t.Errorf("%s is read as %+v, and again as %+v, %v", text, one, two, err)
		}
	})
}
