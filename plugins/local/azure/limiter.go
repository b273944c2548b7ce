package azure

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"
)

// limiter lets the calls of one kind go as Azure allows, so that a refusal is rare and waits are shared.
type limiter interface {
	// acquire waits for a call's turn, unless that is known to take longer than patience. Who gets a
	// turn must say how it ended.
	acquire(ctx context.Context, patience time.Duration) (turn, error)
	// refused makes others wait too, for Azure has refused a call with 429.
	refused(f *failure, wait time.Duration)
}

// turn is told how the call ended that it was for: with an answer's status and header, or 0 and nil.
type turn func(status int, header http.Header)

// limits are those of one principal in one tenant. Azure counts Resource Graph's queries apart from
// Resource Manager's calls, and these for each subscription, and Microsoft Graph's apart from both.
type limits struct {
	graph     *quota
	directory *directoryLimiter
	armPace   *pace
	share     *share

	mu        sync.Mutex
	buckets   map[string]*bucket   // by kind of call and subscription; of the tenant with none
	providers map[string]time.Time // by subscription and namespace: when their block ends
}

func newLimits(rps float64, of *share) *limits {
	return &limits{graph: newQuota(newPace(rps, of)), directory: &directoryLimiter{pace: newPace(rps, of)}, armPace: newPace(rps, of), share: of,
		buckets: map[string]*bucket{}, providers: map[string]time.Time{}}
}

// arm is the limiter of reads of a path of Resource Manager.
func (l *limits) arm(path string) limiter { return l.call(http.MethodGet, path) }

// call is the limiter of calls of a method to a path of Resource Manager. Reads, writes and deletions are counted apart.
func (l *limits) call(method, path string) limiter {
	a := &armLimiter{limits: l}
	of := writes
	switch method {
	case http.MethodGet, http.MethodHead:
		of = reads
	case http.MethodDelete:
		of = deletions
	}
	segments := strings.Split(strings.ToLower(strings.Trim(path, "/")), "/")
	subscription := ""
	if len(segments) > 1 && segments[0] == "subscriptions" {
		subscription = segments[1]
	}
	for i := len(segments) - 2; i >= 0 && a.namespace == ""; i-- {
		if segments[i] == "providers" {
			a.namespace = segments[i+1]
		}
	}
	a.provider = subscription + "/" + a.namespace
	key := of.left[0] + " " + subscription
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.bucket = l.buckets[key]; a.bucket == nil {
		a.bucket = newBucket(of, l.share)
		l.buckets[key] = a.bucket
	}
	return a
}

// blocked is how long a provider's block lasts.
func (l *limits) blocked(provider string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := l.providers[provider].Sub(now)
	if wait <= 0 {
		delete(l.providers, provider)
	}
	return wait
}

// block holds back the calls to a provider in a subscription.
func (l *limits) block(provider string, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.After(l.providers[provider]) {
		l.providers[provider] = until
	}
}

// armLimiter is that of the calls to one resource provider in one subscription.
type armLimiter struct {
	limits    *limits
	bucket    *bucket
	namespace string // of the resource provider, lower case; empty for Resource Manager's own
	provider  string // key of limits.providers
}

func (a *armLimiter) acquire(ctx context.Context, patience time.Duration) (turn, error) {
	w := waiter{patience: patience}
	for wait := a.limits.blocked(a.provider, time.Now()); wait > 0; wait = a.limits.blocked(a.provider, time.Now()) {
		if err := w.wait(ctx, Wait{a.reason(), wait}, nil); err != nil {
			return nil, err
		}
	}
	if err := a.bucket.acquire(ctx, patience); err != nil {
		return nil, err
	}
	if err := a.limits.armPace.wait(ctx); err != nil {
		a.bucket.answered(nil)
		return nil, err
	}
	return func(_ int, header http.Header) { a.bucket.answered(header) }, nil
}

func (a *armLimiter) refused(f *failure, wait time.Duration) {
	if f.byProvider() {
		a.limits.block(a.provider, time.Now().Add(wait))
	} else {
		a.bucket.refused(wait)
	}
}

func (a *armLimiter) reason() string {
	if a.namespace == "" {
		return reasonARM
	}
	return "throttled by " + a.namespace
}

// waiter makes one call wait, perhaps several times, and tells of each long wait once.
type waiter struct {
	patience time.Duration
	told     time.Time // the end of the wait that was told of
}

// wait returns when the time is over or changed is closed. A wait beyond patience is refused at once.
func (w *waiter) wait(ctx context.Context, wait Wait, changed <-chan struct{}) error {
	if wait.For > w.patience {
		return &failure{status: http.StatusTooManyRequests, code: "TooManyRequests",
			message: "the quota is used up", wait: wait.For}
	}
	if end := time.Now().Add(wait.For); end.Sub(w.told) >= announceFrom {
		w.told = end
		tell(ctx, wait)
	}
	return sleep(ctx, wait.For, changed)
}

// pace keeps calls apart, for those who want fewer than Azure allows.
type pace struct {
	spacing time.Duration // between two calls of the principal; 0 is none
	share   *share

	mu   sync.Mutex
	next time.Time
}

func newPace(rps float64, of *share) *pace {
	if rps <= 0 {
		return &pace{share: of}
	}
	return &pace{spacing: time.Duration(float64(time.Second) / rps), share: of}
}

// wait gives each caller the next place in time, in the order of their coming.
func (p *pace) wait(ctx context.Context) error {
	if p.spacing == 0 {
		return nil
	}
	p.mu.Lock()
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	wait := p.next.Sub(now)
	p.next = p.next.Add(p.share.span(p.spacing))
	p.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	return pause(ctx, Wait{"held back by max_rps", wait})
}
