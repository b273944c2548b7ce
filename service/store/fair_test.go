package store

import (
	"fmt"
	"sync"
	"testing"
)

// A key with ten thousand jobs that wait does not make the one job of another wait for them.
func TestAFloodOfJobsDoesNotHurtAnotherKey(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	const flood, together = 10_000, 200
	var all sync.WaitGroup
	for n := range together {
		all.Go(func() {
			for i := n; i < flood; i += together {
				if _, _, err := s.Enqueue(t.Context(), job(fmt.Sprintf("flood-%d", i), "flood")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	enqueue(t, s, job("quiet", "quiet"))
	if own, everyone := s.Waiting("flood"); own != flood || everyone != flood+1 {
		t.Errorf("%d of %d jobs wait", own, everyone)
	}
	for n := range 3 {
		if take(t, s).ID() == "quiet" {
			return
		}
		if n == 2 {
			t.Error("the other key's job is not among the first three")
		}
	}
}
