package install

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/go-digest"

	"github.com/azure-tenant-grapher/atg/host/lockfile"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// world is a machine, and a registry over TLS with a certificate of its own.
type world struct {
	*Installer
	t       *testing.T
	host    string // of the registry
	caFile  string
	started []string // the programs that were started to describe themselves

	mu    sync.Mutex
	alter func(w http.ResponseWriter, r *http.Request, next http.Handler) // what comes between; nil: nothing
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t}
	real := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		alter := w.alter
		w.mu.Unlock()
		if alter != nil {
			alter(rw, r, real)
			return
		}
		real.ServeHTTP(rw, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	w.host = strings.TrimPrefix(server.URL, "https://")
	w.caFile = w.file("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	client, err := Client(w.caFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", t.TempDir()) // whoever runs the tests may be logged in somewhere
	home := t.TempDir()
	w.Installer = &Installer{
		Data: filepath.Join(home, "data"), Lock: filepath.Join(home, "config", "backends.lock.json"), HTTP: client,
		Pin: func(string) string { return "" },
		Describe: func(_ context.Context, name, path, sha256 string) (backend.Description, error) {
			content, err := os.ReadFile(path)
			w.mu.Lock()
			w.started = append(w.started, string(content))
			w.mu.Unlock()
			return backend.Description{Name: name, Version: string(content[:min(len(content), 8)])}, err
		},
	}
	return w
}

// file writes a file into a folder of its own.
func (w *world) file(name string, content []byte) string {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func (w *world) ref(reference string) string { return "oci://" + w.host + "/acme/backend" + reference }

// push publishes a program for here and one for plan9/mips.
func (w *world) push(content, tag string) *Published {
	w.t.Helper()
	p, err := w.Push(w.t.Context(), Publication{
		Name: "acme", Version: content, Destination: w.ref(":" + tag),
		Programs: map[string]string{lockfile.Here(): w.file("atg-backend-acme", []byte(content)), "plan9/mips": w.file("atg-backend-acme", []byte("mips"+content))},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// install prepares and accepts.
func (w *world) install(r Request) (lockfile.Entry, error) {
	o, err := w.Prepare(w.t.Context(), r)
	if err != nil {
		return lockfile.Entry{}, err
	}
	defer o.Close()
	return w.Accept(w.t.Context(), o, true)
}

func (w *world) must(r Request) lockfile.Entry {
	w.t.Helper()
	e, err := w.install(r)
	if err != nil {
		w.t.Fatalf("install %+v: %v", r, err)
	}
	return e
}

// refuses wants a fault of that code, and that nothing was left behind.
func (w *world) refuses(r Request, code fault.Code, says string) {
	w.t.Helper()
	before := w.files()
	_, err := w.install(r)
	if f := fault.As(err); f == nil || f.Code != code || !strings.Contains(f.Error()+f.Hint, says) {
		w.t.Errorf("install %s = %v, want %s with %q", r.Source, err, code, says)
	}
	if d := cmp.Diff(before, w.files()); d != "" {
		w.t.Errorf("it left something (-before +after):\n%s", d)
	}
}

// files are those below the data folder, with what is in them.
func (w *world) files() map[string]string {
	found := map[string]string{}
	_ = filepath.WalkDir(w.Data, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			content, _ := os.ReadFile(path)
			found[strings.TrimPrefix(path, w.Data)] = string(content)
		}
		return nil
	})
	return found
}

func (w *world) change(alter func(http.ResponseWriter, *http.Request, http.Handler)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.alter = alter
}

func hex256(content string) string { return digest.FromString(content).Encoded() }

func TestFromARegistry(t *testing.T) {
	w := newWorld(t)
	first := w.push("1.0", "v1")
	if again := w.push("1.0", "v1"); again.Digest != first.Digest {
		t.Errorf("the same programs have the digests %s and %s", first.Digest, again.Digest)
	}
	want := lockfile.Entry{Version: "1.0", Source: w.ref(":v1"), Digest: first.Digest, Platforms: map[string]lockfile.Platform{
		lockfile.Here(): {SHA256: hex256("1.0")}, "plan9/mips": {SHA256: hex256("mips1.0")},
	}}
	if d := cmp.Diff(want, w.must(Request{Source: w.ref(":v1")})); d != "" {
		t.Errorf("entry (-want +got):\n%s", d)
	}
	lock, err := lockfile.Read(w.Lock)
	if err != nil || cmp.Diff(want, lock.Backends["acme"]) != "" {
		t.Errorf("the lock file says %+v, %v", lock, err)
	}
	program := filepath.Join(lockfile.Folder(w.Data, hex256("1.0")), "atg-backend-acme")
	if info, err := os.Stat(program); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the program is %v, %v", info, err)
	}
	if f := w.Look(t.Context(), want); f.Outdated || f.Fault != nil {
		t.Errorf("it is outdated: %+v", f)
	}

	second := w.push("2.0", "v1") // the tag moves
	if f := w.Look(t.Context(), want); !f.Outdated || f.Version != "2.0" || f.Digest != second.Digest {
		t.Errorf("it is not outdated: %+v", f)
	}
	if e := w.must(Request{Source: w.ref("@" + first.Digest)}); e.Digest != first.Digest || e.Version != "1.0" {
		t.Errorf("by digest: %+v", e)
	}
	if f := w.Look(t.Context(), lockfile.Entry{Source: w.ref("@" + first.Digest)}); !f.Pinned || f.Outdated {
		t.Errorf("what is pinned is outdated: %+v", f)
	}
	if e := w.must(Request{Source: w.ref(":v1")}); e.Version != "2.0" {
		t.Errorf("upgraded: %+v", e)
	}
	if _, err := os.Stat(program); err != nil {
		t.Errorf("the replaced program may still run: %v", err)
	}
	if d := cmp.Diff([]string{"1.0", "1.0", "2.0"}, w.started); d != "" {
		t.Errorf("started (-want +got):\n%s", d)
	}

	w.must(Request{Name: "acme", Locked: &want}) // the lock file of another machine, from before
	if lock, _ = lockfile.Read(w.Lock); cmp.Diff(want, lock.Backends["acme"]) != "" || !w.Intact("acme", want) {
		t.Errorf("locked: %+v", lock.Backends["acme"])
	}
	if _, err := w.Remove(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	if files := w.files(); len(files) != 1 { // the one that was replaced, for a day
		t.Errorf("left: %v", slices.Collect(maps.Keys(files)))
	}
}

func TestWhatARegistryMayNotGive(t *testing.T) {
	w := newWorld(t)
	p := w.push("good", "v1")
	blob := "/blobs/sha256:" + hex256("good")
	w.refuses(Request{Source: w.ref(":v2")}, fault.BackendNotFound, "no such thing")
	w.refuses(Request{Source: w.ref("@sha256:" + hex256("x"))}, fault.BackendNotFound, "no such thing")
	entry := lockfile.Entry{Source: w.ref(":v1"), Digest: p.Digest, Platforms: map[string]lockfile.Platform{lockfile.Here(): {SHA256: hex256("bad")}}}
	w.refuses(Request{Name: "acme", Locked: &entry}, fault.Integrity, "not what the lock file says")
	entry.Platforms = map[string]lockfile.Platform{"plan9/arm": {SHA256: hex256("bad")}}
	w.refuses(Request{Name: "acme", Locked: &entry}, fault.BackendIncompatible, "plan9/arm")
	w.Platform = "plan9/amd64"
	w.refuses(Request{Source: w.ref(":v1")}, fault.BackendIncompatible, "plan9/mips")
	w.Platform = ""
	w.Pin = func(string) string { return hex256("other") }
	w.refuses(Request{Source: w.ref(":v1")}, fault.Integrity, "backends.acme.sha256")
	w.Pin = func(string) string { return "" }
	for name, c := range map[string]struct {
		alter func(http.ResponseWriter, *http.Request, http.Handler)
		code  fault.Code
		says  string
	}{
		"another program": {func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) { _, _ = rw.Write([]byte("evil")) }, fault.Integrity, "not what the manifest names"},
		"half of it": {func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
			rw.Header().Set("Content-Length", "4")
			_, _ = rw.Write([]byte("go"))
		}, fault.ServiceUnavailable, "interrupted"},
		"a password": {func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) { rw.WriteHeader(http.StatusForbidden) }, fault.Forbidden, "does not let"},
		"another server": {func(rw http.ResponseWriter, r *http.Request, _ http.Handler) {
			http.Redirect(rw, r, "http://"+w.host, http.StatusFound)
		}, fault.Integrity, "HTTPS alone"},
	} {
		w.change(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
			if strings.HasSuffix(r.URL.Path, blob) {
				c.alter(rw, r, next)
				return
			}
			next.ServeHTTP(rw, r)
		})
		t.Run(name, func(t *testing.T) { w.refuses(Request{Source: w.ref(":v1")}, c.code, c.says) })
	}
	w.change(func(rw http.ResponseWriter, r *http.Request, next http.Handler) { // another manifest under the digest
		if strings.Contains(r.URL.Path, "/manifests/sha256:") && !strings.HasSuffix(r.URL.Path, p.Digest) {
			recorded := httptest.NewRecorder()
			next.ServeHTTP(recorded, r)
			maps.Copy(rw.Header(), recorded.Header())
			_, _ = rw.Write(bytes.ReplaceAll(recorded.Body.Bytes(), []byte("good"), []byte("evil")))
			return
		}
		next.ServeHTTP(rw, r)
	})
	w.refuses(Request{Source: w.ref(":v1")}, fault.Integrity, "not what its digest says")
	w.change(nil)
	w.HTTP = &http.Client{} // which does not know the registry's authority
	w.refuses(Request{Source: w.ref(":v1")}, fault.ServiceUnavailable, "--ca-file")
	if len(w.started) > 0 {
		t.Errorf("programs were started: %v", w.started)
	}
}

func TestADownloadThatStandsStillEnds(t *testing.T) {
	w := newWorld(t)
	w.push("good", "v1")
	w.Installer.stalled = 300 * time.Millisecond
	release := make(chan struct{})
	defer close(release)
	w.change(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.Contains(r.URL.Path, "/blobs/") {
			rw.Header().Set("Content-Length", "4")
			_, _ = rw.Write([]byte("go"))
			_ = http.NewResponseController(rw).Flush()
			select {
			case <-release:
			case <-r.Context().Done():
			}
			return
		}
		next.ServeHTTP(rw, r)
	})
	w.refuses(Request{Source: w.ref(":v1")}, fault.ServiceUnavailable, "halt")
}

func TestTheRegistrysCredentialsAreThoseOfDocker(t *testing.T) {
	w := newWorld(t)
	w.push("good", "v1")
	w.change(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if user, password, _ := r.BasicAuth(); user != "me" || password != "pw" {
			rw.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(rw, r)
	})
	w.refuses(Request{Source: w.ref(":v1")}, fault.AuthFailed, "docker login")
	login, _ := json.Marshal(map[string]any{"auths": map[string]any{w.host: map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte("me:pw"))}}})
	if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), login, 0o600); err != nil {
		t.Fatal(err)
	}
	w.must(Request{Source: w.ref(":v1")})
}

func TestSeveralInstallAtOnce(t *testing.T) {
	w := newWorld(t)
	for _, tag := range []string{"1", "2", "3"} {
		w.push("v"+tag, tag)
	}
	var all sync.WaitGroup
	for n := range 9 {
		all.Go(func() {
			o, err := w.Prepare(t.Context(), Request{Source: w.ref(":" + string("123"[n%3]))})
			if err == nil {
				_, err = w.Accept(t.Context(), o, true)
				o.Close()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	lock, err := lockfile.Read(w.Lock)
	if err != nil || len(lock.Backends) != 1 || !w.Intact("acme", lock.Backends["acme"]) {
		t.Errorf("the lock file says %+v, %v", lock, err)
	}
}
