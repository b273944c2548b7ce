package azure

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// allowance is one of Resource Manager's token buckets for one principal's calls of one subscription, or of the tenant, in
// one region: reads, writes and deletions have one each.
// https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
type allowance struct {
	size float64  // tokens
	rate float64  // tokens a second
	left []string // the headers that say how many are left; the smallest counts, and the first two know of larger buckets
}

var (
	reads     = allowance{250, 25, leftHeaders("reads")}
	writes    = allowance{200, 10, leftHeaders("writes")}
	deletions = allowance{200, 10, leftHeaders("deletes")}
)

func leftHeaders(what string) []string {
	return []string{
		"x-ms-ratelimit-remaining-subscription-" + what, "x-ms-ratelimit-remaining-tenant-" + what,
		"x-ms-ratelimit-remaining-subscription-global-" + what, "x-ms-ratelimit-remaining-tenant-global-" + what,
	}
}

// slowEvery is how long a lower rate is tried before it is lowered again.
const slowEvery = 5 * time.Second

const reasonARM = "throttled by Resource Manager"

// bucket is a token bucket as Azure is thought to keep it. Azure's answers correct it, mostly
// downwards, for others may call as the same principal. When it is empty, callers get the tokens to
// come in the order of their coming.
type bucket struct {
	of    allowance
	share *share // of what is left, and of what comes, that this process takes

	mu      sync.Mutex
	limited bool // Azure has said something of tokens; before, or in a cloud without them, there is no limit
	size    float64
	rate    float64       // tokens a second
	level   float64       // at filled; below zero by what is promised
	filled  time.Time     // zero is never: full
	sent    int           // calls that Azure has not yet answered
	waiting int           // calls with the promise of a token
	blocked time.Time     // Azure asked to wait until then
	delayed time.Duration // of all blocks so far
	slowed  time.Time     // when rate was last lowered
}

func newBucket(of allowance, s *share) *bucket {
	return &bucket{of: of, share: s, size: of.size, rate: of.rate, level: of.size * s.of()}
}

// acquire takes a token, now or when there is one.
func (b *bucket) acquire(ctx context.Context, patience time.Duration) error {
	w, place := waiter{patience: patience}, b.reserve(time.Now())
	for wait := b.due(place, time.Now()); wait > 0; wait = b.due(place, time.Now()) {
		if err := w.wait(ctx, Wait{reasonARM, wait}, nil); err != nil {
			b.resign()
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting--
	b.sent++
	return nil
}

// place is the promise of a token.
type place struct {
	at      time.Time
	delayed time.Duration // the bucket's when it was promised
}

// reserve promises the next token that nobody has.
func (b *bucket) reserve(now time.Time) place {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	if !b.limited {
		b.level = b.size * b.share.of()
	}
	b.level--
	b.waiting++
	p := place{now, b.delayed}
	if b.blocked.After(now) {
		p.at = b.blocked
	}
	if b.level < 0 {
		p.at = p.at.Add(time.Duration(-b.level / (b.rate * b.share.of()) * float64(time.Second)))
	}
	return p
}

// due is how long to wait for a promised token. Refusals since then have put it off.
func (b *bucket) due(p place, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return p.at.Add(b.delayed - p.delayed).Sub(now)
}

// resign gives a promise back.
func (b *bucket) resign() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting--
	b.level++
}

// answered takes in what an answer says about the tokens; nil is no answer.
func (b *bucket) answered(header http.Header) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent--
	left := math.Inf(1)
	for i, name := range b.of.left {
		n, err := strconv.Atoi(header.Get(name))
		if err != nil || n < 0 {
			continue
		}
		left = min(left, float64(n))
		if i < 2 && float64(n+1) > b.size { // of a cloud with larger buckets
			b.level += (float64(n+1) - b.size) * b.share.of()
			b.size = float64(n + 1)
		}
	}
	if math.IsInf(left, 1) {
		return
	}
	b.limited = true
	b.fill(time.Now())
	// Of the calls under way Azure may have counted none yet.
	b.level = min(b.level, left*b.share.of()-float64(b.sent+b.waiting))
	// One call in some hundred may be refused while the rate finds back to the documented one.
	b.rate = min(b.of.rate, b.rate*1.001)
}

// refused empties the bucket for Azure has found it empty. That it came to this means that others
// use it too, or that it fills more slowly than documented.
func (b *bucket) refused(wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.limited = true
	b.fill(now)
	b.level = min(b.level, -float64(b.waiting))
	if now.Sub(b.slowed) >= slowEvery { // else it is another refusal for the same reason
		b.rate, b.slowed = max(1, b.rate*0.8), now
	}
	if until := now.Add(wait); until.After(b.blocked) {
		if b.blocked.After(now) {
			now = b.blocked
		}
		b.delayed += until.Sub(now)
		b.blocked, b.filled = until, until
	}
}

// fill adds what has come since the last time.
func (b *bucket) fill(now time.Time) {
	if b.filled.IsZero() {
		b.filled = now
	}
	if since := now.Sub(b.filled); since > 0 {
		b.level = min(b.size*b.share.of(), b.level+b.rate*b.share.of()*since.Seconds())
		b.filled = now
	}
}
