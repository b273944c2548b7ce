package picture

import (
	"cmp"
	"slices"
	"strings"
)

// Distances, in the unit of the page's coordinates; the smallest node has the radius 3.
const (
	nodeGap         = 1.2 // between nodes
	groupGap        = 5.0 // between groups, and between a group and what is in it
	subscriptionGap = 16.0
	wide            = 1.45 // how much wider than high a window is that has the filters beside the picture
	typeApart       = 48   // a group with more nodes has those of each type together
)

// Kinds of clusters.
const (
	clusterSubscription = "subscription"
	clusterGroup        = "group"      // a resource group
	clusterLoose        = "loose"      // what is in a subscription, and in none of its groups
	clusterIdentities   = "identities" // all identities
	clusterIdentity     = "identity"   // those of one kind
	clusterTenant       = "tenant"     // what belongs to the tenant itself, or to a management group
	clusterElsewhere    = "elsewhere"  // what is named, and lies in no subscription that was scanned
)

// cluster is a disc with nodes or other clusters in it.
type cluster struct {
	circle
	kind, name string
	key        string // what it stands for, in lower case; it sorts
	parent     int    // index; -1 is none
	node       int32  // the node that it is: a subscription or a resource group; -1 is none
	nodes      []int32
	inner      []int // indexes of the clusters in it
	count      int   // nodes in it, at any depth
}

// layout is where everything lies.
type layout struct {
	graph    *Graph
	place    []circle // of each node
	home     []int32  // of each node: its cluster; -1 is none
	clusters []cluster
	degree   []int32
	index    map[string]int // of clusters, by kind and key
}

// arrange computes a layout. It depends on the graph alone.
func arrange(g *Graph) *layout {
	l := &layout{graph: g, place: make([]circle, len(g.Nodes)), home: make([]int32, len(g.Nodes)), degree: make([]int32, len(g.Nodes)), index: map[string]int{}}
	for _, e := range g.Edges {
		l.degree[e.Source]++
		l.degree[e.Target]++
	}
	l.settle()
	for i := range l.clusters {
		if l.clusters[i].parent < 0 {
			l.fill(i)
		}
	}
	l.top()
	return l
}

// settle says of each node in which cluster it lies.
func (l *layout) settle() {
	for i := range l.graph.Nodes { // the clusters that are nodes themselves, so that they have their names
		switch n := &l.graph.Nodes[i]; n.Kind {
		case KindSubscription:
			c := l.subscription(n.Subscription)
			l.clusters[c].node, l.clusters[c].name = int32(i), n.Name
		case KindResourceGroup:
			c := l.group(n.Subscription, n.ResourceGroup)
			l.clusters[c].node, l.clusters[c].name = int32(i), n.Name
		}
	}
	for _, missing := range []bool{false, true} { // what is missing opens no subscription or group of its own
		for i := range l.graph.Nodes {
			if n := &l.graph.Nodes[i]; n.Missing == missing {
				l.home[i] = int32(l.homeOf(n)) //nolint:gosec // fewer than nodes
				if c := l.home[i]; c >= 0 && l.clusters[c].node != int32(i) {
					l.clusters[c].nodes = append(l.clusters[c].nodes, int32(i))
				}
			}
		}
	}
	for i := range l.graph.Nodes {
		for c := int(l.home[i]); c >= 0; c = l.clusters[c].parent {
			if l.clusters[c].node != int32(i) {
				l.clusters[c].count++
			}
		}
	}
}

// homeOf is the cluster that a node lies in, or that it is; -1 is none.
func (l *layout) homeOf(n *Node) int {
	switch {
	case n.Kind == KindManagementGroup:
		return -1
	case n.Kind == KindSubscription:
		return l.subscription(n.Subscription)
	case n.Kind == KindResourceGroup:
		return l.group(n.Subscription, n.ResourceGroup)
	case n.Kind == KindIdentity:
		return l.cluster(clusterIdentity, n.Type, identityName(n.Type), l.cluster(clusterIdentities, "", "Identities", -1))
	case n.Missing && !l.known(clusterSubscription, n.Subscription):
		return l.cluster(clusterElsewhere, "", "Not in this snapshot", -1)
	case n.Subscription == "":
		return l.cluster(clusterTenant, "", "Tenant", -1)
	case n.ResourceGroup == "", n.Missing && !l.known(clusterGroup, n.Subscription+"\x00"+n.ResourceGroup):
		return l.cluster(clusterLoose, strings.ToLower(n.Subscription), "", l.subscription(n.Subscription))
	}
	return l.group(n.Subscription, n.ResourceGroup)
}

// known says that there is a cluster already.
func (l *layout) known(kind, key string) bool {
	_, ok := l.index[kind+"\x00"+strings.ToLower(key)]
	return ok
}

func (l *layout) subscription(id string) int {
	return l.cluster(clusterSubscription, strings.ToLower(id), id, -1)
}

func (l *layout) group(subscription, name string) int {
	return l.cluster(clusterGroup, strings.ToLower(subscription+"\x00"+name), name, l.subscription(subscription))
}

// cluster is the cluster of a kind and key, which is made if need be.
func (l *layout) cluster(kind, key, name string, parent int) int {
	if i, ok := l.index[kind+"\x00"+key]; ok {
		return i
	}
	i := len(l.clusters)
	l.clusters = append(l.clusters, cluster{kind: kind, key: key, name: name, parent: parent, node: -1})
	l.index[kind+"\x00"+key] = i
	if parent >= 0 {
		l.clusters[parent].inner = append(l.clusters[parent].inner, i)
	}
	return i
}

// identityName is what people call identities of a type.
func identityName(typ string) string {
	switch typ {
	case "user":
		return "Users"
	case "group":
		return "Groups"
	case "service_principal":
		return "Service principals"
	case "managed_identity":
		return "Managed identities"
	case "application":
		return "Applications"
	case "device":
		return "Devices"
	}
	return "Others"
}

// radius is how large a node is drawn: by what it is, and by how much is related to it.
func (l *layout) radius(i int32) float64 {
	base := [...]float64{3, 3, 3.8, 4.8, 6, 7.4}[lookOf(l.graph.Nodes[i].Type).size]
	if l.graph.Nodes[i].Missing {
		base = 3
	}
	more := 0.0
	for d := l.degree[i]; d > 1 && more < 4; d /= 2 { // half a unit each time that the number doubles
		more += 0.5
	}
	return base + more
}

// fill places what is in a cluster, with its own middle as the origin, and says how large it is.
func (l *layout) fill(i int) {
	c := &l.clusters[i]
	var parts []*circle
	if len(c.nodes) > 0 {
		l.sort(c.nodes)
		parts = l.nodes(c)
	}
	if len(c.inner) == 0 {
		l.clusters[i].r = max(l.pull(c.nodes, parts)+groupGap, 12)
		return
	}
	for _, in := range c.inner {
		l.fill(in)
	}
	slices.SortStableFunc(c.inner, func(a, b int) int {
		return cmp.Or(cmp.Compare(l.clusters[b].r, l.clusters[a].r), strings.Compare(l.clusters[a].key, l.clusters[b].key))
	})
	room := make([]circle, len(c.inner))
	around := make([]*circle, len(c.inner))
	for n, in := range c.inner {
		room[n].r = l.clusters[in].r*1.05 + groupGap // room for its name
		around[n] = &room[n]
	}
	c.r = pack(around) + subscriptionGap
	for n, in := range c.inner {
		l.move(in, room[n].x, room[n].y)
	}
}

// nodes are circles for the nodes of a cluster, or, where it has many, for all that have one type; the nodes are placed within them.
func (l *layout) nodes(c *cluster) []*circle {
	for _, n := range c.nodes {
		l.place[n].r = l.radius(n) + nodeGap/2
	}
	if len(c.nodes) <= typeApart {
		slices.SortStableFunc(c.nodes, func(a, b int32) int { return cmp.Compare(l.place[b].r, l.place[a].r) })
		return l.circles(c.nodes)
	}
	var all []*circle
	for rest := c.nodes; len(rest) > 0; {
		n := 1
		for n < len(rest) && l.graph.Nodes[rest[n]].Type == l.graph.Nodes[rest[0]].Type {
			n++
		}
		same := rest[:n]
		slices.SortStableFunc(same, func(a, b int32) int { return cmp.Compare(l.place[b].r, l.place[a].r) })
		all = append(all, &circle{r: pack(l.circles(same)) + nodeGap})
		rest = rest[n:]
	}
	return all
}

// pull packs the circles that nodes has made, moves the nodes with them, and takes the gap off their radius.
func (l *layout) pull(nodes []int32, parts []*circle) float64 {
	order := slices.Clone(parts)
	slices.SortStableFunc(order, func(a, b *circle) int { return cmp.Compare(b.r, a.r) })
	r := pack(order)
	if len(nodes) > typeApart {
		at := 0
		for n := range nodes {
			if n > 0 && l.graph.Nodes[nodes[n]].Type != l.graph.Nodes[nodes[n-1]].Type {
				at++
			}
			l.place[nodes[n]].x += parts[at].x
			l.place[nodes[n]].y += parts[at].y
		}
	}
	for _, n := range nodes {
		l.place[n].r -= nodeGap / 2
	}
	return r
}

func (l *layout) circles(nodes []int32) []*circle {
	all := make([]*circle, len(nodes))
	for i, n := range nodes {
		all[i] = &l.place[n]
	}
	return all
}

// sort sorts nodes by category, type, name and id.
func (l *layout) sort(nodes []int32) {
	slices.SortFunc(nodes, func(a, b int32) int {
		x, y := &l.graph.Nodes[a], &l.graph.Nodes[b]
		return cmp.Or(cmp.Compare(lookOf(x.Type).category, lookOf(y.Type).category), strings.Compare(x.Type, y.Type), strings.Compare(x.Name, y.Name), strings.Compare(x.ID, y.ID))
	})
}

// move moves a cluster and all that is in it.
func (l *layout) move(i int, dx, dy float64) {
	c := &l.clusters[i]
	c.x, c.y = c.x+dx, c.y+dy
	for _, n := range c.nodes {
		l.place[n].x, l.place[n].y = l.place[n].x+dx, l.place[n].y+dy
	}
	for _, in := range c.inner {
		l.move(in, dx, dy)
	}
}
