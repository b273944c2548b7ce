package remote

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// alone is a client that reaches nobody.
func alone(t testing.TB) *RemoteClient {
	t.Helper()
	config := backend.DefaultClientConfig()
	config.ServiceURL, config.APIKey = "https://example.com/atg", secret.New(testKey)
	dir := t.TempDir()
	c, err := newClient(t.Context(), config, options{cacheDir: func() (string, error) { return dir, nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// FuzzEvent: whatever a service sends over a WebSocket, what is handed on is an event of this job of a kind that is known, holds what the kind
// names, and has none of the key.
func FuzzEvent(f *testing.F) {
	for _, text := range []string{
		`{"seq":1,"time":"2026-01-01T00:00:00Z","kind":"progress","progress":{"phase":"x","done":1,"total":2}}`, `{"seq":2,"kind":"status","status":{"job_id":"j1","status":"failed","error":"no: ` + testKey + `","progress":7}}`,
		`{"seq":3,"kind":"status","status":{"job_id":"other","status":"completed"}}`, `{"seq":4,"kind":"log"}`, `{"seq":5,"kind":"part","part":{"path":"../x"}}`, `{"seq":18446744073709551615,"kind":"sign_in","sign_in":{"url":"javascript:x"}}`,
		`{"seq":-1}`, `[]`, "\xff", `{"kind":"progress","status":{}}`, strings.Repeat(`{"progress":`, 20_000),
	} {
		f.Add([]byte(text), true)
	}
	f.Add([]byte{0}, false)
	c := alone(f)
	f.Fuzz(func(t *testing.T, data []byte, isText bool) {
		kind := websocket.MessageBinary
		if isText {
			kind = websocket.MessageText
		}
		w := &watch{c: c, id: "j1"}
		e, ok := w.read(kind, data)
		if !ok || !w.understood(&e) {
			return
		}
		content, err := json.Marshal(e)
		switch {
		case err != nil, !e.WellFormed(), e.Seq > maxSeq, e.Time.IsZero(), strings.Contains(string(content), testKey):
			t.Errorf("%s: %v", content, err)
		case e.Status != nil && (e.Status.JobID != "j1" || !knownState(e.Status.Status) || e.Status.Progress != nil && !(*e.Status.Progress >= 0 && *e.Status.Progress <= 1)):
			t.Errorf("%s", content)
		}
	})
}

// FuzzManifest: whatever a service says that a job has made, what is taken of it are files that can all be beside one another in a folder,
// within limits, and the names under which they arrive are nobody's.
func FuzzManifest(f *testing.F) {
	good := sum("")
	for _, text := range []string{
		`{"artifacts":[{"path":"a/b","size":1,"sha256":"` + good + `"},{"path":"a/c","size":0,"sha256":"` + good + `"}]}`, `{"artifacts":[{"path":"A","sha256":"` + good + `"},{"path":"a","sha256":"` + good + `"}]}`,
		`{"artifacts":[{"path":"a","sha256":"` + good + `"},{"path":"a/b","sha256":"` + good + `"}]}`, `{"artifacts":[{"path":"../a","sha256":"` + good + `"}]}`, `{"artifacts":[{"path":".atg-x","size":-1}]}`,
		`{"artifacts":[{"path":"a","size":1e400}]}`, `{"artifacts":null}`, `[]`, `{"artifacts":[{"path":"a","size":9223372036854775807,"sha256":"` + good + `"},{"path":"b","size":1,"sha256":"` + good + `"}]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := decodeAnswer[api.Manifest](call{}, answer{status: 200, header: http.Header{"Content-Type": {"application/json"}}, body: body})
		if err != nil {
			if fault.CodeOf(err) != fault.RemoteFailed {
				t.Error(err)
			}
			return
		}
		if err := checkArtifacts(m.Artifacts); err != nil {
			if fault.CodeOf(err) != fault.Integrity {
				t.Error(err)
			}
			return
		}
		if len(m.Artifacts) > 100 {
			return
		}
		dir := t.TempDir()
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		parts := map[string]bool{}
		for _, a := range m.Artifacts {
			if len(a.Path) > 3000 {
				return
			}
			if part := partName(a); parts[part] || badPath(part) == "" || !filepath.IsLocal(part) {
				t.Errorf("%q arrives as %q", a.Path, part)
			} else {
				parts[part] = true
			}
			name := filepath.FromSlash(a.Path)
			if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				t.Fatal(err)
			}
			file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				t.Fatalf("%q of %+v: %v", a.Path, m.Artifacts, err)
			}
			_ = file.Close()
		}
	})
}

// FuzzRedirect: wherever a service redirects to, a request follows over HTTPS to the service alone, as it was.
func FuzzRedirect(f *testing.F) {
	for _, to := range []string{
		"https://example.com/x", "https://example.com:443/x", "https://example.com:444/", "http://example.com/", "https://EXAMPLE.com/", "//evil.example/x", "https://example.com@evil.example/", "https://example.com.evil.example/",
		"/login?next=x", "https://user:p@example.com/x", "https://[::1]/", "https://example.com\\.evil.example/", "javascript:x", "https://ｅxample.com/",
	} {
		f.Add(to, http.MethodGet)
	}
	c := alone(f)
	f.Fuzz(func(t *testing.T, to, method string) {
		first, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://example.com/atg/api/v1/scan", nil)
		if err != nil {
			t.Fatal(err)
		}
		target, err := first.URL.Parse(to)
		if err != nil {
			return
		}
		next, err := http.NewRequestWithContext(t.Context(), method, target.String(), nil)
		if err != nil {
			return
		}
		if err := c.checkRedirect(next, []*http.Request{first}); err != nil {
			if fault.As(err) == nil || strings.Contains(err.Error(), testKey) {
				t.Error(err)
			}
			return
		}
		if next.URL.Scheme != "https" || next.URL.Hostname() != "example.com" || next.URL.Port() != "" && next.URL.Port() != "443" || next.Method != http.MethodPost {
			t.Errorf("a %s is redirected to %q as a %s", first.Method, to, next.Method)
		}
	})
}

// FuzzRequest: whatever the ids and files in a call are called, the request goes to the service, below its path, with one key.
func FuzzRequest(f *testing.F) {
	for _, name := range []string{"j1", "..", "a/../../b", "%2e%2e", "?x=y#z", "\r\nX: y", "\xff", "@evil.example", ""} {
		f.Add(name, name)
	}
	c := alone(f)
	f.Fuzz(func(t *testing.T, id, file string) {
		if checkID(id, noJob) != nil {
			return
		}
		for _, path := range []string{api.Fill(api.PathJob, id), api.FilePath(id, file)} {
			r, err := c.request(t.Context(), call{method: http.MethodGet, path: path, query: url.Values{"after": {file}}})
			if err != nil {
				t.Fatal(err)
			}
			if r.URL.Scheme != "https" || r.URL.Host != "example.com" || r.Host != "example.com" || !strings.HasPrefix(r.URL.RequestURI(), "/atg/api/v1/jobs/") || len(r.Header.Values("Authorization")) != 1 || r.URL.Query().Get("after") != file {
				t.Errorf("%q, %q: %s", id, file, r.URL)
			}
		}
	})
}

// FuzzRetryAfter: however long a service wants one to wait, the wait has an end and never lies in the past.
func FuzzRetryAfter(f *testing.F) {
	for _, text := range []string{"5", "-1", "1e9", "99999999999999999999", "Wed, 21 Oct 2226 07:28:00 GMT", "NaN", "0x10", ""} {
		f.Add(text)
	}
	c := alone(f)
	f.Fuzz(func(t *testing.T, text string) {
		after := retryAfter(http.Header{"Retry-After": {text}})
		asked := &transient{fault.New(fault.Throttled, "x"), after}
		if d := c.delay(1, asked); after < 0 || d < 0 || mayPass(asked) && d > maxAsked+minWait {
			t.Errorf("%q is a wait of %s, %s", text, after, d)
		}
	})
}

// FuzzMemory: whatever stands in the cache, a client goes on with it or without it.
func FuzzMemory(f *testing.F) {
	f.Add([]byte(`{"key_checked_at":"2226-01-01T00:00:00Z","capabilities":{"limits":{"batch":-1}},"capabilities_etag":"x\r\ny"}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, content []byte) {
		c := alone(t)
		file, err := c.memoryFile()
		if err != nil {
			t.Fatal(err)
		}
		if err := writeFile(file, content); err != nil {
			t.Fatal(err)
		}
		_ = c.recall()
		c.remember(func(m *memory) { m.CapabilitiesETag = "new" })
		if got := c.recall().CapabilitiesETag; got != "new" {
			t.Errorf("it remembers %q", got)
		}
	})
}
