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
	// The time until the quota is whole is told in whole seconds, and nobody says how it is rounded:
	// up, to the nearest, or down. slackStep is what the one may end later than the other.
	slackStep = 500 * time.Millisecond
	slackMost = time.Second
	// sameWindow is how far two tellings of the end of one window may lie apart.
	sameWindow = 1500 * time.Millisecond
	// provenAfter is how many windows in a row must have ended when they were expected to, until no
	// more query is spent on finding that out.
	provenAfter = 2
)

// quota keeps queries within the windows of Resource Graph's quota. Where a window's end is not
// certain, one query goes ahead alone, and its answer says whether a new one has begun.
type quota struct {
	pace *pace

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when more is known
	none     bool          // Azure tells of no quota
	inflight int           // queries sent and not yet answered
	alone    bool          // one of them goes ahead
	whole    int           // queries in a window, as far as seen
	left     int           // queries left in this one
	began    time.Time     // of this window, if it is fresh
	fresh    bool          // it has begun, and no answer of it has come yet
	end      time.Time     // of this window, if Azure rounds up; zero is unknown
	slack    time.Duration // added to end, as experience tells
	proven   int           // windows in a row that ended at end and slack
	blocked  time.Time     // Azure asked to wait until then
}

func newQuota(p *pace) *quota {
	return &quota{pace: p, changed: make(chan struct{})}
}

func (q *quota) acquire(ctx context.Context, patience time.Duration) (turn, error) {
	w := waiter{patience: patience}
	for {
		wait, alone, changed := q.admit(time.Now())
		if wait == 0 {
			if err := q.pace.wait(ctx); err != nil {
				q.answered(alone, time.Time{}, 0, nil)
				return nil, err
			}
			sent := time.Now()
			return func(status int, header http.Header) { q.answered(alone, sent, status, header) }, nil
		}
		if err := w.wait(ctx, Wait{reasonGraph, wait}, changed); err != nil {
			return nil, err
		}
	}
}

// untilAnswer is a wait that an answer ends; nobody need hear of it.
const untilAnswer = announceFrom / 2

// admit lets a query go, alone or with others, or says how long to wait, or for what, before asking
// again.
func (q *quota) admit(now time.Time) (wait time.Duration, alone bool, changed <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if wait := q.blocked.Sub(now); wait > 0 {
		return wait, false, nil
	}
	end := q.end.Add(q.slack)
	switch {
	case q.none:
	case q.alone:
		return untilAnswer, false, q.changed
	case q.fresh:
		if q.left-q.inflight <= 0 {
			return untilAnswer, false, q.changed
		}
	case q.end.IsZero():
		if q.inflight > 0 {
			return untilAnswer, false, q.changed
		}
		alone = true
	case now.Before(end):
		keep := 0
		if q.proven < provenAfter {
			keep = 1 // to go ahead with
		}
		if q.left-q.inflight <= keep {
			return end.Sub(now), false, q.changed
		}
	case q.proven < provenAfter:
		alone = true
	default:
		q.fresh, q.began, q.left, q.end = true, now, q.whole, time.Time{}
	}
	q.alone = alone
	q.inflight++
	return 0, alone, nil
}

// answered takes in what an answer says about the quota; nil is no answer.
func (q *quota) answered(alone bool, sent time.Time, status int, header http.Header) {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	defer func() {
		close(q.changed)
		q.changed = make(chan struct{})
	}()
	q.inflight--
	if alone {
		q.alone = false
	}
	left, err := strconv.Atoi(header.Get(headerQuotaRemaining))
	if err != nil {
		q.none = q.none || status == http.StatusOK && q.whole == 0
		return
	}
	if status == http.StatusTooManyRequests { // refused does the rest
		if alone && !q.end.IsZero() {
			q.later()
		}
		return
	}
	q.none = false
	end := now.Add(clockTime(header.Get(headerQuotaResets)))
	switch {
	case q.fresh && sent.Before(q.began), !q.fresh && q.end.Sub(end) > sameWindow:
		return // of the window before
	case q.fresh, q.end.IsZero():
		q.left, q.end = left, end
	case end.Sub(q.end) > sameWindow, alone && left > q.left:
		q.left, q.end = left, end
		if alone {
			q.proven++
		}
	default:
		q.left = min(q.left, left)
		if end.Before(q.end) {
			q.end = end
		}
		if alone { // too early
			q.later()
		}
	}
	q.fresh = false
	q.whole = max(q.whole, left+1)
}

// later has learnt that windows end later than was thought.
func (q *quota) later() {
	q.proven = 0
	q.slack = min(q.slack+slackStep, slackMost)
}

func (q *quota) refused(_ *failure, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if until := time.Now().Add(wait); until.After(q.blocked) {
		q.blocked = until
	}
	q.proven, q.fresh, q.end = 0, false, time.Time{}
}
