package picture

import "strings"

// contains is the kind of edges that the clusters show.
const contains = "CONTAINS"

// choose says which nodes are drawn: the resources that the filter takes, what contains them, and, of identities, of what is
// missing, and of definitions, those that have to do with them.
func (s *source) choose() {
	s.drawn = make([]bool, len(s.nodes))
	for i := range s.nodes {
		n := &s.nodes[i]
		container := n.Kind == KindSubscription || n.Kind == KindResourceGroup || n.Kind == KindManagementGroup
		s.drawn[i] = n.Kind == KindResource && !n.Missing && !definition(n) || container && s.filter.All()
	}
	if !s.filter.All() {
		s.around()
	}
	for _, e := range s.edges { // once more for those that are reached by one another, below
		s.meet(e)
	}
	for again := true; again; { // groups have members, which are groups
		again = false
		for _, e := range s.edges {
			switch {
			case e.Kind == "MEMBER_OF" && s.drawn[e.Target] && !s.drawn[e.Source]:
				s.drawn[e.Source], again = true, true
			case e.Kind == "INSTANCE_OF" && s.drawn[e.Source] && !s.drawn[e.Target]:
				s.drawn[e.Target], again = true, true
			case s.filter.All() && e.Kind == "MEMBER_OF" && !s.drawn[e.Target]:
				s.drawn[e.Source], s.drawn[e.Target], again = true, true, true
			}
		}
	}
}

// around draws, with a filter, the groups and subscriptions that hold what is drawn, or that were asked for themselves, and the management groups above.
func (s *source) around() {
	holds := map[string]bool{}
	for i := range s.nodes {
		if n := &s.nodes[i]; s.drawn[i] {
			holds[n.Subscription], holds[n.Subscription+"/"+n.ResourceGroup] = true, true
		}
	}
	for i := range s.nodes {
		switch n := &s.nodes[i]; n.Kind {
		case KindResourceGroup:
			s.drawn[i] = holds[n.Subscription+"/"+n.ResourceGroup] || s.filter.Open()
			holds[n.Subscription] = holds[n.Subscription] || s.drawn[i]
		case KindSubscription, KindManagementGroup, KindResource, KindIdentity:
		}
	}
	for i := range s.nodes {
		if n := &s.nodes[i]; n.Kind == KindSubscription && (holds[n.Subscription] || s.filter.Open() && len(s.asked.ResourceGroups) == 0) {
			s.drawn[i] = true
			for p, steps := n.Parent, 0; p >= 0 && steps < 16; p, steps = s.nodes[p].Parent, steps+1 {
				s.drawn[p] = true
			}
		}
	}
}

// meet draws an end of an edge that is drawn only where the other end is.
func (s *source) meet(e Edge) {
	if e.Kind == contains {
		return
	}
	for _, ends := range [][2]int32{{e.Source, e.Target}, {e.Target, e.Source}} {
		if n := &s.nodes[ends[0]]; !s.drawn[ends[0]] && s.drawn[ends[1]] && (n.Kind == KindIdentity || n.Missing || definition(n)) && s.nodes[ends[1]].Kind != KindIdentity {
			s.drawn[ends[0]] = true
		}
	}
}

// definition says that a node is a definition of Azure's own: there are thousands of them, and most are used by nobody.
func definition(n *Node) bool {
	return n.Subscription == "" && strings.HasPrefix(n.Type, "microsoft.authorization/") && strings.HasSuffix(n.Type, "definitions")
}

// keep makes the graph of what is drawn, and keeps what details needs of it.
func (s *source) keep() *Graph {
	g := &Graph{}
	index := make([]int32, len(s.nodes))
	var places []place
	for i := range s.nodes {
		index[i] = -1
		if s.drawn[i] {
			index[i] = int32(len(g.Nodes)) //nolint:gosec // a million
			g.Nodes, places = append(g.Nodes, s.nodes[i]), append(places, s.places[i])
		}
	}
	for i := range g.Nodes {
		if p := &g.Nodes[i].Parent; *p >= 0 {
			*p = index[*p]
		}
	}
	for _, e := range s.edges {
		if from, to := index[e.Source], index[e.Target]; from >= 0 && to >= 0 {
			e.Source, e.Target = from, to
			g.Edges = append(g.Edges, e)
		}
	}
	*s = source{reader: s.reader, filter: s.filter, guard: s.guard, progress: s.progress, places: places}
	return g
}
