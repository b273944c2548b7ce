package azure

import (
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// sharers are sessions of one principal, in processes of their own, each with its share.
func sharers(t *testing.T, n int, share float64, azure azureFunc, use func(*Session)) time.Duration {
	t.Helper()
	began := time.Now()
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			s := sessionWith(t, Config{Patience: time.Hour}, azure)
			s.limits.share.set(share)
			use(s)
		})
	}
	group.Wait()
	return time.Since(began)
}

// TestSharersOfABucket: together they use it up, and hardly one call is refused.
func TestSharersOfABucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, calls = 4, 500
		b := newARMBuckets(reads.size, reads.rate, 30*time.Millisecond)
		took := sharers(t, n, 1.0/n, b.answer, func(s *Session) { getAll(t, s, calls, 8, "a") })
		best := (n*calls - reads.size) / reads.rate
		t.Logf("%s, %.2f of the best, %d of %d refused", took, took.Seconds()/best, b.refused, b.calls)
		if took.Seconds() > 1.1*best || b.refused > 0 {
			t.Errorf("took %s, %.2f of the best; %d of %d calls were refused", took, took.Seconds()/best, b.refused, b.calls)
		}
	})
}

// TestSharersOfAQuota: what does not divide evenly is left over.
func TestSharersOfAQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, queries = 4, 90
		q := &graphQuota{whole: windowQueries, window: windowLength, round: math.Ceil, latency: func() time.Duration { return 20 * time.Millisecond }}
		took := sharers(t, n, 1.0/n, q.answer, func(s *Session) { ask(t, s, queries, 4) })
		best := windowLength.Seconds() * (n*queries/windowQueries - 1)
		t.Logf("%s, %.2f of the best, %d of %d refused", took, took.Seconds()/best, q.refused, q.calls)
		if took.Seconds() > 1.4*best || q.refused > q.calls/50 {
			t.Errorf("took %s, %.2f of the best; %d of %d queries were refused", took, took.Seconds()/best, q.refused, q.calls)
		}
	})
}

// TestAShareThatGrows: what the others leave is used at once.
func TestAShareThatGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newARMBuckets(reads.size, reads.rate, 0)
		s := sessionWith(t, Config{Patience: time.Hour}, b.answer)
		s.limits.share.set(0.1)
		getAll(t, s, 25, 1, "a") // its tenth of the bucket
		slow := getAll(t, s, 50, 1, "a")
		s.limits.share.set(1)
		quick := getAll(t, s, 50, 1, "a")
		if slow < 18*time.Second || quick > 3*time.Second {
			t.Errorf("50 calls took %s with a tenth, and %s with all", slow, quick)
		}
	})
}
