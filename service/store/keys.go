package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/service/jobs"
)

func (s *Store) startKeys(ctx, background context.Context) (err error) {
	s.keys, err = follow(ctx, background, s, keysBucket, func(b []byte) (k jobs.Key, err error) { return k, decode(b, &k) })
	return err
}

// PutKey is jobs.Keys.
func (s *Store) PutKey(ctx context.Context, k jobs.Key) error {
	return s.fault(ctx, s.keys.put(ctx, token(k.ID), k), "the key could not be stored")
}

// GetKey is jobs.Keys. One that is not known may have been made a moment ago, by another process.
func (s *Store) GetKey(ctx context.Context, id string) (jobs.Key, error) {
	k, err := s.keys.get(token(id))
	if errors.Is(err, jobs.ErrNotFound) {
		s.fresh(ctx, s.keys.tail)
		k, err = s.keys.get(token(id))
	}
	return k, err
}

// ListKeys is jobs.Keys.
func (s *Store) ListKeys(ctx context.Context) ([]jobs.Key, error) {
	s.fresh(ctx, s.keys.tail)
	keys := s.keys.values()
	slices.SortFunc(keys, func(a, b jobs.Key) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	return keys, nil
}

// KeyChanged is jobs.Keys.
func (s *Store) KeyChanged(id string) (<-chan struct{}, func()) {
	return s.keys.waiters.wait(token(id))
}
