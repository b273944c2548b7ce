package auth

import (
	"fmt"
	"math"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// maxLimits is how many keys or addresses are remembered. Beyond it those that have been quiet are forgotten.
const maxLimits = 10_000

// limits has a token bucket and a count of what is under way for each name.
type limits struct {
	rate       rate.Limit
	burst      int
	concurrent int

	mu     sync.Mutex
	byName map[string]*limit
}

type limit struct {
	bucket   *rate.Limiter
	underway int
}

// newLimits makes buckets of so many per second, burst at once; a rate of 0 or less never limits.
func newLimits(perSecond float64, burst, concurrent int) *limits {
	l := &limits{rate: rate.Limit(perSecond), burst: burst, concurrent: concurrent, byName: map[string]*limit{}}
	if perSecond <= 0 {
		l.rate = rate.Inf
	}
	if l.burst <= 0 {
		l.burst = max(1, int(math.Ceil(min(perSecond, math.MaxInt32))))
	}
	return l
}

func (l *limits) unlimited() bool { return l.rate == rate.Inf && l.concurrent <= 0 }

// allow takes one token of name, or answers how long it will be until there is one.
func (l *limits) allow(name string, now time.Time) (wait time.Duration) {
	if l.rate == rate.Inf {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.get(name, now).take(now)
}

// enter takes one token of name and counts it as under way until leave is called.
func (l *limits) enter(name string, now time.Time) (leave func(), err error) {
	if l.unlimited() {
		return func() {}, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.get(name, now)
	if l.concurrent > 0 && one.underway >= l.concurrent {
		return nil, throttled(ReasonConcurrent, fmt.Sprintf("the key has %d requests under way, as many as it may", one.underway), time.Second)
	}
	if wait := one.take(now); wait > 0 {
		return nil, throttled(ReasonRate, "the key sends more requests than it may", wait)
	}
	one.underway++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		one.underway--
	}, nil
}

func (one *limit) take(now time.Time) (wait time.Duration) {
	r := one.bucket.ReserveN(now, 1)
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

func (l *limits) get(name string, now time.Time) *limit {
	one, ok := l.byName[name]
	if ok {
		return one
	}
	if len(l.byName) >= maxLimits {
		l.forget(now)
	}
	one = &limit{bucket: rate.NewLimiter(l.rate, l.burst)}
	l.byName[name] = one
	return one
}

// forget drops those whose bucket has filled up again and, if that makes no room for a good while, any that have
// nothing under way.
func (l *limits) forget(now time.Time) {
	for name, one := range l.byName {
		if one.underway == 0 && one.bucket.TokensAt(now) >= float64(l.burst) {
			delete(l.byName, name)
		}
	}
	for name, one := range l.byName {
		if len(l.byName) <= maxLimits/2 {
			return
		}
		if one.underway == 0 {
			delete(l.byName, name)
		}
	}
}

// Enter counts a request of the grant until leave is called. A key that sends too many, or has too many under
// way, gets fault.Throttled because of a jobs.Overload.
func (g *Guard) Enter(granted Grant) (leave func(), err error) {
	return g.calls.enter(granted.Key, g.o.Now())
}

// The reasons for which a guard refuses what passes by itself: jobs.Overload.
const (
	ReasonRate       = "rate"       // the key sends more requests than it may
	ReasonConcurrent = "concurrent" // it has as many under way as it may
	ReasonWrongKeys  = "wrong_keys" // an address sends wrong keys
)

func throttled(reason, message string, wait time.Duration) error {
	return fault.New(fault.Throttled, message, fault.Because(jobs.Overload{Reason: reason, After: wait}), fault.Retryable(), fault.From(fault.OriginService),
		fault.Hint("send fewer requests; long polls (?wait=) and WebSockets need few"))
}

// address is what the failures of a remote address are counted under: of IPv6 the /64 network, which one host
// can have all of.
func address(remote string) string {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote
	}
	addr := ap.Addr().Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		return addr.String()
	}
	return prefix.String()
}
