package store

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
)

const (
	// hearing is how long what was stored elsewhere may take to be heard of by itself, before it is read.
	hearing = 50 * time.Millisecond
	// freshness is how long an answer from memory waits for news. Behind that it is given as it is: a cluster that elects a leader
	// leaves lists and states readable.
	freshness = 2 * time.Second
	// pulse is how often a process sees to it by itself that it has heard everything.
	pulse = 2 * time.Second
)

// tail follows a stream of which something is kept in memory, and knows how far that is. Several processes share the streams of a
// cluster: who was told by one of them that something is stored, must find it at all others.
type tail struct {
	link
	stream, subject string
	take            func(message) // one that was not heard of by itself
	stopped         <-chan struct{}
	turn            chan struct{} // has room for one look at a time

	mu    sync.Mutex
	seen  uint64        // everything up to this sequence number was heard
	moved chan struct{} // closed and replaced when seen has grown
	next  *look         // that nobody has begun
}

// look is one look at how far the stream is, for all who ask before it begins.
type look struct {
	done chan struct{}
	err  error
}

func (s *Store) newTail(stream, subject string, take func(message)) *tail {
	return &tail{link: s.link, stream: stream, subject: subject, take: take, stopped: s.stopped, turn: make(chan struct{}, 1), moved: make(chan struct{})}
}

// reached says that everything up to a sequence number was heard.
func (t *tail) reached(seq uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if seq > t.seen {
		t.seen = seq
		close(t.moved)
		t.moved = make(chan struct{})
	}
}

// heard says that the message of a sequence number was heard, of a stream in which each is told of once, and may be lost. It says
// nothing of those before it.
func (t *tail) heard(seq uint64) {
	t.mu.Lock()
	follows := seq == t.seen+1
	t.mu.Unlock()
	if follows {
		t.reached(seq)
	}
}

func (t *tail) position() (seen uint64, moved <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen, t.moved
}

// current returns once everything was heard that had been stored when it was called, or with an error if that cannot be known in time.
func (t *tail) current(ctx context.Context) error {
	t.mu.Lock()
	if t.next == nil {
		t.next = &look{done: make(chan struct{})}
		go t.begin(context.WithoutCancel(ctx), t.next)
	}
	l := t.next
	t.mu.Unlock()
	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// begin looks when it is its turn.
func (t *tail) begin(ctx context.Context, l *look) {
	defer close(l.done)
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-t.stopped:
		l.err = errStopped
		return
	}
	t.mu.Lock()
	t.next = nil // who asks from now on may know of something later
	t.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, freshness)
	defer cancel()
	l.err = t.catchUp(ctx)
}

// catchUp hears everything that is stored now.
func (t *tail) catchUp(ctx context.Context) error {
	stream, err := t.js.Stream(ctx, t.stream) // of its leader
	if err != nil {
		return err
	}
	last := stream.CachedInfo().State.LastSeq
	if t.hears(ctx, last, hearing) {
		return nil
	}
	newest, err := t.last(ctx, t.stream, t.subject)
	if err != nil && !errors.Is(err, jobs.ErrNotFound) {
		return err
	}
	for { // a replica that is behind may leave out the newest
		seen, _ := t.position()
		if newest.seq <= seen { // what came behind it was removed
			t.reached(last)
			return nil
		}
		read := seen
		if err := t.scan(ctx, t.stream, t.subject, seen+1, func(m message) error {
			t.take(m)
			read = m.seq
			return nil
		}); err != nil {
			return err
		}
		t.reached(read)
		if read < newest.seq && t.hears(ctx, newest.seq, hearing) {
			t.reached(last)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// hears waits a while for everything up to a sequence number to be heard by itself.
func (t *tail) hears(ctx context.Context, seq uint64, while time.Duration) bool {
	over := time.NewTimer(while)
	defer over.Stop()
	for {
		seen, moved := t.position()
		if seen >= seq {
			return true
		}
		select {
		case <-moved:
		case <-over.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// fresh waits until memory has all that the tails' streams have, where other processes write to them, too. What cannot be had in time
// is left out: memory then answers as of a moment before.
func (s *Store) fresh(ctx context.Context, tails ...*tail) {
	if !s.shared {
		return
	}
	var all sync.WaitGroup
	for _, t := range tails {
		all.Go(func() {
			if err := t.current(ctx); err != nil && ctx.Err() == nil {
				s.log.DebugContext(ctx, "an answer may be of a moment before", "stream", t.stream, "error", err)
			}
		})
	}
	all.Wait()
}

// keepFresh sees to it now and then that nothing was missed, as when a server that told of it has died.
func (s *Store) keepFresh(background context.Context) {
	if !s.shared {
		return
	}
	s.running.Go(func() {
		again := time.NewTicker(pulse)
		defer again.Stop()
		for {
			select {
			case <-again.C:
				s.fresh(background, s.recordsTail, s.queueTail, s.snapshots.tail, s.keys.tail)
			case <-background.Done():
				return
			}
		}
	})
}
