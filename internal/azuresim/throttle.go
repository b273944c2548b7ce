package azuresim

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// quota is Resource Graph's: a number of queries per principal in windows of fixed length, the
// first of which starts with the first query.
// https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests
type quota struct {
	now func() time.Time

	mu    sync.Mutex
	users map[string]*quotaWindow
}

type quotaWindow struct {
	start time.Time
	used  int
}

func newQuota(now func() time.Time) *quota {
	return &quota{now: now, users: map[string]*quotaWindow{}}
}

// take spends one query of so many in a window. remaining is -1 where there is no limit.
func (q *quota) take(user string, limit int, window time.Duration) (remaining int, reset time.Duration, allowed bool) {
	if limit < 0 {
		return -1, 0, true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	u, ok := q.users[user]
	if !ok || now.Sub(u.start) >= window {
		u = &quotaWindow{start: now}
		q.users[user] = u
	}
	reset = u.start.Add(window).Sub(now)
	if u.used >= limit {
		return 0, reset, false
	}
	u.used++
	return limit - u.used, reset, true
}

// operation is a kind of call to Resource Manager that has buckets of its own.
type operation struct {
	name     string // as in the headers
	singular string // as in the messages
	size     float64
	rate     float64 // tokens a second
}

// The sizes and rates are the documented ones; a subscription as a whole has 15 times as much.
// https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
var (
	reads   = operation{name: "reads", singular: "read", size: 250, rate: 25}
	writes  = operation{name: "writes", singular: "write", size: 200, rate: 10}
	deletes = operation{name: "deletes", singular: "delete", size: 200, rate: 10}
)

const globalFactor = 15

func operationOf(method string) operation {
	switch method {
	case http.MethodGet, http.MethodHead:
		return reads
	case http.MethodDelete:
		return deletes
	}
	return writes
}

// buckets are Resource Manager's token buckets, by region, scope, principal and operation.
type buckets struct {
	now func() time.Time

	mu      sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	tokens float64
	filled time.Time
}

func newBuckets(now func() time.Time) *buckets {
	return &buckets{now: now, buckets: map[string]*bucket{}}
}

// take spends a token of one bucket, and says how many are left or how long to wait for one.
func (b *buckets) take(key string, size, rate float64) (remaining int, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	u, ok := b.buckets[key]
	if !ok {
		u = &bucket{tokens: size, filled: now}
		b.buckets[key] = u
	}
	u.tokens = min(size, u.tokens+rate*now.Sub(u.filled).Seconds())
	u.filled = now
	if u.tokens < 1 {
		return 0, time.Duration(math.Ceil((1-u.tokens)/rate)) * time.Second
	}
	u.tokens--
	return int(u.tokens), 0
}

type regionKey struct{}

// withRegion gives a new connection the next of the regions.
func (s *Server) withRegion(ctx context.Context, _ net.Conn) context.Context {
	n := s.accepted.Add(1) - 1
	return context.WithValue(ctx, regionKey{}, s.config.Regions[n%uint64(len(s.config.Regions))])
}

// region is where a request has come in.
func (s *Server) region(r *http.Request) string {
	if region, ok := r.Context().Value(regionKey{}).(string); ok {
		return region
	}
	return s.config.Regions[0]
}

// throttle spends the tokens of a call in a subscription, or in the tenant if that is empty, and
// sets the headers that say what is left.
func (s *Server) throttle(w http.ResponseWriter, r *http.Request, c *claims, subscription string) *armError {
	settings := s.settings.Load()
	if !settings.ARMLimits {
		return nil
	}
	op := operationOf(r.Method)
	op.size, op.rate = float64(settings.WriteBucket), settings.WriteRate
	if op.name == reads.name {
		op.size, op.rate = float64(settings.ARMBucket), settings.ARMRate
	}
	region := s.region(r)
	scope, what := "subscription", fmt.Sprintf("subscription '%s' actor '%s'", subscription, c.ObjectID)
	if subscription == "" {
		scope, what = "tenant", fmt.Sprintf("tenant '%s' actor '%s'", c.TenantID, c.ObjectID)
	}
	remaining, wait := s.buckets.take(region+"|"+subscription+"|"+c.ObjectID+"|"+op.name, op.size, op.rate)
	w.Header().Set("x-ms-ratelimit-remaining-"+scope+"-"+op.name, strconv.Itoa(remaining))
	if subscription != "" && wait == 0 {
		remaining, wait = s.buckets.take(region+"|"+subscription+"|"+op.name, op.size*globalFactor, op.rate*globalFactor)
		w.Header().Set("x-ms-ratelimit-remaining-subscription-global-"+op.name, strconv.Itoa(remaining))
	}
	if wait == 0 {
		return nil
	}
	seconds := int(wait / time.Second)
	code := "SubscriptionRequestsThrottled"
	if subscription == "" {
		code = "TenantRequestsThrottled"
	}
	e := newARMError(http.StatusTooManyRequests, code, fmt.Sprintf(
		"Number of '%s' requests for %s exceeded. Please try again after '%d' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for additional information.",
		op.singular, what, seconds))
	e.retryAfter = seconds
	return e
}
