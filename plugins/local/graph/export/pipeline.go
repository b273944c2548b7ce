package export

import (
	"context"
	"runtime"
	"sync"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// batchNodes is how many nodes one goroutine hands to the other.
const batchNodes = 128

// nodeBatch is some nodes as they were read, and what is made of them.
type nodeBatch struct {
	nodes []readNode
	made  []*node
	done  chan struct{} // closed when they are made
}

// readNode is a node with what its row says.
type readNode struct {
	node     graph.Node
	part     part
	row      *graph.Row
	identity *graph.Identity
}

// eachNode yields the nodes with what their rows say. They are read by one goroutine, and made by as many as there are processors: by one alone
// where pseudonyms are numbered as they come.
func (s *source) eachNode(ctx context.Context, yield func(*node) error) error {
	ctx, cancel := context.WithCancel(ctx)
	todo, order := make(chan *nodeBatch, 4), make(chan *nodeBatch, 4)
	var failed error // of reading; there once order is closed
	go func() {
		defer close(order)
		defer close(todo)
		failed = s.read(ctx, todo, order)
	}()
	makers := runtime.GOMAXPROCS(0)
	if s.content.hidden != nil {
		makers = 1
	}
	var all sync.WaitGroup
	counts := make([]int64, makers)
	for i := range makers {
		all.Go(func() {
			c := &content{hidden: s.content.hidden, builtIn: s.content.builtIn}
			for b := range todo {
				b.make(c)
				close(b.done)
			}
			counts[i] = c.redacted
		})
	}
	err := s.write(order, yield)
	cancel()
	for range order { // the reader has to come to its end
	}
	all.Wait()
	for _, n := range counts {
		s.content.redacted += n
	}
	if err == nil {
		err = failed
	}
	return err
}

// write yields what was made, in the order in which it was read.
func (s *source) write(order <-chan *nodeBatch, yield func(*node) error) error {
	for b := range order {
		<-b.done
		for _, n := range b.made {
			if err := yield(n); err != nil {
				return err
			}
		}
	}
	return nil
}

// read hands over the nodes that are chosen.
func (s *source) read(ctx context.Context, todo, order chan<- *nodeBatch) error {
	m, err := newMerge(ctx, s.reader)
	if err != nil {
		return err
	}
	defer m.close()
	b := &nodeBatch{done: make(chan struct{})}
	hand := func() error {
		todo <- b // a maker takes it, and order has as much room
		select {
		case order <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
		b = &nodeBatch{done: make(chan struct{})}
		return nil
	}
	err = s.reader.Nodes(ctx, func(n graph.Node) error {
		r := readNode{node: n, part: s.chosen.node(n.Number)}
		if r.part == nothing {
			return nil
		}
		if r.part != stub && !s.bare {
			if err := m.fill(&r); err != nil {
				return err
			}
		}
		if b.nodes = append(b.nodes, r); len(b.nodes) == batchNodes {
			return hand()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return hand()
}

// fill reads the row of a node.
func (m *merge) fill(r *readNode) error {
	switch r.node.Kind {
	case graph.NodeTenant, graph.NodeHost:
	case graph.NodeResource, graph.NodeRoleDefinition, graph.NodeSubscription, graph.NodeManagementGroup, graph.NodeResourceGroup:
		row, err := m.row(r.node.Kind, r.node.Key)
		if err != nil {
			return err
		}
		if row != nil {
			held := *row // the next one takes its place
			r.row = &held
		}
	default:
		i, err := m.identity(r.node.Key)
		if err != nil {
			return err
		}
		if i != nil {
			held := *i
			r.identity = &held
		}
	}
	return nil
}

// make makes the nodes.
func (b *nodeBatch) make(c *content) {
	b.made = make([]*node, len(b.nodes))
	for i := range b.nodes {
		r := &b.nodes[i]
		n := c.node(&r.node)
		if r.part == stub && n.state == string(graph.IdentityPresent) {
			n.state = stateOutside
		}
		if r.row != nil {
			c.addRow(n, r.row)
		}
		if r.identity != nil {
			c.addIdentity(n, r.identity)
		}
		b.made[i] = n
	}
	b.nodes = nil
}
