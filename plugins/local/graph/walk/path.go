package walk

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// The limits of a path.
const (
	DefaultHops = 12  // where the request names none
	MaxHops     = 100 // that a request may name
	MaxPaths    = 5   // of equally good ones
)

// CheckPath refuses a request that names no nodes, or too many hops.
func CheckPath(r *backend.SnapshotPathRequest) error {
	if strings.TrimSpace(r.From) == "" || strings.TrimSpace(r.To) == "" {
		return fault.New(fault.InvalidArgument, "a path has two ends", fault.Hint("name both: an id, a login, or a name"))
	}
	return checkHops(r.MaxHops)
}

func checkHops(n int) error {
	if n < 0 || n > MaxHops {
		return fault.Newf(fault.InvalidArgument, "at most %d hops can be asked for, and %d were", MaxHops, n)
	}
	return nil
}

// Path finds the best paths between two nodes of a snapshot with a graph. See docs/paths.md for which these are.
func Path(ctx context.Context, r *graph.Reader, request *backend.SnapshotPathRequest) (*backend.SnapshotPathResult, error) {
	began := time.Now()
	from, err := find(ctx, r, request.From)
	if err != nil {
		return nil, err
	}
	to, err := find(ctx, r, request.To)
	if err != nil {
		return nil, err
	}
	result := &backend.SnapshotPathResult{Paths: []backend.Path{}, Snapshot: r.Snapshot().ID, Complete: r.Snapshot().Complete, From: from.ID, To: to.ID}
	if from.Number != to.Number {
		n, err := load(ctx, r)
		if err != nil {
			return nil, err
		}
		hops := request.MaxHops
		if hops == 0 {
			hops = DefaultHops
		}
		if err := n.paths(ctx, result, int32(from.Number), int32(to.Number), hops); err != nil { //nolint:gosec // load has refused larger ones
			return nil, err
		}
	}
	result.DurationSeconds = time.Since(began).Seconds()
	return result, nil
}

// way is a rule for which edges may be walked, and how.
type way struct {
	directions []int
	climb      []graph.NodeKind // containers into which a path may go up from what they contain
}

// ways are tried in this order. What contains two things connects any two of the tenant, so such paths come last.
var ways = []way{
	{directions: []int{along}},
	{directions: []int{against}, climb: containers},
	{directions: []int{along, against}},
	{directions: []int{along, against}, climb: containers[:1]},
	{directions: []int{along, against}, climb: containers},
}

// containers contain what has else nothing to do with each other, the smallest first.
var containers = []graph.NodeKind{graph.NodeResourceGroup, graph.NodeSubscription, graph.NodeManagementGroup, graph.NodeTenant}

// allows says that a way takes an edge at a node.
func (w way) allows(n *network, direction int, a arc) bool {
	if direction == along || n.labels[a.label].Kind != "CONTAINS" {
		return true
	}
	kind := n.kind(a.node)
	return !slices.Contains(containers, kind) || slices.Contains(w.climb, kind)
}

// paths fills the paths of the first way that has any.
func (n *network) paths(ctx context.Context, result *backend.SnapshotPathResult, from, to int32, hops int) error {
	for _, w := range ways {
		if err := ctx.Err(); err != nil {
			return err
		}
		distance := n.distances(w, from, to, hops)
		if distance[to] == 0 {
			continue
		}
		found := n.trace(w, distance, from, to)
		if result.Truncated = len(found) > MaxPaths; result.Truncated {
			found = found[:MaxPaths]
		}
		return n.describe(ctx, result, from, found)
	}
	return nil
}

// distances are one more than the hops from a node to each; 0 is further than to, or than hops.
func (n *network) distances(w way, from, to int32, hops int) []uint8 {
	distance := make([]uint8, len(n.kinds))
	distance[from] = 1
	frontier, next := []int32{from}, []int32(nil)
	for hop := 1; hop <= hops && len(frontier) > 0 && distance[to] == 0; hop++ {
		for _, node := range frontier {
			for _, direction := range w.directions {
				for _, a := range n.arcs(direction, node) {
					if distance[a.node] == 0 && w.allows(n, direction, a) {
						distance[a.node] = uint8(hop + 1)
						next = append(next, a.node)
					}
				}
			}
		}
		frontier, next = next, frontier[:0]
	}
	return distance
}

// step is a step of a path: what several edges between two nodes say alike.
type step struct {
	node      int32 // where it leads
	direction int
	labels    []int32
}

// trace finds paths of the shortest length, in an order that depends on the content alone: MaxPaths, and one more if there are more.
func (n *network) trace(w way, distance []uint8, from, to int32) (paths [][]step) {
	// Only what leads to the end is looked at: this marks it from there.
	leads := map[int32]bool{to: true}
	frontier := []int32{to}
	for hop := distance[to] - 1; hop >= 1; hop-- {
		var before []int32
		for _, node := range frontier {
			for _, direction := range w.directions {
				for _, a := range n.arcs(1-direction, node) {
					if distance[a.node] == hop && !leads[a.node] && w.allows(n, direction, arc{node, a.label}) {
						leads[a.node] = true
						before = append(before, a.node)
					}
				}
			}
		}
		frontier = before
	}
	var path []step
	var follow func(node int32)
	follow = func(node int32) {
		if node == to {
			paths = append(paths, slices.Clone(path))
			return
		}
		for _, s := range n.steps(w, node, func(next int32) bool { return leads[next] && distance[next] == distance[node]+1 }) {
			if len(paths) > MaxPaths {
				return
			}
			path = append(path, s)
			follow(s.node)
			path = path[:len(path)-1]
		}
	}
	follow(from)
	return paths
}

// steps are the steps from a node to those that are wanted. Edges of one kind to one node are one step.
func (n *network) steps(w way, node int32, want func(int32) bool) (steps []step) {
	type same struct {
		node      int32
		kind      string
		direction int
	}
	at := map[same]int{}
	for _, direction := range w.directions {
		for _, a := range n.arcs(direction, node) {
			if !want(a.node) || !w.allows(n, direction, a) {
				continue
			}
			s := same{a.node, n.labels[a.label].Kind, direction}
			i, ok := at[s]
			if !ok {
				i = len(steps)
				at[s] = i
				steps = append(steps, step{node: a.node, direction: direction})
			}
			steps[i].labels = append(steps[i].labels, a.label)
		}
	}
	return steps
}

// describe turns steps into those of a result.
func (n *network) describe(ctx context.Context, result *backend.SnapshotPathResult, from int32, found [][]step) error {
	l, err := n.reader.NodeLookup(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	for _, steps := range found {
		path := backend.Path{Steps: make([]backend.Step, 0, len(steps))}
		before, err := n.node(ctx, l, from)
		if err != nil {
			return err
		}
		for _, s := range steps {
			next, err := n.node(ctx, l, s.node)
			if err != nil {
				return err
			}
			path.Steps = append(path.Steps, backend.Step{
				From: before.ID, FromName: before.Name, FromType: typeOf(before), FromState: stateOf(before),
				To: next.ID, ToName: next.Name, ToType: typeOf(next), ToState: stateOf(next),
				Relationship: n.labels[s.labels[0]].Kind, Against: s.direction == against,
				Property: n.said(s.labels, func(e graph.Edge) string { return e.Property }),
				Detail:   n.said(s.labels, func(e graph.Edge) string { return e.Detail }),
				Rule:     n.said(s.labels, func(e graph.Edge) string { return e.Rule }),
			})
			before = next
		}
		result.Paths = append(result.Paths, path)
	}
	return nil
}

// said joins what labels say, each once.
func (n *network) said(labels []int32, of func(graph.Edge) string) string {
	var all []string
	for _, l := range labels {
		if text := of(n.labels[l]); text != "" && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return strings.Join(all, ", ")
}

func (n *network) node(ctx context.Context, l *graph.NodeLookup, number int32) (graph.Node, error) {
	node, ok, err := l.Number(ctx, int64(number))
	if err == nil && !ok {
		err = n.damaged()
	}
	return node, err
}

// typeOf is what a node is, for people.
func typeOf(n graph.Node) string {
	if n.Kind == graph.NodeResource && n.Type != "" {
		return n.Type
	}
	return string(n.Kind)
}

// stateOf is the state of a node that is not simply there.
func stateOf(n graph.Node) string {
	if n.State == string(graph.IdentityPresent) {
		return ""
	}
	return n.State
}
