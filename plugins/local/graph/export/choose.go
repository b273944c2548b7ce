package export

import (
	"context"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
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

// filter is backend.Filter, ready to compare.
type filter struct {
	subscriptions, groups, types, excluded, locations map[string]bool
	tags                                              map[string]string
}

func newFilter(f backend.Filter) filter {
	set := func(values []string) map[string]bool {
		var m map[string]bool
		for _, v := range values {
			if m == nil {
				m = map[string]bool{}
			}
			m[strings.ToLower(v)] = true
		}
		return m
	}
	made := filter{subscriptions: set(f.Subscriptions), groups: set(f.ResourceGroups), types: set(f.ResourceTypes), excluded: set(f.ExcludeTypes)}
	for _, l := range f.Locations {
		if made.locations == nil {
			made.locations = map[string]bool{}
		}
		made.locations[region(l)] = true
	}
	for k, v := range f.Tags {
		if made.tags == nil {
			made.tags = map[string]string{}
		}
		made.tags[strings.ToLower(k)] = strings.ToLower(v)
	}
	return made
}

// region is a location as it compares: westeurope, also of West Europe.
func region(location string) string { return strings.ToLower(strings.ReplaceAll(location, " ", "")) }

// open says that nothing narrows by what a resource is itself.
func (f *filter) open() bool { return f.types == nil && f.locations == nil && f.tags == nil }

func (f *filter) all() bool {
	return f.open() && f.subscriptions == nil && f.groups == nil && f.excluded == nil
}

// choose finds what a filter takes; nil is everything. A filter that takes nothing is fault.InvalidArgument.
func choose(ctx context.Context, r *graph.Reader, given backend.Filter) (*choice, error) {
	f := newFilter(given)
	if f.all() {
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
	if err := c.resources(ctx, r, &f); err != nil {
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
func (c *choice) resources(ctx context.Context, r *graph.Reader, f *filter) error {
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
		within := (f.subscriptions == nil || f.subscriptions[n.SubscriptionID]) && (f.groups == nil || f.groups[n.ResourceGroup])
		if n.Kind == graph.NodeResourceGroup {
			if within && f.open() {
				c.parts[n.Number] = whole
			}
			return nil
		}
		typ := strings.ToLower(n.Type)
		mark := marks[c.parent[n.Number]] & excluded // parts come behind what they are parts of
		if f.excluded[typ] {
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
		if (f.locations == nil || f.locations[region(n.Location)]) && (f.tags == nil || f.tagged(tags)) || marks[c.parent[n.Number]]&fits != 0 {
			mark |= fits
		}
		marks[n.Number] = mark
		if within && mark == fits && (f.types == nil || f.types[typ]) {
			c.parts[n.Number] = whole
		}
		return nil
	})
}

func (f *filter) tagged(tags []byte) bool { return graph.HasTags(tags, f.tags) }
