package remote

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/api"
)

// keyAge is how long it is remembered that the service took the key. One that is revoked in between is
// found out by the call itself.
const keyAge = 15 * time.Minute

// keyCheck says whether the service takes the key.
type keyCheck struct {
	good atomic.Bool
	turn chan struct{} // holds one while somebody asks
}

// noAuth are the answers of a service that has no api.PathAuth.
var noAuth = []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented}

// WhoAmI asks the service whose key this is. A key that it does not take is an authentication fault; a
// service that cannot tell answers the zero identity.
func (c *RemoteClient) WhoAmI(ctx context.Context) (api.Identity, error) {
	q := call{method: http.MethodGet, path: api.PathAuth, allow: noAuth}
	a, err := c.ask(ctx, q)
	if err != nil || slices.Contains(noAuth, a.status) {
		return api.Identity{}, err
	}
	identity, err := decodeAnswer[api.Identity](q, a)
	if err == nil {
		c.key.good.Store(true)
		c.remember(func(m *memory) { m.KeyCheckedAt = time.Now().UTC() })
	}
	return identity, err
}

// checkKey makes sure, before the key's first use, that the service takes it. It asks once, and not at all
// if an earlier command has asked a short while ago.
func (c *RemoteClient) checkKey(ctx context.Context) error {
	if c.key.good.Load() {
		return nil
	}
	select {
	case c.key.turn <- struct{}{}:
		defer func() { <-c.key.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if c.key.good.Load() {
		return nil
	}
	if age := time.Since(c.recall().KeyCheckedAt); age < 0 || age > keyAge {
		if _, err := c.WhoAmI(ctx); err != nil {
			return err
		}
	}
	c.key.good.Store(true)
	return nil
}

// forgetKey is for a key that the service has refused.
func (c *RemoteClient) forgetKey() {
	c.key.good.Store(false)
	if !c.recall().KeyCheckedAt.IsZero() {
		c.remember(func(m *memory) { m.KeyCheckedAt = time.Time{} })
	}
}
