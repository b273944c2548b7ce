package nearest

import (
	"math/rand/v2"
	"testing"
)

// plain is the distance as its definition has it, the whole table of it.
func plain(a, b string) int {
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
		for j := range table[i] {
			switch {
			case i == 0 || j == 0:
				table[i][j] = i + j
				continue
			case a[i-1] == b[j-1]:
				table[i][j] = table[i-1][j-1]
			default:
				table[i][j] = 1 + min(table[i-1][j], table[i][j-1], table[i-1][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				table[i][j] = min(table[i][j], table[i-2][j-2]+1)
			}
		}
	}
	return table[len(a)][len(b)]
}

// The distance is that of the definition, up to where it is enough, whatever was compared before.
func TestDistanceIsThatOfTheDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		letters := make([]byte, random.IntN(9))
		for i := range letters {
			letters[i] = "abc"[random.IntN(3)]
		}
		return string(letters)
	}
	var r rows
	for range 20_000 {
		a, b, enough := word(), word(), 1+random.IntN(8)
		if got, want := r.distance(a, b, enough), min(enough, plain(a, b)); got != want {
			t.Fatalf("from %q to %q, %d are enough: %d, want %d", a, b, enough, got, want)
		}
	}
}
