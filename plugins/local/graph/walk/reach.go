package walk

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Reached is a row of what a node can reach.
type Reached struct {
	Hops           int            `json:"hops"`
	Access         Access         `json:"access"`
	ID             string         `json:"id"`
	Kind           graph.NodeKind `json:"kind"`
	Name           string         `json:"name"` // the id, where there is none
	Type           string         `json:"type"` // of a resource, or else the kind
	Location       string         `json:"location,omitempty"`
	ResourceGroup  string         `json:"resource_group,omitempty"`
	SubscriptionID string         `json:"subscription_id,omitempty"`
	State          string         `json:"state,omitempty"` // empty if it is present
	Via            string         `json:"via"`             // the id of the node before
	ViaName        string         `json:"via_name"`
	Relationship   string         `json:"relationship"` // between the two
	Property       string         `json:"property,omitempty"`
	Role           string         `json:"role,omitempty"` // the role in effect, or the permissions of an access policy
}

// CheckReach refuses a request that names no node, or too many hops.
func CheckReach(r *backend.SnapshotReachRequest) error {
	if strings.TrimSpace(r.Node) == "" {
		return fault.New(fault.InvalidArgument, "nothing is named whose reach is wanted", fault.Hint("name a principal or a resource: an id, a login, or a name"))
	}
	return checkHops(r.MaxHops)
}

// Reach writes what a node can reach, a Reached a line, by hops and then in the order of the nodes. docs/paths.md says which edges count.
// Nodes and DurationSeconds of the result are left to the caller.
func Reach(ctx context.Context, r *graph.Reader, request *backend.SnapshotReachRequest, to io.Writer) (*backend.SnapshotReachResult, error) {
	began := time.Now()
	start, err := find(ctx, r, request.Node)
	if err != nil {
		return nil, err
	}
	n, err := load(ctx, r)
	if err != nil {
		return nil, err
	}
	roles, err := readRoles(ctx, r)
	if err != nil {
		return nil, err
	}
	c := newClosure(n, roles)
	if err := c.run(ctx, int32(start.Number), cmp.Or(request.MaxHops, len(n.kinds))); err != nil { //nolint:gosec // load has refused larger ones
		return nil, err
	}
	best := c.best()
	if err := c.write(ctx, best, to); err != nil {
		return nil, err
	}
	return &backend.SnapshotReachResult{
		Reached: int64(len(best)), Snapshot: r.Snapshot().ID, Complete: r.Snapshot().Complete, Node: start.ID, DurationSeconds: time.Since(began).Seconds(),
	}, nil
}

// class is what one may do with a node that was reached.
type class struct {
	access Access
	takes  []bool // by index of identity types: acts as the identity of resources of that type
	policy bool   // it comes of an access policy, which nothing inherits
	role   *role  // of a role that is about chosen types; nil is any other
}

// The classes that are no roles.
const (
	classActs int32 = iota
	classPart
	classDepends
	classRoles // the first of the others
)

// state is a node, reached in one way.
type state struct {
	node, class int32
	before      int32 // an index of closure.states; -1 is the start
	label       int32
	role        int32 // the label whose detail says the role in effect; -1 is none
	hops        int32
}

// closure finds all that is reached.
type closure struct {
	*network
	roles         map[string]role
	classes       []class
	byMask        map[string]int32 // index of classes
	byLabel       map[int32]int32  // class by the label of a role or access policy
	identityTypes map[int32]int    // types of resources that have identities, to a number
	onType        map[[2]int32]Access
	visited       [][]uint64 // by class, a set of nodes
	states        []state
}

func newClosure(n *network, roles map[string]role) *closure {
	c := &closure{
		network: n, roles: roles, byMask: map[string]int32{}, byLabel: map[int32]int32{}, identityTypes: map[int32]int{}, onType: map[[2]int32]Access{},
		classes: []class{classActs: {access: AccessActs}, classPart: {access: AccessPart}, classDepends: {access: AccessDepends}},
		visited: make([][]uint64, classRoles),
	}
	for node := int32(1); int(node) < len(n.kinds); node++ {
		for _, a := range n.arcs(along, node) {
			if _, known := c.identityTypes[n.types[node]]; !known && n.labels[a.label].Kind == "USES_IDENTITY" {
				c.identityTypes[n.types[node]] = len(c.identityTypes)
			}
		}
	}
	return c
}

// run visits everything, nearest first.
func (c *closure) run(ctx context.Context, start int32, hops int) error {
	first := classActs
	switch c.kind(start) {
	case graph.NodeTenant, graph.NodeManagementGroup, graph.NodeSubscription, graph.NodeResourceGroup, graph.NodeResource, graph.NodeRoleDefinition, graph.NodeHost:
		first = classPart
	}
	c.visit(state{node: start, class: first, before: -1, label: -1, role: -1})
	for at := 0; at < len(c.states); at++ {
		s := c.states[at]
		if int(s.hops) >= hops {
			break
		}
		if at%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		c.expand(s, int32(at))
	}
	return nil
}

// expand visits what is one hop further.
func (c *closure) expand(s state, at int32) {
	for _, a := range c.arcs(along, s.node) {
		next := state{node: a.node, before: at, label: a.label, role: -1, hops: s.hops + 1}
		if c.follows(s, &next) {
			c.visit(next)
		}
	}
	if s.class == classActs && c.kind(s.node) == graph.NodeKind(graph.KindApplication) { // its principals act with its credentials
		for _, a := range c.arcs(against, s.node) {
			if c.labels[a.label].Kind == "INSTANCE_OF" {
				c.visit(state{node: a.node, class: classActs, before: at, label: a.label, role: -1, hops: s.hops + 1})
			}
		}
	}
}

// follows says that an edge leads from a state to the next one, whose class and role it fills.
func (c *closure) follows(s state, next *state) bool {
	kind := c.labels[next.label].Kind
	switch {
	case s.class == classActs:
		switch kind {
		case "MEMBER_OF", "USES_IDENTITY":
			next.class = classActs
		case "HAS_ROLE", "HAS_ACCESS_POLICY":
			next.class, next.role = c.granted(next.label), next.label
		default:
			return false
		}
	case s.class >= classRoles:
		switch {
		case kind == "CONTAINS" && !c.classes[s.class].policy:
			next.class, next.role = s.class, s.role
			if r := c.classes[s.class].role; r != nil && c.kind(next.node) == graph.NodeResource && !r.below(c.typeNames[c.types[next.node]]) {
				return false
			}
		case kind == "USES_IDENTITY" && c.classes[s.class].takes[c.identityTypes[c.types[s.node]]]:
			next.class = classActs
		default:
			return false
		}
	case kind == "CONTAINS" || kind == "USES_IDENTITY":
		if s.class == classDepends {
			return false
		}
		next.class = classPart
		if kind == "USES_IDENTITY" {
			next.class = classActs
		}
	default:
		next.class = classDepends
		return kind != "HAS_ROLE" && kind != "MEMBER_OF" && kind != "HAS_ACCESS_POLICY" && kind != "INSTANCE_OF"
	}
	return true
}

// granted is the class of a role or an access policy.
func (c *closure) granted(label int32) int32 {
	if known, ok := c.byLabel[label]; ok {
		return known
	}
	e := c.labels[label]
	made := class{takes: make([]bool, len(c.identityTypes))}
	if made.policy = e.Kind == "HAS_ACCESS_POLICY"; made.policy {
		made.access = policyAccess(e.Detail)
	} else {
		r := roleNamed(c.roles, e.Detail)
		made.access = r.access
		if !r.whole() {
			made.role = &r
		}
		for typ, i := range c.identityTypes {
			made.takes[i] = r.takes(c.typeNames[typ])
		}
	}
	mask := string(made.access)
	switch {
	case made.policy:
		mask += " policy"
	case made.role != nil:
		mask += " " + e.Detail
	}
	for _, takes := range made.takes {
		mask += map[bool]string{false: "0", true: "1"}[takes]
	}
	number, ok := c.byMask[mask]
	if !ok {
		number = int32(len(c.classes)) //nolint:gosec // at most the number of roles
		c.byMask[mask] = number
		c.classes = append(c.classes, made)
		c.visited = append(c.visited, nil)
	}
	c.byLabel[label] = number
	return number
}

// policyAccess is what the permissions of an access policy allow, as edges have them: "keys: get, sign; secrets: list".
func policyAccess(detail string) Access {
	for _, part := range strings.FieldsFunc(detail, func(r rune) bool { return strings.ContainsRune(" ,;", r) }) {
		if !strings.HasSuffix(part, ":") && !strings.HasPrefix(part, "get") && !strings.HasPrefix(part, "list") {
			return AccessWrite
		}
	}
	return AccessRead
}

// visit adds a state, unless the node was reached in a way from which as much follows.
func (c *closure) visit(s state) {
	word, bit := s.node/64, uint64(1)<<(s.node%64)
	for other := range c.visited {
		if v := c.visited[other]; v != nil && v[word]&bit != 0 && c.includes(int32(other), s.class) {
			return
		}
	}
	if c.visited[s.class] == nil {
		c.visited[s.class] = make([]uint64, len(c.kinds)/64+1)
	}
	c.visited[s.class][word] |= bit
	c.states = append(c.states, s)
}

// includes says that from one class follows all that follows from another.
func (c *closure) includes(one, other int32) bool {
	if one == other || one == classPart && other == classDepends {
		return true
	}
	if one < classRoles || other < classRoles || c.classes[one].policy || c.classes[one].role != nil || rank[c.classes[one].access] < rank[c.classes[other].access] {
		return false
	}
	for i, takes := range c.classes[other].takes {
		if takes && !c.classes[one].takes[i] {
			return false
		}
	}
	return true
}

// access is what a state allows with its node: of a role that is about chosen types what it says of that one, empty if nothing. The
// scope of a role has what the role has.
func (c *closure) access(s state) Access {
	of := c.classes[s.class]
	if of.role == nil || c.labels[s.label].Kind == "HAS_ROLE" {
		return of.access
	}
	key := [2]int32{s.class, c.types[s.node]}
	known, ok := c.onType[key]
	if !ok {
		known = of.role.on(c.typeNames[c.types[s.node]])
		c.onType[key] = known
	}
	return known
}

// best are the strongest states of each node but the start, of equally strong ones the nearest, by hops and node.
func (c *closure) best() []int32 {
	chosen := make([]int32, len(c.kinds)) // by node, one more than the index of the state
	for i, s := range c.states[1:] {
		if held, access := chosen[s.node], c.access(s); access != "" && (held == 0 || rank[c.access(c.states[held-1])] < rank[access]) {
			chosen[s.node] = int32(i + 2)
		}
	}
	var all []int32
	for node, held := range chosen {
		if held > 0 && int32(node) != c.states[0].node {
			all = append(all, held-1)
		}
	}
	slices.SortStableFunc(all, func(a, b int32) int { return cmp.Compare(c.states[a].hops, c.states[b].hops) })
	return all
}

// nodesHeld is how many nodes are remembered that others are reached by.
const nodesHeld = 4096

// write writes the rows of states.
func (c *closure) write(ctx context.Context, states []int32, to io.Writer) error {
	l, err := c.reader.NodeLookup(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	encode := json.NewEncoder(to)
	encode.SetEscapeHTML(false)
	before := map[int32]graph.Node{}
	for _, at := range states {
		s := c.states[at]
		node, err := c.node(ctx, l, s.node)
		if err != nil {
			return err
		}
		via, ok := before[c.states[s.before].node]
		if !ok {
			if via, err = c.node(ctx, l, c.states[s.before].node); err != nil {
				return err
			}
			if len(before) >= nodesHeld {
				clear(before)
			}
			before[c.states[s.before].node] = via
		}
		e := c.labels[s.label]
		row := Reached{
			Hops: int(s.hops), Access: c.access(s), ID: node.ID, Kind: node.Kind, Name: cmp.Or(node.Name, node.ID), Type: typeOf(node), Location: node.Location,
			ResourceGroup: node.ResourceGroup, SubscriptionID: node.SubscriptionID, State: stateOf(node), Via: via.ID, ViaName: cmp.Or(via.Name, via.ID), Relationship: e.Kind, Property: e.Property,
		}
		if s.role >= 0 {
			row.Role = c.labels[s.role].Detail
		}
		if err := encode.Encode(row); err != nil {
			return err
		}
	}
	return nil
}
