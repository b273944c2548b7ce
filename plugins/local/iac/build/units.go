package build

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// arrange puts the generated resources into units, and these into an order.
func (b *builder) arrange(ctx context.Context) error {
	if err := b.connect(ctx); err != nil {
		return err
	}
	if err := b.tellBroken(ctx); err != nil {
		return err
	}
	if err := b.longNames(); err != nil {
		return err
	}
	if err := b.collisions(ctx); err != nil {
		return err
	}
	b.out = template.Template{
		Source: template.Source{TenantID: b.r.Snapshot().TenantID, TenantName: b.r.Snapshot().TenantName, Complete: b.r.Snapshot().Complete},
		Target: b.o.Target, Split: b.o.Split,
	}
	slices.SortFunc(b.shared, func(x, y *template.Parameter) int { return cmp.Compare(x.Name, y.Name) })
	b.out.Parameters = b.shared
	if b.o.Split == template.SplitDeployment {
		b.deployment()
	} else {
		b.modules()
	}
	b.link()
	return nil
}

// tellBroken reports the edges that were taken out.
func (b *builder) tellBroken(ctx context.Context) error {
	if len(b.broken) == 0 {
		return nil
	}
	lookup, err := b.r.Lookup(ctx)
	if err != nil {
		return err
	}
	defer lookup.Close()
	pairs := make([][2]int32, 0, len(b.broken))
	for p := range b.broken {
		pairs = append(pairs, p)
	}
	slices.SortFunc(pairs, func(x, y [2]int32) int { return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1])) })
	ids := map[int32]string{}
	id := func(at int32) (string, error) {
		if id, ok := ids[at]; ok {
			return id, nil
		}
		row, err := lookup.Row(ctx, b.nodes[at].place())
		ids[at] = row.ID
		return row.ID, err
	}
	for _, p := range pairs {
		from, err := id(p[0])
		if err != nil {
			return err
		}
		to, err := id(p[1])
		if err != nil {
			return err
		}
		b.report.Change(report.Entry{Resource: from, Type: b.types[b.nodes[p[0]].typ].name, Reason: report.CycleBroken, Detail: to})
	}
	return nil
}

// modules are the units of Terraform.
func (b *builder) modules() {
	at := map[string]int{}
	names := newNames()
	keys := make([]string, 0, 16)
	groups := map[string][]template.Node{}
	for n, node := range b.generated {
		key := b.module(node)
		if _, ok := groups[key]; !ok {
			keys = append(keys, key)
		}
		groups[key] = append(groups[key], template.Node(n))
	}
	slices.Sort(keys)
	for _, key := range keys {
		first := &b.nodes[b.generated[groups[key][0]]]
		u := &template.Unit{Nodes: groups[key], Scope: template.Scope{Group: template.NoNode}}
		switch b.o.Split {
		case template.SplitGroup:
			scope := first.scope
			if b.types[first.typ].lower == groupRowType {
				scope = b.scopeAt[key]
			}
			u.Scope = b.scope(scope)
			u.Name, u.Title = b.scopeName(names, scope), b.scopeTitle(scope)
		case template.SplitType:
			t := b.types[first.typ].name
			u.Name = names.unique(slug(strings.ReplaceAll(strings.TrimPrefix(t, "Microsoft."), "/", "-")))
			u.Title = "resources of the type " + t
		default:
			u.Name, u.Title = "main", "all resources"
		}
		at[key] = b.addUnit(u)
	}
}

// module is the key of the module of a resource.
func (b *builder) module(at int32) string {
	n := &b.nodes[at]
	switch b.o.Split {
	case template.SplitType:
		return b.types[n.typ].lower
	case template.SplitGroup:
		if b.types[n.typ].lower == groupRowType {
			return strings.ToLower(b.scopes[b.groupScopes[at]].id)
		}
		return strings.ToLower(b.scopes[n.scope].id)
	}
	return ""
}

// addUnit numbers a unit, and tells its nodes that they are in it.
func (b *builder) addUnit(u *template.Unit) int {
	u.Index = len(b.out.Units)
	b.out.Units = append(b.out.Units, u)
	for _, n := range u.Nodes {
		b.nodes[b.generated[n]].unit = int32(u.Index) //nolint:gosec // there are fewer units than rows
	}
	return u.Index
}

// link says which units need resources of which.
func (b *builder) link() {
	offers, needs := map[int]map[template.Node]bool{}, map[int]map[template.Node]bool{}
	offersOf, needsOf := map[int][]template.Output{}, map[int][]template.Output{}
	stage := map[int]int{}
	for i, s := range b.out.Stages {
		for _, u := range s.Units {
			stage[u.Index] = i
		}
		if s.Main != nil {
			stage[s.Main.Index] = i
		}
	}
	put := func(into map[int]map[template.Node]bool, unit int, n template.Node) {
		if into[unit] == nil {
			into[unit] = map[template.Node]bool{}
		}
		into[unit][n] = true
	}
	for n, at := range b.generated {
		from := int(b.nodes[at].unit)
		for _, to := range b.after(template.Node(n)) {
			unit := int(b.nodes[b.generated[to]].unit)
			if unit != from && stage[unit] == stage[from] && !b.byProperty[[2]int32{at, b.generated[to]}] {
				put(needs, from, to)
				put(offers, unit, to)
			}
		}
		for _, p := range b.principals.of(at) {
			unit := int(b.nodes[p.to.node].unit)
			if unit != from && stage[unit] == stage[from] && !b.isBroken(at, p.to.node) {
				o := template.Output{Node: b.number(p.to.node), Property: p.to.property}
				needsOf[from], offersOf[unit] = append(needsOf[from], o), append(offersOf[unit], o)
			}
		}
	}
	outputs := func(all []template.Output) []template.Output {
		slices.SortFunc(all, func(x, y template.Output) int {
			return cmp.Or(cmp.Compare(x.Node, y.Node), strings.Compare(x.Property, y.Property))
		})
		return slices.Compact(all)
	}
	list := func(set map[template.Node]bool) []template.Node {
		all := make([]template.Node, 0, len(set))
		for n := range set {
			all = append(all, n)
		}
		slices.Sort(all)
		return all
	}
	for _, u := range b.out.Units {
		u.NeedsOf, u.OffersOf = outputs(needsOf[u.Index]), outputs(offersOf[u.Index])
		if set := needs[u.Index]; set != nil {
			u.Needs = list(set)
		}
		if set := offers[u.Index]; set != nil {
			u.Offers = list(set)
		}
	}
}

// scope is a scope as the template has it.
func (b *builder) scope(at int32) template.Scope {
	s := &b.scopes[at]
	out := template.Scope{Kind: s.kind, Group: template.NoNode}
	switch s.kind {
	case template.ScopeTenant:
		out.ID = literal("/")
	case template.ScopeManagementGroup:
		out.ManagementGroup = s.id[strings.LastIndexByte(s.id, '/')+1:]
		out.ID = literal(s.id)
	default:
		out.Subscription = b.places.bySubscription[s.sub]
		out.ID = []template.Part{{Literal: "/subscriptions/"}, {Parameter: out.Subscription}}
		if out.Subscription == nil { // nothing of it is generated, and yet it is asked for
			out.ID = literal("/subscriptions/" + s.sub)
		}
		if s.kind == template.ScopeSubscription {
			break
		}
		out.ResourceGroup = literal(s.group)
		if s.node >= 0 && b.nodes[s.node].state == generated {
			out.Group = b.number(s.node)
			out.ResourceGroup = []template.Part{{Parameter: b.places.prefix}, {Literal: s.group}}
		}
		out.ID = append(append(out.ID, template.Part{Literal: "/resourceGroups/"}), out.ResourceGroup...)
		out.ID = merge(out.ID)
	}
	return out
}

// merge joins literals that stand side by side.
func merge(parts []template.Part) []template.Part {
	out := parts[:0:0]
	for _, p := range parts {
		if last := len(out) - 1; last >= 0 && p.Parameter == nil && p.Ref == nil && out[last].Parameter == nil && out[last].Ref == nil {
			out[last].Literal += p.Literal
			continue
		}
		out = append(out, p)
	}
	return out
}

// scopeName names the unit of a scope.
func (b *builder) scopeName(names *names, at int32) string {
	s := &b.scopes[at]
	sub := slug(cmp.Or(b.places.subscriptions[s.sub].Name, s.sub))
	switch s.kind {
	case template.ScopeTenant:
		return names.unique("tenant")
	case template.ScopeManagementGroup:
		return names.unique("mg-" + slug(s.id[strings.LastIndexByte(s.id, '/')+1:]))
	case template.ScopeSubscription:
		return names.unique(sub)
	}
	name := slug(s.group)
	if names.taken[name] {
		name += "-" + sub
	}
	return names.unique(name)
}

// scopeTitle is a scope for people.
func (b *builder) scopeTitle(at int32) string {
	s := &b.scopes[at]
	sub := template.OneLine(cmp.Or(b.places.subscriptions[s.sub].Name, s.sub))
	switch s.kind {
	case template.ScopeTenant:
		return "the tenant"
	case template.ScopeManagementGroup:
		return "management group " + template.OneLine(s.id[strings.LastIndexByte(s.id, '/')+1:])
	case template.ScopeSubscription:
		return "subscription " + sub
	}
	return "resource group " + template.OneLine(s.group) + " of " + sub
}

// names are names of units or stages.
type names struct{ taken map[string]bool }

func newNames() *names { return &names{taken: map[string]bool{}} }

func (n *names) unique(name string) string {
	base := name
	for i := 2; n.taken[name]; i++ {
		name = base + "-" + itoa(i)
	}
	n.taken[name] = true
	return name
}

// slugLength is how long a name of a file may become, without its ending; the longest that a resource group can have is 90.
const slugLength = 64

// slug is text as the name of a file on any system, and as an identifier once its hyphens are replaced: a to z, digits and
// single hyphens, beginning with a letter.
func slug(text string) string {
	s := strings.ReplaceAll(strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return '-'
	}, text), "_", "-")
	for strings.Contains(s, "--") {
		s = strings.ReplaceAll(s, "--", "-")
	}
	s = strings.Trim(s, "-")
	if len(s) > slugLength {
		s = strings.TrimRight(s[:slugLength-9], "-") + "-" + digest(text)[:8]
	}
	switch {
	case s == "":
		return "x-" + digest(text)[:8]
	case s[0] >= '0' && s[0] <= '9', slices.Contains([]string{"con", "prn", "aux", "nul", "main", "modules"}, s),
		len(s) == 4 && (strings.HasPrefix(s, "com") || strings.HasPrefix(s, "lpt")) && s[3] >= '0' && s[3] <= '9': // devices of Windows
		return "x-" + s
	}
	return s
}
