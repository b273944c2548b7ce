package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
)

// How soon a key is looked at again after the key store failed, and when nothing is known to change.
const (
	recheck = time.Second
	seldom  = time.Hour
)

// holds has one goroutine for each key that open streams depend on, however many those are.
type holds struct {
	mu       sync.Mutex
	byKey    map[string]*hold
	watching sync.WaitGroup
}

type hold struct {
	ends map[int]func(error)
	next int
	stop context.CancelFunc
}

// Hold calls end, once, with a fault.AuthFailed as soon as the grant is no longer good: its key was revoked, has expired,
// or lost something that the grant has. It is for what goes on for long, such as a WebSocket. release ends it.
func (g *Guard) Hold(ctx context.Context, granted Grant, end func(error)) (release func()) {
	g.held.mu.Lock()
	defer g.held.mu.Unlock()
	name := granted.Key + " " + granted.hash
	h := g.held.byKey[name]
	if h == nil {
		watching, stop := context.WithCancel(context.WithoutCancel(ctx))
		h = &hold{ends: map[int]func(error){}, stop: stop}
		g.held.byKey[name] = h
		g.held.watching.Go(func() { g.watch(watching, granted, h, name) })
	}
	h.next++
	n := h.next
	h.ends[n] = end
	return func() {
		g.held.mu.Lock()
		defer g.held.mu.Unlock()
		delete(h.ends, n)
		if len(h.ends) == 0 {
			g.drop(name, h)
		}
	}
}

// drop forgets a hold; the lock is held.
func (g *Guard) drop(name string, h *hold) {
	h.stop()
	if g.held.byKey[name] == h {
		delete(g.held.byKey, name)
	}
}

// watch waits until the key of a hold is no longer good, or nobody depends on it.
func (g *Guard) watch(ctx context.Context, granted Grant, h *hold, name string) {
	for {
		changed, forget := g.o.Keys.KeyChanged(granted.Key)
		again, bad := g.look(ctx, granted)
		if bad != nil {
			forget()
			g.end(name, h, bad)
			return
		}
		timer := time.NewTimer(again)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		forget()
		if ctx.Err() != nil {
			return
		}
	}
}

// look answers when to look again even if nothing changes, or why the grant is no longer good.
func (g *Guard) look(ctx context.Context, granted Grant) (again time.Duration, bad error) {
	k, err := g.o.Keys.GetKey(ctx, granted.Key)
	switch {
	case errors.Is(err, jobs.ErrNotFound):
		return 0, refused()
	case err != nil: // the store's trouble, not the key's
		return recheck, nil
	case g.ended(k) != nil:
		return 0, g.ended(k)
	case !granted.within(k):
		return 0, authFailed(fmt.Sprintf("the API key %s may do less than before", k.ID), "connect again")
	case k.ExpiresAt != nil:
		return k.ExpiresAt.Sub(g.o.Now()), nil
	}
	return seldom, nil
}

// end tells all who depend on a hold.
func (g *Guard) end(name string, h *hold, bad error) {
	g.held.mu.Lock()
	ends := h.ends
	h.ends = map[int]func(error){}
	g.drop(name, h)
	g.held.mu.Unlock()
	for _, end := range ends {
		end(bad)
	}
}

// within says whether a key still has all that was granted.
func (g Grant) within(k jobs.Key) bool {
	if k.Hash != g.hash {
		return false
	}
	now := grant(k)
	for _, s := range g.Scopes {
		if now.Allow(s) != nil {
			return false
		}
	}
	for _, t := range g.Tenants {
		if !now.MayTouch(t) {
			return false
		}
	}
	return true
}
