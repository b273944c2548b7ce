package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// transcript takes all that anybody may ever see.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (tr *transcript) Write(b []byte) (int, error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.text.Write(b)
}

// show prints values under every verb, as JSON, and as a fault with all that it holds.
func (tr *transcript) show(values ...any) {
	for _, v := range values {
		fmt.Fprintf(tr, "%v %+v %#v %s %q\n", v, v, v, v, v)
		if content, err := json.Marshal(v); err == nil {
			fmt.Fprintf(tr, "%s\n", content)
		}
		if err, ok := v.(error); ok {
			if f := fault.As(err); f != nil {
				tr.show(*f, f.Cause, f.Problems)
			}
		}
	}
}

// A service, or what stands before it, that repeats the key wherever it can, learns nothing new, and the
// user's terminal, logs and files do not either.
func TestKeyIsNeverShown(t *testing.T) {
	echoes := map[string]http.HandlerFunc{
		"in a problem": func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, fault.New(fault.AuthFailed, "the key "+testKey+" is unknown", fault.Hint("not %s", testKey), fault.On(testKey)))
		},
		"in a foreign problem": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprintf(w, `{"detail":"invalid token %s"}`, testKey)
		},
		"in plain text": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "Bearer "+testKey, http.StatusUnauthorized)
		},
		"in a busy text": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "Bearer "+testKey, http.StatusBadGateway) },
		"in the type":    func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/"+testKey) },
		"in a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+testKey+".example/?k="+testKey, http.StatusFound)
		},
		"in its own path": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/"+testKey, http.StatusFound) },
		"in nonsense": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, testKey)
		},
		"in the wrong form": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"job_id":%q,"status":%q,"jobs":[{"job_id":%[1]q,"error":%[1]q}],"artifacts":[{"path":%[1]q}],"message":%[1]q}`, testKey, testKey)
		},
		"in broken HTTP": func(w http.ResponseWriter, _ *http.Request) {
			conn, out, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			_, _ = fmt.Fprintf(out, "HTTP/1.1 abc %s\r\n%[1]s\r\n\r\n", testKey)
			_ = out.Flush()
			_ = conn.Close()
		},
		"in a log line": func(w http.ResponseWriter, r *http.Request) {
			conn, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			s := &stream{ctx: r.Context(), conn: conn}
			failed := job(backend.JobFailed)
			failed.Fault, failed.Error = fault.New(fault.JobFailed, "failed with "+testKey), testKey
			s.send(logged(1, "using the key "+testKey), backend.Event{Seq: 2, Kind: backend.EventStatus, Status: &failed})
			_ = conn.Close(websocket.StatusInternalError, testKey)
		},
	}
	for name, echo := range echoes {
		for _, http2 := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, HTTP/2 %v", name, http2), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { showsNoKey(t, echo, http2) })
			})
		}
	}
}

// showsNoKey does all that a client can do against a service that repeats the key, and reads what anybody sees of it.
func showsNoKey(t *testing.T, echo http.Handler, http2 bool) {
	seen := &transcript{}
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(seen, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer slog.SetDefault(before)
	s := newSite(t, echo)
	if !http2 {
		s.Close()
		s = newSite(t, echo, onlyHTTP1)
	}
	config := s.config()
	config.MaxRetries = 0
	o := s.options(t)
	c, err := newClient(t.Context(), config, o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, m := range methods {
		seen.show(m.call(t.Context(), c, t.TempDir()))
		c.key.good.Store(true)
	}
	ctx, cancel := context.WithCancel(t.Context())
	events := 0
	err = c.WatchJob(ctx, "j1", 0, func(e backend.Event) error {
		seen.show(e)
		if events++; events == 2 { // it would try for ever
			cancel()
		}
		return nil
	})
	cancel()
	seen.show(err, c.HealthCheck(t.Context()))
	panics(seen, c, *c.base, c.options, config, config.ToMap(), backend.Settings{"api_key": testKey})
	files, err := contents(must(o.cacheDir()))
	seen.show(files, err)
	for _, part := range []string{testKey, "canary"} {
		if at := strings.Index(strings.ToLower(seen.text.String()), part); at >= 0 {
			t.Errorf("it shows %q: …%s", part, seen.text.String()[max(0, at-200):min(at+200, seen.text.Len())])
		}
	}
	if seen.text.Len() < 2000 {
		t.Errorf("the transcript has only %d bytes", seen.text.Len())
	}
}

// panics prints values as a panic and its stack would.
func panics(to io.Writer, values ...any) {
	for _, v := range values {
		func() {
			defer func() {
				p := recover()
				fmt.Fprintf(to, "panic: %v %+v %#v\n%s\n", p, p, p, debug.Stack())
			}()
			panic(v)
		}()
	}
}

// TestTraceOfTheCaller goes on with the trace of the variable that the process got, if it is one.
func TestTraceOfTheCaller(t *testing.T) {
	const id, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for parent, taken := range map[string]bool{
		"00-" + id + "-" + span + "-01": true,
		"00-" + id + "-" + span + "-00": true,
		"":                              false,
		"nonsense":                      false,
		"00-" + strings.ToUpper(id) + "-" + span + "-01":     false,
		"00-" + strings.Repeat("0", 32) + "-" + span + "-01": false,
		"00-" + id + "-" + strings.Repeat("0", 16) + "-01":   false,
		"00-" + id + "-" + span + "-01\r\nX-Evil: 1":         false,
		"00-" + id + "-" + span + "-01-more":                 false,
		"ff-" + id + "-" + span + "-01":                      false,
	} {
		t.Setenv("TRACEPARENT", parent)
		double := newService()
		var mu sync.Mutex
		sent := map[string]bool{}
		double.before = func(_ http.ResponseWriter, r *http.Request) bool {
			mu.Lock()
			defer mu.Unlock()
			sent[r.Header.Get("Traceparent")] = true
			return false
		}
		at := double.start(t)
		b := &remote{options: at.options(t)}
		defer func() { _ = b.Close(t.Context()) }()
		if err := b.Configure(t.Context(), backend.Settings{"service_url": "https://example.com", "api_key": testKey, "ca_file": at.caFile}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Capabilities(t.Context()); err != nil {
			t.Fatal(err)
		}
		if sent[parent] != taken || len(sent) == 0 {
			t.Errorf("the caller's trace is %q, and what was sent %v", parent, sent)
		}
	}
}

// All requests of a client belong to one trace, and each has an id of its own.
func TestTrace(t *testing.T) {
	double := newService()
	traces, ids := map[string]bool{}, map[string]bool{}
	var mu sync.Mutex
	double.before = func(_ http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		parts := strings.Split(r.Header.Get("Traceparent"), "-")
		if len(parts) != 4 || parts[0] != "00" || len(parts[1]) != 32 || len(parts[2]) != 16 || parts[3] != "01" {
			t.Errorf("%s %s has the trace %q", r.Method, r.URL.Path, parts)
			return false
		}
		if id := r.Header.Get(api.HeaderRequestID); ids[id] || id == "" {
			t.Errorf("%s %s has the id %q", r.Method, r.URL.Path, id)
		} else {
			ids[id] = true
		}
		traces[parts[1]] = true
		return false
	}
	c := double.start(t).client(t)
	job, err := c.SubmitScanJob(t.Context(), backend.ScanRequest{}, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.WaitForCompletion(t.Context(), job.JobID, nil); err != nil {
		t.Fatal(err)
	}
	if len(traces) != 1 || len(ids) != 3 {
		t.Errorf("there are the traces %v and %d ids", traces, len(ids))
	}
}

// Nothing but the Authorization header carries the key to the service either.
func TestKeyIsInItsHeaderAlone(t *testing.T) {
	double := newService()
	double.before = func(w http.ResponseWriter, r *http.Request) bool {
		header := r.Header.Clone()
		header.Del("Authorization")
		if text := fmt.Sprint(r.URL, header, r.Host, r.RequestURI); strings.Contains(text, "canary") {
			t.Errorf("%s %s carries it: %s", r.Method, r.URL.Path, text)
		}
		if r.URL.Path == api.PathHealth && r.Header.Get("Authorization") != "" {
			t.Error("the health call carries it")
		}
		return false
	}
	c := double.start(t).client(t)
	job, err := c.SubmitScanJob(t.Context(), backend.ScanRequest{}, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.WaitForCompletion(t.Context(), job.JobID, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DownloadArtifacts(t.Context(), job.JobID, t.TempDir(), func(backend.Progress) {}); err != nil {
		t.Fatal(err)
	}
	if h := c.HealthCheck(t.Context()); !h.Healthy {
		t.Errorf("%+v", h)
	}
}
