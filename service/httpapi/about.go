package httpapi

import (
	"context"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// registerAbout registers what the service tells of itself.
func (a *API) registerAbout() {
	json := func(rt route, t reflect.Type, serve func(http.ResponseWriter, *http.Request) error, statuses ...int) {
		rt.method, rt.tag = http.MethodGet, "service"
		a.handle(rt, serve)
		var answers []response
		for _, status := range statuses {
			r := response{status: status, headers: []string{"ETag"}}
			if status != http.StatusNotModified {
				r.media, r.schema = "application/json", a.schema(t)
			}
			answers = append(answers, r)
		}
		a.enter(rt, nil, answers...)
	}
	json(route{path: api.PathCapable, id: "get-capabilities", summary: "What the service can do, and its limits"},
		reflect.TypeFor[api.Capabilities](), answer(&a.capabilities), http.StatusOK, http.StatusNotModified)
	json(route{path: api.PathAuth, id: "get-identity", summary: "Whose key this is"}, reflect.TypeFor[api.Identity](),
		func(w http.ResponseWriter, r *http.Request) error {
			represent(callOf(r.Context()).grant.Identity()).send(w, r)
			return nil
		}, http.StatusOK, http.StatusNotModified)
	json(route{path: api.PathHealth, id: "get-health", summary: "The state of the service and of what it depends on", open: true},
		reflect.TypeFor[api.Health](), a.serveHealth, http.StatusOK, http.StatusServiceUnavailable)
	json(route{path: api.PathReady, id: "is-ready", summary: "Whether the node takes requests", open: true},
		reflect.TypeFor[api.Health](), a.serveHealth, http.StatusOK, http.StatusServiceUnavailable)
	json(route{path: api.PathLive, id: "is-live", summary: "Whether the node lives", open: true}, reflect.TypeFor[api.Health](),
		func(w http.ResponseWriter, r *http.Request) error {
			return answerHealth(w, api.Health{Health: backend.Health{Healthy: true}, Version: a.o.Capabilities.Version})
		}, http.StatusOK)

	document := route{method: http.MethodGet, path: api.PathOpenAPI, id: "get-openapi", tag: "service", summary: "This document", open: true}
	a.handle(document, answer(&a.document))
	a.enter(document, nil, response{http.StatusOK, "application/json", &huma.Schema{Type: huma.TypeObject}, []string{"ETag"}})

	metrics := route{method: http.MethodGet, path: api.PathMetrics, id: "get-metrics", tag: "service", summary: "Metrics for Prometheus", open: true}
	metrics.description = "Needs a key with the scope read, unless the caller is on the same machine or the service is set up to show them."
	show := promhttp.HandlerFor(a.o.Metrics, promhttp.HandlerOpts{})
	a.handle(metrics, func(w http.ResponseWriter, r *http.Request) error {
		if err := a.mayReadMetrics(r); err != nil {
			return err
		}
		show.ServeHTTP(w, r)
		return nil
	})
	a.enter(metrics, nil, response{status: http.StatusOK, media: "text/plain", schema: &huma.Schema{Type: huma.TypeString}})

	a.nowhere = a.handle(route{path: "/", open: true}, a.nothing)
}

// answer answers a representation that is complete by the time it is asked for.
func answer(rep *representation) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		rep.send(w, r)
		return nil
	}
}

// nothing answers what no route does: calls that do not exist, methods that a path does not know, and the questions
// that browsers ask before they call.
func (a *API) nothing(w http.ResponseWriter, r *http.Request) error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := *r
		other.Method = method
		if _, pattern := a.mux.Handler(&other); strings.HasPrefix(pattern, method+" ") && short(r.URL.Path) {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return withStatus{fault.New(fault.Unsupported, "the service has no such call", fault.On(r.URL.Path), fault.From(fault.OriginService),
			fault.Hint("GET %s lists those it has; it may be older than its client", api.PathOpenAPI)), http.StatusNotFound}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	if r.Method == http.MethodOptions {
		a.preflight(w, r, allowed)
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return withStatus{fault.New(fault.Unsupported, "the service has no such call with this method", fault.On(r.URL.Path), fault.From(fault.OriginService),
		fault.Hint("the path takes %s", strings.Join(allowed, ", "))), http.StatusMethodNotAllowed}
}

// mayReadMetrics lets in whoever calls from this machine, not through a proxy on it, and keys that may read.
func (a *API) mayReadMetrics(r *http.Request) error {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	ip := net.ParseIP(host)
	proxied := r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" || r.Header.Get("Via") != ""
	if a.o.OpenMetrics || (ip != nil && ip.IsLoopback() && !proxied) {
		return nil
	}
	granted, err := a.o.Guard.Check(r.Context(), r.Header.Get("Authorization"), r.RemoteAddr)
	if err != nil {
		return err
	}
	callOf(r.Context()).grant = granted
	return granted.Allow(mayRead...)
}

func (a *API) serveHealth(w http.ResponseWriter, r *http.Request) error {
	health := a.health.get(r.Context(), a.o.Health)
	if health.Version == "" {
		health.Version = a.o.Capabilities.Version
	}
	if a.draining.Load() {
		health.Healthy, health.Message = false, "this node is going away"
	}
	return answerHealth(w, health)
}

func answerHealth(w http.ResponseWriter, health api.Health) error {
	rep := represent(health)
	w.Header().Set("Content-Type", rep.media)
	if !health.Healthy {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(rep.body)
	return nil
}

// healthPatience is how long what the service depends on may take to say how it is.
const healthPatience = 5 * time.Second

// healthCache asks for the health at most once a second, whoever asks: the call needs no key.
type healthCache struct {
	mu    sync.Mutex
	asked time.Time
	last  api.Health
}

func (h *healthCache) get(ctx context.Context, ask func(context.Context) api.Health) api.Health {
	if ask == nil {
		return api.Health{Health: backend.Health{Healthy: true}}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.asked) > time.Second {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healthPatience)
		defer cancel()
		h.last, h.asked = ask(ctx), time.Now()
	}
	return h.last
}

// allowOrigin lets pages of allowed origins read the answer.
func (a *API) allowOrigin(h http.Header, r *http.Request) {
	if len(a.o.CORSOrigins) == 0 {
		return
	}
	h.Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); a.allows(origin) {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "ETag, Location, Retry-After, Idempotency-Replayed, Content-Disposition, Content-Range, "+api.HeaderRequestID)
	}
}

func (a *API) allows(origin string) bool {
	for _, allowed := range a.o.CORSOrigins {
		if origin != "" && strings.EqualFold(origin, allowed) {
			return true
		}
	}
	return false
}

func (a *API) preflight(w http.ResponseWriter, r *http.Request, allowed []string) {
	if !a.allows(r.Header.Get("Origin")) {
		return
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", strings.Join(allowed, ", "))
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-None-Match, If-Range, Range, Traceparent, "+api.HeaderIdempotencyKey+", "+api.HeaderRequestID)
	h.Set("Access-Control-Max-Age", "600")
}
