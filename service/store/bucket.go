package store

import (
	"context"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/azure-tenant-grapher/atg/service/jobs"
)

// bucket is a key-value bucket of which something of every value is in memory, at most a moment behind a
// change anywhere.
type bucket[T any] struct {
	kv      jetstream.KeyValue
	read    func([]byte) (T, error) // what is kept of a value
	waiters waiters                 // by key
	tail    *tail

	mu  sync.RWMutex
	all map[string]kept[T]
}

// keyed is an entry of a bucket, or its removal.
type keyed struct {
	key      string
	value    []byte
	revision uint64
	removed  bool
}

// entryOf is the entry that a message of a bucket's stream is.
func entryOf(m message, bucket string) keyed {
	return keyed{strings.TrimPrefix(m.subject, bucketSubject(bucket, "")), m.data, m.seq, removed(m.header)}
}

type kept[T any] struct {
	value    T
	revision uint64
	removed  bool
}

// follow fills a bucket's memory and keeps it current until background ends.
func follow[T any](ctx, background context.Context, s *Store, name string, read func([]byte) (T, error)) (*bucket[T], error) {
	b := &bucket[T]{read: read, all: map[string]kept[T]{}}
	var err error
	if b.kv, err = s.js.KeyValue(ctx, name); err != nil {
		return nil, err
	}
	watcher, err := b.kv.WatchAll(background)
	if err != nil {
		return nil, err
	}
	take := func(e keyed) {
		k := kept[T]{revision: e.revision, removed: e.removed}
		if !k.removed {
			var err error
			if k.value, err = read(e.value); err != nil {
				s.log.Error("an entry cannot be read", "bucket", name, "key", e.key, "error", err)
				return
			}
		}
		b.learn(e.key, k)
	}
	b.tail = s.newTail(bucketStream(name), bucketSubject(name, ">"), func(m message) { take(entryOf(m, name)) })
	hear := func(e jetstream.KeyValueEntry) {
		take(keyed{e.Key(), e.Value(), e.Revision(), e.Operation() != jetstream.KeyValuePut})
		b.tail.reached(e.Revision())
	}
	if err := s.first(ctx, watcher.Updates(), hear); err != nil {
		return nil, err
	}
	s.running.Go(func() {
		for e := range watcher.Updates() {
			if e != nil {
				hear(e)
			}
		}
	})
	return b, nil
}

// learn takes a value, unless a later one is known.
func (b *bucket[T]) learn(key string, k kept[T]) {
	b.mu.Lock()
	news := b.all[key].revision < k.revision
	if news {
		b.all[key] = k
	}
	b.mu.Unlock()
	if news {
		b.waiters.wake(key)
	}
}

// put stores a value durably, and what is kept of it.
func (b *bucket[T]) put(ctx context.Context, key string, value any) error {
	data, err := encode(value)
	if err != nil {
		return err
	}
	var revision uint64
	if err := b.tail.persist(ctx, func(ctx context.Context) (err error) {
		revision, err = b.kv.Put(ctx, key, data)
		return err
	}); err != nil {
		return err
	}
	k := kept[T]{revision: revision}
	if k.value, err = b.read(data); err != nil {
		return err
	}
	b.learn(key, k)
	return nil
}

// get answers what is kept of a value; jobs.ErrNotFound.
func (b *bucket[T]) get(key string) (T, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	k := b.all[key]
	if k.revision == 0 || k.removed {
		var none T
		return none, jobs.ErrNotFound
	}
	return k.value, nil
}

// remove removes a value; jobs.ErrNotFound.
func (b *bucket[T]) remove(ctx context.Context, key string) error {
	ctx, cancel := bound(ctx)
	defer cancel()
	if _, err := b.get(key); err != nil {
		return err
	}
	if err := b.kv.Purge(ctx, key, jetstream.PurgeTTL(marker)); err != nil {
		return err
	}
	b.mu.Lock()
	b.all[key] = kept[T]{revision: b.all[key].revision, removed: true}
	b.mu.Unlock()
	b.waiters.wake(key)
	return nil
}

// values are what is kept of every value, in no particular order.
func (b *bucket[T]) values() []T {
	b.mu.RLock()
	defer b.mu.RUnlock()
	values := make([]T, 0, len(b.all))
	for _, k := range b.all {
		if !k.removed {
			values = append(values, k.value)
		}
	}
	return values
}
