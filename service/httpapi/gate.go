package httpapi

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// gate lets so many requests of a class be served at a time; the others wait, so many at most and only for a while. Each key has a
// line of its own and the lines are served in turn, so a key that floods lets its own requests wait. One key never has all
// places, and where nobody else may wait any more, the longest line gives its last place in it to a key with a shorter one.
type gate struct {
	name     string // of the class, for metrics
	what     string // requests of this class, in words
	places   int    // 0 is no limit
	perKey   int    // places of one key
	room     int    // for those who wait
	patience time.Duration

	mu      sync.Mutex
	taken   int
	waiting int
	refused time.Time // when somebody was last refused
	lines   map[string]*line
	turn    []*line // those with somebody in them, in the order in which they are served
}

// line is what a key has at a gate.
type line struct {
	key     string
	taken   int
	waiters []chan bool // each has room for one: true is a place, false is none any more
}

// overloaded is how long a gate counts as overloaded after it has refused somebody. Meanwhile fewer wait, and for less time: a long line
// that does not end makes everybody late and serves nobody more. A burst that it can take needs no more than a long line.
const overloaded = time.Second

// bounds are how many may wait at present, and how long. The lock is held.
func (g *gate) bounds() (room int, patience time.Duration) {
	if time.Since(g.refused) < overloaded {
		return g.room / 8, g.patience / 8
	}
	return g.room, g.patience
}

// newGate makes a gate; see gate for the numbers.
func newGate(name, what string, places, room int, patience time.Duration) *gate {
	perKey := max(1, places-places/4)
	return &gate{name: name, what: what, places: places, perKey: perKey, room: room, patience: patience, lines: map[string]*line{}}
}

// full says whether a request of the key would be refused without waiting.
func (g *gate) full(key string) bool {
	if g.places <= 0 {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.lines[key]
	if g.taken < g.places && (l == nil || l.taken < g.perKey) {
		return false
	}
	room, _ := g.bounds()
	if g.waiting < room || g.longest(l) != nil {
		return false
	}
	g.refused = time.Now()
	return true
}

// enter gives the key a place until leave is called, as soon as there is one. Where it may not wait for that, or waited in vain, it
// gets fault.ServiceUnavailable because of a jobs.Overload.
func (g *gate) enter(ctx context.Context, key string) (leave func(), err error) {
	if g.places <= 0 {
		return func() {}, nil
	}
	g.mu.Lock()
	l := g.lines[key]
	if l == nil {
		l = &line{key: key}
		g.lines[key] = l
	}
	leave = func() { g.leave(l) }
	if g.taken < g.places && l.taken < g.perKey { // who waits, waits for places of their own
		g.taken++
		l.taken++
		g.mu.Unlock()
		return leave, nil
	}
	room, patience := g.bounds()
	if g.waiting >= room {
		longest := g.longest(l)
		g.refused = time.Now()
		if longest == nil {
			g.forget(l)
			g.mu.Unlock()
			return nil, g.refusal()
		}
		longest.waiters[len(longest.waiters)-1] <- false
		longest.waiters = longest.waiters[:len(longest.waiters)-1]
		g.waiting--
	}
	w := make(chan bool, 1)
	if g.waiting++; len(l.waiters) == 0 {
		g.turn = append(g.turn, l)
	}
	l.waiters = append(l.waiters, w)
	g.mu.Unlock()
	if err := g.wait(ctx, l, w, patience); err != nil {
		return nil, err
	}
	return leave, nil
}

// wait waits for a place.
func (g *gate) wait(ctx context.Context, l *line, w chan bool, patience time.Duration) error {
	over := time.NewTimer(patience)
	defer over.Stop()
	var err error
	select {
	case place := <-w:
		if place {
			return nil
		}
		return g.refusal()
	case <-over.C:
		err = g.refusal()
	case <-ctx.Done():
		err = fault.Of(context.Cause(ctx))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case place := <-w: // meanwhile
		if place {
			g.release(l)
		}
	default:
		if ctx.Err() == nil {
			g.refused = time.Now()
		}
		at := slices.Index(l.waiters, w)
		l.waiters = slices.Delete(l.waiters, at, at+1)
		if g.waiting--; len(l.waiters) == 0 {
			g.turn = slices.DeleteFunc(g.turn, func(one *line) bool { return one == l })
		}
		g.forget(l)
	}
	return err
}

// longest is the line that has to make room for one more in l, if there is one; l may be nil. The lock is held.
func (g *gate) longest(l *line) *line {
	var longest *line
	most := 1
	if l != nil {
		most += len(l.waiters)
	}
	for _, one := range g.turn {
		if len(one.waiters) > most {
			longest, most = one, len(one.waiters)
		}
	}
	return longest
}

func (g *gate) leave(l *line) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.release(l)
}

// release gives a place back, and to the next who may have it. The lock is held.
func (g *gate) release(l *line) {
	g.taken--
	l.taken--
	at := slices.IndexFunc(g.turn, func(one *line) bool { return one.taken < g.perKey })
	if at < 0 {
		g.forget(l)
		return
	}
	next := g.turn[at]
	g.turn = slices.Delete(g.turn, at, at+1)
	next.waiters[0] <- true
	next.waiters = slices.Delete(next.waiters, 0, 1)
	if len(next.waiters) > 0 {
		g.turn = append(g.turn, next)
	}
	g.waiting--
	g.taken++
	next.taken++
	g.forget(l)
}

// forget forgets a line that has nothing. The lock is held.
func (g *gate) forget(l *line) {
	if l.taken == 0 && len(l.waiters) == 0 {
		delete(g.lines, l.key)
	}
}

// load is how many have places, and how many wait.
func (g *gate) load() (taken, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.taken, g.waiting
}

func (g *gate) refusal() error {
	return busy(g.name, "the service has as many "+g.what+" under way as it can serve")
}

// Those who are refused at once are told times that lie so far apart that they do not come back at once.
const (
	soonest = time.Second
	latest  = 4 * time.Second
)

func busy(reason, message string) error {
	after := soonest + rand.N(latest-soonest)
	return fault.New(fault.ServiceUnavailable, message, fault.Because(jobs.Overload{Reason: reason, After: after}), fault.Retryable(),
		fault.From(fault.OriginService), fault.Hint("try again in a few seconds, as Retry-After says"))
}
