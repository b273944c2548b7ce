package build

import (
	"slices"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// stages checks that stages and their units can be deployed one after the other, each as soon as what it says it waits for is there, and
// that nothing is missing then.
func (c *checker) stages() {
	there := map[template.Node]bool{}
	inStages := 0
	for _, s := range c.Stages {
		inStages += c.deploy(s, there)
	}
	if inStages != len(c.Units) {
		c.Errorf("%d of %d units are in stages", inStages, len(c.Units))
	}
}

// deploy deploys a stage: its units and the nodes of its main unit, each when all that it waits for is there.
func (c *checker) deploy(s *template.Stage, there map[template.Node]bool) (units int) {
	type step struct {
		name  string
		nodes []template.Node
		units []int           // that have to be there
		main  []template.Node // that have to be there
	}
	var steps []step
	done := map[int]bool{}
	for i, u := range s.Units {
		if s.Main == nil && len(s.UnitAfter[u.Index]) > 0 {
			c.Errorf("%s waits for %v of a main unit that is not there", u.Name, s.UnitAfter[u.Index])
		}
		for _, a := range u.After {
			if at := slices.IndexFunc(s.Units, func(o *template.Unit) bool { return o.Index == a }); at < 0 || at >= i {
				c.Errorf("%s stands before unit %d, for which it waits", u.Name, a)
			}
		}
		if !slices.IsSorted(u.After) || !slices.IsSorted(s.UnitAfter[u.Index]) || u.Scope.Kind != template.ScopeResourceGroup {
			c.Errorf("unit %s of %v after %v and %v", u.Name, u.Scope.Kind, u.After, s.UnitAfter[u.Index])
		}
		main := slices.Clone(s.UnitAfter[u.Index])
		if u.Scope.Group != template.NoNode {
			main = append(main, u.Scope.Group)
		}
		if l := c.b.o.Limits; len(u.Nodes) > l.Resources || len(s.Units) > l.StageUnits {
			c.Errorf("%s has %d resources, its stage %d units", u.Name, len(u.Nodes), len(s.Units))
		}
		steps = append(steps, step{u.Name, u.Nodes, u.After, main})
		units++
	}
	if s.Main != nil {
		for _, n := range s.Main.Nodes {
			st := step{"main", []template.Node{n}, s.MainAfter[n], nil}
			for to := range c.after[n] {
				if c.unit[to] == s.Main.Index {
					st.main = append(st.main, to)
				}
			}
			steps = append(steps, st)
		}
		units++
	}
	unitAt := map[string]int{}
	for _, u := range s.Units {
		unitAt[u.Name] = u.Index
	}
	earlier := make(map[template.Node]bool, len(there))
	for n := range there {
		earlier[n] = true
	}
	for len(steps) > 0 {
		left := steps[:0:0]
		for _, st := range steps {
			ready := !slices.ContainsFunc(st.units, func(u int) bool { return !done[u] }) && !slices.ContainsFunc(st.main, func(n template.Node) bool { return !there[n] })
			if !ready {
				left = append(left, st)
				continue
			}
			c.told(s, st.nodes, st.units, st.main, earlier)
			for _, n := range st.nodes {
				there[n] = true
			}
			if at, isUnit := unitAt[st.name]; isUnit {
				done[at] = true
			}
		}
		if len(left) == len(steps) {
			c.Fatalf("stage %s: %d steps wait for each other", s.Name, len(left))
		}
		steps = left
	}
	return units
}

// told checks that what nodes need is in an earlier stage, among themselves, or in what they say they wait for.
func (c *checker) told(s *template.Stage, nodes []template.Node, units []int, main []template.Node, earlier map[template.Node]bool) {
	for _, n := range nodes {
		for to := range c.after[n] {
			if !earlier[to] && c.unit[to] != c.unit[n] && !slices.Contains(units, c.unit[to]) && !slices.Contains(main, to) {
				c.Errorf("stage %s: node %d needs node %d of unit %d, and waits for the units %v and the nodes %s", s.Name, n, to, c.unit[to], units, keys(c.after[n]))
			}
		}
	}
}
