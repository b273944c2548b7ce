package store

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"github.com/azure-tenant-grapher/atg/service/jobs"
)

// The subjects on which members of budgets tell of themselves. Nothing of it is kept: what is not repeated is over.
const (
	budgetPrefix = "atg.budget." // <principal>.<member>: it is at work, or no more
	budgetAsk    = "atg.budgets" // who is at work?
)

// What a member says.
var (
	memberHere = []byte("here")
	memberGone = []byte("gone")
)

// budget counts who works with a principal, here and in every other process. Each member tells that it is at work when it
// begins, when it is asked, and three times in a lease; one that is not heard of for a lease is gone.
type budget struct {
	nc    *nats.Conn
	lease time.Duration
	now   func() time.Time

	mu    sync.Mutex
	heard map[string]map[string]time.Time // by principal and member: when last
	mine  map[string]*member              // by id
}

// member is a backend of this process.
type member struct {
	principal string
	news      chan struct{} // has room for one; closed when it leaves
	ended     chan struct{} // closed when nothing is told any more
}

var _ jobs.Budget = (*Store)(nil)

// Join is jobs.Budget.
func (s *Store) Join(principal string, changed func(n int)) (leave func()) {
	return s.budget.join(token(principal), changed)
}

func (b *budget) join(principal string, changed func(n int)) (leave func()) {
	id := nuid.Next()
	m := &member{principal: principal, news: make(chan struct{}, 1), ended: make(chan struct{})}
	b.mu.Lock()
	b.mine[id] = m
	b.hear(principal, id, true)
	told := len(b.heard[principal])
	b.mu.Unlock()
	b.say(principal, id, memberHere)
	changed(told)
	go func() {
		defer close(m.ended)
		for range m.news {
			if n := b.count(principal); n != told {
				told = n
				changed(n)
			}
		}
	}()
	return sync.OnceFunc(func() {
		b.mu.Lock()
		delete(b.mine, id)
		close(m.news)
		b.hear(principal, id, false)
		b.mu.Unlock()
		b.say(principal, id, memberGone)
		<-m.ended
	})
}

// say tells all processes of a member. If it is not heard, the next time is soon enough.
func (b *budget) say(principal, id string, what []byte) {
	_ = b.nc.Publish(budgetPrefix+principal+"."+id, what)
}

func (b *budget) count(principal string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.heard[principal])
}

// hear takes that a member is at work, or no more. The lock is held.
func (b *budget) hear(principal, id string, here bool) {
	members := b.heard[principal]
	_, known := members[id]
	switch {
	case here && members == nil:
		b.heard[principal] = map[string]time.Time{id: b.now()}
	case here:
		members[id] = b.now()
	case len(members) == 1 && known:
		delete(b.heard, principal)
	default:
		delete(members, id)
	}
	if here == known {
		return
	}
	for _, m := range b.mine {
		if m.principal == principal {
			select {
			case m.news <- struct{}{}:
			default:
			}
		}
	}
}

// happened takes a message of a member, of this process as well: what one connection sends arrives in its order.
func (b *budget) happened(m *nats.Msg) {
	principal, id, ok := strings.Cut(strings.TrimPrefix(m.Subject, budgetPrefix), ".")
	if !ok {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hear(principal, id, string(m.Data) == string(memberHere))
}

// announce tells of all members of this process.
func (b *budget) announce() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, m := range b.mine {
		b.say(m.principal, id, memberHere)
	}
}

// expire forgets those that were not heard of for a lease.
func (b *budget) expire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for principal, members := range b.heard {
		for id, last := range members {
			if b.mine[id] == nil && b.now().Sub(last) > b.lease {
				b.hear(principal, id, false)
			}
		}
	}
}

// startBudget begins to hear of members, and asks who there is.
func (s *Store) startBudget(_, background context.Context) error {
	b := &budget{nc: s.nc, lease: s.config.AckWait, now: time.Now, heard: map[string]map[string]time.Time{}, mine: map[string]*member{}}
	s.budget = b
	members, err := s.nc.Subscribe(budgetPrefix+"*.*", b.happened)
	if err != nil {
		return err
	}
	asked, err := s.nc.Subscribe(budgetAsk, func(*nats.Msg) { b.announce() })
	if err != nil {
		return err
	}
	again := s.nc.StatusChanged(nats.CONNECTED)
	s.running.Go(func() {
		defer func() { _, _ = members.Unsubscribe(), asked.Unsubscribe() }()
		beat := time.NewTicker(b.lease / 3)
		defer beat.Stop()
		for {
			select {
			case <-beat.C:
				b.announce()
				b.expire()
			case <-again: // what was said meanwhile was heard by nobody
				b.announce()
				_ = s.nc.Publish(budgetAsk, nil)
			case <-background.Done():
				return
			}
		}
	})
	return s.nc.Publish(budgetAsk, nil)
}
