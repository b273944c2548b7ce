package store

import (
	"context"
	"slices"
	"sync"
	"time"
)

// owners are whose turn it is: those who may have a job that waits. One who was asked and had none waits for news
// of a job, so that nobody asks in vain again and again.
type owners struct {
	mu        sync.Mutex
	turn      []turn
	more      chan struct{}  // closed and replaced when somebody is added
	here      map[string]int // jobs with this process's workers
	consumers map[string]bool
	settling  map[string]time.Time // until when an owner may have a job that has ended and is still in the queue
	wanted    int                  // how many wait for a turn
	stopped   <-chan struct{}
}

// turn is an owner, by token.
type turn struct {
	token string
	sure  bool // ask even if as many jobs as allowed seem to be with workers
	tries int  // how often there was none although one waits
}

// patiently is how long to wait before an owner is asked again who had no job, although one waits: the server tells
// of a job a moment before it hands it out.
var patiently = []time.Duration{time.Millisecond, 4 * time.Millisecond, 16 * time.Millisecond, 64 * time.Millisecond, 256 * time.Millisecond}

func newOwners(stopped <-chan struct{}) *owners {
	return &owners{stopped: stopped, more: make(chan struct{}), here: map[string]int{}, consumers: map[string]bool{}, settling: map[string]time.Time{}}
}

// offer says that an owner may have a job that waits.
func (o *owners) offer(owner string) { o.add(turn{token: owner}) }

// insist says that an owner may have a job that is counted as being with a worker, but waits for another one.
func (o *owners) insist(owner string) { o.add(turn{token: owner, sure: true}) }

// none says that an owner had no job. One that waits all the same is asked for again soon.
func (o *owners) none(t turn, x *index) {
	if t.tries < len(patiently) && x.waiting(t.token) > 0 {
		time.AfterFunc(patiently[t.tries], func() { o.add(turn{t.token, t.sure, t.tries + 1}) })
	}
}

func (o *owners) add(t turn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if at := slices.IndexFunc(o.turn, func(have turn) bool { return have.token == t.token }); at >= 0 {
		have := &o.turn[at]
		have.sure, have.tries = have.sure || t.sure, min(have.tries, t.tries)
		return
	}
	o.turn = append(o.turn, t)
	close(o.more)
	o.more = make(chan struct{})
}

// next waits for the owner whose turn it is.
func (o *owners) next(ctx context.Context) (turn, error) {
	o.mu.Lock()
	o.wanted++
	defer func() {
		o.wanted--
		o.mu.Unlock()
	}()
	for len(o.turn) == 0 && ctx.Err() == nil {
		more := o.more
		o.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
		case <-o.stopped:
			o.mu.Lock()
			return turn{}, errStopped
		}
		o.mu.Lock()
	}
	if ctx.Err() != nil {
		return turn{}, ctx.Err()
	}
	t := o.turn[0]
	o.turn = slices.Delete(o.turn, 0, 1)
	return t, nil
}

// ended says that a job of an owner has ended. Its worker takes it out of the queue next; if that died first, another one has to, and
// hears of it by nobody.
func (o *owners) ended(owner string, until time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settling[owner] = until
}

// sweep offers everybody who has jobs that have not ended, or may have one that is still in the queue, if anybody waits for a turn.
func (o *owners) sweep(x *index) {
	o.mu.Lock()
	wanted := o.wanted > 0
	var some []string
	for owner, until := range o.settling {
		if some = append(some, owner); time.Now().After(until) {
			delete(o.settling, owner)
		}
	}
	o.mu.Unlock()
	if !wanted {
		return
	}
	for _, owner := range append(x.busy(), some...) {
		o.insist(owner)
	}
}

// mayTake says whether it makes sense to ask for a job of an owner: not if as many as allowed are with workers, as
// far as is known here. The server knows better, but does not say so at once.
func (o *owners) mayTake(t turn, limit int, x *index) bool {
	if limit <= 0 || t.sure {
		return true
	}
	o.mu.Lock()
	here := o.here[t.token]
	o.mu.Unlock()
	return here < limit && x.running(t.token) < limit
}

func (o *owners) took(owner string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.here[owner]++
}

func (o *owners) gave(owner string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.here[owner]--; o.here[owner] == 0 {
		delete(o.here, owner)
	}
}

func (o *owners) known(owner string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.consumers[owner]
}

func (o *owners) made(owner string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.consumers[owner] = true
}

func (o *owners) forget(owner string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.consumers, owner)
}
