package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"strings"
)

// magic begins the file, and says which form it has; docs/armschema.md describes it.
const magic = "armschema 1\n"

// encoder writes the file. What is used most has the smallest numbers, which take the fewest bytes.
type encoder struct {
	strings map[string]int
	uses    map[string]int
}

func encode(resources []resource, defs []def, number []int) []byte {
	e := &encoder{uses: map[string]int{}, strings: map[string]int{}}
	used := reach(resources, defs, number)
	order, place := sortByUse(defs, used)
	e.write(resources, defs, number, order, place) // counts
	table := slices.SortedFunc(maps.Keys(e.uses), func(a, b string) int {
		return cmp.Or(cmp.Compare(e.uses[b], e.uses[a]), strings.Compare(a, b))
	})
	for i, s := range table {
		e.strings[s] = i
	}
	types, bodies := e.write(resources, defs, number, order, place)
	out := []byte(magic)
	out = appendNumber(out, len(table))
	for _, s := range table {
		out = appendText(out, s)
	}
	out = append(out, types...)
	out = appendNumber(out, len(bodies))
	for _, b := range bodies {
		out = appendNumber(out, len(b))
	}
	return append(out, bytes.Join(bodies, nil)...)
}

// reach counts how often each definition is referred to from what a type's body leads to.
func reach(resources []resource, defs []def, number []int) map[int]int {
	used := map[int]int{}
	var visit func(at int)
	visit = func(at int) {
		used[at]++
		if used[at] > 1 {
			return
		}
		d := defs[at]
		if d.items >= 0 {
			visit(d.items)
		}
		for _, p := range d.props {
			visit(p.ref)
		}
		for _, value := range slices.Sorted(maps.Keys(d.variants)) {
			visit(d.variants[value])
		}
	}
	for _, r := range resources {
		if r.body >= 0 {
			visit(number[r.body])
		}
		for _, body := range r.named {
			visit(number[body])
		}
	}
	return used
}

func sortByUse(defs []def, used map[int]int) (order, place []int) {
	order = slices.Collect(maps.Keys(used))
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(used[b], used[a]), cmp.Compare(a, b)) })
	place = make([]int, len(defs))
	for i, at := range order {
		place[at] = i
	}
	return order, place
}

func (e *encoder) write(resources []resource, defs []def, number, order, place []int) (types []byte, bodies [][]byte) {
	types = appendNumber(nil, len(resources))
	for _, r := range resources {
		types = appendText(types, r.name)
		types = e.text(types, r.version)
		flags := r.scopes << 2
		if r.writable {
			flags |= 1
		}
		if r.listed {
			flags |= 2
		}
		types = append(types, flags)
		types = appendNumber(types, len(r.names))
		for _, name := range r.names {
			types = e.text(types, name)
		}
		body := 0
		if r.body >= 0 {
			body = place[number[r.body]] + 1
		}
		types = appendNumber(types, body)
		named := maps.Clone(r.named)
		maps.DeleteFunc(named, func(_ string, at int) bool { return number[at] == number[r.body] })
		types = appendNumber(types, len(named))
		for _, name := range slices.Sorted(maps.Keys(named)) {
			types = e.text(types, name)
			types = appendNumber(types, place[number[named[name]]])
		}
	}
	for _, at := range order {
		bodies = append(bodies, e.def(defs[at], place))
	}
	return types, bodies
}

func (e *encoder) def(d def, place []int) []byte {
	head := d.kind
	if d.items >= 0 {
		head |= 1 << 3
	}
	if d.property != "" {
		head |= 1 << 4
	}
	if len(d.enum) > 0 {
		head |= 1 << 5
	}
	out := []byte{head}
	if d.kind == kindObject {
		out = appendNumber(out, len(d.props))
		for _, p := range d.props {
			out = e.text(out, p.name)
			out = appendNumber(out, place[p.ref]<<flagBits|int(p.flags))
		}
	}
	if d.items >= 0 {
		out = appendNumber(out, place[d.items])
	}
	if d.property != "" {
		out = e.text(out, d.property)
		out = appendNumber(out, len(d.variants))
		for _, value := range slices.Sorted(maps.Keys(d.variants)) {
			out = e.text(out, value)
			out = appendNumber(out, place[d.variants[value]])
		}
	}
	if len(d.enum) > 0 {
		out = appendNumber(out, len(d.enum))
		for _, value := range d.enum {
			out = e.text(out, value)
		}
	}
	return out
}

func (e *encoder) text(out []byte, s string) []byte {
	e.uses[s]++
	return appendNumber(out, e.strings[s])
}

func appendText(out []byte, s string) []byte {
	return append(appendNumber(out, len(s)), s...)
}

func appendNumber(out []byte, n int) []byte {
	return binary.AppendUvarint(out, uint64(n)) //nolint:gosec // lengths and places are not negative
}
