package picture

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph/filter"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph/relate"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// source makes a Graph of a snapshot.
type source struct {
	reader   *graph.Reader
	asked    backend.Filter
	filter   *filter.Filter
	guard    *guard
	progress func(phase string, done, total int64)

	taken  map[string]taken // of the rows that the filter takes: by key
	nodes  []Node           // those that may be drawn
	places []place          // of nodes: their rows
	drawn  []bool           // of nodes
	edges  []Edge           // between nodes
	number map[int64]int32  // of nodes: their index by number
}

// taken is a row that the filter takes.
type taken struct {
	at   graph.Place
	tags []Tag
}

// place is where the row of a node is; it has none where ok is false.
type place struct {
	graph.Place
	ok    bool
	state string
}

// graph reads the snapshot, and answers what is drawn of it.
func (s *source) graph(ctx context.Context) (*Graph, error) {
	var err error
	if s.filter, err = filter.New(ctx, s.reader, s.asked); err != nil {
		return nil, err
	}
	if err := s.rows(ctx); err != nil {
		return nil, err
	}
	if err := s.things(ctx); err != nil {
		return nil, err
	}
	if err := s.relations(ctx); err != nil {
		return nil, err
	}
	s.choose()
	g := s.keep()
	snapshot := s.reader.Snapshot()
	if len(g.Nodes) == 0 && !s.filter.All() {
		return nil, fault.New(fault.InvalidArgument, "nothing in the snapshot passes the filter",
			fault.Hint("look at names and spellings: `atg snapshot show %s` lists subscriptions, types and regions", snapshot.ID))
	}
	g.TenantID, g.TenantName, g.Snapshot, g.Scanned = snapshot.TenantID, snapshot.TenantName, snapshot.ID, snapshot.CreatedAt
	g.Partial = snapshot.Filtered || !s.filter.All()
	g.Misses = misses(s.reader, s.asked)
	return g, nil
}

// rows looks which resources the filter takes. They come in the order of their keys, so what contains a part comes before it.
func (s *source) rows(ctx context.Context) error {
	s.taken = map[string]taken{}
	total, done := s.reader.Snapshot().Resources, int64(0)
	return s.reader.Heads(ctx, func(h graph.Head) error {
		if done++; done%4096 == 0 {
			s.progress("read", done, max(total, done))
		}
		if _, double := s.taken[h.Key]; double || h.Table != graph.Resources && h.Table != graph.Containers && h.Table != graph.RoleDefinitions {
			return nil
		}
		if h.Table == graph.Resources && !s.takes(&h, s.above(h.Key)) || h.Table == graph.RoleDefinitions && !s.takes(&h, false) {
			return nil
		}
		s.taken[h.Key] = taken{h.Place, s.guard.tags(tagsIn(h.Tags))}
		return nil
	})
}

// takes says that a resource is asked for. above says that what it is part of is: it stands for the location and the tags that a part has not.
func (s *source) takes(h *graph.Head, above bool) bool {
	return s.filter.Within(h.SubscriptionID, h.ResourceGroup) && s.filter.Leads(h.Type) && !s.filter.Excludes(h.Type) &&
		(s.filter.Location(h.Location) || h.Location == "" && above) && (s.filter.Tags(h.Tags) || len(h.Tags) == 0 && above)
}

// above says that what a part is part of is taken, at any distance.
func (s *source) above(key string) bool {
	for range 8 {
		at := strings.LastIndexByte(key, '/')
		if at <= 0 {
			return false
		}
		if at = strings.LastIndexByte(key[:at], '/'); at <= 0 {
			return false
		}
		key = key[:at]
		if t, ok := s.taken[key]; ok {
			return t.at.Table == graph.Resources
		}
	}
	return false
}

// things reads the nodes that may be drawn.
func (s *source) things(ctx context.Context) error {
	s.number = map[int64]int32{}
	return s.reader.Nodes(ctx, func(n graph.Node) error {
		t, row := s.taken[n.Key]
		node := Node{
			Kind: KindResource, ID: n.ID, Name: n.Name, Type: n.Type, Location: n.Location, ResourceGroup: n.ResourceGroup, Subscription: n.SubscriptionID,
			Tags: t.tags, Parent: -1, Missing: n.State == graph.NodeMissing,
		}
		switch n.Kind {
		case graph.NodeResource, graph.NodeRoleDefinition:
			if !row && !node.Missing {
				return nil
			}
		case graph.NodeManagementGroup, graph.NodeTenant:
			node.Kind = KindManagementGroup
		case graph.NodeSubscription:
			node.Kind = KindSubscription
		case graph.NodeResourceGroup:
			node.Kind, node.ResourceGroup = KindResourceGroup, n.Name
		case graph.NodeHost:
		default: // what is not in the directory is gone; what is merely named was not asked for
			node.Kind, node.Missing = KindIdentity, n.State == string(graph.IdentityDeleted)
		}
		s.complete(&node, string(n.Kind))
		if (node.Kind == KindSubscription || node.Kind == KindResourceGroup) && !s.containers(&node) {
			return nil
		}
		if len(s.nodes) == 4*mostNodes {
			return tooMuch("nodes", mostNodes)
		}
		s.number[n.Number] = int32(len(s.nodes)) //nolint:gosec // a million
		s.nodes, s.places = append(s.nodes, node), append(s.places, place{t.at, row, n.State})
		return nil
	})
}

// complete fills in what the snapshot does not say of a node.
func (s *source) complete(n *Node, kind string) {
	if n.Missing && n.Kind != KindIdentity { // it is not there to hold anything
		n.Kind = KindResource
		if n.Subscription == "" {
			n.Subscription, n.ResourceGroup = relate.Scope(n.ID)
		}
	}
	if n.Type == "" {
		n.Type = relate.TypeOf(n.ID)
	}
	if n.Type == "" || n.Kind == KindIdentity {
		n.Type = kind
	}
	if n.Name == "" {
		n.Name = n.ID[strings.LastIndexByte(n.ID, '/')+1:]
	}
	n.Type, n.Subscription, n.ResourceGroup = strings.ToLower(n.Type), strings.ToLower(n.Subscription), strings.ToLower(n.ResourceGroup)
}

// containers says that a subscription or a resource group may hold something that the filter takes.
func (s *source) containers(n *Node) bool {
	if n.Kind == KindSubscription {
		return s.filter.Subscription(n.Subscription)
	}
	return s.filter.Within(n.Subscription, n.ResourceGroup)
}

// relations reads the edges between nodes that may be drawn, and who is above whom among management groups and subscriptions.
func (s *source) relations(ctx context.Context) error {
	done := int64(0)
	return s.reader.Edges(ctx, func(e graph.Edge) error {
		if done++; done%8192 == 0 {
			s.progress("relate", done, max(s.reader.Snapshot().Relationships, done))
		}
		from, ok := s.number[e.Source]
		to, also := s.number[e.Target]
		if !ok || !also {
			return nil
		}
		detail := e.Detail
		if detail == "" {
			detail = strings.TrimPrefix(e.Property, "properties.")
		}
		if e.Kind == contains {
			if below := &s.nodes[to]; s.nodes[from].Kind == KindManagementGroup && (below.Kind == KindManagementGroup || below.Kind == KindSubscription) {
				below.Parent = from
			}
			detail = ""
		}
		if len(s.edges) == 2*mostEdges {
			return tooMuch("relationships", mostEdges)
		}
		s.edges = append(s.edges, Edge{Source: from, Target: to, Kind: e.Kind, Detail: detail})
		return nil
	})
}

// tagsIn reads tags, sorted by name. What is no object of texts is none.
func tagsIn(text []byte) []Tag {
	if len(text) == 0 {
		return nil
	}
	var all map[string]any
	if json.Unmarshal(text, &all) != nil {
		return nil
	}
	tags := make([]Tag, 0, len(all))
	for name, value := range all {
		if s, ok := value.(string); ok {
			tags = append(tags, Tag{name, s})
		}
	}
	slices.SortFunc(tags, func(a, b Tag) int { return strings.Compare(a.Name, b.Name) })
	return tags
}
