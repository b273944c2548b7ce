package azure

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Resource Graph's quota of one user: how many queries are left, and when (hh:mm:ss) it is whole
// again. Microsoft documents 15 queries in 5 seconds, and that both may change.
// https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests
const (
	headerQuotaRemaining = "x-ms-user-quota-remaining"
	headerQuotaResets    = "x-ms-user-quota-resets-after"
)

const reasonGraph = "throttled"

const (
	// The documented quota. A window begins with its first query: whose answer says that about all of
	// them are left has begun one, and knows its end better than the header.
	windowQueries = 15
	windowLength  = 5 * time.Second
	// Otherwise, the time until the quota is whole is told in whole seconds, and nobody says how it is rounded:
	// up, to the nearest, or down. slackStep is what the one may end later than the other.
	slackStep = 500 * time.Millisecond
	slackMost = time.Second
	// sameWindow is how far two tellings of the end of one window may lie apart.
	sameWindow = 1500 * time.Millisecond
	// provenAfter is how many windows in a row must have ended when they were expected to, until
	// vanguard queries go ahead into the next one, not a single one.
	provenAfter = 3
	vanguard    = 3
)

// quota keeps queries within the windows of Resource Graph's quota. When one should be over, a query
// or a few go ahead, and their answers say whether the next has begun.
type quota struct {
	pace *pace

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when more is known
	none     bool          // Azure tells of no quota
	inflight int           // queries sent and not yet answered
	ahead    int           // those of them that went ahead
	left     int           // queries left in this window; those in flight may be among them
	whole    int           // queries of this window
	spent    int           // those of them that went from here
	end      time.Time     // of this window, if Azure rounds up; zero is unknown
	sure     bool          // end is as documented, however Azure rounds
	unusual  bool          // windows are not as documented
	slack    time.Duration // added to an end that is not sure, as experience tells
	proven   int           // windows in a row that ended at end and slack
	later    time.Time     // when a window was last seen to end later than thought
	blocked  time.Time     // Azure asked to wait until then
}

func newQuota(p *pace) *quota {
	return &quota{pace: p, changed: make(chan struct{})}
}

func (q *quota) acquire(ctx context.Context, patience time.Duration) (turn, error) {
	w := waiter{patience: patience}
	for {
		wait, ahead, changed := q.admit(time.Now())
		if wait == 0 {
			if err := q.pace.wait(ctx); err != nil {
				q.answered(ahead, time.Time{}, 0, nil)
				return nil, err
			}
			sent := time.Now()
			return func(status int, header http.Header) { q.answered(ahead, sent, status, header) }, nil
		}
		if err := w.wait(ctx, Wait{reasonGraph, wait}, changed); err != nil {
			return nil, err
		}
	}
}

// untilAnswer is a wait that an answer ends; nobody need hear of it.
const untilAnswer = announceFrom / 2

// admit lets a query go, perhaps ahead, or says how long to wait, or for what, before asking again.
func (q *quota) admit(now time.Time) (wait time.Duration, ahead bool, changed <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	wait, ahead = q.place(now)
	if wait > 0 {
		return wait, false, q.changed
	}
	q.inflight++
	q.spent++
	if ahead {
		q.ahead++
	}
	return 0, ahead, nil
}

func (q *quota) place(now time.Time) (wait time.Duration, ahead bool) {
	if wait := q.blocked.Sub(now); wait > 0 {
		return wait, false
	}
	if q.none {
		return 0, false
	}
	most, part := 1, q.pace.share.of()
	if q.proven >= provenAfter && part == 1 {
		most = vanguard
	}
	end := q.end
	if !q.sure {
		end = end.Add(q.slack)
	}
	switch {
	case !q.end.IsZero() && now.Before(end):
		if q.left > q.inflight && (part == 1 || q.spent < max(1, int(float64(q.whole)*part))) {
			return 0, false
		}
		return end.Sub(now), false
	case q.ahead < most:
		return 0, true
	}
	return untilAnswer, false
}

// answered takes in what an answer says about the quota; nil is no answer.
func (q *quota) answered(ahead bool, sent time.Time, status int, header http.Header) {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	defer func() {
		close(q.changed)
		q.changed = make(chan struct{})
	}()
	q.inflight--
	if ahead {
		q.ahead--
	}
	left, err := strconv.Atoi(header.Get(headerQuotaRemaining))
	if err != nil {
		q.none = q.none || ahead && status == http.StatusOK
		return
	}
	if status == http.StatusTooManyRequests { // refused does the rest
		if ahead {
			q.early(sent)
		}
		return
	}
	q.none = false
	resets := clockTime(header.Get(headerQuotaResets))
	end := now.Add(resets)
	switch {
	case q.end.IsZero():
		q.begin(now, left, resets)
	case q.end.Sub(end) > sameWindow: // an answer of the window before
	case end.Sub(q.end) > sameWindow, ahead && !q.end.After(sent) && (left > q.left || q.left <= 0):
		q.begin(now, left, resets)
		if ahead {
			q.proven++
		}
	default:
		if ahead {
			q.early(sent)
		}
		q.left = min(q.left, left)
		if end.Before(q.end) && !q.sure {
			q.end = end
		}
	}
}

// begin takes in the first answer of a window.
func (q *quota) begin(now time.Time, left int, resets time.Duration) {
	q.left, q.end = left, now.Add(resets)
	q.whole, q.spent = max(left+1, windowQueries), q.inflight+1
	q.sure = !q.unusual && left >= windowQueries-vanguard && (resets == windowLength || resets == windowLength-time.Second)
	if q.sure {
		q.end = now.Add(windowLength)
	}
}

// early has learnt, from a query that went ahead, that windows end later than was thought.
func (q *quota) early(sent time.Time) {
	if q.end.IsZero() || q.end.After(sent) || sent.Before(q.later) {
		return // another has gone ahead further
	}
	q.later = time.Now()
	q.proven = 0
	if q.sure {
		q.sure, q.unusual = false, true
		return
	}
	q.slack = min(q.slack+slackStep, slackMost)
}

func (q *quota) refused(_ *failure, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if until := time.Now().Add(wait); until.After(q.blocked) {
		q.blocked = until
	}
	q.proven, q.end = 0, time.Time{}
}
