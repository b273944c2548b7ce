package httpapi_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/service/auth"
	"github.com/azure-tenant-grapher/atg/service/httpapi"
	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/service/jobs/jobstest"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// rig is a service over stores in memory, behind TLS.
type rig struct {
	t      testing.TB
	store  *jobstest.Store
	api    *httpapi.API
	server *httptest.Server
	log    *journal
	key    string // may do everything, for tenant t1
	keyID  string
	now    func() time.Time
}

// journal is a log that is written from many goroutines.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// newRig starts a service. change may be nil.
func newRig(t testing.TB, change func(*httpapi.Options, *auth.Options)) *rig {
	t.Helper()
	return newRigWith(t, func(*jobs.Options) {}, change)
}

// newRigWith starts a service whose jobs have other options.
func newRigWith(t testing.TB, changeJobs func(*jobs.Options), change func(*httpapi.Options, *auth.Options)) *rig {
	t.Helper()
	g := &rig{t: t, store: jobstest.New(), log: &journal{}, now: time.Now}
	logger := slog.New(slog.NewJSONHandler(g.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	guarding := auth.Options{Keys: g.store, Audit: logger, Now: func() time.Time { return g.now() }}
	keeping := jobs.Options{
		Records: g.store, Queue: g.store, Events: g.store, Files: g.store, Snapshots: g.store,
		Tenants: []string{"t1"}, Logger: logger, Now: func() time.Time { return g.now() },
	}
	changeJobs(&keeping)
	service := jobs.New(keeping)
	o := httpapi.Options{
		Service: service, Logger: logger, CancelPatience: time.Millisecond,
		Capabilities: api.Capabilities{
			Capabilities: backend.Capabilities{Operations: backend.Operations(), Formats: []string{"terraform", "bicep", "arm"}, Features: []backend.Feature{backend.FeatureDurableJobs}},
			Version:      "v1.2.3", Backend: "local",
		},
	}
	if change != nil {
		change(&o, &guarding)
	}
	o.Guard = auth.New(guarding)
	g.api = httpapi.New(o)
	g.serve(nil)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(g.log)
		}
	})
	g.key, g.keyID = g.issue(nil)
	return g
}

// serve puts the API behind a server. change may be nil.
func (g *rig) serve(change func(*http.Server)) {
	g.server = httptest.NewUnstartedServer(nil)
	g.server.Config = httpapi.Server(g.api, nil, slog.New(slog.NewJSONHandler(g.log, nil)))
	if change != nil {
		change(g.server.Config)
	}
	g.server.EnableHTTP2 = true
	g.server.StartTLS()
	g.t.Cleanup(g.server.Close)
}

// issue makes a key that may do everything, for tenant t1.
func (g *rig) issue(change func(*auth.NewKey)) (key, id string) {
	g.t.Helper()
	n := auth.NewKey{Name: "test", Scopes: api.Scopes(), Tenants: []string{"t1"}}
	if change != nil {
		change(&n)
	}
	made, kept, err := auth.Issue(g.t.Context(), g.store, n, g.now())
	if err != nil {
		g.t.Fatal(err)
	}
	return made.Reveal(), kept.ID
}

// request is a call to be made.
type request struct {
	method, path string
	body         string
	header       map[string]string
	key          string // empty is the rig's; "none" is none
	http1        bool
}

// answer is what came back.
type answer struct {
	*http.Response
	body []byte
}

// do makes a call.
func (g *rig) do(q request) answer {
	g.t.Helper()
	var body io.Reader
	if q.body != "" {
		body = strings.NewReader(q.body)
	}
	r, err := http.NewRequestWithContext(g.t.Context(), q.method, g.server.URL+q.path, body)
	if err != nil {
		g.t.Fatal(err)
	}
	switch q.key {
	case "":
		r.Header.Set("Authorization", "Bearer "+g.key)
	case "none":
	default:
		r.Header.Set("Authorization", "Bearer "+q.key)
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	client := g.server.Client()
	if q.http1 {
		client = g.http1()
	}
	resp, err := client.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return answer{resp, b}
}

// http1 is a client that speaks HTTP/1.1.
func (g *rig) http1() *http.Client {
	transport := g.server.Client().Transport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = false
	transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	g.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func (g *rig) get(path string) answer { g.t.Helper(); return g.do(request{method: "GET", path: path}) }

func (g *rig) post(path, body string) answer {
	g.t.Helper()
	return g.do(request{method: "POST", path: path, body: body})
}

// into decodes a body that has to have a status.
func into[T any](t testing.TB, a answer, status int) T {
	t.Helper()
	var v T
	if a.StatusCode != status {
		t.Fatalf("%s %s: status %d, want %d: %s", a.Request.Method, a.Request.URL.Path, a.StatusCode, status, a.body)
	}
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%s %s: %v: %s", a.Request.Method, a.Request.URL.Path, err, a.body)
	}
	return v
}

// scan submits a scan and answers its id.
func (g *rig) scan() string {
	g.t.Helper()
	return into[backend.JobStatusResponse](g.t, g.post(api.PathScan, `{"tenant_id":"t1"}`), http.StatusAccepted).JobID
}

// change changes a job's record as a worker would.
func (g *rig) change(id string, change func(*jobs.Record) error) {
	g.t.Helper()
	if _, err := jobs.Change(g.t.Context(), g.store, id, change); err != nil {
		g.t.Fatal(err)
	}
}

func (g *rig) begin(id string) {
	g.t.Helper()
	g.change(id, func(r *jobs.Record) error { r.Begin("worker", 1, g.now()); return nil })
}

// complete ends a job with a result and files.
func (g *rig) complete(id string, result backend.Result, files map[string]string) {
	g.t.Helper()
	var artifacts []backend.Artifact
	for path, content := range files {
		made, err := g.store.Put(g.t.Context(), jobs.FileName{Kind: jobs.KindArtifact, Of: id, Path: path}, strings.NewReader(content), nil)
		if err != nil {
			g.t.Fatal(err)
		}
		artifacts = append(artifacts, made)
	}
	g.begin(id)
	g.change(id, func(r *jobs.Record) error { return r.Complete(result, artifacts, g.now()) })
}

// progress appends an event.
func (g *rig) progress(id string, n uint32, done int64) {
	g.t.Helper()
	e := backend.Event{
		Seq: jobs.Seq(1, n), Time: g.now(), Kind: backend.EventProgress, Progress: &backend.Progress{Phase: "resources", Done: done, Total: 100, Unit: "rows"},
	}
	if err := g.store.Append(g.t.Context(), id, e); err != nil {
		g.t.Fatal(err)
	}
}

// overall appends an event of how far the job is as a whole.
func (g *rig) overall(id string, n uint32, fraction float64) {
	g.t.Helper()
	e := backend.Event{
		Seq: jobs.Seq(1, n), Time: g.now(), Kind: backend.EventStatus, Status: &backend.JobStatusResponse{JobID: id, Status: backend.JobRunning, Progress: &fraction},
	}
	if err := g.store.Append(g.t.Context(), id, e); err != nil {
		g.t.Fatal(err)
	}
}

// problem decodes a refusal and holds it against what every refusal is.
func problem(t testing.TB, a answer, status int) api.Problem {
	t.Helper()
	p := into[api.Problem](t, a, status)
	if media := a.Header.Get("Content-Type"); media != api.ProblemType {
		t.Errorf("%s %s: content type %q", a.Request.Method, a.Request.URL.Path, media)
	}
	if p.Status != status || !p.Code.Known() || p.Title == "" || p.Origin == "" || p.Instance == "" || p.Instance != a.Header.Get(api.HeaderRequestID) {
		t.Errorf("%s %s: an incomplete problem: %s", a.Request.Method, a.Request.URL.Path, a.body)
	}
	return p
}

// named issues a key with a name.
func (g *rig) named(name string) (key, id string) {
	g.t.Helper()
	return g.issue(func(n *auth.NewKey) { n.Name = name })
}
