package store

import (
	"context"
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

	mu  sync.RWMutex
	all map[string]kept[T]
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
	hear := func(e jetstream.KeyValueEntry) {
		k := kept[T]{revision: e.Revision(), removed: e.Operation() != jetstream.KeyValuePut}
		if !k.removed {
			if k.value, err = read(e.Value()); err != nil {
				s.log.Error("an entry cannot be read", "bucket", name, "key", e.Key(), "error", err)
				return
			}
		}
		b.learn(e.Key(), k)
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
	ctx, cancel := bound(ctx)
	defer cancel()
	data, err := encode(value)
	if err != nil {
		return err
	}
	revision, err := b.kv.Put(ctx, key, data)
	if err != nil {
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
