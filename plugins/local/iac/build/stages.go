package build

import (
	"cmp"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// piece is what is deployed as one: a unit of a resource group, or a single resource of a larger scope.
type piece struct {
	scope int32 // of builder.scopes; for the stage, that of the subscription
	nodes []template.Node
	group bool // a unit
	bytes int
	param int
}

// resourceBytes is what every resource has beside its properties.
const resourceBytes = 400

// deployment cuts units and stages for Bicep and ARM.
//
// All of a resource group is one unit, unless groups need each other both ways: then each is cut into levels, so that a level
// needs only what is lower. Units that are too large are cut again, in an order in which nothing needs what comes later. Stages are made of units in
// just the same way, for subscriptions that need each other.
func (b *builder) deployment() {
	order := sorted(len(b.generated), func(n int32) []template.Node { return b.after(template.Node(n)) })
	pieces, pieceOf := b.pieces(order)
	after := make([][]int32, len(pieces))
	for n := range b.generated {
		from := pieceOf[n]
		for _, to := range b.after(template.Node(n)) {
			if p := pieceOf[to]; p != from {
				after[from] = append(after[from], p)
			}
		}
	}
	for i := range after {
		slices.Sort(after[i])
		after[i] = slices.Compact(after[i])
	}
	b.stages(pieces, after)
}

// pieces cuts resources into pieces.
func (b *builder) pieces(order []int32) ([]piece, []int32) {
	vertex := func(n int32) int32 { // resource groups as a whole, others one by one
		if at := &b.nodes[b.generated[n]]; b.scopes[at.scope].kind == template.ScopeResourceGroup {
			return at.scope
		}
		return int32(len(b.scopes)) + n //nolint:gosec // a snapshot has fewer rows than 2^31
	}
	level := levels(order, len(b.scopes)+len(b.generated), vertex, func(n int32) []template.Node { return b.after(template.Node(n)) })

	var pieces []piece
	pieceOf := make([]int32, len(b.generated))
	open := map[[2]int32]int32{} // the piece that is being filled
	for _, n := range order {
		node, size := &b.nodes[b.generated[n]], &b.measures[b.generated[n]]
		isGroup := b.scopes[node.scope].kind == template.ScopeResourceGroup
		k := [2]int32{vertex(n), level[n]}
		at, ok := open[k]
		if ok {
			p := &pieces[at]
			l := b.o.Limits
			ok = len(p.nodes) < l.Resources && p.bytes+int(size.size)+resourceBytes <= l.Bytes && p.param+int(size.secret) <= l.Parameters
		}
		if !ok {
			at = int32(len(pieces)) //nolint:gosec // there are fewer pieces than rows
			pieces = append(pieces, piece{scope: node.scope, group: isGroup})
			open[k] = at
		}
		p := &pieces[at]
		p.nodes = append(p.nodes, template.Node(n))
		p.bytes += int(size.size) + resourceBytes
		p.param += int(size.secret)
		pieceOf[n] = at
	}
	for i := range pieces {
		slices.Sort(pieces[i].nodes)
	}
	return pieces, pieceOf
}

// levels are those of vertices that need each other both ways, 0 elsewhere: the level of a member is above those of the members of other
// vertices that it needs. order is one of the members.
func levels[V ~int32](order []int32, vertices int, vertex func(int32) int32, after func(int32) []V) []int32 {
	edges := make(map[int32][]int32)
	for _, n := range order {
		from := vertex(n)
		for _, to := range after(n) {
			if t := vertex(int32(to)); t != from {
				edges[from] = append(edges[from], t)
			}
		}
	}
	component := make([]int32, vertices) // 0 is alone
	for i, c := range components(vertices, func(v int32) []int32 { return edges[v] }) {
		for _, v := range c {
			component[v] = int32(i) + 1
		}
	}
	level := make([]int32, len(order))
	for _, n := range order {
		from := vertex(n)
		if component[from] == 0 {
			continue
		}
		for _, to := range after(n) {
			t := vertex(int32(to))
			switch {
			case t == from:
				level[n] = max(level[n], level[to])
			case component[t] == component[from]:
				level[n] = max(level[n], level[to]+1)
			}
		}
	}
	return level
}

// stageScope is the scope of the stage of a piece: its subscription, management group, or the tenant.
func (b *builder) stageScope(scope int32) int32 {
	s := &b.scopes[scope]
	if s.kind != template.ScopeResourceGroup {
		return scope
	}
	return b.scopeOf("/subscriptions/" + s.sub + "/providers/x/y/z")
}

// stages puts pieces into stages.
func (b *builder) stages(pieces []piece, after [][]int32) {
	scopes := make([]int32, len(pieces))
	for i := range pieces {
		scopes[i] = b.stageScope(pieces[i].scope)
	}
	follow := func(p int32) []int32 { return after[p] }
	order := sorted(len(pieces), follow)
	level := levels(order, len(b.scopes), func(p int32) int32 { return scopes[p] }, follow)

	type stage struct {
		scope               int32
		pieces              []int32
		bytes, units, param int
	}
	var all []stage
	stageOf := make([]int32, len(pieces))
	open := map[[2]int32]int32{}
	for _, p := range order {
		k := [2]int32{scopes[p], level[p]}
		at, ok := open[k]
		if ok {
			s, l := &all[at], b.o.Limits
			ok = s.bytes+pieces[p].bytes <= l.StageBytes && s.units < l.StageUnits && s.param+pieces[p].param <= l.Parameters
		}
		if !ok {
			at = int32(len(all)) //nolint:gosec // there are fewer stages than rows
			all = append(all, stage{scope: scopes[p]})
			open[k] = at
		}
		s := &all[at]
		s.pieces = append(s.pieces, p)
		s.bytes += pieces[p].bytes
		s.units++
		s.param += pieces[p].param
		stageOf[p] = at
	}
	edges := make([][]int32, len(all))
	for p := range pieces {
		for _, q := range after[p] {
			if stageOf[q] != stageOf[p] {
				edges[stageOf[p]] = append(edges[stageOf[p]], stageOf[q])
			}
		}
	}
	units, stages := newNames(), newNames()
	for _, i := range sorted(len(all), func(s int32) []int32 { return edges[s] }) {
		b.addStage(all[i].scope, all[i].pieces, pieces, after, units, stages)
	}
	b.groupsElsewhere()
}

// addStage makes a stage of pieces that stand in the order of deployment.
func (b *builder) addStage(scope int32, members []int32, pieces []piece, after [][]int32, units, stages *names) {
	s := &template.Stage{
		Scope: b.scope(scope), Title: b.scopeTitle(scope), Name: b.scopeName(stages, scope),
		MainAfter: map[template.Node][]int{}, UnitAfter: map[int][]template.Node{},
	}
	unitOf := map[int32]int{} // of the pieces that are units
	var main []template.Node
	for _, p := range members {
		if !pieces[p].group {
			main = append(main, pieces[p].nodes...)
			continue
		}
		u := &template.Unit{Nodes: pieces[p].nodes, Scope: b.scope(pieces[p].scope), Title: b.scopeTitle(pieces[p].scope), Name: b.unitName(units, pieces[p].scope)}
		unitOf[p] = b.addUnit(u)
		s.Units = append(s.Units, u)
	}
	if len(main) > 0 {
		slices.Sort(main)
		s.Main = &template.Unit{Nodes: main, Scope: s.Scope, Title: s.Title, Name: units.unique(s.Name + "-scope")}
		b.addUnit(s.Main)
	}
	inMain := map[template.Node]bool{}
	for _, n := range main {
		inMain[n] = true
	}
	for _, p := range members {
		for _, q := range after[p] {
			from, isUnit := unitOf[p]
			to, onUnit := unitOf[q]
			switch {
			case isUnit && onUnit:
				b.out.Units[from].After = append(b.out.Units[from].After, to)
			case onUnit:
				s.MainAfter[pieces[p].nodes[0]] = append(s.MainAfter[pieces[p].nodes[0]], to)
			case isUnit && inMain[pieces[q].nodes[0]]:
				if n := pieces[q].nodes[0]; n != b.out.Units[from].Scope.Group {
					s.UnitAfter[from] = append(s.UnitAfter[from], n)
				}
			}
		}
	}
	for _, u := range s.Units {
		slices.Sort(u.After)
		slices.Sort(s.UnitAfter[u.Index])
	}
	for n := range s.MainAfter {
		slices.Sort(s.MainAfter[n])
	}
	b.out.Stages = append(b.out.Stages, s)
}

// unitName names a unit of a resource group; one that is cut has a number.
func (b *builder) unitName(units *names, scope int32) string {
	base := slug(b.scopes[scope].group)
	sub := slug(cmp.Or(b.places.subscriptions[b.scopes[scope].sub].Name, b.scopes[scope].sub))
	key := strings.ToLower(b.scopes[scope].id)
	if owner, ok := b.unitOwner[base]; ok && owner != key {
		base += "-" + sub
	} else {
		b.unitOwner[base] = key
	}
	return units.unique(base)
}

// groupsElsewhere tells the units whose resource group is generated in another stage that it has to be there by then.
func (b *builder) groupsElsewhere() {
	for _, s := range b.out.Stages {
		for _, u := range s.Units {
			if g := u.Scope.Group; g != template.NoNode && (s.Main == nil || int(b.nodes[b.generated[g]].unit) != s.Main.Index) {
				u.Scope.Group = template.NoNode
			}
		}
	}
}
