package azure

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// graphQuota is Resource Graph's quota as documented: so many queries in windows of fixed length, the
// first query after one begins the next. How it rounds the seconds to its end is not documented.
type graphQuota struct {
	whole   int
	window  time.Duration
	round   func(float64) float64
	latency func() time.Duration // before and after an answer is made

	mu      sync.Mutex
	begin   time.Time
	used    int
	calls   int
	refused int
}

func (q *graphQuota) answer(*http.Request) (*http.Response, error) {
	travel(q.latency())
	defer func() { travel(q.latency()) }()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls++
	now := time.Now()
	if q.begin.IsZero() || now.Sub(q.begin) >= q.window {
		q.begin, q.used = now, 0
	}
	resets := q.round(q.begin.Add(q.window).Sub(now).Seconds())
	clock := fmt.Sprintf("00:%02d:%02d", int(resets)/60, int(resets)%60)
	if q.used == q.whole {
		q.refused++
		return respond(429, rateLimit, headerQuotaRemaining, "0", headerQuotaResets, clock), nil
	}
	q.used++
	return respond(200, onePage, headerQuotaRemaining, fmt.Sprint(q.whole-q.used), headerQuotaResets, clock), nil
}

// ask makes so many queries with so many readers, and says how long they take.
func ask(t *testing.T, s *Session, queries, readers int) time.Duration {
	t.Helper()
	began := time.Now()
	todo := make(chan struct{}, queries)
	for range queries {
		todo <- struct{}{}
	}
	close(todo)
	var group sync.WaitGroup
	for range readers {
		group.Go(func() {
			for range todo {
				if _, err := read(t.Context(), s, Query{KQL: "resources"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	return time.Since(began)
}

// TestTheQuotaIsUsedUp holds the time that queries take against what the quota allows at best.
func TestTheQuotaIsUsedUp(t *testing.T) {
	const queries = 600
	rounds := map[string]func(float64) float64{"up": math.Ceil, "down": math.Floor, "to the nearest": math.Round}
	latencies := map[string]func(*rand.Rand) time.Duration{
		"none":  func(*rand.Rand) time.Duration { return 0 },
		"short": func(*rand.Rand) time.Duration { return 15 * time.Millisecond },
		"long": func(r *rand.Rand) time.Duration {
			return 100*time.Millisecond + time.Duration(r.IntN(200))*time.Millisecond
		},
	}
	travel := map[string]time.Duration{"short": 30 * time.Millisecond, "long": 400 * time.Millisecond} // both ways
	quotas := map[string]struct {
		whole, refused int // refused at most, until it is known how Azure rounds
		window         time.Duration
	}{"as documented": {windowQueries, 0, windowLength}, "another": {40, 12, 8 * time.Second}}
	for name, round := range rounds {
		for length, latency := range latencies {
			for kind, quota := range quotas {
				for _, readers := range []int{1, 8, 32} {
					t.Run(fmt.Sprintf("%s, rounded %s, %s latency, %d readers", kind, name, length, readers), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							random := rand.New(rand.NewPCG(1, uint64(readers)))
							var mu sync.Mutex
							q := &graphQuota{whole: quota.whole, window: quota.window, round: round, latency: func() time.Duration {
								mu.Lock()
								defer mu.Unlock()
								return latency(random)
							}}
							s := sessionWith(t, Config{}, q.answer)
							took := ask(t, s, queries, readers)
							// A window begins when a query arrives, and its end is known when an answer does.
							best := time.Duration((queries-1)/quota.whole) * (quota.window + travel[length])
							if readers == 1 {
								best = max(best, queries*travel[length])
							}
							ratio := took.Seconds() / best.Seconds()
							t.Logf("%s, %.3f of the best, %d refused", took, ratio, q.refused)
							if ratio > 1.1 || q.refused > quota.refused {
								t.Errorf("%d queries took %s, which is %.2f of the best; %d were refused", queries, took, ratio, q.refused)
							}
						})
					})
				}
			}
		}
	}
}

// TestWithoutAQuota has an Azure that tells of none, or stops telling after some answers.
func TestWithoutAQuota(t *testing.T) {
	for _, told := range []int64{0, 20} {
		synctest.Test(t, func(t *testing.T) {
			var calls atomic.Int64
			s := sessionWith(t, Config{}, func(*http.Request) (*http.Response, error) {
				travel(100 * time.Millisecond)
				if calls.Add(1) <= told {
					return respond(200, onePage, headerQuotaRemaining, "0", headerQuotaResets, "00:00:01"), nil
				}
				return respond(200, onePage), nil
			})
			took := ask(t, s, int(told)+800, 8)
			if most := time.Duration(told)*1200*time.Millisecond + 11*time.Second; took > most {
				t.Errorf("%d told of a quota, and 800 more queries took %s in all", told, took)
			}
		})
	}
}
