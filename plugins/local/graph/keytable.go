package graph

import (
	"hash/maphash"
	"math/bits"
)

// keyTable finds the number of a node by its key. In place of the key it keeps 64 bits of a hash, and other bits choose where to
// look: among ten million keys two are taken for one in about one scan of 10^10. It takes 16 bytes a key.
type keyTable struct {
	seeds [2]maphash.Seed
	slots []keySlot // at most three quarters full
}

type keySlot struct{ high, low, node uint32 } // node 0 is a free slot

// newKeyTable makes one for at most so many keys.
func newKeyTable(keys int64) *keyTable {
	return &keyTable{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, slots: make([]keySlot, 64+keys+keys/3+keys/64)}
}

// slot is where a key is, or the free one where it belongs.
func (t *keyTable) slot(key string) (s *keySlot, high, low uint32) {
	hash := maphash.String(t.seeds[0], key)
	high, low = uint32(hash>>32), uint32(hash) //nolint:gosec // the two halves
	i, _ := bits.Mul64(maphash.String(t.seeds[1], key), uint64(len(t.slots)))
	for {
		if s = &t.slots[i]; s.node == 0 || s.high == high && s.low == low {
			return s, high, low
		}
		if i++; i == uint64(len(t.slots)) {
			i = 0
		}
	}
}

// put adds a key, unless it is there.
func (t *keyTable) put(key string, node uint32) {
	if s, high, low := t.slot(key); s.node == 0 {
		*s = keySlot{high, low, node}
	}
}

// find answers the node of a key; 0 if there is none.
func (t *keyTable) find(key string) uint32 {
	s, _, _ := t.slot(key)
	return s.node
}
