// Package nearest finds what somebody may have meant by a misspelt name.
package nearest

import "strings"

// To is the known name that is nearest to name without regard to case, or empty if none is near:
// at most a third of its letters may differ, and two in a short one.
func To(name string, known []string) string {
	best, least := "", min(max(len(name)/3, 2)+1, len(name))
	for _, k := range known {
		if k == "" {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is Levenshtein's: how many bytes to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
