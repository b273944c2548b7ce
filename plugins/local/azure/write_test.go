package azure

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestWriting(t *testing.T) {
	const id = "/subscriptions/a/resourceGroups/web"
	for name, c := range map[string]struct {
		request Request
		body    string
		answer  func() *http.Response
		want    Answer
		code    fault.Code
		hint    string
	}{
		"created, and followed": {Request{Method: http.MethodPut, Path: id, Version: "2021-04-01"}, `{"location":"x"}`,
			func() *http.Response {
				return respond(201, `{"name":"web"}`, "Azure-AsyncOperation", "https://management.azure.com/op?x=1", "Location", "https://management.azure.com/other", "Retry-After", "7")
			}, Answer{201, []byte(`{"name":"web"}`), "https://management.azure.com/op?x=1", 7 * time.Second}, "", ""},
		"accepted": {Request{Method: http.MethodDelete, Path: id, Version: "2021-04-01"}, "",
			func() *http.Response { return respond(202, "", "Location", "https://management.azure.com/op") }, Answer{202, []byte{}, "https://management.azure.com/op", 0}, "", ""},
		"nothing": {Request{Method: http.MethodDelete, Path: id, Version: "2021-04-01"}, "", func() *http.Response { return respond(204, "") }, Answer{204, []byte{}, "", 0}, "", ""},
		"no right to write": {Request{Method: http.MethodPut, Path: id, Version: "2021-04-01"}, "",
			func() *http.Response { return respond(403, `{"error":{"code":"AuthorizationFailed","message":"no"}}`) }, Answer{}, fault.AzureForbidden, "Contributor"},
		"no right to assign": {Request{Method: http.MethodPut, Path: id + "/providers/Microsoft.Authorization/locks/l", Version: "2021-04-01"}, "",
			func() *http.Response { return respond(403, `{"error":{"code":"AuthorizationFailed","message":"no"}}`) }, Answer{}, fault.AzureForbidden, "Owner"},
		"refused": {Request{Method: http.MethodPut, Path: id, Version: "2021-04-01"}, "",
			func() *http.Response { return respond(400, `{"error":{"code":"InvalidTemplate","message":"bad"}}`) }, Answer{}, fault.ExecutionFailed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got *http.Request
			var body string
			s := sessionWith(t, Config{}, func(r *http.Request) (*http.Response, error) {
				got = r
				if r.Body != nil {
					content, err := io.ReadAll(r.Body)
					body = string(content)
					if err != nil {
						return nil, err
					}
				}
				return c.answer(), nil
			})
			if c.body != "" {
				c.request.Content = io.NewSectionReader(strings.NewReader(c.body), 0, int64(len(c.body)))
			}
			answer, err := s.Send(t.Context(), c.request)
			if d := cmp.Diff(c.want, answer); d != "" || fault.CodeOf(err) != c.code {
				t.Errorf("%v; answer (-want +got):\n%s", err, d)
			}
			if f := fault.As(err); f != nil && !strings.Contains(f.Hint, c.hint) {
				t.Errorf("the hint is %q", f.Hint)
			}
			if got.Method != c.request.Method || got.URL.Path != c.request.Path || got.URL.RawQuery != "api-version=2021-04-01" || body != c.body {
				t.Errorf("%s %s with %q was sent", got.Method, got.URL, body)
			}
		})
	}
}

func TestALinkThatLeadsElsewhereIsNotFollowed(t *testing.T) {
	s := sessionWith(t, Config{}, func(*http.Request) (*http.Response, error) {
		t.Error("it was followed")
		return respond(200, "{}"), nil
	})
	for _, link := range []string{"https://evil.example/op", "http://management.azure.com/op", "%"} {
		if _, err := s.Poll(t.Context(), "/subscriptions/a", link); fault.CodeOf(err) != fault.ExecutionFailed {
			t.Errorf("%s: %v", link, err)
		}
	}
}

func TestHasCode(t *testing.T) {
	s := sessionWith(t, Config{}, func(*http.Request) (*http.Response, error) {
		return respond(409, `{"error":{"code":"Conflict","message":"x","details":[{"code":"DeploymentActive","message":"y"}]}}`), nil
	})
	_, err := s.Send(t.Context(), Request{Method: http.MethodPut, Path: "/subscriptions/a", Version: "1"})
	if !HasCode(err, "deploymentactive") || !HasCode(err, "Conflict") || HasCode(err, "Other") || HasCode(nil, "Conflict") {
		t.Errorf("the codes of %v", err)
	}
}

// Writes have a bucket of their own: a subscription whose writes are used up can still be read, and the other way round.
func TestWritesAndReadsAreCountedApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		throttled := 0
		s := sessionWith(t, Config{}, func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPut && throttled == 0 {
				throttled++
				return respond(429, `{"error":{"code":"SubscriptionRequestsThrottled","message":"slow"}}`, "Retry-After", "20", "x-ms-failure-cause", "gateway"), nil
			}
			return respond(200, "{}"), nil
		})
		done := make(chan time.Duration)
		go func() {
			if _, err := s.Send(t.Context(), Request{Method: http.MethodPut, Path: "/subscriptions/a/resourceGroups/x", Version: "1"}); err != nil {
				t.Error(err)
			}
			done <- time.Since(began)
		}()
		synctest.Wait()
		if _, err := s.Get(t.Context(), "/subscriptions/a/resourceGroups/x", "1"); err != nil || time.Since(began) > time.Second {
			t.Errorf("a read took %s: %v", time.Since(began), err)
		}
		if _, err := s.Send(t.Context(), Request{Method: http.MethodDelete, Path: "/subscriptions/a/resourceGroups/x", Version: "1"}); err != nil || time.Since(began) > time.Second {
			t.Errorf("a deletion took %s: %v", time.Since(began), err)
		}
		if took := <-done; took < 20*time.Second || took > 25*time.Second {
			t.Errorf("the write took %s", took)
		}
	})
}

// TestEachAttemptIsSentWhole: one that is given up half way takes nothing from the next one.
func TestEachAttemptIsSentWhole(t *testing.T) {
	want, attempts := strings.Repeat("x", 100_000), 0
	s := sessionWith(t, Config{}, func(r *http.Request) (*http.Response, error) {
		if attempts++; attempts == 1 {
			if _, err := io.CopyN(io.Discard, r.Body, 1000); err != nil {
				t.Error(err)
			}
			return respond(503, "", "Retry-After", "0"), nil
		}
		if body, err := io.ReadAll(r.Body); err != nil || string(body) != want || r.ContentLength != int64(len(want)) {
			t.Errorf("%d bytes of %d: %v", len(body), r.ContentLength, err)
		}
		return respond(200, "{}"), nil
	})
	content := io.NewSectionReader(strings.NewReader(want), 0, int64(len(want)))
	if _, err := s.Send(t.Context(), Request{Method: http.MethodPut, Path: "/subscriptions/a", Version: "2021-04-01", Content: content}); err != nil || attempts != 2 {
		t.Errorf("after %d attempts: %v", attempts, err)
	}
}
