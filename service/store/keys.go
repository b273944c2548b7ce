package store

import (
	"cmp"
	"context"
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

// GetKey is jobs.Keys.
func (s *Store) GetKey(_ context.Context, id string) (jobs.Key, error) { return s.keys.get(token(id)) }

// ListKeys is jobs.Keys.
func (s *Store) ListKeys(context.Context) ([]jobs.Key, error) {
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
