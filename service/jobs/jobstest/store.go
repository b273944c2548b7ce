// Package jobstest has the stores of package jobs in memory, for tests of whoever uses them. Records pass
// through JSON as they do in a real store, so that nothing is shared with a caller and what JSON does not carry
// is lost. Time does not pass by itself: a worker that died is reported by Expire.
package jobstest

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// Store is every store at once. Make one with New.
type Store struct {
	// PerOwner is how many jobs of one owner are with workers at a time; 0 is any number. Set it before use.
	PerOwner int

	mu   sync.Mutex
	fail func(call string) error

	records map[string]*record
	order   []string // ids, oldest first
	bells   bells    // by topic: "job ID", "events ID", "key ID", "queue"

	waiting   []string // ids that wait for a worker, in the order they came
	lastOwner string   // whom the queue served last
	delivered map[string]*delivery
	attempts  map[string]int
	retryAt   map[string]bool
	buried    map[string]string
	cancels   map[chan string]bool

	events map[string][]backend.Event
	live   map[string]backend.JobStatusResponse // phase and progress

	files     map[jobs.FileName]stored
	snapshots map[string][]byte
	keys      map[string][]byte
	keyOrder  []string
}

type record struct {
	content  []byte // jobs.Record as JSON
	revision jobs.Revision
}

var (
	_ jobs.Records   = (*Store)(nil)
	_ jobs.Queue     = (*Store)(nil)
	_ jobs.Events    = (*Store)(nil)
	_ jobs.Files     = (*Store)(nil)
	_ jobs.Snapshots = (*Store)(nil)
	_ jobs.Keys      = (*Store)(nil)
)

// New makes empty stores.
func New() *Store {
	return &Store{
		records: map[string]*record{}, bells: bells{},
		delivered: map[string]*delivery{}, attempts: map[string]int{}, retryAt: map[string]bool{}, buried: map[string]string{}, cancels: map[chan string]bool{},
		events: map[string][]backend.Event{}, live: map[string]backend.JobStatusResponse{},
		files: map[jobs.FileName]stored{}, snapshots: map[string][]byte{}, keys: map[string][]byte{},
	}
}

// FailWith makes calls fail: fail gets the name of the method (Enqueue, Put, GetKey, …) and answers the error to
// return, or nil to let the call go on. A nil fail ends it.
func (s *Store) FailWith(fail func(call string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

// enter locks the store, unless the call is to fail or its context has ended.
func (s *Store) enter(ctx context.Context, call string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	fail := s.fail
	s.mu.Unlock()
	if fail != nil {
		if err := fail(call); err != nil {
			return err
		}
	}
	s.mu.Lock()
	return nil
}

// Waiters is how many callers wait for a change of a job or a key, or watch events: none, once all of them
// have given up as they should.
func (s *Store) Waiters() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for topic, b := range s.bells {
		if topic != "queue" {
			n += len(b)
		}
	}
	return n
}

// bells wake those who wait for something.
type bells map[string]map[chan struct{}]bool

func (b bells) wait(topic string) chan struct{} {
	c := make(chan struct{})
	if b[topic] == nil {
		b[topic] = map[chan struct{}]bool{}
	}
	b[topic][c] = true
	return c
}

func (b bells) forget(topic string, c chan struct{}) {
	delete(b[topic], c)
	if len(b[topic]) == 0 {
		delete(b, topic)
	}
}

func (b bells) ring(topic string) {
	for c := range b[topic] {
		close(c)
	}
	delete(b, topic)
}

// subscribe waits for a topic on behalf of a caller.
func (s *Store) subscribe(topic string) (<-chan struct{}, func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.bells.wait(topic)
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.bells.forget(topic, c)
	}
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // the types of package jobs all marshal
	}
	return b
}

func decode[T any](b []byte) T {
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		panic(err) // encode wrote it
	}
	return v
}
