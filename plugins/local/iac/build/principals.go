package build

import (
	"cmp"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// principals are the object and client ids of identities that generated resources have, and that other resources name: a role assignment, an
// access policy, an application's setting. A resource that is made anew has a new identity, so that the id has to be a reference.
type principals struct {
	owners map[string]owner // by id in lower case
	named  []naming
	edges  []naming // those of named whose id is that of a generated resource; sorted
}

// owner is a resource whose identity it is, and where the id stands in what Azure answers of it.
type owner struct {
	node     int32
	property string
	id       string // of the resource
}

// naming says that a row names an id.
type naming struct {
	from int32
	id   string
	to   owner // in edges
}

// settle finds out which ids are those of generated resources.
func (p *principals) settle(b *builder) {
	for _, n := range p.named {
		o, ok := p.owners[n.id]
		if ok && o.node != n.from && b.nodes[o.node].state == generated && b.nodes[n.from].state == generated {
			n.to = o
			p.edges = append(p.edges, n)
		}
	}
	p.named = nil
	kept := make(map[string]owner, len(p.edges)) // a tenant has more identities than are named
	for _, n := range p.edges {
		kept[n.id] = n.to
	}
	p.owners = kept
	slices.SortFunc(p.edges, func(x, y naming) int {
		return cmp.Or(cmp.Compare(x.from, y.from), cmp.Compare(x.to.node, y.to.node), strings.Compare(x.to.property, y.to.property))
	})
	p.edges = slices.CompactFunc(p.edges, func(x, y naming) bool { return x.from == y.from && x.to == y.to })
}

// of are the edges of one row.
func (p *principals) of(from int32) []naming {
	at, _ := slices.BinarySearchFunc(p.edges, from, func(n naming, from int32) int { return cmp.Compare(n.from, from) })
	end := at
	for end < len(p.edges) && p.edges[end].from == from {
		end++
	}
	return p.edges[at:end]
}

// principal is the reference to an identity of a generated resource that a GUID is the id of; nil if it is none.
func (m *maker) principal(guid string) []template.Part {
	lower := strings.ToLower(guid)
	if m.survey {
		if m.b.parameterOf(lower) == nil {
			m.ids = append(m.ids, lower)
		}
		return nil
	}
	o, ok := m.b.principals.owners[lower]
	if !ok || o.node == m.at || m.b.nodes[o.node].state != generated || m.b.isBroken(m.at, o.node) {
		return nil
	}
	n := &m.b.nodes[o.node]
	t := &m.b.types[n.typ]
	return []template.Part{{Ref: &template.Ref{
		Node: m.b.number(o.node), Unit: int(n.unit), Symbol: m.b.symbol(n), Property: o.property, Type: t.name, APIVersion: t.version,
		ID: m.rewrite(canonical(o.id, t.name)),
	}}}
}
