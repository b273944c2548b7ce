package azure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// azureFunc answers requests in place of Azure, without a network, so that the tests' clock is
// synctest's.
type azureFunc func(*http.Request) (*http.Response, error)

func (f azureFunc) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := f(r)
	if resp != nil {
		resp.Request = r
	}
	return resp, err
}

// tokens gives a new token each time that it is opened, as the sources of credentials do.
type tokens struct{ opened int }

func (k *tokens) open(context.Context) (azcore.TokenCredential, error) {
	k.opened++
	return token(fmt.Sprintf("token-%d", k.opened)), nil
}

type token string

func (k token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(k), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// sessionWith is a session whose calls go to azure.
func sessionWith(t testing.TB, config Config, azure azureFunc) *Session {
	t.Helper()
	config.Getenv = func(string) string { return "" }
	if problems := config.resolve(); problems != nil {
		t.Fatal(problems)
	}
	s := newSession(&config, "", &http.Client{Transport: azure, CheckRedirect: noRedirects}, new(share))
	s.credential.sources = []source{{name: "test", open: (&tokens{}).open}}
	return s
}

func respond(status int, body string, header ...string) *http.Response {
	r := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// travel takes its time, on synctest's clock.
func travel(d time.Duration) {
	if d > 0 {
		<-time.After(d)
	}
}

const (
	onePage    = `{"totalRecords":1,"count":1,"data":[{"id":"a"}],"facets":[],"resultTruncated":"false"}`
	rateLimit  = `{"error":{"code":"RateLimiting","message":"Please provide below info","details":[{"code":"RateLimiting","message":"slow down"}]}}`
	brokenPage = `{"totalRecords":1,"count":1,"data":[{"id":"a`
)

// read reads a query's ids.
func read(ctx context.Context, s *Session, q Query) (ids []string, err error) {
	var page Page[string]
	err = Read(ctx, s, q, Reader[string]{
		New: func(context.Context) (*Page[string], error) { return &page, nil },
		Set: func(id *string, c Column) error {
			if string(c.Name) == "id" {
				*id = c.Text()
			}
			return nil
		},
		Take: func(p *Page[string]) error { ids = append(ids, p.Rows...); return nil },
	})
	return ids, err
}

func TestFailuresAndPatience(t *testing.T) {
	reset := errors.New("connection reset by peer")
	first := func(n int, failing func() (*http.Response, error)) func(int) (*http.Response, error) {
		return func(attempt int) (*http.Response, error) {
			if attempt <= n {
				return failing()
			}
			return respond(200, onePage), nil
		}
	}
	throttled := func(header ...string) func() (*http.Response, error) {
		return func() (*http.Response, error) { return respond(429, rateLimit, header...), nil }
	}
	cases := map[string]struct {
		azure    func(attempt int) (*http.Response, error)
		attempts int
		least    time.Duration // that it takes
		most     time.Duration
		want     fault.Code
	}{
		"at once":                     {first(0, nil), 1, 0, 0, ""},
		"Retry-After":                 {first(1, throttled("Retry-After", "12")), 2, 12 * time.Second, 12 * time.Second, ""},
		"Retry-After in milliseconds": {first(1, throttled("retry-after-ms", "1500")), 2, 1500 * time.Millisecond, 1500 * time.Millisecond, ""},
		"Retry-After as a date":       {first(1, throttled("Retry-After", "Wed, 21 Oct 2015 07:28:30 GMT", "Date", "Wed, 21 Oct 2015 07:28:00 GMT")), 2, 30 * time.Second, 30 * time.Second, ""},
		"a date in the past":          {first(1, throttled("Retry-After", "Wed, 21 Oct 2015 07:27:00 GMT", "Date", "Wed, 21 Oct 2015 07:28:00 GMT")), 2, 250 * time.Millisecond, 500 * time.Millisecond, ""},
		"the quota's header alone":    {first(1, throttled(headerQuotaRemaining, "0", headerQuotaResets, "00:00:05")), 2, 5 * time.Second, 5 * time.Second, ""},
		"the longer of both":          {first(1, throttled("Retry-After", "3", headerQuotaResets, "00:01:05")), 2, 65 * time.Second, 65 * time.Second, ""},
		"throttled without advice":    {first(20, throttled()), 21, 60 * time.Second, 600 * time.Second, ""},
		"throttled for good":          {first(1000, throttled("Retry-After", "60")), 11, 600 * time.Second, 600 * time.Second, fault.Throttled},
		"asks for too much patience":  {first(1000, throttled("Retry-After", "3600")), 1, 0, 0, fault.Throttled},
		"resets":                      {first(3, func() (*http.Response, error) { return nil, reset }), 4, time.Second, 5 * time.Second, ""},
		"resets for good":             {first(1000, func() (*http.Response, error) { return nil, reset }), maxFailures, 5 * time.Second, 20 * time.Second, fault.ServiceUnavailable},
		"503 with Retry-After":        {first(2, func() (*http.Response, error) { return respond(503, "<html>", "Retry-After", "7"), nil }), 3, 14 * time.Second, 14 * time.Second, ""},
		"broken bodies":               {first(2, func() (*http.Response, error) { return respond(200, brokenPage), nil }), 3, 500 * time.Millisecond, 3 * time.Second, ""},
		"garbage for good":            {first(1000, func() (*http.Response, error) { return respond(200, "<html>hello"), nil }), maxFailures, 5 * time.Second, 20 * time.Second, fault.ServiceUnavailable},
		"another form for good":       {first(1000, func() (*http.Response, error) { return respond(200, `{"data":7}`), nil }), maxFailures, 5 * time.Second, 20 * time.Second, fault.ServiceUnavailable},
		"forbidden":                   {first(1000, func() (*http.Response, error) { return respond(403, ""), nil }), 1, 0, 0, fault.AzureForbidden},
		"a bad query":                 {first(1000, func() (*http.Response, error) { return respond(400, rateLimit), nil }), 1, 0, 0, fault.ExecutionFailed},
		"a redirect":                  {first(1000, func() (*http.Response, error) { return respond(302, "", "Location", "https://evil.example"), nil }), 1, 0, 0, fault.ExecutionFailed},
		"unauthorized once":           {first(1, func() (*http.Response, error) { return respond(401, ""), nil }), 2, 0, 0, ""},
		"unauthorized for good":       {first(1000, func() (*http.Response, error) { return respond(401, ""), nil }), 2, 0, 0, fault.AzureAuthRequired},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				attempts := 0
				s := sessionWith(t, Config{Patience: 10 * time.Minute}, func(*http.Request) (*http.Response, error) {
					attempts++
					return c.azure(attempts)
				})
				began := time.Now()
				ids, err := read(t.Context(), s, Query{KQL: "resources"})
				took := time.Since(began)
				if fault.CodeOf(err) != c.want {
					t.Fatalf("error = %v, want %q", err, c.want)
				}
				if c.want == "" && !cmp.Equal(ids, []string{"a"}) {
					t.Errorf("rows = %v", ids)
				}
				if attempts != c.attempts || took < c.least || took > c.most+time.Second/10 {
					t.Errorf("%d attempts in %s, want %d in %s to %s", attempts, took, c.attempts, c.least, c.most)
				}
			})
		})
	}
}

func TestAllWaitTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers, quota = 40, 15
		var mu sync.Mutex
		used, refused := 0, 0
		window := time.Now()
		s := sessionWith(t, Config{}, func(*http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			if time.Since(window) >= 5*time.Second {
				window, used = time.Now(), 0
			}
			resets := fmt.Sprintf("00:00:%02.0f", (5*time.Second - time.Since(window)).Seconds())
			if used == quota {
				refused++
				return respond(429, rateLimit, headerQuotaRemaining, "0", headerQuotaResets, resets), nil
			}
			used++
			return respond(200, onePage, headerQuotaRemaining, fmt.Sprint(quota-used), headerQuotaResets, resets), nil
		})
		waits := 0
		ctx := WithTrace(t.Context(), &Trace{Waiting: func(w Wait) {
			mu.Lock()
			defer mu.Unlock()
			waits++
			if w.Reason != "throttled" || w.For > 5*time.Second {
				t.Errorf("wait = %+v", w)
			}
		}})
		if _, err := read(ctx, s, Query{}); err != nil { // tells what the quota is
			t.Fatal(err)
		}
		began := time.Now()
		var group sync.WaitGroup
		for range callers {
			group.Go(func() {
				if _, err := read(ctx, s, Query{}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if took := time.Since(began); refused != 0 || waits == 0 || took > 11*time.Second {
			t.Errorf("%d calls took %s, with %d waits and %d refusals", callers, took, waits, refused)
		}
	})
}

func TestMaxRPS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sessionWith(t, Config{MaxRPS: 2}, func(*http.Request) (*http.Response, error) { return respond(200, onePage), nil })
		began := time.Now()
		for range 11 {
			if _, err := read(t.Context(), s, Query{}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("11 calls took %s", took)
		}
	})
}

func TestCancelEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sessionWith(t, Config{Patience: time.Hour}, func(*http.Request) (*http.Response, error) {
			return respond(429, rateLimit, "Retry-After", "600"), nil
		})
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(stop) })
		began := time.Now()
		_, err := read(ctx, s, Query{})
		if !errors.Is(err, stop) || time.Since(began) != time.Second {
			t.Errorf("error = %v after %s", err, time.Since(began))
		}
	})
}

func TestRefusedTokensAreRenewedOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sessionWith(t, Config{}, func(r *http.Request) (*http.Response, error) {
			travel(time.Second) // so that all calls are under way at once
			if r.Header.Get("Authorization") == "Bearer token-1" {
				return respond(401, ""), nil
			}
			return respond(200, onePage), nil
		})
		given := &tokens{}
		s.credential.sources = []source{{name: "test", open: given.open}}
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if _, err := read(t.Context(), s, Query{}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if given.opened != 2 {
			t.Errorf("the credential was opened %d times, want 2", given.opened)
		}
	})
}

// TestATokenThatExpiresDuringWaits has Azure throttle a call for longer than its tokens live, twice.
func TestATokenThatExpiresDuringWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const life = 90 * time.Second
		issued := map[string]time.Time{}
		answers := []string{}
		s := sessionWith(t, Config{Patience: time.Hour}, func(r *http.Request) (*http.Response, error) {
			token := r.Header.Get("Authorization")
			if issued[token].IsZero() {
				issued[token] = time.Now()
			}
			switch {
			case time.Since(issued[token]) > life:
				answers = append(answers, "401")
				return respond(401, `{"error":{"code":"ExpiredAuthenticationToken","message":"The access token expiry UTC time '1/1/2026 1:00:00 AM' is earlier than current UTC time"}}`,
					"WWW-Authenticate", `Bearer authorization_uri="https://login.example/t", error="invalid_token"`), nil
			case len(issued) < 3:
				answers = append(answers, "429")
				return respond(429, rateLimit, "Retry-After", "100"), nil
			}
			answers = append(answers, "200")
			return respond(200, onePage), nil
		})
		given := &tokens{}
		s.credential.sources = []source{{name: "test", open: given.open}}
		if _, err := read(t.Context(), s, Query{}); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]string{"429", "401", "429", "401", "200"}, answers); d != "" || given.opened != 3 {
			t.Errorf("%d tokens; answers (-want +got):\n%s", given.opened, d)
		}
	})
}

// TestWhatCannotBeReadIsNamed has answers that come whole and are not what they should be.
func TestWhatCannotBeReadIsNamed(t *testing.T) {
	cases := map[string]struct{ body, says string }{
		"cut off":              {brokenPage, "unexpected EOF"},
		"rubbish inside":       {`{"data":[{"id":"a",#}]}`, "invalid character"},
		"more than one answer": {onePage + onePage, "something follows"},
		"no rows":              {`{"count":0}`, "no rows"},
		"rows that are none":   {`{"data":["a"]}`, "instead of"},
		"invalid UTF-8":        {"{\"data\":[{\"id\":\"\xff\"}]}", "UTF-8"},
		"nothing":              {"", "EOF"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				s := sessionWith(t, Config{}, func(*http.Request) (*http.Response, error) {
					calls++
					return respond(200, c.body, "x-ms-correlation-request-id", "c-1"), nil
				})
				_, err := read(t.Context(), s, Query{KQL: "resources"})
				f := fault.As(err)
				if f == nil || f.Code != fault.ServiceUnavailable || !f.Retryable || calls != maxFailures ||
					!strings.Contains(f.Message, "Resource Graph sends answers to `resources` that cannot be read (correlation id c-1)") || !strings.Contains(f.Error(), c.says) {
					t.Errorf("after %d calls: %+v", calls, f)
				}
			})
		})
	}
}
