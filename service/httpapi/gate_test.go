package httpapi

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// entering enters a gate in the background; done says what became of it.
func entering(ctx context.Context, g *gate, key string) (done chan error, leave *func()) {
	done, leave = make(chan error, 1), new(func())
	go func() {
		l, err := g.enter(ctx, key)
		*leave = l
		done <- err
	}()
	synctest.Wait()
	return done, leave
}

// took takes a place that has to be free.
func took(t *testing.T, g *gate, key string) func() {
	t.Helper()
	done, leave := entering(t.Context(), g, key)
	select {
	case err := <-done:
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
	default:
		t.Fatalf("%s has to wait", key)
	}
	return *leave
}

// isBusy holds a refusal against what one is.
func isBusy(t *testing.T, err error) {
	t.Helper()
	o, ok := jobs.OverloadOf(err)
	if f := fault.As(err); !ok || o.Reason != "things" || o.After < soonest || o.After > latest || f.Code != fault.ServiceUnavailable || !f.Retryable || f.Hint == "" {
		t.Errorf("the refusal is %v, %+v", err, o)
	}
}

func TestGatePassesPlacesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate("things", "things", 2, 2, time.Minute)
		first := took(t, g, "a")
		second := took(t, g, "b")
		third, leaveThird := entering(t.Context(), g, "a")
		fourth, leaveFourth := entering(t.Context(), g, "c")
		if g.full("d") != true {
			t.Error("a fifth might wait")
		}
		_, err := g.enter(t.Context(), "d")
		isBusy(t, err)
		first()
		if err := <-third; err != nil {
			t.Error(err)
		}
		second()
		if err := <-fourth; err != nil {
			t.Error(err)
		}
		(*leaveThird)()
		(*leaveFourth)()
		if taken, waiting := g.load(); taken != 0 || waiting != 0 || len(g.lines) != 0 {
			t.Errorf("%d places are taken, %d wait, %d lines are kept", taken, waiting, len(g.lines))
		}
	})
}

func TestGateServesKeysInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate("things", "things", 1, 100, time.Minute)
		leave := took(t, g, "flood")
		var flood []chan error
		for range 100 {
			done, _ := entering(t.Context(), g, "flood")
			flood = append(flood, done)
		}
		quiet, leaveQuiet := entering(t.Context(), g, "quiet") // takes the room of the last of the flood
		isBusy(t, <-flood[99])
		leave()
		if err := <-flood[0]; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		g.leave(g.lines["flood"])
		if err := <-quiet; err != nil {
			t.Errorf("who comes once waits for the flood: %v", err)
		}
		if len(flood[1]) != 0 {
			t.Error("the flood was served twice in turn")
		}
		(*leaveQuiet)()
		for i := 1; i < 99; i++ {
			if err := <-flood[i]; err != nil {
				t.Errorf("%d: %v", i, err)
			}
			g.leave(g.lines["flood"])
		}
		if taken, waiting := g.load(); taken != 0 || waiting != 0 {
			t.Errorf("%d places are taken, %d wait", taken, waiting)
		}
	})
}

func TestGateKeepsPlacesFromOneKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate("things", "things", 4, 10, time.Minute)
		leave := []func(){took(t, g, "flood"), took(t, g, "flood"), took(t, g, "flood")}
		fourth, leaveFourth := entering(t.Context(), g, "flood")
		if len(fourth) != 0 {
			t.Error("one key has all places")
		}
		took(t, g, "quiet")()
		leave[0]()
		if err := <-fourth; err != nil {
			t.Error(err)
		}
		took(t, g, "quiet")()
		leave[1]()
		leave[2]()
		(*leaveFourth)()
		if taken, waiting := g.load(); taken != 0 || waiting != 0 || len(g.lines) != 0 {
			t.Errorf("%d places are taken, %d wait, %d lines are kept", taken, waiting, len(g.lines))
		}
	})
}

func TestGateLosesPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate("things", "things", 1, 8, 8*time.Second)
		leave := took(t, g, "a")
		began := time.Now()
		_, err := g.enter(t.Context(), "a")
		isBusy(t, err)
		if waited := time.Since(began); waited != 8*time.Second {
			t.Errorf("waited %s", waited)
		}
		// It is overloaded now: one may wait, for an eighth of the time.
		began = time.Now()
		waiting, _ := entering(t.Context(), g, "a")
		_, err = g.enter(t.Context(), "a")
		isBusy(t, err)
		isBusy(t, <-waiting)
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("in overload, waited %s", waited)
		}
		time.Sleep(overloaded) //nolint:forbidigo // the clock is that of synctest
		began = time.Now()
		_, err = g.enter(t.Context(), "a")
		isBusy(t, err)
		if waited := time.Since(began); waited != 8*time.Second {
			t.Errorf("a while after overload, waited %s", waited)
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone, _ := entering(ctx, g, "b")
		cancel()
		if err := <-gone; fault.CodeOf(err) != fault.Interrupted {
			t.Errorf("a caller who has gone gets %v", err)
		}
		leave()
		if taken, waiting := g.load(); taken != 0 || waiting != 0 || len(g.lines) != 0 || len(g.turn) != 0 {
			t.Errorf("%d places are taken, %d wait, %d lines are kept", taken, waiting, len(g.lines))
		}
	})
}

// Whatever happens at a gate, no place is lost, and none is given twice.
func TestGateInTumult(t *testing.T) {
	g := newGate("things", "things", 7, 20, 2*time.Millisecond)
	var inside, served atomic.Int64
	var all sync.WaitGroup
	for n := range 64 {
		all.Go(func() {
			for range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				if rand.N(4) == 0 {
					cancel()
				}
				key := fmt.Sprint(n % 5)
				g.full(key)
				leave, err := g.enter(ctx, key)
				cancel()
				if err != nil {
					continue
				}
				if now := inside.Add(1); now > 7 {
					t.Errorf("%d have places", now)
				}
				served.Add(1)
				inside.Add(-1)
				leave()
			}
		})
	}
	all.Wait()
	if taken, waiting := g.load(); taken != 0 || waiting != 0 || len(g.lines) != 0 || len(g.turn) != 0 || served.Load() == 0 {
		t.Errorf("%d places are taken, %d wait, %d lines are kept; %d were served", taken, waiting, len(g.lines), served.Load())
	}
}

func TestPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pacer
		now := time.Now()
		if late := p.delay(now); late != 0 {
			t.Errorf("the first one is %s late", late)
		}
		var last time.Duration
		n := 1
		for ; last < latestRefusal; n++ {
			late := p.delay(now)
			if late <= last || late > latestRefusal {
				t.Fatalf("%d: %s after %s", n, late, last)
			}
			last = late
		}
		if p.delay(now) != latestRefusal {
			t.Error("the longest delay is exceeded")
		}
		if late := p.delay(now.Add(latestRefusal)); late > time.Millisecond {
			t.Errorf("later, one is %s late", late)
		}
		if late := p.delay(now.Add(time.Hour)); late != 0 {
			t.Errorf("much later, one is %s late", late)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		for range n {
			p.wait(ctx)
		}
		if time.Since(began) != 0 {
			t.Error("it waited for those who have gone")
		}
	})
}
