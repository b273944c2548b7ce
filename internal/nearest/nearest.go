// Package nearest finds what somebody may have meant by a misspelt name.
package nearest

import "strings"

// To is the known name that is most likely meant by name, without regard to case: the one with the
// fewest typing mistakes between, else the first that begins so. Empty if none is near: a third of the
// letters may be mistaken, two in a short name, and never all of them.
func To(name string, known []string) string {
	name = strings.ToLower(name)
	best, least := "", min(max(2, len(name)/3)+1, len(name))
	for _, k := range known {
		if d := distance(name, strings.ToLower(k)); k != "" && d < least {
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

// distance is the number of edits from a to b: insertions, deletions, replacements, and swaps of
// neighbours (the optimal string alignment distance, in bytes).
func distance(a, b string) int {
	before, row := []int(nil), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
