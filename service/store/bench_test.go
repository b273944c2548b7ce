package store

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// percentile is of durations, which it sorts.
func percentile(all []time.Duration, p float64) time.Duration {
	slices.Sort(all)
	return all[min(len(all)-1, int(p*float64(len(all))))]
}

// BenchmarkEnqueue submits durably from 64 submitters with as many keys.
func BenchmarkEnqueue(b *testing.B) {
	for _, submitters := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("submitters=%d", submitters), func(b *testing.B) {
			s := embeddedStore(b)
			for o := range submitters {
				enqueue(b, s, job(fmt.Sprintf("warm-%d", o), fmt.Sprintf("owner-%d", o)))
			}
			var n atomic.Int64
			took := make([][]time.Duration, submitters)
			var all sync.WaitGroup
			b.ResetTimer()
			for o := range submitters {
				all.Go(func() {
					for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
						r := job(fmt.Sprintf("job-%d", i), fmt.Sprintf("owner-%d", o))
						r.Request = []byte(`{"tenant_id":"` + strings.Repeat("x", 300) + `"}`)
						began := time.Now()
						if _, _, err := s.Enqueue(b.Context(), r); err != nil {
							b.Error(err)
							return
						}
						took[o] = append(took[o], time.Since(began))
					}
				})
			}
			all.Wait()
			b.StopTimer()
			every := slices.Concat(took...)
			b.ReportMetric(float64(len(every))/b.Elapsed().Seconds(), "submits/s")
			b.ReportMetric(float64(percentile(every, 0.5).Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(percentile(every, 0.99).Microseconds())/1000, "p99-ms")
		})
	}
}

// BenchmarkList lists pages of an owner's jobs among 100,000.
func BenchmarkList(b *testing.B) {
	x := newIndex()
	for i := range 100_000 {
		r := job(fmt.Sprintf("job-%06d", i), fmt.Sprintf("owner-%d", i%10))
		r.Job.CreatedAt = epoch.Add(time.Duration(i) * time.Second)
		x.put(summarize(r), 0)
	}
	x.loaded()
	for name, f := range map[string]backend.JobFilter{
		"newest":  {},
		"nothing": {Status: backend.JobFailed},
		"all":     {Limit: 100_000},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := x.list("", f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFiles stores and reads a file of 1 GB.
func BenchmarkFiles(b *testing.B) {
	const size = 1 << 30
	s := embeddedStore(b)
	name := jobs.FileName{Kind: jobs.KindArtifact, Of: "job", Path: "big"}
	b.Run("put", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			if _, err := s.Put(b.Context(), name, io.LimitReader(rand.NewChaCha8([32]byte{}), size), nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			f, err := s.Open(b.Context(), name)
			if err != nil {
				b.Fatal(err)
			}
			n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, f, make([]byte, 256<<10))
			if err != nil || n != size {
				b.Fatal(n, err)
			}
			f.Close()
		}
	})
}

// BenchmarkRound enqueues, takes and ends one job after the other.
func BenchmarkRound(b *testing.B) {
	s := embeddedStore(b)
	ctx := b.Context()
	for i := 0; b.Loop(); i++ {
		enqueue(b, s, job(fmt.Sprintf("job-%d", i), "owner"))
		d, err := s.Next(ctx)
		if err == nil {
			err = d.Done(ctx)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIdleWatchers says what a watcher of a job in which nothing happens costs, its goroutine included, and how
// long one event takes to reach all of them.
func BenchmarkIdleWatchers(b *testing.B) {
	const watchers = 10_000
	s := embeddedStore(b)
	enqueue(b, s, job("job-1", "owner"))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var got atomic.Int64
	everybody := make(chan struct{}, 1)
	for range watchers {
		go func() {
			_ = s.Watch(b.Context(), "job-1", 0, func(backend.Event) error {
				if got.Add(1)%watchers == 0 {
					everybody <- struct{}{}
				}
				return nil
			})
		}()
	}
	eventually(b, "they do not watch", func() bool {
		s.fan.mu.Lock()
		defer s.fan.mu.Unlock()
		return len(s.fan.watching["job-1"]) == watchers
	})
	runtime.GC()
	runtime.ReadMemStats(&after)
	n := uint32(0)
	for b.Loop() {
		n++
		if err := s.Append(b.Context(), "job-1", logEvent(1, n)); err != nil {
			b.Fatal(err)
		}
		<-everybody
	}
	b.ReportMetric(float64(after.HeapInuse+after.StackInuse-before.HeapInuse-before.StackInuse)/watchers/1024, "KB/watcher")
}
