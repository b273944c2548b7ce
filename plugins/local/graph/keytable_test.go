package graph

import (
	"fmt"
	"testing"
)

func TestKeyTable(t *testing.T) {
	for _, n := range []int{0, 1, 1000, 100_000} {
		table := newKeyTable(int64(n))
		for i := range n {
			table.put(fmt.Sprint("key ", i), uint32(i+1))
			table.put(fmt.Sprint("key ", i), 7) // the first one stays
		}
		for i := range n {
			if got := table.find(fmt.Sprint("key ", i)); got != uint32(i+1) {
				t.Fatalf("of %d: key %d is node %d", n, i, got)
			}
			if got := table.find(fmt.Sprint("no key ", i)); got != 0 {
				t.Fatalf("of %d: an unknown key is node %d", n, got)
			}
		}
	}
}
