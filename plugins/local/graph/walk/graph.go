// Package walk follows the edges of a snapshot's graph: how two nodes are connected, and what one can reach.
// docs/paths.md says what counts as a way.
package walk

import (
	"cmp"
	"context"
	"slices"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// arc is an edge as seen from one of its ends.
type arc struct {
	node  int32 // the other end, from 1
	label int32 // an index of network.labels
}

// network is a graph in memory: about 16 bytes for each edge and 6 for each node.
type network struct {
	reader *graph.Reader
	labels []graph.Edge // without their nodes, sorted, so that their order depends on the content alone
	kinds  []uint8      // by node number: an index of kindNames
	types  []int32      // by node number: an index of typeNames
	out    [2][]arc     // by direction: along and against the edges
	first  [2][]int32   // by node number: where its arcs begin in out; those of the next node end them

	kindNames []graph.NodeKind
	typeNames []string
}

// The directions in which an edge is walked.
const (
	along   = 0
	against = 1
)

// load reads the graph of a snapshot that has one.
func load(ctx context.Context, r *graph.Reader) (*network, error) {
	n := &network{reader: r, kinds: make([]uint8, 1), types: make([]int32, 1)}
	kinds, types := map[graph.NodeKind]uint8{}, map[string]int32{}
	err := r.NodeTypes(ctx, func(number int64, kind graph.NodeKind, typ string) error {
		if number != int64(len(n.kinds)) {
			return n.damaged()
		}
		n.kinds = append(n.kinds, indexOf(kinds, &n.kindNames, kind))
		n.types = append(n.types, indexOf(types, &n.typeNames, typ))
		return nil
	})
	if err != nil {
		return nil, err
	}
	position, err := n.readLabels(ctx)
	if err != nil {
		return nil, err
	}
	size := len(n.kinds)
	n.first[along] = make([]int32, 1, size+1)
	incoming := make([]int32, size+1)
	err = r.Links(ctx, func(source, label, target int64) error {
		if source < 1 || target < 1 || source >= int64(size) || target >= int64(size) || len(n.out[along]) >= 1<<31-1 {
			return n.damaged()
		}
		for len(n.first[along]) <= int(source) {
			n.first[along] = append(n.first[along], int32(len(n.out[along]))) //nolint:gosec // checked above
		}
		n.out[along] = append(n.out[along], arc{int32(target), position[label]}) //nolint:gosec // below size
		incoming[target]++
		return nil
	})
	if err != nil {
		return nil, err
	}
	for len(n.first[along]) <= size {
		n.first[along] = append(n.first[along], int32(len(n.out[along]))) //nolint:gosec // checked above
	}
	n.turn(incoming)
	for _, direction := range []int{along, against} {
		for node := 1; node < size; node++ {
			slices.SortFunc(n.arcs(direction, int32(node)), func(a, b arc) int {
				return cmp.Or(cmp.Compare(a.label, b.label), cmp.Compare(a.node, b.node))
			})
		}
	}
	return n, nil
}

// indexOf is the index of a value in names, to which it is added if it is new.
func indexOf[T comparable, I uint8 | int32](known map[T]I, names *[]T, value T) I {
	i, ok := known[value]
	if !ok {
		i = I(len(*names))
		known[value] = i
		*names = append(*names, value)
	}
	return i
}

// readLabels sorts what edges say, and answers where each label of the snapshot has come.
func (n *network) readLabels(ctx context.Context) (map[int64]int32, error) {
	known, err := n.reader.EdgeLabels(ctx)
	if err != nil {
		return nil, err
	}
	numbers := make([]int64, 0, len(known))
	for number := range known {
		numbers = append(numbers, number)
	}
	slices.SortFunc(numbers, func(a, b int64) int {
		x, y := known[a], known[b]
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Property, y.Property), cmp.Compare(x.Detail, y.Detail), cmp.Compare(x.Rule, y.Rule), cmp.Compare(a, b))
	})
	position := make(map[int64]int32, len(known))
	n.labels = make([]graph.Edge, len(numbers))
	for i, number := range numbers {
		n.labels[i], position[number] = known[number], int32(i)
	}
	return position, nil
}

// turn makes the arcs against the edges. incoming counts them by node.
func (n *network) turn(incoming []int32) {
	first := make([]int32, len(incoming))
	for node := 1; node < len(incoming); node++ {
		first[node] = first[node-1] + incoming[node-1]
	}
	n.out[against] = make([]arc, len(n.out[along]))
	next := slices.Clone(first)
	for node := 1; node < len(n.kinds); node++ {
		for _, a := range n.arcs(along, int32(node)) {
			n.out[against][next[a.node]] = arc{int32(node), a.label}
			next[a.node]++
		}
	}
	n.first[against] = first
}

// arcs are the edges at a node that are walked in a direction.
func (n *network) arcs(direction int, node int32) []arc {
	return n.out[direction][n.first[direction][node]:n.first[direction][node+1]]
}

func (n *network) kind(node int32) graph.NodeKind { return n.kindNames[n.kinds[node]] }

// damaged is the fault of numbers that fit no node.
func (n *network) damaged() error {
	return fault.Newf(fault.Integrity, "the graph of the snapshot %s is damaged", n.reader.Snapshot().ID)
}
