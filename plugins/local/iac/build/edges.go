package build

import (
	"context"
	"slices"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// number is the number of a generated resource.
func (b *builder) number(at int32) template.Node {
	n, ok := slices.BinarySearch(b.generated, at)
	if !ok {
		return template.NoNode
	}
	return template.Node(n) //nolint:gosec // a snapshot has fewer rows than 2^31
}

// connect numbers the generated resources, and turns what their bodies refer to into edges between them, without cycles.
func (b *builder) connect(ctx context.Context) error {
	for i := range b.nodes {
		if n := &b.nodes[i]; n.state == generated {
			b.generated = append(b.generated, int32(i))
		}
	}
	if err := b.waitForLocked(ctx); err != nil {
		return err
	}
	b.edgeAt = make([]int32, 0, len(b.generated)+1)
	for _, at := range b.generated {
		b.edgeAt = append(b.edgeAt, int32(len(b.edges))) //nolint:gosec // as above
		from := len(b.edges)
		m := &b.measures[at]
		for _, dep := range b.deps[m.depsAt : m.depsAt+int32(m.deps)] {
			if to, ok := b.standsFor(dep); ok && to != at {
				b.edges = append(b.edges, b.number(to))
			}
		}
		byID := slices.Clone(b.edges[from:])
		for _, p := range b.principals.of(at) {
			to := b.number(p.to.node)
			b.edges = append(b.edges, to)
			if !slices.Contains(byID, to) {
				b.byProperty[[2]int32{at, p.to.node}] = true
			}
		}
		for _, l := range b.behind[at] {
			to := b.number(l.node)
			b.edges = append(b.edges, to)
			if !slices.Contains(byID, to) {
				b.byProperty[[2]int32{at, l.node}] = true
			}
		}
		mine := b.edges[from:]
		slices.Sort(mine)
		b.edges = b.edges[:from+len(slices.Compact(mine))]
	}
	b.edgeAt = append(b.edgeAt, int32(len(b.edges))) //nolint:gosec // as above
	b.deps = nil
	b.breakCycles()
	return nil
}

// standsFor is the generated resource that stands for a row in what refers to it.
func (b *builder) standsFor(at int32) (int32, bool) {
	for at >= 0 {
		n := &b.nodes[at]
		switch {
		case n.state == generated:
			return at, true
		case n.state == inBody, n.state == trimmed && (n.reason == report.ServiceDefault || n.reason == report.DefaultsOnly):
			if n.up >= 0 && b.types[b.nodes[n.up].typ].lower == groupRowType {
				return 0, false
			}
			at = n.up
		default:
			return 0, false
		}
	}
	return 0, false
}

// after are the resources that one waits for.
func (b *builder) after(n template.Node) []template.Node {
	return b.edges[b.edgeAt[n]:b.edgeAt[n+1]]
}

func (b *builder) isBroken(from, to int32) bool {
	_, broken := b.broken[[2]int32{from, to}]
	return broken
}

// above says that a resource hangs below another, however far: such an edge cannot be broken.
func (b *builder) hangsBelow(n, other template.Node) bool {
	for at := b.nodes[b.generated[n]].up; at >= 0; at = b.nodes[at].up {
		if at == b.generated[other] {
			return true
		}
	}
	return false
}

// breakCycles takes out edges until there is no cycle. Of resources that refer to each other, the first edges in the order of ids stay; those
// to what is above always do.
func (b *builder) breakCycles() {
	for _, members := range components(len(b.generated), func(n int32) []template.Node { return b.after(template.Node(n)) }) {
		slices.Sort(members)
		b.breakCycle(members)
	}
	if len(b.broken) == 0 {
		return
	}
	edges, at := b.edges[:0], make([]int32, 0, len(b.edgeAt))
	for n := range b.generated {
		mine := b.after(template.Node(n))
		at = append(at, int32(len(edges))) //nolint:gosec // as above
		for _, to := range mine {
			if !b.isBroken(b.generated[n], b.generated[to]) {
				edges = append(edges, to)
			}
		}
	}
	at = append(at, int32(len(edges))) //nolint:gosec // as above
	b.edges, b.edgeAt = edges, at
}

// The states of a resource on a cycle.
const (
	elsewhere = iota // on no cycle with the others
	toCome
	onTheWay
	passed
)

// step is a resource on the way along edges, with those that are still to be followed.
type step struct {
	n     template.Node
	edges []template.Node
}

// breakCycle follows the edges between resources, and breaks those that lead back to where the way came from. So it takes time for each
// edge once, and every edge that it breaks is on a cycle.
func (b *builder) breakCycle(members []int32) {
	state := make(map[template.Node]uint8, len(members))
	for _, m := range members {
		state[template.Node(m)] = toCome
	}
	var way []step
	enter := func(n template.Node) {
		state[n] = onTheWay
		way = append(way, step{n, b.aboveFirst(n)})
	}
	for _, m := range members {
		if state[template.Node(m)] == toCome {
			enter(template.Node(m))
		}
		for len(way) > 0 {
			s := &way[len(way)-1]
			if len(s.edges) == 0 {
				state[s.n] = passed
				way = way[:len(way)-1]
				continue
			}
			to := s.edges[0]
			s.edges = s.edges[1:]
			switch state[to] {
			case onTheWay:
				b.broken[[2]int32{b.generated[s.n], b.generated[to]}] = struct{}{}
			case toCome:
				if b.belowTheWay(to, state) { // what it hangs below leads here, and that edge stays
					b.broken[[2]int32{b.generated[s.n], b.generated[to]}] = struct{}{}
					continue
				}
				enter(to)
			}
		}
	}
}

// aboveFirst are the edges of a resource, first those to what is above it.
func (b *builder) aboveFirst(n template.Node) []template.Node {
	edges := make([]template.Node, 0, len(b.after(n)))
	for _, above := range []bool{true, false} {
		for _, to := range b.after(n) {
			if b.hangsBelow(n, to) == above {
				edges = append(edges, to)
			}
		}
	}
	return edges
}

// belowTheWay says that a resource hangs below one on the way.
func (b *builder) belowTheWay(n template.Node, state map[template.Node]uint8) bool {
	for at := b.nodes[b.generated[n]].up; at >= 0; at = b.nodes[at].up {
		if up := b.number(at); up != template.NoNode && state[up] == onTheWay {
			return true
		}
	}
	return false
}

// components are the strongly connected ones, of more than one vertex, of a graph with vertices 0 to n-1 (Tarjan's algorithm, without
// recursion).
func components[V ~int32](n int, after func(int32) []V) [][]int32 {
	var (
		out     [][]int32
		index   = make([]int32, n) // 0 is not visited
		low     = make([]int32, n)
		onStack = make([]bool, n)
		stack   []int32
		next    = int32(1)
	)
	type frame struct {
		v    int32
		edge int
	}
	var calls []frame
	for root := range n {
		if index[root] != 0 {
			continue
		}
		calls = append(calls[:0], frame{v: int32(root)})
		for len(calls) > 0 {
			f := &calls[len(calls)-1]
			v := f.v
			if f.edge == 0 && index[v] == 0 {
				index[v], low[v] = next, next
				next++
				stack = append(stack, v)
				onStack[v] = true
			}
			edges := after(v)
			if f.edge < len(edges) {
				w := int32(edges[f.edge])
				f.edge++
				switch {
				case index[w] == 0:
					calls = append(calls, frame{v: w})
				case onStack[w]:
					low[v] = min(low[v], index[w])
				}
				continue
			}
			if low[v] == index[v] {
				from := len(stack) - 1
				for onStack[stack[from]] = false; stack[from] != v; onStack[stack[from]] = false {
					from--
				}
				if len(stack)-from > 1 {
					out = append(out, slices.Clone(stack[from:]))
				}
				stack = stack[:from]
			}
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				up := calls[len(calls)-1].v
				low[up] = min(low[up], low[v])
			}
		}
	}
	return out
}

// sorted are the vertices of a graph without cycles in an order in which each stands behind those that it waits for, and else as
// early as its number lets it.
func sorted[V ~int32](n int, after func(int32) []V) []int32 {
	waits := make([]int32, n)
	from := make([]int32, n+1) // where those that wait for a vertex begin in before
	for v := range n {
		for _, w := range after(int32(v)) {
			waits[v]++
			from[w+1]++
		}
	}
	for v := range n {
		from[v+1] += from[v]
	}
	before, next := make([]int32, from[n]), slices.Clone(from)
	for v := range n {
		for _, w := range after(int32(v)) {
			before[next[w]] = int32(v)
			next[w]++
		}
	}
	ready := &heap{}
	for v := range n {
		if waits[v] == 0 {
			ready.push(int32(v))
		}
	}
	order := make([]int32, 0, n)
	for len(*ready) > 0 {
		v := ready.pop()
		order = append(order, v)
		for _, w := range before[from[v]:from[v+1]] {
			if waits[w]--; waits[w] == 0 {
				ready.push(w)
			}
		}
	}
	return order
}

// heap is a heap of numbers, the smallest first.
type heap []int32

func (h *heap) push(v int32) {
	*h = append(*h, v)
	s := *h
	for i := len(s) - 1; i > 0 && s[i] < s[(i-1)/2]; i = (i - 1) / 2 {
		s[i], s[(i-1)/2] = s[(i-1)/2], s[i]
	}
}

func (h *heap) pop() int32 {
	s := *h
	top := s[0]
	last := len(s) - 1
	s[0] = s[last]
	s = s[:last]
	*h = s
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			return top
		}
		if child+1 < last && s[child+1] < s[child] {
			child++
		}
		if s[i] <= s[child] {
			return top
		}
		s[i], s[child] = s[child], s[i]
		i = child
	}
}
