package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// minimize merges definitions that say the same, also those that refer to themselves: all are taken to be one until they
// differ, as when an automaton is minimized. It answers the definitions that are left and the number of each that was.
func minimize(defs []def) ([]def, []int) {
	class := make([]int, len(defs))
	for classes := 1; ; {
		numbers := map[string]int{}
		next := make([]int, len(defs))
		for i := range defs {
			signature := fmt.Sprintf("%d %s", class[i], sign(defs[i], class))
			if _, ok := numbers[signature]; !ok {
				numbers[signature] = len(numbers)
			}
			next[i] = numbers[signature]
		}
		class = next
		if len(numbers) == classes {
			break
		}
		classes = len(numbers)
	}
	kept := make([]def, 0, len(defs))
	for i, d := range defs {
		if class[i] == len(kept) {
			kept = append(kept, renumber(d, class))
		}
	}
	return kept, class
}

func sign(d def, class []int) string {
	var b strings.Builder
	items := -1
	if d.items >= 0 {
		items = class[d.items]
	}
	fmt.Fprintf(&b, "%d %d %q %q", d.kind, items, d.property, d.enum)
	for _, p := range d.props {
		fmt.Fprintf(&b, ",%s %d %d", p.name, p.flags, class[p.ref])
	}
	for _, value := range slices.Sorted(maps.Keys(d.variants)) {
		fmt.Fprintf(&b, ";%q %d", value, class[d.variants[value]])
	}
	return b.String()
}

func renumber(d def, number []int) def {
	if d.items >= 0 {
		d.items = number[d.items]
	}
	d.props = slices.Clone(d.props)
	for i := range d.props {
		d.props[i].ref = number[d.props[i].ref]
	}
	variants := map[string]int{}
	for value, ref := range d.variants {
		variants[value] = number[ref]
	}
	d.variants = variants
	return d
}
