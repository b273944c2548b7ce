// Package auth says who calls the service and what they may do: API keys and their scopes, limits of each key, and
// the audit log.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// A key is atg_<id>_<secret>: the id names it in lists and logs, the secret proves it.
const (
	keyPrefix    = "atg_"
	idLength     = 12 // characters of [a-z2-7]
	secretBytes  = 32
	secretLength = 43 // characters of base64url, without padding
)

// AllTenants among the tenants of a key lets it touch every one.
const AllTenants = "*"

// NewKey describes a key to be issued.
type NewKey struct {
	Name      string      // for people; required
	Scopes    []api.Scope // at least one
	Tenants   []string    // that it may touch, at least one; AllTenants
	ExpiresAt time.Time   // zero is never
}

// Issue makes a key and stores it. The answered secret is the whole key as a client sends it; it is kept nowhere
// and cannot be had again. Everything that is wrong with n is answered at once, as fault.InvalidArgument.
func Issue(ctx context.Context, keys jobs.Keys, n NewKey, now time.Time) (secret.String, jobs.Key, error) {
	if problems := n.problems(now); len(problems) > 0 {
		return secret.String{}, jobs.Key{}, fault.New(fault.InvalidArgument, "such a key cannot be issued", fault.Problems(problems...), fault.From(fault.OriginService))
	}
	id, proof := newID(), newSecret()
	k := jobs.Key{
		ID: id, Name: strings.TrimSpace(n.Name), Hash: hash(proof), Tenants: slices.Clone(n.Tenants), CreatedAt: now.UTC(),
	}
	for _, s := range n.Scopes {
		if !slices.Contains(k.Scopes, string(s)) {
			k.Scopes = append(k.Scopes, string(s))
		}
	}
	if !n.ExpiresAt.IsZero() {
		at := n.ExpiresAt.UTC()
		k.ExpiresAt = &at
	}
	if err := keys.PutKey(ctx, k); err != nil {
		return secret.String{}, jobs.Key{}, fault.Of(err)
	}
	return secret.New(keyPrefix + id + "_" + proof), k, nil
}

func (n NewKey) problems(now time.Time) []fault.Problem {
	var problems []fault.Problem
	add := func(key, message, hint string) {
		problems = append(problems, fault.Problem{Key: key, Message: message, Hint: hint})
	}
	if strings.TrimSpace(n.Name) == "" {
		add("name", "a key needs a name", "say who uses it, for what: ci-prod")
	}
	if len(n.Scopes) == 0 {
		add("scopes", "a key without scopes can do nothing", scopesHint())
	}
	for _, s := range n.Scopes {
		if !slices.Contains(api.Scopes(), s) {
			add("scopes", fmt.Sprintf("there is no scope %q", s), scopesHint())
		}
	}
	if len(n.Tenants) == 0 || slices.Contains(n.Tenants, "") {
		add("tenants", "a key needs the tenants that it may touch", "name their ids, or * for every one")
	}
	if !n.ExpiresAt.IsZero() && !n.ExpiresAt.After(now) {
		add("expires_at", "the key would have expired already", "choose a time to come")
	}
	return problems
}

func scopesHint() string {
	var all []string
	for _, s := range api.Scopes() {
		all = append(all, string(s))
	}
	return "one or more of " + strings.Join(all, ", ")
}

// Revoke ends a key, everywhere, within a moment. A key that was revoked before keeps its time.
func Revoke(ctx context.Context, keys jobs.Keys, id string, now time.Time) (jobs.Key, error) {
	k, err := keys.GetKey(ctx, id)
	if errors.Is(err, jobs.ErrNotFound) {
		return k, fault.New(fault.InvalidArgument, fmt.Sprintf("there is no key %s", id), fault.On(id), fault.From(fault.OriginService),
			fault.Hint("see those there are: atg-server keys list"))
	}
	if err != nil || k.RevokedAt != nil {
		return k, faultOf(err)
	}
	at := now.UTC()
	k.RevokedAt = &at
	return k, faultOf(keys.PutKey(ctx, k))
}

// faultOf is fault.Of whose nil is a nil error.
func faultOf(err error) error {
	if err == nil {
		return nil
	}
	return fault.Of(err)
}

// split takes a key apart; ok says whether it looks like one.
func split(key string) (id, proof string, ok bool) {
	rest, found := strings.CutPrefix(key, keyPrefix)
	id, proof, cut := strings.Cut(rest, "_")
	return id, proof, found && cut && len(id) == idLength && len(proof) == secretLength
}

// proves compares a secret with a hash, in a time that does not depend on where they differ.
func proves(proof, storedHash string) bool {
	return subtle.ConstantTimeCompare([]byte(hash(proof)), []byte(storedHash)) == 1
}

func hash(proof string) string {
	sum := sha256.Sum256([]byte(proof))
	return hex.EncodeToString(sum[:])
}

func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))[:idLength]
}

func newSecret() string {
	var b [secretBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
