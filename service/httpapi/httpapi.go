// Package httpapi answers the REST calls and WebSockets of the job service (package api) on behalf of package jobs.
//
// Every call goes through one pipeline: request id, security headers, key, scope, limits; at its end stand log, audit log,
// metrics, and, if it was refused, an api.Problem. JSON calls are huma operations, checked against their schemas;
// what streams is written by hand. Both stand in one OpenAPI document.
package httpapi

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/azure-tenant-grapher/atg/service/auth"
	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// The limits that hold where Options.Capabilities has none.
const (
	DefaultRequestBytes = 1 << 20
	DefaultInputBytes   = 1 << 30
)

// Options say what the API stands on. Service and Guard are needed.
type Options struct {
	Service *jobs.Service
	Guard   *auth.Guard
	// Capabilities is what GET /api/v1/capabilities answers, and its Limits are those that hold; zero ones are
	// DefaultRequestBytes, DefaultInputBytes and backend.MaxBatch.
	Capabilities api.Capabilities
	Health       func(ctx context.Context) api.Health // nil is healthy; asked at most once a second
	Logger       *slog.Logger                         // nil is slog.Default

	Metrics     *prometheus.Registry // nil is a new one
	OpenMetrics bool                 // anybody may read /metrics; else a key with scope read, or a caller on this machine
	// JobCounts and QueueDepth are asked when metrics are read; nil leaves them out.
	JobCounts  func() map[backend.JobStatus]int64
	QueueDepth func() (int64, error)

	CORSOrigins []string             // of web pages that may call: https://portal.example.com; none by default
	Tracing     trace.TracerProvider // nil makes no spans, but still hands a caller's traceparent on to jobs

	Admission Admission // how many requests are served at a time

	BodyPatience   time.Duration // how long the JSON body of a request may take to arrive; 0 is 30 s
	StreamPatience time.Duration // in which 64 KiB of a file have to move, either way; 0 is 60 s
	WatchPatience  time.Duration // how long a watcher may take to read an event; it is dropped with a notice if it takes a third of it; 0 is 30 s
	CancelPatience time.Duration // how long DELETE of a job waits for its worker; 0 is 5 s
	Ping           time.Duration // between pings of a WebSocket; 0 is 30 s
}

// API is the handler. Make it with New.
type API struct {
	o        Options
	log      *slog.Logger
	mux      *http.ServeMux
	nowhere  http.HandlerFunc // answers what no route does
	huma     huma.API
	gates    *gates
	metrics  *metrics
	refusals refusals
	pacer    pacer
	health   healthCache
	crcs     crcCache
	waiting  waiters // WebSockets and long polls

	capabilities, document representation

	draining atomic.Bool
}

// New makes the handler.
func New(o Options) *API {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	if o.CancelPatience == 0 {
		o.CancelPatience = 5 * time.Second
	}
	if o.BodyPatience == 0 {
		o.BodyPatience = bodyPatience
	}
	if o.StreamPatience == 0 {
		o.StreamPatience = streamPatience
	}
	if o.WatchPatience == 0 {
		o.WatchPatience = writePatience
	}
	if o.Ping == 0 {
		o.Ping = 30 * time.Second
	}
	limits := &o.Capabilities.Limits
	if limits.RequestBytes == 0 {
		limits.RequestBytes = DefaultRequestBytes
	}
	if limits.InputBytes == 0 {
		limits.InputBytes = DefaultInputBytes
	}
	if limits.Batch == 0 {
		limits.Batch = backend.MaxBatch
	}
	a := &API{o: o, log: o.Logger, mux: http.NewServeMux(), gates: newGates(o.Admission)}
	a.metrics = newMetrics(o, a.gates)
	a.huma = a.newDocument()
	a.capabilities = represent(o.Capabilities)
	a.registerSubmissions()
	a.registerJobs()
	a.registerFiles()
	a.registerSnapshots()
	a.registerAbout()
	a.finishDocument()
	return a
}

// ServeHTTP answers a request. A path that is not in its shortest form is no call, where the mux would answer a redirect.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !short(r.URL.Path) {
		a.nowhere(w, r)
		return
	}
	a.mux.ServeHTTP(w, r)
}

func short(p string) bool { return p == "/" || path.Clean(p) == strings.TrimSuffix(p, "/") }

// Drain prepares for the end: from now on the service is not ready and takes no submissions, long polls
// answer at once, and WebSockets are closed with 1001 (going away), so that their clients connect to another node. It returns
// when those have ended, or with ctx's error. http.Server.Shutdown does the rest.
func (a *API) Drain(ctx context.Context) error {
	a.draining.Store(true)
	select {
	case <-a.waiting.wake():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// waiters are those who wait for long and want to know when the service goes away.
type waiters struct {
	mu    sync.Mutex
	wakes map[int]func()
	next  int
	gone  chan struct{} // nil until the service goes away; closed when nobody waits any more
}

// add calls wake when the service goes away, at once if it does already, and never after leave, which must come at the end.
func (k *waiters) add(wake func()) (leave func()) {
	k.mu.Lock()
	if k.wakes == nil {
		k.wakes = map[int]func(){}
	}
	k.next++
	n := k.next
	k.wakes[n] = wake
	gone := k.gone != nil
	k.mu.Unlock()
	if gone {
		wake()
	}
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.wakes, n)
		if len(k.wakes) == 0 && k.gone != nil {
			k.end()
		}
	}
}

// wake wakes all; the channel is closed when they have left.
func (k *waiters) wake() <-chan struct{} {
	k.mu.Lock()
	if k.gone == nil {
		k.gone = make(chan struct{})
	}
	if len(k.wakes) == 0 {
		k.end()
	}
	wakes := slices.Collect(maps.Values(k.wakes))
	k.mu.Unlock()
	for _, wake := range wakes {
		wake()
	}
	return k.gone
}

// end closes gone, once; the lock is held.
func (k *waiters) end() {
	select {
	case <-k.gone:
	default:
		close(k.gone)
	}
}
