package build

import (
	"context"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// locked is a generated resource that a lock of the level ReadOnly would stop, and its id.
type locked struct {
	node int32
	id   string
}

// waitForLocked finds what locks of the level ReadOnly lock: a deployment has to make such a lock behind all at and below what it is on.
// Of two on the same resource the later one in the order of ids waits for the earlier one. Terraform would have to name each resource in
// depends_on, across modules too: there the report warns of such locks.
func (b *builder) waitForLocked(ctx context.Context) error {
	if b.o.Split != template.SplitDeployment || len(b.readOnly) == 0 {
		return nil
	}
	on := map[int32][]int32{} // locks by what they are on
	for _, lock := range b.readOnly {
		if n := &b.nodes[lock]; n.state == generated && n.up >= 0 {
			on[n.up] = append(on[n.up], lock)
		}
	}
	lookup, err := b.r.Lookup(ctx)
	if err != nil {
		return err
	}
	defer lookup.Close()
	for _, at := range b.generated {
		for up := at; up >= 0; up = b.nodes[up].up {
			for _, lock := range on[up] {
				if at == lock || b.nodes[at].up == up && b.isReadOnly(at) && at > lock {
					continue
				}
				id, err := lookup.ID(ctx, b.nodes[at].place())
				if err != nil {
					return err
				}
				b.behind[lock] = append(b.behind[lock], locked{at, id})
			}
		}
	}
	return nil
}

// isReadOnly says that a row is a lock of the level ReadOnly.
func (b *builder) isReadOnly(at int32) bool {
	for _, lock := range b.readOnly {
		if lock == at {
			return true
		}
	}
	return false
}

// behindLocked are the references to what a lock waits for, in its own unit: the order of units has the others.
func (m *maker) behindLocked() (refs []*template.Ref) {
	for _, l := range m.b.behind[m.at] {
		n := &m.b.nodes[l.node]
		if n.unit != m.node.unit || n.state != generated || m.b.isBroken(m.at, l.node) || m.node.up == l.node {
			continue // what it is on is its parent
		}
		id := canonical(l.id, m.b.types[n.typ].name)
		refs = append(refs, &template.Ref{Node: m.b.number(l.node), Unit: int(n.unit), Symbol: m.b.symbol(n), ID: m.rewrite(id)})
	}
	return refs
}
