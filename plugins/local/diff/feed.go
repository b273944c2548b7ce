package diff

import "context"

// feed hands on what is read elsewhere at the same time, in its order.
type feed[T any] struct {
	batches chan []T
	batch   []T
	err     error // to be read once batches is closed
}

const batchSize = 256

// newFeed begins to read. It ends with its source, or with ctx.
func newFeed[T any](ctx context.Context, read func(context.Context, func(T) error) error) *feed[T] {
	f := &feed[T]{batches: make(chan []T, 2)}
	go func() {
		defer close(f.batches)
		batch := make([]T, 0, batchSize)
		send := func() error {
			select {
			case f.batches <- batch:
				batch = make([]T, 0, batchSize)
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		f.err = read(ctx, func(v T) error {
			if batch = append(batch, v); len(batch) < batchSize {
				return nil
			}
			return send()
		})
		if f.err == nil && len(batch) > 0 {
			f.err = send()
		}
	}()
	return f
}

// peek is the next one; ok is false behind the last, or where the reading has failed.
func (f *feed[T]) peek() (next T, ok bool) {
	for len(f.batch) == 0 {
		if f.batch, ok = <-f.batches; !ok {
			return next, false
		}
	}
	return f.batch[0], true
}

// next goes on.
func (f *feed[T]) next() { f.batch = f.batch[1:] }

// merge calls each for all keys of both, in order, with what either has under the key.
func merge[T any](before, after *feed[T], key func(T) string, each func(before, after []T) error) error {
	take := func(f *feed[T], k string, into []T) []T {
		for v, ok := f.peek(); ok && key(v) == k; v, ok = f.peek() {
			into = append(into, v)
			f.next()
		}
		return into
	}
	var b, a []T
	for {
		first, hasBefore := before.peek()
		second, hasAfter := after.peek()
		if !hasBefore && !hasAfter {
			break
		}
		var k string
		switch {
		case !hasAfter || hasBefore && key(first) <= key(second):
			k = key(first)
		default:
			k = key(second)
		}
		b, a = take(before, k, b[:0]), take(after, k, a[:0])
		if err := each(b, a); err != nil {
			return err
		}
	}
	if before.err != nil {
		return before.err
	}
	return after.err
}
