package build

import (
	"context"
	"fmt"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// template is what was built.
func (b *builder) template() *template.Template {
	b.symbols = nil
	return template.Of(b.out, b.each, func(n template.Node) *template.Ref {
		node := &b.nodes[b.generated[n]]
		return &template.Ref{Node: n, Unit: int(node.unit), Symbol: node.symbol}
	})
}

// each makes the resources of a unit.
func (b *builder) each(ctx context.Context, u *template.Unit, yield func(*template.Resource) error) error {
	m, err := b.maker(ctx, false)
	if err != nil {
		return err
	}
	defer m.lookup.Close()
	for _, n := range u.Nodes {
		if err := context.Cause(ctx); err != nil {
			return fault.Of(err)
		}
		at := b.generated[n]
		row, err := m.lookup.Row(ctx, b.nodes[at].place)
		if err != nil {
			return err
		}
		r, err := m.make(at, &row)
		if err != nil {
			return fault.New(fault.Integrity, "the snapshot has changed while it was read: "+row.ID, fault.Because(err))
		}
		if err := yield(r); err != nil {
			return err
		}
	}
	return nil
}

// collisions says where two resources would be the same in the target: the same group of two subscriptions, both of which become one.
func (b *builder) collisions(ctx context.Context) error {
	if b.o.Target.SubscriptionID == "" || len(b.places.bySubscription) < 2 {
		return nil
	}
	seen := map[idKey]int32{}
	lookup, err := b.r.Lookup(ctx)
	if err != nil {
		return err
	}
	defer lookup.Close()
	for _, at := range b.generated {
		if b.scopes[b.nodes[at].scope].sub == "" {
			continue
		}
		row, err := lookup.Row(ctx, b.nodes[at].place)
		if err != nil {
			return err
		}
		key := strings.ToLower(row.ID)
		_, rest, _ := strings.Cut(key[len("/subscriptions/"):], "/")
		k := b.hash.key(rest)
		other, ok := seen[k]
		if !ok {
			seen[k] = at
			continue
		}
		first, err := lookup.Row(ctx, b.nodes[other].place)
		if err != nil {
			return err
		}
		return fault.New(fault.InvalidArgument, fmt.Sprintf("%s and %s would be the same resource in the subscription %s", first.ID, row.ID, b.o.Target.SubscriptionID),
			fault.On(row.ID), fault.Hint("generate each subscription on its own: add --subscription"))
	}
	return nil
}
