package service

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestTracesAreExported to where OTLP wants them, by the time that the service has stopped.
func TestTracesAreExported(t *testing.T) {
	for path, want := range map[string]string{"": "/v1/traces", "/": "/v1/traces", "/otlp/v1/traces": "/otlp/v1/traces"} {
		got := make(chan string, 1)
		collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.Method + " " + r.URL.Path }))
		defer collector.Close()
		traces, err := newTracing(t.Context(), Traces{Endpoint: collector.URL + path}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		_, span := traces.tracer().Start(t.Context(), "job scan")
		span.End()
		traces.stop(t.Context())
		select {
		case at := <-got:
			if at != "POST "+want {
				t.Errorf("%q: the traces went to %s", path, at)
			}
		default:
			t.Errorf("%q: no traces came", path)
		}
	}
}
