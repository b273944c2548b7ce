package azure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// armBuckets are Resource Manager's token buckets as documented, one for each subscription.
type armBuckets struct {
	size, rate float64
	latency    time.Duration

	mu      sync.Mutex
	level   map[string]float64
	filled  map[string]time.Time
	calls   int
	refused int
	order   []string // of the calls that were let in
}

func newARMBuckets(size, rate float64, latency time.Duration) *armBuckets {
	return &armBuckets{size: size, rate: rate, latency: latency, level: map[string]float64{}, filled: map[string]time.Time{}}
}

func (b *armBuckets) answer(r *http.Request) (*http.Response, error) {
	travel(b.latency / 2)
	defer func() { travel(b.latency / 2) }()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	subscription, now := strings.Split(r.URL.Path, "/")[2], time.Now()
	if _, ok := b.level[subscription]; !ok {
		b.level[subscription] = b.size
	} else {
		b.level[subscription] = min(b.size, b.level[subscription]+b.rate*now.Sub(b.filled[subscription]).Seconds())
	}
	b.filled[subscription] = now
	if b.level[subscription] < 1 {
		b.refused++
		return respond(429, `{"error":{"code":"SubscriptionRequestsThrottled","message":"Number of 'read' requests exceeded"}}`,
			reads.left[0], "0", "Retry-After", fmt.Sprint(math.Ceil((1-b.level[subscription])/b.rate)), "x-ms-failure-cause", "gateway"), nil
	}
	b.level[subscription]--
	b.order = append(b.order, r.URL.Path)
	return respond(200, `{"value":[]}`, reads.left[0], fmt.Sprint(int(b.level[subscription])), reads.left[2], "3749"), nil
}

// get reads a list whose rows do not matter.
func get(ctx context.Context, s *Session, path string) error {
	var page Page[struct{}]
	return ReadList(ctx, s, List{Path: path, Version: "2021-04-01", Query: url.Values{"$top": {"1"}}}, Reader[struct{}]{
		New:  func(context.Context) (*Page[struct{}], error) { return &page, nil },
		Set:  func(*struct{}, Column) error { return nil },
		Take: func(*Page[struct{}]) error { return nil },
	})
}

// getAll reads so many lists of each subscription with so many readers, and says how long they take.
func getAll(t *testing.T, s *Session, calls, readers int, subscriptions ...string) time.Duration {
	t.Helper()
	began := time.Now()
	todo := make(chan string, calls*len(subscriptions))
	for i := range calls {
		for _, subscription := range subscriptions {
			todo <- fmt.Sprintf("/subscriptions/%s/resourceGroups/%d/resources", subscription, i)
		}
	}
	close(todo)
	var group sync.WaitGroup
	for range readers {
		group.Go(func() {
			for path := range todo {
				if err := get(t.Context(), s, path); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	return time.Since(began)
}

// TestBucketsAreUsedUp holds the time that reads take against what Resource Manager allows at best.
func TestBucketsAreUsedUp(t *testing.T) {
	cases := map[string]struct {
		size, rate    float64
		subscriptions []string
		others        int     // sessions of the same principal that do the same
		ratio         float64 // of the best at most
		refused       float64 // share at most
	}{
		"one subscription":           {250, 25, []string{"a"}, 0, 1.05, 0},
		"three":                      {250, 25, []string{"a", "b", "c"}, 0, 1.05, 0},
		"another process":            {250, 25, []string{"a"}, 1, 1.5, 0.03},
		"a smaller bucket":           {50, 25, []string{"a"}, 0, 1.08, 0.01},
		"one that fills more slowly": {250, 5, []string{"a"}, 0, 1.05, 0.03},
		"a much larger one":          {12000, 25, []string{"a"}, 0, 1.05, 0},
	}
	for name, c := range cases {
		for _, readers := range []int{1, 8, 16} {
			t.Run(fmt.Sprintf("%s, %d readers", name, readers), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					const calls, latency = 1000, 30 * time.Millisecond
					b := newARMBuckets(c.size, c.rate, latency)
					var group sync.WaitGroup
					for range c.others {
						group.Go(func() {
							getAll(t, sessionWith(t, Config{Patience: time.Hour}, b.answer), calls, readers, c.subscriptions...)
						})
					}
					began := time.Now()
					getAll(t, sessionWith(t, Config{Patience: time.Hour}, b.answer), calls, readers, c.subscriptions...)
					group.Wait()
					took := time.Since(began)
					each := float64(calls * (1 + c.others))
					best := max((each-c.size)/c.rate, float64(calls*len(c.subscriptions))*latency.Seconds()/float64(readers))
					t.Logf("%s, %.3f of the best, %d of %d refused", took, took.Seconds()/best, b.refused, b.calls)
					if took.Seconds() > best*c.ratio || float64(b.refused) > c.refused*float64(b.calls) {
						t.Errorf("took %s, %.2f of the best; %d of %d calls were refused", took, took.Seconds()/best, b.refused, b.calls)
					}
				})
			})
		}
	}
}

// TestTurnsInABucketComeInOrder empties a bucket and lets callers arrive one after the other.
func TestTurnsInABucketComeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newARMBuckets(reads.size, reads.rate, 0)
		s := sessionWith(t, Config{}, b.answer)
		getAll(t, s, int(reads.size), 1, "a")
		b.order = nil
		var group sync.WaitGroup
		var want []string
		for i := range 100 {
			path := fmt.Sprintf("/subscriptions/a/turn/%03d", i)
			want = append(want, path)
			group.Go(func() {
				if err := get(t.Context(), s, path); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait() // it has its place
		}
		group.Wait()
		if d := cmp.Diff(want, b.order); d != "" || b.refused > 0 {
			t.Errorf("%d refused; order (-want +got):\n%s", b.refused, d)
		}
	})
}

func TestWhoStopsWaitingGivesTheTurnBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newARMBuckets(reads.size, reads.rate, 0)
		s := sessionWith(t, Config{}, b.answer)
		getAll(t, s, int(reads.size), 1, "a")
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("stop")
		var group sync.WaitGroup
		for i := range 500 {
			group.Go(func() {
				if err := get(ctx, s, fmt.Sprintf("/subscriptions/a/turn/%d", i)); !errors.Is(err, stop) {
					t.Errorf("error = %v", err)
				}
			})
		}
		synctest.Wait()
		cancel(stop)
		group.Wait()
		if took := getAll(t, s, 25, 1, "a"); took > 1100*time.Millisecond {
			t.Errorf("25 reads took %s after 500 were given up", took)
		}
	})
}

// TestAProvidersLimitIsItsOwn throttles a resource provider, and only what concerns it waits.
func TestAProvidersLimitIsItsOwn(t *testing.T) {
	const storage = `{"error":{"code":"TooManyRequests","message":"The request is being throttled as the limit has been reached for operation type - List"}}`
	cases := map[string]struct {
		body   string
		header []string
		waits  map[string]bool // by path
		reason string
	}{
		"by the provider": {storage, []string{"x-ms-failure-cause", "service"},
			map[string]bool{"/subscriptions/a/providers/Microsoft.Storage/y": true, "/subscriptions/A/resourceGroups/g/providers/microsoft.storage/z/z1/z2": true,
				"/subscriptions/b/providers/Microsoft.Storage/y": false, "/subscriptions/a/providers/Microsoft.Sql/servers": false, "/subscriptions/a/resourcegroups": false,
				"/subscriptions/a/resourceGroups/g/providers/microsoft.storage/z/z1/providers/microsoft.insights/diagnosticSettings": false}, "throttled by microsoft.storage"},
		"by the gateway": {strings.Replace(storage, "TooManyRequests", "SubscriptionRequestsThrottled", 1), []string{"x-ms-failure-cause", "gateway"},
			map[string]bool{"/subscriptions/a/providers/Microsoft.Sql/servers": true, "/subscriptions/A/resourcegroups": true,
				"/subscriptions/b/providers/Microsoft.Storage/y": false, "/tenants": false}, reasonARM},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var calls atomic.Int64
				s := sessionWith(t, Config{}, func(*http.Request) (*http.Response, error) {
					if calls.Add(1) == 1 {
						return respond(429, c.body, append(c.header, "Retry-After", "20")...), nil
					}
					return respond(200, `{"value":[]}`), nil
				})
				var mu sync.Mutex
				var heard []Wait
				ctx := WithTrace(t.Context(), &Trace{Waiting: func(w Wait) {
					mu.Lock()
					defer mu.Unlock()
					heard = append(heard, w)
				}})
				var group sync.WaitGroup
				group.Go(func() {
					if err := get(ctx, s, "/subscriptions/a/providers/Microsoft.Storage/storageAccounts"); err != nil {
						t.Error(err)
					}
				})
				synctest.Wait()
				began := time.Now()
				for path, waits := range c.waits {
					group.Go(func() {
						if err := get(ctx, s, path); err != nil {
							t.Error(err)
						}
						if took := time.Since(began); waits && (took < 20*time.Second || took > 20200*time.Millisecond) || !waits && took > 0 {
							t.Errorf("%s took %s", path, took)
						}
					})
				}
				group.Wait()
				if len(heard) == 0 || slices.ContainsFunc(heard, func(w Wait) bool { return w.Reason != c.reason || w.For.Round(time.Second) != 20*time.Second }) {
					t.Errorf("waits = %v", heard)
				}
			})
		})
	}
}

// TestTooLongAWait gives up at once, and says how long Azure asked to wait, also to those who come next.
func TestTooLongAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct{ code, cause string }{{"SubscriptionRequestsThrottled", "gateway"}, {"OperationNotAllowed", "service"}} {
			calls := 0
			s := sessionWith(t, Config{}, func(*http.Request) (*http.Response, error) {
				calls++
				return respond(429, `{"error":{"code":"`+c.code+`","message":"Slow down"}}`, "Retry-After", "3600", "x-ms-failure-cause", c.cause), nil
			})
			began := time.Now()
			for range 2 {
				err := get(t.Context(), s, "/subscriptions/a/providers/Microsoft.Storage/storageAccounts")
				f := fault.As(err)
				if f == nil || f.Code != fault.Throttled || !strings.Contains(f.Message, "1h0m0s") || !f.Retryable ||
					f.Resource != "/subscriptions/a/providers/Microsoft.Storage/storageAccounts" {
					t.Errorf("fault = %+v", f)
				}
			}
			if calls != 1 || time.Since(began) != 0 {
				t.Errorf("%d calls in %s", calls, time.Since(began))
			}
		}
	})
}

// TestABrokenConnectionCostsOneTurn makes no answer count as one.
func TestABrokenConnectionCostsOneTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newARMBuckets(reads.size, reads.rate, 0)
		broken := true
		s := sessionWith(t, Config{}, func(r *http.Request) (*http.Response, error) {
			if broken {
				broken = false
				return nil, io.ErrUnexpectedEOF
			}
			return b.answer(r)
		})
		getAll(t, s, 300, 1, "a")
		bucket := s.limits.buckets[reads.left[0]+" a"]
		if bucket.sent != 0 || bucket.waiting != 0 || b.refused != 0 {
			t.Errorf("bucket = %+v, %d refused", bucket, b.refused)
		}
	})
}
