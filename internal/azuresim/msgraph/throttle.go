package msgraph

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
)

// throttle are the token buckets of each application.
// https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits
type throttle struct {
	mu      sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	used float64
	at   time.Time
}

// WriteQuota is how many writes an application may make in a tenant in two and a half minutes, that
// is fifteen windows.
const WriteQuota = 3000

const writeWindows = 15

// take spends from a bucket of a size that a window fills. used is what is spent of the size, and
// wait, if it is not zero, how long it takes until enough is free.
func (t *throttle) take(key string, cost, size float64, window time.Duration, now time.Time) (used float64, wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.buckets == nil {
		t.buckets = map[string]*bucket{}
	}
	b, ok := t.buckets[key]
	if !ok {
		b = &bucket{at: now}
		t.buckets[key] = b
	}
	rate := size / window.Seconds()
	b.used = max(0, b.used-rate*now.Sub(b.at).Seconds())
	b.at = now
	cost = min(cost, size) // what costs more than there can be waits for a full bucket
	if b.used+cost > size {
		return (b.used + cost) / size, time.Duration(math.Ceil((b.used+cost-size)/rate)) * time.Second
	}
	b.used += cost
	return b.used / size, 0
}

// unitsOf is the quota of a tenant of so many users: small, medium or large.
func unitsOf(users int) int {
	switch {
	case users < 50:
		return 3500
	case users <= 500:
		return 5000
	}
	return 8000
}

// cost is what a call costs.
func (r *Request) cost() int {
	cost := 1
	get := r.Method == http.MethodGet
	switch {
	case get && (r.is("users") || r.is("applications")):
		cost = 2
	case r.is("directoryObjects", "getByIds"):
		cost = 3
	case get && len(r.segments) > 2 && strings.EqualFold(r.segments[2].name, "members"):
		cost = 3
	case get && len(r.segments) > 2 && strings.EqualFold(r.segments[2].name, "transitiveMembers"):
		cost = 5
	}
	if r.Query.Has("$select") {
		cost--
	}
	if r.Query.Has("$expand") {
		cost++
	}
	if top, err := strconv.Atoi(r.Query.Get("$top")); err == nil && top < 20 {
		cost--
	}
	return max(1, cost)
}

// writes says whether a call counts as a write.
func (r *Request) writes() bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && !r.is("directoryObjects", "getByIds")
}

// spend takes what a call costs from the buckets of the application.
func (s *Service) spend(r *Request, a *Answer) *failure {
	cost := r.cost()
	a.Header.Set("x-ms-resource-unit", strconv.Itoa(cost))
	settings := s.Settings()
	if !settings.Limits {
		return nil
	}
	units := settings.Units
	if units == 0 {
		units = unitsOf(s.Directory().Len(directory.User))
	}
	now, who := s.Now(), r.Caller.AppID+"/"+r.Caller.TenantID
	used, wait := s.throttle.take(who, float64(cost), float64(units), settings.Window, now)
	scope, reason := "ReadWrite", "ResourceUnitLimitExceeded"
	if wait == 0 && r.writes() {
		var written float64
		written, wait = s.throttle.take("writes of "+who, 1, float64(settings.Writes), writeWindows*settings.Window, now)
		if written > used {
			used, scope, reason = written, "Write", "WriteLimitExceeded"
		}
	}
	if used > 0.8 {
		a.Header.Set("x-ms-throttle-limit-percentage", fmt.Sprintf("%.2f", min(used, 1.8)))
	}
	if wait == 0 {
		return nil
	}
	a.Header.Set("x-ms-throttle-scope", "Tenant_Application/"+scope+"/"+who)
	a.Header.Set("x-ms-throttle-information", reason)
	return struckFailure(Struck{Status: http.StatusTooManyRequests, RetryAfter: int(wait / time.Second)})
}
