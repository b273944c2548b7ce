package remote

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestHealth(t *testing.T) {
	ill := api.Health{Version: "v1", Health: backend.Health{Message: "the queue is full", Dependencies: []backend.Dependency{{Name: "queue", Message: "full"}}}}
	answers := func(status int, body any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(body)
		}
	}
	slow := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	refuses := func(w http.ResponseWriter, _ *http.Request) { refuse(w, fault.New(fault.AuthFailed, "no such key")) }
	cases := map[string]struct {
		health, auth http.HandlerFunc
		down         bool
		healthy      map[string]bool
		message      string
		code         fault.Code // of the first that is not healthy
	}{
		"all is well":              {health: answers(200, api.Health{Version: "v1", Health: backend.Health{Healthy: true, Dependencies: []backend.Dependency{{Name: "queue", Healthy: true}}}}), healthy: map[string]bool{"service": true, "key": true, "queue": true}, message: "https://example.com, version v1"},
		"an ill service":           {health: answers(503, ill), healthy: map[string]bool{"service": false, "key": true, "queue": false}, message: "service: the queue is full", code: fault.ServiceUnavailable},
		"an ill one that says 200": {health: answers(200, ill), healthy: map[string]bool{"service": false, "key": true, "queue": false}, message: "service: the queue is full", code: fault.ServiceUnavailable},
		"a proxy alone":            {health: answers(503, "no upstream"), healthy: map[string]bool{"service": false, "key": false}, message: "service: the service answered 503", code: fault.ServiceUnavailable},
		"another program":          {health: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>Welcome to nginx!")) }, healthy: map[string]bool{"service": false, "key": false}, message: "service: a web page came", code: fault.RemoteFailed},
		"a key that is not taken":  {auth: refuses, healthy: map[string]bool{"service": true, "key": false}, message: "key: no such key", code: fault.AuthFailed},
		"a service without keys":   {auth: http.NotFound, healthy: map[string]bool{"service": true, "key": true}, message: "https://example.com"},
		"nobody there":             {down: true, healthy: map[string]bool{"service": false, "key": false}, message: "service: the service at https://example.com cannot be reached", code: fault.ServiceUnavailable},
		"nobody who answers":       {health: slow, healthy: map[string]bool{"service": false, "key": false}, message: "service: it did not answer within 20s", code: fault.ServiceUnavailable},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := &played{}
			p.states = func(w http.ResponseWriter, r *http.Request) {
				handler := map[string]http.HandlerFunc{api.PathHealth: c.health, api.PathAuth: c.auth}[r.URL.Path]
				switch {
				case handler != nil:
					handler(w, r)
				case r.URL.Path == api.PathAuth:
					whoami(w, r)
				default:
					answers(200, api.Health{Health: backend.Health{Healthy: true}})(w, r)
				}
				if r.URL.Path == api.PathHealth && r.Header.Get("Authorization") != "" {
					t.Error("the key was sent where it is not needed")
				}
			}
			play(t, p, func(t *testing.T, client *RemoteClient) {
				p.net.down.Store(c.down)
				h := client.HealthCheck(t.Context())
				got, whole := map[string]bool{}, true
				var first fault.Code
				for _, d := range h.Dependencies {
					got[d.Name] = d.Healthy
					whole = whole && d.Healthy
					if !d.Healthy && first == "" {
						first = fault.CodeOf(d.Fault)
					}
					if !d.Healthy && d.Message == "" {
						t.Errorf("nothing says why %s is not healthy", d.Name)
					}
				}
				if d := cmp.Diff(c.healthy, got); d != "" || h.Healthy != whole {
					t.Errorf("healthy is %v (-want +got): %s", h.Healthy, d)
				}
				if !strings.HasPrefix(h.Message, c.message) || c.code != "" && first != c.code {
					t.Errorf("%q, %s", h.Message, first)
				}
				if took := time.Since(p.began); took > checkTime+time.Second {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// The latency of each dependency is told.
func TestHealthLatency(t *testing.T) {
	p := &played{}
	p.states = func(w http.ResponseWriter, r *http.Request) {
		_ = wait(r.Context(), 2*time.Second)
		if r.URL.Path == api.PathAuth {
			whoami(w, r)
			return
		}
		reply(w, r, 200, api.Health{Health: backend.Health{Healthy: true, Dependencies: []backend.Dependency{{Name: "queue", Healthy: true, LatencySeconds: 0.5}}}})
	}
	play(t, p, func(t *testing.T, c *RemoteClient) {
		for _, d := range c.HealthCheck(t.Context()).Dependencies {
			if want := map[string]float64{"service": 2, "key": 2, "queue": 0.5}[d.Name]; d.LatencySeconds != want {
				t.Errorf("%s took %g s, want %g", d.Name, d.LatencySeconds, want)
			}
		}
	})
}
