package graph

import "hash/maphash"

// keyTable finds the number of a node by its key. It keeps 16 bytes for each in place of the key, at most two thirds full:
// two keys are taken for one if 96 bits of their hashes are equal, which among ten million happens once in 10^14 scans.
type keyTable struct {
	seeds [2]maphash.Seed
	slots []keySlot // a power of two
	used  int
}

type keySlot struct {
	hash uint64
	more uint32
	node uint32 // 0 is a free slot
}

// newKeyTable makes one for so many keys; more may come.
func newKeyTable(keys int64) *keyTable {
	size := 1024
	for int64(2*size) < 3*(keys+1) {
		size *= 2
	}
	return &keyTable{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, slots: make([]keySlot, size)}
}

func (t *keyTable) hash(key string) keySlot {
	return keySlot{hash: maphash.String(t.seeds[0], key), more: uint32(maphash.String(t.seeds[1], key))} //nolint:gosec // its low half
}

// slot is where a hash is, or where it belongs.
func (t *keyTable) slot(h keySlot) *keySlot {
	mask := uint64(len(t.slots) - 1) //nolint:gosec // a length
	for i := h.hash & mask; ; i = (i + 1) & mask {
		if s := &t.slots[i]; s.node == 0 || s.hash == h.hash && s.more == h.more {
			return s
		}
	}
}

// put adds a key, unless it is there.
func (t *keyTable) put(key string, node uint32) {
	if 3*(t.used+1) > 2*len(t.slots) {
		old := t.slots
		t.slots = make([]keySlot, 2*len(old))
		for _, s := range old {
			if s.node != 0 {
				*t.slot(s) = s
			}
		}
	}
	h := t.hash(key)
	if s := t.slot(h); s.node == 0 {
		h.node = node
		*s = h
		t.used++
	}
}

// find answers the node of a key; 0 if there is none.
func (t *keyTable) find(key string) uint32 { return t.slot(t.hash(key)).node }
