package azuresim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const listPath = "/subscriptions?api-version=2022-12-01"

// attempt is a request whose connection may break: its status and error.
func (c *caller) attempt(request *http.Request) (int, error) {
	response, err := c.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.ReadAll(response.Body)
	return response.StatusCode, err
}

func TestFaultsStrikeWhenTheyShould(t *testing.T) {
	tests := map[string]struct {
		fault Fault
		want  string // statuses of eight requests
	}{
		"for ever":         {Fault{Status: 500}, "500 500 500 500 500 500 500 500"},
		"the next two":     {Fault{Status: 503, Times: 2}, "503 503 200 200 200 200 200 200"},
		"each third":       {Fault{Status: 503, Every: 3}, "200 200 503 200 200 503 200 200"},
		"after three once": {Fault{Status: 429, After: 3, Times: 1}, "200 200 200 429 200 200 200 200"},
		"another method":   {Fault{Status: 500, Method: "POST"}, "200 200 200 200 200 200 200 200"},
		"another path":     {Fault{Status: 500, Path: "^/tenants$"}, "200 200 200 200 200 200 200 200"},
		"path in any case": {Fault{Status: 500, Path: "^/SUBSCRIPTIONS$", Times: 1}, "500 200 200 200 200 200 200 200"},
		"another body":     {Fault{Status: 500, Body: "x"}, "200 200 200 200 200 200 200 200"},
	}
	c := start(t, Config{})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			remove, err := c.server.Inject(Faults{Rules: []Fault{test.fault}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for range 8 {
				got = append(got, fmt.Sprint(c.get(listPath).status))
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
			remove()
			if status := c.get(listPath).status; status != http.StatusOK {
				t.Errorf("after the fault: %d", status)
			}
		})
	}
}

func TestFaultsAnswerAsAzureDoes(t *testing.T) {
	tests := map[string]struct {
		fault  Fault
		graph  bool
		code   string
		header map[string]string
	}{
		"throttled":         {Fault{Status: 429, RetryAfter: 7}, false, "TooManyRequests", map[string]string{"Retry-After": "7"}},
		"queries throttled": {Fault{Status: 429, RetryAfter: 7}, true, "RateLimiting", map[string]string{"Retry-After": "7", "x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:00:07"}},
		"broken":            {Fault{Status: 500}, false, "InternalServerError", map[string]string{"Retry-After": ""}},
		"unavailable":       {Fault{Status: 503}, true, "ServiceUnavailable", nil},
		"slow provider":     {Fault{Status: 504}, false, "GatewayTimeout", nil},
		"forbidden":         {Fault{Status: 403}, false, "AuthorizationFailed", nil},
		"token refused":     {Fault{Status: 401}, false, "ExpiredAuthenticationToken", nil},
		"a code of its own": {Fault{Status: 409, Code: "Conflict", Message: "no"}, false, "Conflict", nil},
	}
	c := start(t, Config{})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			remove, err := c.server.Inject(Faults{Rules: []Fault{test.fault}})
			if err != nil {
				t.Fatal(err)
			}
			defer remove()
			answer := c.get(listPath)
			if test.graph {
				answer = c.graph(map[string]any{"query": "resources"})
			}
			if answer.status != test.fault.Status || answer.text("error", "code") != test.code {
				t.Errorf("%d %s", answer.status, answer.body)
			}
			for name, want := range test.header {
				if got := answer.header.Get(name); got != want {
					t.Errorf("%s is %q", name, got)
				}
			}
			if answer.header.Get("x-ms-request-id") == "" {
				t.Error("no x-ms-request-id")
			}
		})
	}
}

func TestConnectionsBreak(t *testing.T) {
	for _, http2 := range []bool{true, false} {
		c := start(t, Config{})
		transport := c.client.Transport.(*http.Transport).Clone()
		transport.TLSClientConfig.NextProtos = nil
		protocols := &http.Protocols{}
		protocols.SetHTTP1(!http2)
		protocols.SetHTTP2(http2)
		transport.Protocols = protocols
		transport.DisableKeepAlives = !http2 // else the client repeats a request on a connection that it holds open
		c.client = &http.Client{Transport: transport}
		t.Cleanup(transport.CloseIdleConnections)
		for name, fault := range map[string]Fault{"reset": {Reset: true}, "truncated": {Truncate: true}} {
			t.Run(fmt.Sprintf("%s HTTP/2 %v", name, http2), func(t *testing.T) {
				remove, err := c.server.Inject(Faults{Rules: []Fault{fault}})
				if err != nil {
					t.Fatal(err)
				}
				status, err := c.attempt(c.request(http.MethodGet, listPath, nil))
				if err == nil {
					t.Error("the answer came whole")
				}
				if (status == http.StatusOK) != fault.Truncate {
					t.Errorf("status %d", status)
				}
				remove()
				if status, err := c.attempt(c.request(http.MethodGet, listPath, nil)); err != nil || status != http.StatusOK {
					t.Errorf("afterwards: %d, %v", status, err)
				}
			})
		}
	}
}

func TestTimeoutLastsUntilTheCallerGivesUp(t *testing.T) {
	c := start(t, Config{})
	if _, err := c.server.Inject(Faults{Rules: []Fault{{Timeout: true}}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gaveUp := errors.New("gave up")
	done := make(chan error, 1)
	go func() {
		_, err := c.attempt(c.request(http.MethodGet, listPath, nil).WithContext(ctx))
		done <- err
	}()
	if err := c.server.WaitRequests(t.Context(), http.MethodGet, "^/subscriptions$", 1); err != nil {
		t.Fatal(err)
	}
	cancel(gaveUp)
	if err := <-done; !errors.Is(err, context.Canceled) && !errors.Is(err, gaveUp) {
		t.Errorf("got %v", err)
	}
}

func TestGatesHoldRequests(t *testing.T) {
	c := start(t, Config{Quota: -1})
	gate, err := c.server.Hold(http.MethodPost, "/resources$", "virtualmachines")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan int, 2)
	for range 2 {
		go func() {
			status, _ := c.attempt(c.graphRequest(map[string]any{"query": "resources | where type == 'microsoft.compute/virtualmachines'"}))
			done <- status
		}()
	}
	if err := gate.Wait(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if other := c.graph(map[string]any{"query": "resources | count"}); other.status != http.StatusOK {
		t.Errorf("another query: %d", other.status)
	}
	select {
	case status := <-done:
		t.Errorf("the gate let a request through: %d", status)
	default:
	}
	gate.Release()
	for range 2 {
		if status := <-done; status != http.StatusOK {
			t.Errorf("status %d", status)
		}
	}
	if status := c.graph(map[string]any{"query": "resources | where type == 'microsoft.compute/virtualmachines'"}).status; status != http.StatusOK || gate.Arrived() != 2 {
		t.Errorf("after the release: %d, %d arrived", status, gate.Arrived())
	}
}

func TestGateEndsWithItsContext(t *testing.T) {
	server := startServer(t, Config{})
	gate, err := server.Hold("", "", "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := gate.Wait(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestCloseEndsWhatWaits(t *testing.T) {
	server, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	gate, err := server.Hold("", "", "")
	if err != nil {
		t.Fatal(err)
	}
	client := server.HTTPClient()
	done := make(chan error, 1)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL()+listPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		response, err := client.Do(request)
		if err == nil {
			response.Body.Close()
		}
		done <- err
	}()
	if err := gate.Wait(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err == nil {
		t.Error("the request was answered")
	}
}

func TestBadPatternsAreRefused(t *testing.T) {
	server := startServer(t, Config{})
	for _, fault := range []Fault{{Path: "("}, {Body: "("}} {
		if _, err := server.Inject(Faults{Rules: []Fault{fault}}); err == nil {
			t.Errorf("%+v is taken", fault)
		}
		if _, err := server.Hold("", fault.Path, fault.Body); err == nil {
			t.Errorf("a gate at %+v is taken", fault)
		}
	}
}

func TestRequestsAreRecordedWithoutSecrets(t *testing.T) {
	c := start(t, Config{Quota: -1})
	c.graph(map[string]any{"query": "resources | count"})
	c.get("/subscriptions")
	raw, err := json.Marshal(c.server.Requests())
	if err != nil {
		t.Fatal(err)
	}
	if text := string(raw); strings.Contains(text, c.server.ClientSecret()) || strings.Contains(text, c.token) {
		t.Error("the record holds a secret or a token")
	}
	requests := c.server.Requests()
	last := requests[len(requests)-1]
	query := requests[len(requests)-2]
	if last.Path != "/subscriptions" || last.Status != http.StatusBadRequest || query.Method != http.MethodPost || !strings.Contains(query.Body, "resources | count") {
		t.Errorf("%+v, %+v", query, last)
	}
	if n := c.server.Count("post", "resourcegraph"); n != 1 || c.server.TotalRequests() != len(requests) {
		t.Errorf("%d queries, %d requests", n, c.server.TotalRequests())
	}
	c.server.ResetRequests()
	if n := c.server.TotalRequests(); n != 0 {
		t.Errorf("%d requests after the reset", n)
	}
}

func TestControlEndpoint(t *testing.T) {
	c := start(t, Config{Control: true})
	control := func(method, path, body string) *answer { return c.send(c.request(method, path, []byte(body))) }
	if answer := control(http.MethodPost, "/_sim/faults", `{"rules":[{"path":"^/tenants","status":503,"times":1}],"deny":["`+connectivity+`"]}`); answer.status != http.StatusOK {
		t.Fatalf("%d %s", answer.status, answer.body)
	}
	if status := c.get("/tenants?api-version=2022-12-01").status; status != http.StatusServiceUnavailable {
		t.Errorf("status %d", status)
	}
	if status := c.get("/subscriptions/" + connectivity + "?api-version=2022-12-01").status; status != http.StatusForbidden {
		t.Errorf("status %d", status)
	}
	control(http.MethodDelete, "/_sim/faults", "")
	if status := c.get("/subscriptions/" + connectivity + "?api-version=2022-12-01").status; status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	if answer := control(http.MethodPost, "/_sim/faults", `{"rule":[]}`); answer.status != http.StatusBadRequest {
		t.Errorf("a misspelt fault: %d", answer.status)
	}
	if total := control(http.MethodGet, "/_sim/requests", "").get("total"); total != 4.0 {
		t.Errorf("%v requests", total)
	}

	id := control(http.MethodPost, "/_sim/gates", `{"path":"^/tenants"}`).text("id")
	done := make(chan int, 1)
	go func() {
		status, _ := c.attempt(c.request(http.MethodGet, "/tenants?api-version=2022-12-01", nil))
		done <- status
	}()
	if arrived := control(http.MethodGet, "/_sim/gates/"+id+"?requests=1", "").get("arrived"); arrived != 1.0 {
		t.Errorf("%v arrived", arrived)
	}
	control(http.MethodDelete, "/_sim/gates/"+id, "")
	if status := <-done; status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	if status := control(http.MethodGet, "/_sim/gates/9", "").status; status != http.StatusNotFound {
		t.Errorf("an unknown gate: %d", status)
	}
}

func TestNoControlUnlessAsked(t *testing.T) {
	c := start(t, Config{})
	if status := c.get("/_sim/requests?api-version=2022-12-01").status; status != http.StatusNotFound {
		t.Errorf("status %d", status)
	}
}

func TestLatencyDelaysEveryAnswer(t *testing.T) {
	c := start(t, Config{Latency: 20 * time.Millisecond})
	before := time.Now()
	c.get(listPath)
	if took := time.Since(before); took < 20*time.Millisecond {
		t.Errorf("answered after %s", took)
	}
}
