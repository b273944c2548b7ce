package tenant

import (
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"sync"
)

// shards is into how many parts the maps of a written table are cut, so that a copy of a table
// copies only the part that changes.
const shards = 256

// sharded is a map whose copies share what has not changed since.
type sharded[K comparable, V any] struct {
	parts [shards]map[K]V
}

func (s *sharded[K, V]) get(shard uint32, key K) (V, bool) {
	value, ok := s.parts[shard][key]
	return value, ok
}

func (s *sharded[K, V]) set(shard uint32, key K, value V) {
	part := maps.Clone(s.parts[shard])
	if part == nil {
		part = map[K]V{}
	}
	part[key] = value
	s.parts[shard] = part
}

func (s *sharded[K, V]) drop(shard uint32, key K) {
	part := maps.Clone(s.parts[shard])
	delete(part, key)
	s.parts[shard] = part
}

var shardSeed = maphash.MakeSeed()

func shardOf(id string) uint32 { return uint32(maphash.String(shardSeed, id) % shards) }

// lazyLookup are the rows that have been written by subscription and group, once they are wanted.
type lazyLookup struct {
	once                    sync.Once
	bySubscription, byGroup map[string][]uint32
}

func (t *writtenTable) findWritten() *lazyLookup {
	l := &t.lookup
	l.once.Do(func() {
		l.bySubscription, l.byGroup = map[string][]uint32{}, map[string][]uint32{}
		for i := range t.len {
			row := uint32(t.base.Len() + i)
			if t.hidden(row) {
				continue
			}
			subscription := strings.ToLower(t.Text(row, subscriptionIDColumn))
			l.bySubscription[subscription] = append(l.bySubscription[subscription], row)
			if group := strings.ToLower(t.Text(row, groupColumn)); group != "" {
				key := subscription + "/" + group
				l.byGroup[key] = append(l.byGroup[key], row)
			}
		}
	})
	return l
}

func (t *writtenTable) InSubscription(subscription string) []uint32 {
	return t.shown(t.base.InSubscription(subscription), t.findWritten().bySubscription[strings.ToLower(subscription)])
}

func (t *writtenTable) InGroup(subscription, group string) []uint32 {
	return t.shown(t.base.InGroup(subscription, group), t.findWritten().byGroup[strings.ToLower(subscription+"/"+group)])
}

// shown are the rows of the base that are not hidden, and those that have been written.
func (t *writtenTable) shown(base, written []uint32) []uint32 {
	kept := make([]uint32, 0, len(base)+len(written))
	for _, row := range base {
		if !t.hidden(row) {
			kept = append(kept, row)
		}
	}
	return append(kept, written...)
}

// ByID has the hidden rows too, as that of a changedTable.
func (t *writtenTable) ByID() []uint32 {
	t.order.once.Do(func() {
		base := t.base.ByID()
		if base == nil && t.base.Len() > 0 {
			return
		}
		written := make([]uint32, t.len)
		ids := make([]string, t.len)
		for i := range written {
			written[i] = uint32(t.base.Len() + i)
			ids[i] = t.Text(written[i], idColumn)
		}
		own := func(row uint32) string { return ids[int(row)-t.base.Len()] }
		slices.SortStableFunc(written, func(a, b uint32) int { return strings.Compare(own(a), own(b)) })
		t.order.rows = make([]uint32, 0, t.Len())
		for _, row := range base {
			for len(written) > 0 && own(written[0]) < t.base.Text(row, idColumn) {
				t.order.rows = append(t.order.rows, written[0])
				written = written[1:]
			}
			t.order.rows = append(t.order.rows, row)
		}
		t.order.rows = append(t.order.rows, written...)
	})
	return t.order.rows
}
