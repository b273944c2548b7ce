package azuresim

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

// ServeHTTP answers one request: it is recorded, held and spoiled as tests ask for, then served.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.config.Control && strings.HasPrefix(r.URL.Path, "/_sim/") {
		s.serveControl(w, r)
		return
	}
	body, err := drain(r)
	if err != nil {
		return // the caller has gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	recorder := &statusRecorder{ResponseWriter: w}
	entry := s.requests.begin(r, body, s.config.Now())
	defer func() {
		s.requests.end(entry, recorder.status)
		s.config.Log.Debug("request", "method", r.Method, "path", r.URL.Path, "status", recorder.status)
	}()
	if !s.sleep(r, s.latency()) {
		return
	}
	spoiled := s.spoil(recorder, r, body)
	if spoiled == nil {
		return
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case guid.MatchString(first), first == "common", first == "organizations", strings.Contains(first, ".onmicrosoft.com"):
		s.serveEntra(spoiled, r, first, rest)
	case isMSGraphPath(first):
		s.serveMSGraph(spoiled, r, first)
	default:
		s.serveARM(spoiled, r)
	}
	s.finish(spoiled, r)
	s.applyChanges(r, body)
}

// sleep waits; false means that the caller has gone or the simulator has closed.
func (s *Server) sleep(r *http.Request, wait time.Duration) bool {
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-s.faults.closed:
	}
	return false
}

// statusRecorder remembers the status that a handler answered with.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (w *statusRecorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusRecorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// serveARM checks who calls Resource Manager, and answers.
func (s *Server) serveARM(w http.ResponseWriter, r *http.Request) {
	s.setARMHeaders(w, r)
	if r.URL.Path == "/metadata/endpoints" {
		s.serveMetadata(w, r)
		return
	}
	c, failure := s.authenticate(r)
	if failure == nil {
		failure = s.routeARM(w, r, c)
	}
	if failure != nil {
		failure.write(w)
	}
}

// setARMHeaders sets the headers that every answer of Resource Manager has.
func (s *Server) setARMHeaders(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	request := newGUID()
	correlation := r.Header.Get("x-ms-correlation-request-id")
	if correlation == "" {
		correlation = request
	}
	header.Set("x-ms-request-id", request)
	header.Set("x-ms-correlation-request-id", correlation)
	header.Set("x-ms-routing-request-id", fmt.Sprintf("%s:%s:%s", strings.ToUpper(s.region(r)), s.config.Now().UTC().Format("20060102T150405Z"), request))
	if id := r.Header.Get("x-ms-client-request-id"); id != "" && strings.EqualFold(r.Header.Get("x-ms-return-client-request-id"), "true") {
		header.Set("x-ms-client-request-id", id)
	}
	header.Set("Cache-Control", "no-cache")
	header.Set("Pragma", "no-cache")
	header.Set("Expires", "-1")
	header.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	header.Set("X-Content-Type-Options", "nosniff")
}

// correlationID is the id under which the answer to w's request can be asked for.
func correlationID(w http.ResponseWriter) string {
	return w.Header().Get("x-ms-correlation-request-id")
}
