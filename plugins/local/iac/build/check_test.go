package build

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// checker holds a template to what the documentation of package template promises.
type checker struct {
	testing.TB
	*built
	unit   map[template.Node]int
	after  map[template.Node]map[template.Node]bool // what a resource refers to, hangs below or waits for
	listed map[template.Node]bool
}

// check reports whatever in a template is not as promised, and rows of the snapshot that are nowhere, or twice.
func check(t testing.TB, b *built, r *graph.Reader) {
	t.Helper()
	c := &checker{t, b, map[template.Node]int{}, map[template.Node]map[template.Node]bool{}, map[template.Node]bool{}}
	c.names()
	for i, u := range b.Units {
		if u.Index != i || len(u.Nodes) == 0 || !slices.IsSorted(u.Nodes) {
			c.Errorf("unit %d is %d with the nodes %v", i, u.Index, u.Nodes)
		}
		for _, n := range u.Nodes {
			if _, twice := c.unit[n]; twice {
				c.Errorf("node %d is in two units", n)
			}
			c.unit[n] = i
		}
	}
	for _, u := range b.Units {
		c.resourcesOf(u)
	}
	c.acyclic()
	c.needs()
	if b.Split == template.SplitDeployment {
		c.stages()
	} else if len(b.Stages) > 0 {
		c.Errorf("there are stages")
	}
	c.accounts(r)
}

var (
	unitForm   = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	symbolForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	reserved   = regexp.MustCompile(`^(con|prn|aux|nul|com[0-9]|lpt[0-9])$`)
)

func folded(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// names checks the names of parameters, units and stages.
func (c *checker) names() {
	taken := map[string]bool{}
	last := ""
	for _, p := range c.Parameters {
		if taken[folded(p.Name)] || !symbolForm.MatchString(p.Name) || p.Name < last || p.Secret || !p.HasDefault || strings.ContainsAny(p.Description, "\n\r") {
			c.Errorf("shared parameter %+v after %s", *p, last)
		}
		taken[folded(p.Name)], last = true, p.Name
	}
	units, stages := map[string]bool{}, map[string]bool{}
	for _, u := range c.Units {
		if units[u.Name] || !unitForm.MatchString(u.Name) || reserved.MatchString(u.Name) || len(u.Name) > 200 {
			c.Errorf("a unit is called %q", u.Name)
		}
		units[u.Name] = true
	}
	for _, s := range c.Stages {
		if stages[s.Name] || !unitForm.MatchString(s.Name) || reserved.MatchString(s.Name) {
			c.Errorf("a stage is called %q", s.Name)
		}
		stages[s.Name] = true
	}
}

// ofUnit is what is checked over all resources of a unit.
type ofUnit struct {
	symbols, secrets map[string]bool
	existing         map[string]string // id by symbol
}

// resourcesOf checks the resources of a unit.
func (c *checker) resourcesOf(u *template.Unit) {
	at := 0
	seen := ofUnit{map[string]bool{}, map[string]bool{}, map[string]string{}}
	err := c.Each(c.Context(), u, func(r *template.Resource) error {
		if at >= len(u.Nodes) || r.Node != u.Nodes[at] {
			c.Fatalf("unit %s makes node %d as number %d", u.Name, r.Node, at)
		}
		at++
		c.resource(u, r, seen)
		return nil
	})
	if err != nil || at != len(u.Nodes) {
		c.Errorf("unit %s makes %d of %d resources: %v", u.Name, at, len(u.Nodes), err)
	}
}

func (c *checker) resource(u *template.Unit, r *template.Resource, seen ofUnit) {
	ref := c.Ref(r.Node)
	if ref.Node != r.Node || ref.Unit != u.Index || ref.Symbol != r.Symbol || ref.Existing != nil {
		c.Errorf("%s: Ref is %+v", r.ID, ref)
	}
	if seen.symbols[folded(r.Symbol)] || !symbolForm.MatchString(r.Symbol) || len(r.Symbol) > symbolLength {
		c.Errorf("%s: the symbol is %q", r.ID, r.Symbol)
	}
	seen.symbols[folded(r.Symbol)] = true
	if r.Type == "" || r.APIVersion == "" || len(r.ParentID) == 0 || strings.Count(r.Type, "/") == 0 || words(r.Name) == "" || words(r.FullName) == "" {
		c.Errorf("%s: %s@%s below %q, called %q and %q", r.ID, r.Type, r.APIVersion, words(r.ParentID), words(r.Name), words(r.FullName))
	}
	c.after[r.Node] = map[template.Node]bool{}
	if r.ParentKind == template.ParentScope {
		if r.Parent != nil {
			c.Errorf("%s: it hangs below its scope, and below %+v", r.ID, r.Parent)
		}
		if g := r.Scope.Group; g != template.NoNode {
			c.after[r.Node][g] = true
		}
	}
	if r.Parent != nil {
		if r.Parent.Node >= r.Node {
			c.Errorf("%s: node %d hangs below %d", r.ID, r.Node, r.Parent.Node)
		}
		c.ref(r, r.Parent, seen)
	}
	for _, d := range r.DependsOn {
		c.ref(r, d, seen)
	}
	used := map[*template.Parameter]int{}
	parts := [][]template.Part{r.ParentID, r.Name, r.FullName, r.Location}
	parts = append(parts, r.IdentityIDs...)
	for _, p := range parts {
		c.parts(r, p, seen, used)
	}
	values := []template.Field{{Name: "tags", Value: r.Tags}, {Name: "identity", Value: template.Value{Kind: template.Map, Fields: r.Identity.Fields}}}
	for _, f := range r.Body {
		if slices.Contains([]string{"id", "name", "type", "location", "tags", "identity", "apiversion", "dependson"}, strings.ToLower(f.Name)) {
			c.Errorf("%s: its body has a %s", r.ID, f.Name)
		}
	}
	c.value(r, template.Value{Kind: template.Map, Fields: append(values, r.Body...)}, seen, used)
	c.secrets(u, r, seen, used)
}

// secrets checks that a resource lists each secret that it has, and no other.
func (c *checker) secrets(u *template.Unit, r *template.Resource, seen ofUnit, used map[*template.Parameter]int) {
	for _, p := range r.Secrets {
		if !p.Secret || p.HasDefault || p.Default != "" || used[p] != 1 || seen.secrets[folded(p.Name)] || !symbolForm.MatchString(p.Name) || strings.ContainsAny(p.Description, "\n\r") || len(p.Name) > 200 {
			c.Errorf("%s: secret %+v is used %d times in %s", r.ID, *p, used[p], u.Name)
		}
		seen.secrets[folded(p.Name)] = true
		delete(used, p)
	}
	for p := range used {
		if !slices.Contains(c.Parameters, p) {
			c.Errorf("%s: parameter %+v is nobody's", r.ID, *p)
		}
	}
}

func (c *checker) value(r *template.Resource, v template.Value, seen ofUnit, used map[*template.Parameter]int) {
	if v.Kind == template.String || v.Kind == template.Number {
		c.parts(r, v.Text, seen, used)
	}
	for _, i := range v.Items {
		c.value(r, i, seen, used)
	}
	names := map[string]bool{}
	for _, f := range v.Fields {
		if names[f.Name] {
			c.Errorf("%s: two members are called %q", r.ID, f.Name)
		}
		names[f.Name] = true
		c.value(r, f.Value, seen, used)
	}
}

func (c *checker) parts(r *template.Resource, parts []template.Part, seen ofUnit, used map[*template.Parameter]int) {
	for i, p := range parts {
		kinds := 0
		if p.Literal != "" || len(parts) == 1 && p.Parameter == nil && p.Ref == nil {
			kinds++
		}
		if p.Parameter != nil {
			kinds++
			used[p.Parameter]++
		}
		if p.Ref != nil {
			kinds++
			c.ref(r, p.Ref, seen)
			if p.Ref.Property != "" && len(parts) > 1 {
				c.Errorf("%s: more than a property in %s", r.ID, words(parts))
			}
		}
		if kinds != 1 {
			c.Errorf("%s: part %d of %q is %d things", r.ID, i, words(parts), kinds)
		}
	}
}

// ref checks a reference, and keeps what it leads to.
func (c *checker) ref(r *template.Resource, ref *template.Ref, seen ofUnit) {
	for _, p := range ref.ID {
		if p.Ref != nil || p.Parameter != nil && !slices.Contains(c.Parameters, p.Parameter) {
			c.Errorf("%s: the id of a reference is %s", r.ID, words(ref.ID))
		}
	}
	if len(ref.ID) == 0 {
		c.Errorf("%s: a reference without an id: %+v", r.ID, ref)
	}
	if e := ref.Existing; e != nil {
		id := words(e.ID)
		if was, ok := seen.existing[folded(e.Symbol)]; ok && was != e.Symbol+" "+id || ref.Node != template.NoNode ||
			!strings.HasPrefix(e.Symbol, "existing_") || !symbolForm.MatchString(e.Symbol) || e.APIVersion == "" || e.Type == "" {
			c.Errorf("%s: existing resource %+v, before %s", r.ID, *e, was)
		}
		seen.existing[folded(e.Symbol)] = e.Symbol + " " + id
		return
	}
	want := c.Ref(ref.Node)
	if ref.Unit != want.Unit || ref.Symbol != want.Symbol || ref.Unit != c.unit[ref.Node] {
		c.Errorf("%s: reference %+v, want %+v", r.ID, ref, want)
	}
	if ref.Node == r.Node {
		c.Errorf("%s refers to itself", r.ID)
	}
	c.after[r.Node][ref.Node] = true
}

// acyclic checks that resources can be made one after the other.
func (c *checker) acyclic() {
	state := map[template.Node]int{}
	var visit func(n template.Node)
	visit = func(n template.Node) {
		state[n] = 1
		for to := range c.after[n] {
			switch state[to] {
			case 0:
				visit(to)
			case 1:
				c.Errorf("node %d is on a cycle", n)
			}
		}
		state[n] = 2
	}
	for n := range c.after {
		if state[n] == 0 {
			visit(n)
		}
	}
}

// stageOf is the stage that each unit is in.
func (c *checker) stageOf() map[int]int {
	of := map[int]int{}
	for i, s := range c.Stages {
		for _, u := range s.Units {
			of[u.Index] = i
		}
		if s.Main != nil {
			of[s.Main.Index] = i
		}
	}
	return of
}

// needs checks what units need of each other, and offer.
func (c *checker) needs() {
	stage := c.stageOf()
	needs, offers := map[int]map[template.Node]bool{}, map[int]map[template.Node]bool{}
	for _, u := range c.Units {
		needs[u.Index], offers[u.Index] = map[template.Node]bool{}, map[template.Node]bool{}
	}
	for n, all := range c.after {
		for to := range all {
			if from, unit := c.unit[n], c.unit[to]; from != unit && stage[from] == stage[unit] {
				needs[from][to], offers[unit][to] = true, true
			}
		}
	}
	for _, u := range c.Units {
		has, gives := u.Needs, u.Offers
		for _, o := range u.NeedsOf {
			has = append(has, o.Node)
		}
		for _, o := range u.OffersOf {
			gives = append(gives, o.Node)
		}
		for n := range needs[u.Index] {
			if !slices.Contains(has, n) {
				c.Errorf("%s needs node %d, and does not say so", u.Name, n)
			}
		}
		for n := range offers[u.Index] {
			if !slices.Contains(gives, n) {
				c.Errorf("%s offers node %d, and does not say so", u.Name, n)
			}
		}
		for _, list := range [][]template.Node{u.Needs, u.Offers} {
			if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
				c.Errorf("%s: %v is not sorted", u.Name, list)
			}
		}
		for _, n := range u.Needs {
			if !needs[u.Index][n] {
				c.Errorf("%s says that it needs node %d, and does not", u.Name, n)
			}
		}
		for _, n := range u.Offers {
			if c.unit[n] != u.Index {
				c.Errorf("%s offers node %d of unit %d", u.Name, n, c.unit[n])
			}
		}
	}
}

// accounts checks that each row of the snapshot is in the template, in the rest or outside of the filter, once.
func (c *checker) accounts(r *graph.Reader) {
	rows, nameless := map[string]bool{}, 0
	if err := r.Heads(c.Context(), func(h graph.Head) error { rows[h.Key] = true; return nil }); err != nil {
		c.Fatal(err)
	}
	if err := r.Nameless(c.Context(), func(graph.Head) error { nameless++; return nil }); err != nil {
		c.Fatal(err)
	}
	seen := map[string]bool{}
	once := func(id, where string) {
		key := strings.ToLower(id)
		if seen[key] || !rows[key] {
			c.Errorf("%s is %s: once before %v, in the snapshot %v", id, where, seen[key], rows[key])
		}
		seen[key] = true
	}
	for id := range c.resources {
		once(id, "generated")
	}
	left := len(c.restIDs)
	for _, id := range c.restIDs {
		if rows[strings.ToLower(id)] {
			once(id, "left out")
			left--
		}
	}
	if left > nameless {
		c.Errorf("%d rows without an id are left out, of %d", left, nameless)
	}
	if got := len(seen) + int(c.Outside); got != len(rows) {
		c.Errorf("%d of %d rows are accounted for, %d of them outside of the filter", got, len(rows), c.Outside)
	}
	if int(c.Generated) != len(c.resources) || int(c.Generated) != len(c.unit) {
		c.Errorf("%d resources are generated, and %d are there, in units %d", c.Generated, len(c.resources), len(c.unit))
	}
	for id, e := range c.rest {
		if e.Reason.String() == "" {
			c.Errorf("%s is left out without a reason", id)
		}
	}
}

// keys are a set's members, sorted, for messages.
func keys[K interface{ ~int | ~int32 }](set map[K]bool) string {
	return fmt.Sprint(slices.Sorted(maps.Keys(set)))
}
