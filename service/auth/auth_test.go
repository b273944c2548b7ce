package auth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/service/auth"
	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/service/jobs/jobstest"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// issue makes a key that can read and submit, for tenant t1.
func issue(t *testing.T, keys jobs.Keys, change func(*auth.NewKey)) (string, jobs.Key) {
	t.Helper()
	n := auth.NewKey{Name: "ci", Scopes: []api.Scope{api.ScopeRead, api.ScopeSubmit}, Tenants: []string{"t1"}}
	if change != nil {
		change(&n)
	}
	key, kept, err := auth.Issue(t.Context(), keys, n, now)
	if err != nil {
		t.Fatal(err)
	}
	return key.Reveal(), kept
}

func TestAKeyIsKeptAsItsHashAlone(t *testing.T) {
	store := jobstest.New()
	key, kept := issue(t, store, nil)
	parts := strings.SplitN(key, "_", 3)
	if len(parts) != 3 || parts[0] != "atg" || parts[1] != kept.ID || len(parts[2]) != 43 {
		t.Errorf("the key has another form: atg_%s_ and %d characters", kept.ID, len(parts[2]))
	}
	if all := fmt.Sprintf("%+v", kept); strings.Contains(all, parts[2]) {
		t.Error("the kept key holds the secret")
	}
	other, _ := issue(t, store, nil)
	if other == key {
		t.Error("two keys are the same")
	}
}

func TestIssueTellsEveryProblem(t *testing.T) {
	_, _, err := auth.Issue(t.Context(), jobstest.New(), auth.NewKey{Scopes: []api.Scope{"admin"}, ExpiresAt: now}, now)
	f := fault.As(err)
	if f == nil || f.Code != fault.InvalidArgument {
		t.Fatalf("Issue = %v", err)
	}
	var keys []string
	for _, p := range f.Problems {
		keys = append(keys, p.Key)
	}
	if diff := cmp.Diff([]string{"name", "scopes", "tenants", "expires_at"}, keys); diff != "" {
		t.Error(diff)
	}
}

func TestCheck(t *testing.T) {
	store := jobstest.New()
	good, kept := issue(t, store, nil)
	soon, _ := issue(t, store, func(n *auth.NewKey) { n.ExpiresAt = now.Add(time.Hour) })
	revoked, gone := issue(t, store, nil)
	if _, err := auth.Revoke(t.Context(), store, gone.ID, now); err != nil {
		t.Fatal(err)
	}
	secretOf := func(key string) string { return strings.SplitN(key, "_", 3)[2] }
	unknown := "atg_aaaaaaaaaaaa_" + secretOf(good)
	wrong := "atg_" + kept.ID + "_" + secretOf(revoked)

	cases := map[string]struct {
		header string
		after  time.Duration
		code   fault.Code
		says   string
	}{
		"good":                      {"Bearer " + good, 0, "", ""},
		"scheme in lower case":      {"bearer " + good, 0, "", ""},
		"not yet expired":           {"Bearer " + soon, time.Hour - 1, "", ""},
		"none":                      {"", 0, fault.AuthRequired, "wants an API key"},
		"expired":                   {"Bearer " + soon, time.Hour, fault.AuthFailed, "expired at 2026-03-01T13:00:00Z"},
		"revoked":                   {"Bearer " + revoked, 0, fault.AuthFailed, "was revoked"},
		"wrong secret":              {"Bearer " + wrong, 0, fault.AuthFailed, "refused the API key"},
		"unknown id":                {"Bearer " + unknown, 0, fault.AuthFailed, "refused the API key"},
		"revoked with wrong secret": {"Bearer atg_" + gone.ID + "_" + secretOf(good), 0, fault.AuthFailed, "refused the API key"},
		"another scheme":            {"Basic " + good, 0, fault.AuthFailed, "refused the API key"},
		"no scheme":                 {good, 0, fault.AuthFailed, "refused the API key"},
		"garbage":                   {"Bearer ☃", 0, fault.AuthFailed, "refused the API key"},
		"cut":                       {"Bearer " + good[:len(good)-1], 0, fault.AuthFailed, "refused the API key"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			guard := auth.New(auth.Options{Keys: store, Now: func() time.Time { return now.Add(c.after) }})
			granted, err := guard.Check(t.Context(), c.header, "192.0.2.1:1234")
			if fault.CodeOf(err) != c.code {
				t.Fatalf("Check = %v, want %q", err, c.code)
			}
			if err == nil {
				if granted.Key == "" || !granted.MayTouch("t1") || granted.MayTouch("t2") {
					t.Errorf("granted %+v", granted)
				}
				return
			}
			f := fault.As(err)
			if !strings.Contains(f.Message, c.says) || f.Hint == "" || f.Origin != fault.OriginService {
				t.Errorf("message %q, hint %q, origin %q", f.Message, f.Hint, f.Origin)
			}
			if strings.Contains(f.Error()+f.Hint, secretOf(good)) {
				t.Error("the fault holds the secret")
			}
		})
	}
}

func TestWhetherAnIDExistsCannotBeTold(t *testing.T) {
	store := jobstest.New()
	key, kept := issue(t, store, nil)
	secret := "A" + strings.SplitN(key, "_", 3)[2][1:]
	if strings.HasSuffix(key, secret) {
		secret = "B" + secret[1:]
	}
	guard := auth.New(auth.Options{Keys: store, Now: clock})
	_, there := guard.Check(t.Context(), "Bearer atg_"+kept.ID+"_"+secret, "192.0.2.1:1")
	_, nowhere := guard.Check(t.Context(), "Bearer atg_aaaaaaaaaaaa_"+secret, "192.0.2.1:1")
	if diff := cmp.Diff(fault.As(there), fault.As(nowhere)); diff != "" {
		t.Error(diff)
	}
}

func TestAStoreThatFailsIsNoWrongKey(t *testing.T) {
	store := jobstest.New()
	key, _ := issue(t, store, nil)
	store.FailWith(func(string) error { return fault.New(fault.ServiceUnavailable, "no store") })
	_, err := auth.New(auth.Options{Keys: store, Now: clock}).Check(t.Context(), "Bearer "+key, "192.0.2.1:1")
	if fault.CodeOf(err) != fault.ServiceUnavailable {
		t.Errorf("Check = %v", err)
	}
}

func TestScopes(t *testing.T) {
	granted := auth.Grant{Caller: jobs.Caller{Key: "k"}, Scopes: []api.Scope{api.ScopeRead}}
	if err := granted.Allow(); err != nil {
		t.Errorf("a call that needs no scope: %v", err)
	}
	if err := granted.Allow(api.ScopeSubmit, api.ScopeRead); err != nil {
		t.Errorf("one of the scopes: %v", err)
	}
	err := granted.Allow(api.ScopeSubmit, api.ScopeDeploy)
	if f := fault.As(err); f == nil || f.Code != fault.Forbidden || !strings.Contains(f.Message, "submit or deploy") || f.Hint == "" {
		t.Errorf("none of the scopes: %v", err)
	}
}

func TestWrongKeysAreLimitedByAddress(t *testing.T) {
	store := jobstest.New()
	good, _ := issue(t, store, nil)
	at := now
	guard := auth.New(auth.Options{Keys: store, FailureRate: 1, FailureBurst: 3, Now: func() time.Time { return at }})
	try := func(header, remote string) fault.Code {
		_, err := guard.Check(t.Context(), header, remote)
		return fault.CodeOf(err)
	}
	for range 3 {
		if code := try("Bearer x", "[2001:db8::1]:1"); code != fault.AuthFailed {
			t.Fatalf("before the limit: %s", code)
		}
	}
	_, err := guard.Check(t.Context(), "Bearer x", "[2001:db8::2]:1") // the same network
	if o, ok := jobs.OverloadOf(err); fault.CodeOf(err) != fault.Throttled || !ok || o != (jobs.Overload{Reason: auth.ReasonWrongKeys, After: time.Second}) {
		t.Errorf("beyond the limit: %v, %+v", err, o)
	}
	if code := try("Bearer "+good, "[2001:db8::1]:1"); code != "" {
		t.Errorf("a right key from there: %s", code)
	}
	if code := try("Bearer x", "[2001:db8:0:1::1]:1"); code != fault.AuthFailed {
		t.Errorf("another network: %s", code)
	}
	if code := try("", "[2001:db8::1]:1"); code != fault.AuthRequired {
		t.Errorf("no key: %s", code)
	}
	at = at.Add(time.Second)
	if code := try("Bearer x", "[2001:db8::1]:1"); code != fault.AuthFailed {
		t.Errorf("a second later: %s", code)
	}
}

func TestAFloodOfAddressesIsForgotten(t *testing.T) {
	at := now
	guard := auth.New(auth.Options{Keys: jobstest.New(), FailureBurst: 1, Now: func() time.Time { return at }})
	for n := range 25_000 {
		_, err := guard.Check(t.Context(), "Bearer x", fmt.Sprintf("10.%d.%d.%d:1", n>>16, n>>8&255, n&255))
		if fault.CodeOf(err) != fault.AuthFailed {
			t.Fatalf("address %d: %v", n, err)
		}
	}
	if n := guard.Remembered(); n > 10_000 {
		t.Errorf("%d addresses are remembered", n)
	}
}

func TestRateAndConcurrencyOfAKey(t *testing.T) {
	at := now
	guard := auth.New(auth.Options{Keys: jobstest.New(), Rate: 2, Burst: 3, Concurrent: 2, Now: func() time.Time { return at }})
	a, b := auth.Grant{Caller: jobs.Caller{Key: "a"}}, auth.Grant{Caller: jobs.Caller{Key: "b"}}
	enter := func(g auth.Grant) func() {
		t.Helper()
		leave, err := guard.Enter(g)
		if err != nil {
			t.Fatal(err)
		}
		return leave
	}
	first, second := enter(a), enter(a)
	if _, err := guard.Enter(a); fault.CodeOf(err) != fault.Throttled || !strings.Contains(err.Error(), "under way") {
		t.Errorf("a third request at once: %v", err)
	}
	enter(b)()
	first()
	second()
	enter(a)()
	_, err := guard.Enter(a)
	if o, ok := jobs.OverloadOf(err); !ok || o != (jobs.Overload{Reason: auth.ReasonRate, After: 500 * time.Millisecond}) || !fault.As(err).Retryable {
		t.Errorf("a fourth request: %v, %+v", err, o)
	}
	at = at.Add(500 * time.Millisecond)
	enter(a)()
}

func TestHold(t *testing.T) {
	cases := map[string]struct {
		change func(context.Context, *jobstest.Store, jobs.Key) error
		says   string
	}{
		"revoked": {func(ctx context.Context, s *jobstest.Store, k jobs.Key) error {
			_, err := auth.Revoke(ctx, s, k.ID, now)
			return err
		}, "was revoked"},
		"loses a tenant": {func(ctx context.Context, s *jobstest.Store, k jobs.Key) error {
			k.Tenants = []string{"t2"}
			return s.PutKey(ctx, k)
		}, "may do less"},
		"loses a scope": {func(ctx context.Context, s *jobstest.Store, k jobs.Key) error {
			k.Scopes = []string{"read"}
			return s.PutKey(ctx, k)
		}, "may do less"},
		"has another secret": {func(ctx context.Context, s *jobstest.Store, k jobs.Key) error {
			k.Hash = "00"
			return s.PutKey(ctx, k)
		}, "may do less"},
		"expires": {func(ctx context.Context, s *jobstest.Store, k jobs.Key) error {
			k.ExpiresAt = &now
			return s.PutKey(ctx, k)
		}, "expired"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			store := jobstest.New()
			key, kept := issue(t, store, nil)
			guard := auth.New(auth.Options{Keys: store, Now: clock})
			granted, err := guard.Check(t.Context(), "Bearer "+key, "")
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 2)
			releases := []func(){guard.Hold(t.Context(), granted, func(err error) { ended <- err }), guard.Hold(t.Context(), granted, func(err error) { ended <- err })}
			given := guard.Hold(t.Context(), granted, func(err error) { t.Errorf("one that was released ended: %v", err) })
			given()
			kept.Name = "renamed" // takes nothing away
			if err := store.PutKey(t.Context(), kept); err != nil {
				t.Fatal(err)
			}
			if err := c.change(t.Context(), store, kept); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := <-ended; fault.CodeOf(err) != fault.AuthFailed || !strings.Contains(err.Error(), c.says) {
					t.Errorf("ended with %v", err)
				}
			}
			for _, release := range releases {
				release()
			}
		})
	}
}

func TestAReleasedHoldWaitsForNothing(t *testing.T) {
	store := jobstest.New()
	key, _ := issue(t, store, func(n *auth.NewKey) { n.ExpiresAt = now.Add(time.Hour) })
	guard := auth.New(auth.Options{Keys: store, Now: clock})
	granted, err := guard.Check(t.Context(), "Bearer "+key, "")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		guard.Hold(t.Context(), granted, func(err error) { t.Errorf("ended: %v", err) })()
	}
	guard.Idle()
	if n := store.Waiters(); n != 0 {
		t.Errorf("%d still wait for the key", n)
	}
}

func TestAStoreThatFailsEndsNoHold(t *testing.T) {
	store := jobstest.New()
	key, kept := issue(t, store, nil)
	guard := auth.New(auth.Options{Keys: store, Now: clock})
	granted, err := guard.Check(t.Context(), "Bearer "+key, "")
	if err != nil {
		t.Fatal(err)
	}
	looked := make(chan struct{}, 100)
	store.FailWith(func(call string) error {
		if call == "GetKey" {
			looked <- struct{}{}
			return errors.New("no store")
		}
		return nil
	})
	ended := make(chan error, 1)
	release := guard.Hold(t.Context(), granted, func(err error) { ended <- err })
	defer release()
	<-looked
	store.FailWith(nil)
	if _, err := auth.Revoke(t.Context(), store, kept.ID, now); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !strings.Contains(err.Error(), "was revoked") {
		t.Errorf("ended with %v", err)
	}
}

func TestRevoke(t *testing.T) {
	store := jobstest.New()
	_, kept := issue(t, store, nil)
	first, err := auth.Revoke(t.Context(), store, kept.ID, now)
	if err != nil || !first.RevokedAt.Equal(now) {
		t.Fatalf("Revoke = %+v, %v", first, err)
	}
	again, err := auth.Revoke(t.Context(), store, kept.ID, now.Add(time.Hour))
	if err != nil || !again.RevokedAt.Equal(now) {
		t.Errorf("again: %+v, %v", again, err)
	}
	if _, err := auth.Revoke(t.Context(), store, "nobody", now); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("an unknown one: %v", err)
	}
}

func TestRecord(t *testing.T) {
	var b bytes.Buffer
	guard := auth.New(auth.Options{Keys: jobstest.New(), Audit: slog.New(slog.NewJSONHandler(&b, nil))})
	guard.Record(t.Context(), auth.Call{Key: "k", Method: "GET", Path: "/api/v1/jobs/{id}", Job: "j", Status: 200, Duration: time.Second, RequestID: "r", Remote: "192.0.2.1:1"})
	for _, want := range []string{
		`"audit":{"key_id":"k","method":"GET","path":"/api/v1/jobs/{id}","job_id":"j","status":200,"duration":1000000000,"request_id":"r","remote":"192.0.2.1:1"}`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the log lacks %s: %s", want, b.String())
		}
	}
}
