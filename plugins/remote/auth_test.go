package remote

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

const askAuth, askCapabilities = "GET " + api.PathAuth, "GET " + api.PathCapable

// The key is checked before its first use, once, and not again by the next command.
func TestKeyIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		double := newService()
		s := double.start(t)
		o := s.options(t)
		command := func(key string) error {
			config := s.config()
			config.APIKey = secret.New(key)
			c, err := newClient(t.Context(), config, o)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			var callers sync.WaitGroup
			errs := make([]error, 5)
			for i := range errs {
				callers.Go(func() { _, errs[i] = c.ListJobs(t.Context(), backend.JobFilter{}) })
			}
			callers.Wait()
			return errors.Join(errs...)
		}
		asked := func(want int) {
			t.Helper()
			if n := double.count(askAuth); n != want {
				t.Errorf("the key was checked %d times, want %d", n, want)
			}
		}
		if err := command(testKey); err != nil {
			t.Fatal(err)
		}
		asked(1)
		if double.seen[0] != askAuth {
			t.Errorf("the first request was %s", double.seen[0])
		}
		if err := command(testKey); err != nil {
			t.Fatal(err)
		}
		asked(1)
		_ = wait(t.Context(), keyAge+time.Second)
		if err := command(testKey); err != nil {
			t.Fatal(err)
		}
		asked(2)

		lists := double.count("GET " + api.PathJobs)
		if err := command("another-key"); fault.CodeOf(err) != fault.AuthFailed {
			t.Errorf("another key is %v", err)
		}
		if n := double.count("GET " + api.PathJobs); n != lists {
			t.Error("a key that is not taken was used all the same")
		}
		files, err := contents(must(o.cacheDir()))
		if err != nil || len(files) != 1 {
			t.Errorf("the cache holds %v, %v", files, err)
		}
		s.Close()
	})
}

func must(dir string, err error) string {
	if err != nil {
		panic(err)
	}
	return dir
}

// A key that the service refuses later is checked again by the next command.
func TestRevokedKeyIsForgotten(t *testing.T) {
	double := newService()
	revoked := false
	double.before = func(w http.ResponseWriter, _ *http.Request) bool {
		if revoked {
			refuse(w, fault.New(fault.AuthFailed, "the key was revoked"))
		}
		return revoked
	}
	s := double.start(t)
	c := s.client(t)
	if _, err := c.ListJobs(t.Context(), backend.JobFilter{}); err != nil {
		t.Fatal(err)
	}
	revoked = true
	if _, err := c.ListJobs(t.Context(), backend.JobFilter{}); fault.CodeOf(err) != fault.AuthFailed {
		t.Errorf("the answer is %v", err)
	}
	if m := c.recall(); !m.KeyCheckedAt.IsZero() {
		t.Errorf("it is remembered as good since %s", m.KeyCheckedAt)
	}
	lists := double.count("GET " + api.PathJobs)
	if _, err := c.ListJobs(t.Context(), backend.JobFilter{}); fault.CodeOf(err) != fault.AuthFailed || double.count("GET "+api.PathJobs) != lists {
		t.Errorf("the answer is %v", err)
	}
}

// A service that cannot say whose key it is, is asked what was to be asked.
func TestServiceWithoutAuth(t *testing.T) {
	for _, status := range []int{404, 405, 501} {
		mocked(t, func(t *testing.T, c *RemoteClient) {
			c.key.good.Store(false)
			mock("GET", api.PathAuth).Reply(status)
			mock("GET", api.PathJobs).Reply(200).BodyString("{}")
			if _, err := c.ListJobs(t.Context(), backend.JobFilter{}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCapabilitiesAreCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		double := newService()
		var statuses []int
		s := newSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			double.ServeHTTP(statusWriter{w, &statuses}, r)
		}))
		o := s.options(t)
		ask := func(times int) {
			t.Helper()
			b := &remote{options: o}
			if err := b.Configure(t.Context(), backend.Settings{"service_url": "https://example.com", "api_key": testKey, "ca_file": s.caFile}); err != nil {
				t.Fatal(err)
			}
			for range times {
				can, err := b.Capabilities(t.Context())
				if err != nil || !can.Can(backend.OpScan) || can.Can("of-tomorrow") || !can.Has(backend.FeatureDurableJobs) || can.Has(backend.FeatureParts) || can.Has("of-tomorrow") {
					t.Errorf("it can %+v, %v", can, err)
				}
			}
			_ = b.Close(t.Context())
		}
		ask(3)
		ask(1)
		if n := double.count(askCapabilities); n != 2 {
			t.Errorf("it was asked %d times", n)
		}
		if last := statuses[len(statuses)-1]; last != http.StatusNotModified {
			t.Errorf("the second command was answered %d", last)
		}
		s.Close()
	})
}

type statusWriter struct {
	http.ResponseWriter
	statuses *[]int
}

func (w statusWriter) WriteHeader(status int) {
	*w.statuses = append(*w.statuses, status)
	w.ResponseWriter.WriteHeader(status)
}

// A cache that cannot be used does no harm.
func TestCache(t *testing.T) {
	double := newService()
	s := double.start(t)
	cases := map[string]func(t *testing.T, dir string){
		"nonsense": func(t *testing.T, dir string) {
			for name := range must2(contents(dir)) {
				if err := os.WriteFile(filepath.Join(dir, name), []byte("{nonsense"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		},
		"a time to come": func(t *testing.T, dir string) {
			for name := range must2(contents(dir)) {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(`{"key_checked_at":"2999-01-01T00:00:00Z"}`), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		},
		"a file in the folder's place": func(t *testing.T, dir string) {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(dir, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "atg")
			o := s.options(t)
			o.cacheDir = func() (string, error) { return dir, nil }
			for i := range 2 {
				c, err := newClient(t.Context(), s.config(), o)
				if err != nil {
					t.Fatal(err)
				}
				checks := double.count(askAuth)
				if _, err := c.Capabilities(t.Context()); err != nil {
					t.Error(err)
				}
				if double.count(askAuth) != checks+1 {
					t.Error("the key was not checked")
				}
				_ = c.Close()
				if i == 0 {
					spoil(t, dir)
				}
			}
		})
	}
}

func must2(files map[string]string, err error) map[string]string {
	if err != nil {
		panic(err)
	}
	return files
}

// What is kept holds nothing of the key, and is its owner's alone. Another key or service has its own.
func TestCacheIsPrivate(t *testing.T) {
	double := newService()
	s := double.start(t)
	c := s.client(t)
	if _, err := c.Capabilities(t.Context()); err != nil {
		t.Fatal(err)
	}
	name, _ := c.memoryFile()
	content, err := os.ReadFile(name)
	if err != nil || strings.Contains(string(content), "canary") || strings.Contains(name, "canary") {
		t.Errorf("%s holds %s, %v", name, content, err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	for what, change := range map[string]func(*backend.ATGClientConfig){
		"keys":     func(c *backend.ATGClientConfig) { c.APIKey = secret.New("another-key") },
		"services": func(c *backend.ATGClientConfig) { c.ServiceURL = "https://other.example" },
	} {
		config := c.config
		change(&config)
		other, err := newClient(t.Context(), config, c.options)
		if err != nil {
			t.Fatal(err)
		}
		if file, _ := other.memoryFile(); file == name {
			t.Errorf("two %s share a cache", what)
		}
	}
}
