package httpapi_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/azure-tenant-grapher/atg/service/auth"
	"github.com/azure-tenant-grapher/atg/service/httpapi"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

func TestCapabilitiesAndIdentity(t *testing.T) {
	g := newRig(t, nil)
	a := g.get(api.PathCapable)
	c := into[api.Capabilities](t, a, 200)
	want := api.Limits{RequestBytes: httpapi.DefaultRequestBytes, InputBytes: httpapi.DefaultInputBytes, Batch: backend.MaxBatch}
	if diff := cmp.Diff(want, c.Limits); diff != "" || c.Version != "v1.2.3" || c.Backend != "local" || !c.Can(backend.OpScan) || !c.Has(backend.FeatureDurableJobs) {
		t.Errorf("%s %s", diff, a.body)
	}
	if known := g.do(request{method: "GET", path: api.PathCapable, header: map[string]string{"If-None-Match": a.Header.Get("ETag")}}); known.StatusCode != http.StatusNotModified {
		t.Errorf("known: %d", known.StatusCode)
	}
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	key, id := g.issue(func(n *auth.NewKey) { n.Name, n.Scopes, n.ExpiresAt = "ci", []api.Scope{api.ScopeRead}, until })
	got := into[api.Identity](t, g.do(request{method: "GET", path: api.PathAuth, key: key}), 200)
	if diff := cmp.Diff(api.Identity{KeyID: id, Name: "ci", Scopes: []api.Scope{api.ScopeRead}, Tenants: []string{"t1"}, ExpiresAt: &until}, got); diff != "" {
		t.Error(diff)
	}
}

func TestHealth(t *testing.T) {
	var mu sync.Mutex
	asked, health := 0, api.Health{Health: backend.Health{Healthy: false, Message: "no store", Dependencies: []backend.Dependency{{Name: "nats", LatencySeconds: 1}}}}
	g := newRig(t, func(o *httpapi.Options, _ *auth.Options) {
		o.Health = func(context.Context) api.Health {
			mu.Lock()
			defer mu.Unlock()
			asked++
			return health
		}
	})
	ask := func(path string, status int) {
		t.Helper()
		got := into[api.Health](t, g.do(request{method: "GET", path: path, key: "none"}), status)
		if path != api.PathLive && (got.Healthy || got.Message != "no store" || got.Dependencies[0].Name != "nats") || got.Version != "v1.2.3" {
			t.Errorf("%s: %+v", path, got)
		}
	}
	for range 5 {
		ask(api.PathHealth, http.StatusServiceUnavailable)
		ask(api.PathReady, http.StatusServiceUnavailable)
		ask(api.PathLive, http.StatusOK)
	}
	mu.Lock()
	defer mu.Unlock()
	if asked > 3 {
		t.Errorf("asked %d times within moments", asked)
	}
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	g := newRig(t, func(o *httpapi.Options, _ *auth.Options) {
		o.Metrics = registry
		o.JobCounts = func() map[backend.JobStatus]int64 { return map[backend.JobStatus]int64{backend.JobRunning: 3} }
		o.QueueDepth = func() (int64, error) { return 7, nil }
	})
	id := g.scan()
	g.get(api.Fill(api.PathJob, id))
	g.get("/nothing/" + id)
	g.do(request{method: "GET", path: api.PathAuth, key: "none"})
	g.do(request{method: "BREW", path: api.PathAuth})
	g.progress(id, 1, 1)
	next(t, g.watch(id, ""))
	text := string(g.get(api.PathMetrics).body)
	for _, want := range []string{
		`atg_http_requests_total{method="POST",route="/api/v1/scan",status="202"} 1`,
		`atg_http_requests_total{method="GET",route="/api/v1/jobs/{id}",status="200"} 1`,
		`atg_http_requests_total{method="any",route="/",status="404"} 1`,
		`atg_http_requests_total{method="any",route="/",status="405"} 1`,
		`atg_http_request_duration_seconds_count{method="POST",route="/api/v1/scan"} 1`,
		`atg_http_received_bytes_total 18`,
		`atg_http_sent_bytes_total `,
		`atg_http_requests_in_flight 2`,
		`atg_watchers 1`,
		`atg_unauthorized_total 1`,
		`atg_throttled_total 0`,
		`atg_jobs{status="running"} 3`,
		`atg_queue_depth 7`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(text, id) || strings.Contains(text, `route="/ws/progress/{id}"} `) {
		t.Errorf("there is a series for each job, or a duration of WebSockets:\n%s", text)
	}
}

const (
	parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	ownID  = "00f067aa0ba902b7"
)

// tracer remembers spans.
type tracer struct {
	embedded.Tracer
	mu    sync.Mutex
	spans []*span
}

type span struct {
	noop.Span
	name       string
	context    trace.SpanContext
	attributes []attribute.KeyValue
	over       bool
}

// provider gives everybody the same tracer.
type provider struct {
	embedded.TracerProvider
	*tracer
}

func (p provider) Tracer(string, ...trace.TracerOption) trace.Tracer { return p.tracer }

func (t *tracer) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	t.mu.Lock()
	defer t.mu.Unlock()
	id, _ := trace.SpanIDFromHex(ownID)
	s := &span{name: name, context: trace.SpanContextFromContext(ctx).WithSpanID(id).WithRemote(false)}
	config := trace.NewSpanStartConfig(options...)
	s.attributes = append(s.attributes, config.Attributes()...)
	t.spans = append(t.spans, s)
	return trace.ContextWithSpan(ctx, s), s
}

func (s *span) SpanContext() trace.SpanContext          { return s.context }
func (s *span) SetAttributes(all ...attribute.KeyValue) { s.attributes = append(s.attributes, all...) }
func (s *span) End(...trace.SpanEndOption)              { s.over = true }

func TestTraces(t *testing.T) {
	spans := &tracer{}
	cases := map[string]struct {
		spans trace.TracerProvider
		sent  string
		want  string
	}{
		"handed on":         {nil, parent, parent},
		"none":              {nil, "", ""},
		"not one":           {nil, "00-zz-1-01", ""},
		"with an own span":  {provider{tracer: spans}, parent, strings.Replace(parent, "b7ad6b7169203331", ownID, 1)},
		"spans, not traced": {noop.NewTracerProvider(), "", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, func(o *httpapi.Options, _ *auth.Options) { o.Tracing = c.spans })
			header := map[string]string{"Traceparent": c.sent}
			id := into[backend.JobStatusResponse](t, g.do(request{method: "POST", path: api.PathScan, body: `{}`, header: header}), 202).JobID
			batch := into[api.BatchAnswer](t, g.do(request{method: "POST", path: api.PathBatch, body: `{"operations":[{"operation":"scan","body":{}}]}`, header: header}), 200)
			for _, id := range []string{id, batch.Items[0].Job.JobID} {
				if r, _, err := g.store.Get(t.Context(), id); err != nil || r.Trace != c.want {
					t.Errorf("the job's trace is %q, want %q", r.Trace, c.want)
				}
			}
		})
	}
	spans.mu.Lock()
	defer spans.mu.Unlock()
	i := slices.IndexFunc(spans.spans, func(s *span) bool { return s.name == "POST /api/v1/scan" })
	if i < 0 {
		t.Fatalf("%d spans, none of the submission", len(spans.spans))
	}
	s := spans.spans[i]
	text := fmt.Sprint(s.attributes)
	for _, want := range []string{"http.route", "/api/v1/scan", "http.response.status_code", "202", "atg.job_id", "atg.key_id"} {
		if !strings.Contains(text, want) {
			t.Errorf("the span lacks %s: %s", want, text)
		}
	}
	if !s.over {
		t.Error("the span does not end")
	}
}

func TestServer(t *testing.T) {
	old := &tls.Config{MinVersion: tls.VersionTLS10}
	s := httpapi.Server(http.NotFoundHandler(), old, nil)
	if s.TLSConfig.MinVersion != tls.VersionTLS12 || old.MinVersion != tls.VersionTLS10 {
		t.Errorf("TLS from %x; the one given has %x", s.TLSConfig.MinVersion, old.MinVersion)
	}
	if s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.IdleTimeout == 0 || s.WriteTimeout <= 60*time.Second || s.MaxHeaderBytes == 0 {
		t.Errorf("a time is missing, or too short for a long poll: %+v", s)
	}
	newer := httpapi.Server(http.NotFoundHandler(), &tls.Config{MinVersion: tls.VersionTLS13}, nil)
	if newer.TLSConfig.MinVersion != tls.VersionTLS13 {
		t.Errorf("TLS from %x", newer.TLSConfig.MinVersion)
	}
	g := newRig(t, nil)
	transport := g.server.Client().Transport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	transport.TLSClientConfig.MaxVersion = tls.VersionTLS11
	transport.TLSClientConfig.MinVersion = tls.VersionTLS10
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.server.URL+api.PathLive, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := transport.RoundTrip(r); err == nil {
		resp.Body.Close()
		t.Error("TLS 1.1 was taken")
	}
}

// TestAStreamMayTakeLongerThanARequest has a server whose time for answers is over at once.
func TestAStreamMayTakeLongerThanARequest(t *testing.T) {
	g := newRig(t, nil)
	id := g.scan()
	content := strings.Repeat("x", 4<<20)
	g.complete(id, &backend.ScanResult{}, map[string]string{"big": content})
	impatient := httptest.NewUnstartedServer(nil) // without TLS, whose handshake has the same time
	impatient.Config = httpapi.Server(g.api, nil, nil)
	impatient.Config.WriteTimeout = time.Nanosecond
	impatient.Start()
	t.Cleanup(impatient.Close)
	g.server = impatient
	for _, path := range []string{api.FilePath(id, "big"), api.Fill(api.PathArchive, id)} {
		a := g.do(request{method: "GET", path: path})
		if a.StatusCode != http.StatusOK || len(a.body) < len(content) {
			t.Errorf("%s: %d, %d bytes", path, a.StatusCode, len(a.body))
		}
	}
	g.input(content)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.server.URL+api.PathLive, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := g.server.Client().Do(r); err == nil {
		resp.Body.Close()
		t.Error("the server has no such time")
	}
}
