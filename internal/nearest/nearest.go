// Package nearest finds what somebody may have meant by a misspelt name.
package nearest

import (
	"slices"
	"strings"
)

// To is the known name that is most likely meant by name, without regard to case: the one with the
// fewest typing mistakes between, else the first that begins so. Empty if none is near: a third of the
// letters may be mistaken, two in a short name, and never all of them.
func To(name string, known []string) string {
	name = strings.ToLower(name)
	best, least := "", min(max(2, len(name)/3)+1, len(name))
	var rows rows
	for _, k := range known {
		lower := strings.ToLower(k)
		if len(lower) >= len(name)+least || len(lower) <= len(name)-least {
			continue // as many edits as the lengths differ by are needed at least
		}
		if d := rows.distance(name, lower, least); k != "" && d < least {
			best, least = k, d
		}
	}
	for _, k := range known {
		if best == "" && len(name) >= 3 && strings.HasPrefix(strings.ToLower(k), name) {
			best = k
		}
	}
	return best
}

// rows are three rows of the table of distances, kept from one comparison to the next.
type rows [3][]int

// distance is the number of edits from a to b: insertions, deletions, replacements, and swaps of
// neighbours (the optimal string alignment distance, in bytes); enough where there are as many or more.
func (r *rows) distance(a, b string, enough int) int {
	for i := range r {
		r[i] = slices.Grow(r[i][:0], len(b)+1)[:len(b)+1]
	}
	before, row, next := r[0], r[1], r[2]
	for j := range row {
		row[j] = j
	}
	least := 0 // of the row
	for i := 1; i <= len(a); i++ {
		next[0] = i
		fewest := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
			fewest = min(fewest, next[j])
		}
		if least >= enough && fewest >= enough {
			return enough // a swap looks back two rows, and none further
		}
		before, row, next, least = row, next, before, fewest
	}
	return min(enough, row[len(b)])
}
