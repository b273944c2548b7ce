package azure

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Resource Graph's quota of one user: how many queries are left, and when (hh:mm:ss) it is whole
// again. Microsoft documents 15 queries in 5 seconds, and that both may change.
const (
	headerQuotaRemaining = "x-ms-user-quota-remaining"
	headerQuotaResets    = "x-ms-user-quota-resets-after"
)

// limiter keeps everyone who calls one API as one principal below what Azure allows, so that a
// refusal is rare and waits are shared. It learns the quota from Azure's answers.
type limiter struct {
	spacing time.Duration // between two calls; 0 is none

	mu        sync.Mutex
	next      time.Time // when spacing allows another call
	blocked   time.Time // a refusal asked to wait until then
	reason    string    // of the block
	inflight  int       // calls sent and not yet answered
	remaining int       // calls left in the window, those in flight not counted; valid if window is set
	whole     int       // calls in a fresh window, as far as seen
	window    time.Time // when the quota is whole again; zero is unknown
}

func newLimiter(rps float64) *limiter {
	l := &limiter{}
	if rps > 0 {
		l.spacing = time.Duration(float64(time.Second) / rps)
	}
	return l
}

// acquire waits until a call may go, unless that is known to take longer than patience. The caller
// must release it.
func (l *limiter) acquire(ctx context.Context, patience time.Duration) error {
	for {
		wait := l.admit(time.Now())
		if wait.For <= 0 {
			return nil
		}
		if wait.For > patience {
			return &failure{status: http.StatusTooManyRequests, code: "RateLimiting",
				message: fmt.Sprintf("the quota is used up for %d s", int(wait.For.Seconds()))}
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

// admit lets a call go, or says how long to wait before asking again.
func (l *limiter) admit(now time.Time) Wait {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := l.blocked.Sub(now); wait > 0 {
		return Wait{l.reason, wait}
	}
	if !l.window.IsZero() {
		if !now.Before(l.window) { // a fresh window, whose end the next answer tells
			l.remaining, l.window = l.whole, time.Time{}
		} else if l.remaining-l.inflight <= 0 {
			return Wait{"throttled", l.window.Sub(now)}
		}
	} else if l.whole > 0 && l.remaining-l.inflight <= 0 {
		return Wait{"throttled", 50 * time.Millisecond} // until the first answer of the window
	}
	if wait := l.next.Sub(now); wait > 0 {
		return Wait{"held back by max_rps", wait}
	}
	l.next = now.Add(l.spacing)
	l.inflight++
	return Wait{}
}

// release takes in what an answer says about the quota; nil is no answer.
func (l *limiter) release(header http.Header) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inflight--
	left, err := strconv.Atoi(header.Get(headerQuotaRemaining))
	if err != nil {
		return
	}
	resets := clockTime(header.Get(headerQuotaResets))
	if left == 0 && resets == 0 {
		resets = time.Second // the header counts whole seconds
	}
	l.whole = max(l.whole, left+1)
	if l.window.IsZero() || left < l.remaining {
		l.remaining = left
	}
	l.window = now.Add(resets)
}

// block makes everyone wait for d.
func (l *limiter) block(d time.Duration, reason string) {
	until := time.Now().Add(d)
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.After(l.blocked) {
		l.blocked, l.reason = until, reason
	}
}

// clockTime reads hh:mm:ss; 0 for anything else.
func clockTime(text string) time.Duration {
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return 0
	}
	var total time.Duration
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		n, err := strconv.ParseFloat(parts[i], 64)
		if err != nil || n < 0 || n > 1e6 {
			return 0
		}
		total += time.Duration(n * float64(unit))
	}
	return total
}

// retryAfter is how long an answer asks to wait: Retry-After in seconds or as a date, or its
// variants in milliseconds; 0 is not at all.
func retryAfter(header http.Header) time.Duration {
	for _, name := range []string{"retry-after-ms", "x-ms-retry-after-ms"} {
		if ms, err := strconv.ParseInt(header.Get(name), 10, 32); err == nil && ms > 0 {
			return time.Duration(ms) * time.Millisecond
		}
	}
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(date))
	}
	return 0
}
