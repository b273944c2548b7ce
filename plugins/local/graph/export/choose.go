package export

import (
	"context"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph/filter"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// part is how much of a node is written.
type part uint8

const (
	nothing part = iota
	above        // all of it, because it contains something that is chosen; of its edges those between what is chosen
	stub         // what names it, because an edge leads to it
	whole
)

// choice is what a filter takes, by node number. It takes five bytes a node.
type choice struct {
	parts  []part
	parent []int32
}

// node says how much of a node is written. Of no choice, everything is.
func (c *choice) node(number int64) part {
	if c == nil {
		return whole
	}
	return c.parts[number]
}

// edge says that an edge is written: one of which one end is chosen, and those of containers among themselves.
func (c *choice) edge(source, target int64) bool {
	if c == nil {
		return true
	}
	a, b := c.parts[source], c.parts[target]
	return a == whole || b == whole || a == above && b == above
}

// choose finds what a filter takes; nil is everything. A filter that takes nothing is fault.InvalidArgument.
func choose(ctx context.Context, r *graph.Reader, given backend.Filter) (*choice, error) {
	f, err := filter.New(ctx, r, given)
	if err != nil {
		return nil, err
	}
	if f.All() {
		return nil, nil
	}
	c := &choice{parts: make([]part, 1), parent: make([]int32, 1)}
	if err := r.NodeTypes(ctx, func(int64, graph.NodeKind, string) error {
		c.parts, c.parent = append(c.parts, nothing), append(c.parent, 0)
		return nil
	}); err != nil {
		return nil, err
	}
	known, err := r.EdgeLabels(ctx)
	if err != nil {
		return nil, err
	}
	broken := fault.Newf(fault.Integrity, "the graph of the snapshot %s is damaged", r.Snapshot().ID)
	size := int64(len(c.parts))
	if err := r.Links(ctx, func(source, label, target int64) error {
		if source < 1 || source >= size || target < 1 || target >= size {
			return broken
		}
		if known[label].Kind == "CONTAINS" {
			c.parent[target] = int32(source) //nolint:gosec // a node: checked above
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if err := c.resources(ctx, r, f); err != nil {
		return nil, err
	}
	chosen := false
	for number := range c.parts {
		if c.parts[number] != whole {
			continue
		}
		chosen = true
		for up := c.parent[number]; up > 0 && c.parts[up] == nothing; up = c.parent[up] {
			c.parts[up] = above
		}
	}
	if !chosen {
		return nil, fault.New(fault.InvalidArgument, "nothing in the snapshot passes the filter",
			fault.Hint("look at names and spellings: `atg snapshot show %s` lists subscriptions, types and regions", r.Snapshot().ID))
	}
	return c, r.Links(ctx, func(source, _, target int64) error {
		for _, ends := range [][2]int64{{source, target}, {target, source}} {
			if c.parts[ends[0]] == whole && c.parts[ends[1]] == nothing {
				c.parts[ends[1]] = stub
			}
		}
		return nil
	})
}

// resources marks the resources and groups that pass.
func (c *choice) resources(ctx context.Context, r *graph.Reader, f *filter.Filter) error {
	m, err := newMerge(ctx, r)
	if err != nil {
		return err
	}
	defer m.close()
	const (
		excluded = 1 << iota // of a type that is left out, or below one
		fits                 // location and tags pass, its own or those of what it is a part of
	)
	marks := make([]uint8, len(c.parts))
	return r.Nodes(ctx, func(n graph.Node) error {
		if n.Kind != graph.NodeResource && n.Kind != graph.NodeResourceGroup || n.State == graph.NodeMissing {
			return nil
		}
		within := f.Within(n.SubscriptionID, n.ResourceGroup)
		if n.Kind == graph.NodeResourceGroup {
			if within && f.Open() {
				c.parts[n.Number] = whole
			}
			return nil
		}
		typ := strings.ToLower(n.Type)
		mark := marks[c.parent[n.Number]] & excluded // parts come behind what they are parts of
		if f.Excludes(typ) {
			mark |= excluded
		}
		row, err := m.row(n.Kind, n.Key)
		if err != nil {
			return err
		}
		var tags []byte
		if row != nil {
			tags = row.Tags
		}
		if f.Location(n.Location) && f.Tags(tags) || marks[c.parent[n.Number]]&fits != 0 {
			mark |= fits
		}
		marks[n.Number] = mark
		if within && mark == fits && f.Type(typ) {
			c.parts[n.Number] = whole
		}
		return nil
	})
}
