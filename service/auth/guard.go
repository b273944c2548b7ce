package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Options say how a Guard guards. Only Keys is needed.
type Options struct {
	Keys jobs.Keys

	Rate       float64 // requests of a key per second, on average; 0 is no limit
	Burst      int     // requests of a key at once; 0 is one second's worth
	Concurrent int     // requests of a key under way together, WebSockets included; 0 is no limit

	FailureRate  float64 // refused keys of a remote address per second; 0 is 1, below 0 is no limit
	FailureBurst int     // refused keys of a remote address at once; 0 is 20

	Audit *slog.Logger // where authenticated calls are recorded; nil is slog.Default
	Now   func() time.Time
}

// Guard checks keys.
type Guard struct {
	o        Options
	calls    *limits // by key
	failures *limits // by remote address
	held     holds
}

// New makes a guard.
func New(o Options) *Guard {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Audit == nil {
		o.Audit = slog.Default()
	}
	if o.FailureRate == 0 {
		o.FailureRate = 1
	}
	if o.FailureBurst == 0 {
		o.FailureBurst = 20
	}
	return &Guard{
		o: o, calls: newLimits(o.Rate, o.Burst, o.Concurrent), failures: newLimits(o.FailureRate, o.FailureBurst, 0),
		held: holds{byKey: map[string]*hold{}},
	}
}

// Grant is what a key that was checked lets its holder do.
type Grant struct {
	jobs.Caller
	Name      string
	Scopes    []api.Scope
	ExpiresAt *time.Time // nil is never

	hash string // of the secret that was checked: a key with another one is another key
}

// Identity is the grant as its holder may see it.
func (g Grant) Identity() api.Identity {
	return api.Identity{KeyID: g.Key, Name: g.Name, Scopes: g.Scopes, Tenants: g.Tenants, ExpiresAt: g.ExpiresAt}
}

// Allow is nil if the grant has one of the scopes, else fault.Forbidden.
func (g Grant) Allow(anyOf ...api.Scope) error {
	if len(anyOf) == 0 {
		return nil
	}
	var names []string
	for _, s := range anyOf {
		if slices.Contains(g.Scopes, s) {
			return nil
		}
		names = append(names, string(s))
	}
	return fault.New(fault.Forbidden, fmt.Sprintf("the key %s lacks the scope %s", g.Key, strings.Join(names, " or ")),
		fault.On(g.Key), fault.From(fault.OriginService), fault.Hint("ask the service's operator for a key that may do this"))
}

// Check checks the Authorization header of a request from a remote address (host:port). Whoever sends no key
// gets fault.AuthRequired, a wrong one fault.AuthFailed, whatever is wrong with it; only its rightful holder learns that a key
// has expired or was revoked. An address that sends too many wrong keys gets fault.Throttled for them; right keys
// from there keep working.
func (g *Guard) Check(ctx context.Context, header, remote string) (Grant, error) {
	if header == "" {
		return Grant{}, fault.New(fault.AuthRequired, "the service wants an API key", fault.From(fault.OriginService),
			fault.Hint("send it as Authorization: Bearer KEY; with atg: atg auth login"))
	}
	k, err := g.find(ctx, header)
	if err == nil {
		return grant(k), nil
	}
	if fault.CodeOf(err) == fault.AuthFailed {
		if wait := g.failures.allow(address(remote), g.o.Now()); wait > 0 {
			return Grant{}, throttled(ReasonWrongKeys, "too many wrong API keys from this address", wait)
		}
	}
	return Grant{}, err
}

func grant(k jobs.Key) Grant {
	granted := Grant{Caller: jobs.Caller{Key: k.ID, Tenants: k.Tenants}, Name: k.Name, ExpiresAt: k.ExpiresAt, hash: k.Hash}
	for _, s := range k.Scopes {
		granted.Scopes = append(granted.Scopes, api.Scope(s))
	}
	return granted
}

// nobody is the hash that a secret is compared with when there is no such key, so that this takes as long.
var nobody = hash("")

func (g *Guard) find(ctx context.Context, header string) (jobs.Key, error) {
	scheme, key, _ := strings.Cut(header, " ")
	id, proof, ok := split(strings.TrimSpace(key))
	if !strings.EqualFold(scheme, "Bearer") || !ok {
		return jobs.Key{}, refused()
	}
	k, err := g.o.Keys.GetKey(ctx, id)
	switch {
	case errors.Is(err, jobs.ErrNotFound):
		proves(proof, nobody)
		return jobs.Key{}, refused()
	case err != nil:
		return jobs.Key{}, fault.Of(err)
	case !proves(proof, k.Hash):
		return jobs.Key{}, refused()
	}
	return k, g.ended(k)
}

// ended is why a key is no longer good, or nil.
func (g *Guard) ended(k jobs.Key) error {
	switch {
	case k.RevokedAt != nil:
		return authFailed(fmt.Sprintf("the API key %s was revoked", k.ID), "ask the service's operator for a new one, then: atg auth login")
	case k.ExpiresAt != nil && !g.o.Now().Before(*k.ExpiresAt):
		return authFailed(fmt.Sprintf("the API key %s expired at %s", k.ID, k.ExpiresAt.Format(time.RFC3339)),
			"ask the service's operator for a new one, then: atg auth login")
	}
	return nil
}

func refused() error {
	return authFailed("the service refused the API key", "check it: atg auth status; or ask the service's operator for one")
}

func authFailed(message, hint string) error {
	return fault.New(fault.AuthFailed, message, fault.Hint("%s", hint), fault.From(fault.OriginService))
}
