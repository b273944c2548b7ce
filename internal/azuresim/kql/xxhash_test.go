package kql

import "testing"

// The first value is Kusto's own: its documentation of hash() prints it for "World". The others
// are those of the xxHash specification's reference program.
func TestHashIsKustos(t *testing.T) {
	tests := map[string]uint64{
		"World": 1846988464401551951,
		"":      0xef46db3751d8e999,
		"a":     0xd24ec4f1a98c6e5b,
		"abc":   0x44bc2cf5ad770999,
		"The quick brown fox jumps over the lazy dog": 0x0b242d361fda71bc,
	}
	for text, want := range tests {
		if got := xxhash64(text); got != want {
			t.Errorf("hash(%q) = %d, want %d", text, got, want)
		}
	}
}
