package build

import (
	"context"
	"fmt"
	"hash/maphash"
	"strings"
	"unicode/utf8"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Plan is a template, and what became of all rows of the snapshot.
type Plan struct {
	*template.Template
	Generated int64 // resources of their own
	InBody    int64 // resources that are a part of another's body
	Outside   int64 // resources outside of the filter
	b         *builder
}

// plan is what was built.
func (b *builder) plan() *Plan {
	b.measures, b.deps, b.inParent = nil, nil, nil
	p := &Plan{b: b}
	for i := range b.nodes {
		switch b.nodes[i].state {
		case generated:
			p.Generated++
		case inBody:
			p.InBody++
		case left:
			p.Outside++
		}
	}
	p.Template = template.Of(b.out, b.each, func(n template.Node) *template.Ref {
		node := &b.nodes[b.generated[n]]
		return &template.Ref{Node: n, Unit: int(node.unit), Symbol: b.symbol(node)}
	})
	return p
}

// Rest calls yield for every row of the snapshot that is neither a resource of its own nor outside of the filter, in the order of ids, and
// then for those that have none.
func (p *Plan) Rest(ctx context.Context, yield func(report.Entry) error) error {
	b := p.b
	lookup, err := b.r.Lookup(ctx)
	if err != nil {
		return err
	}
	defer lookup.Close()
	for i := range b.nodes {
		n := &b.nodes[i]
		if n.state == generated || n.state == left {
			continue
		}
		id, err := lookup.ID(ctx, n.place())
		if err != nil {
			return err
		}
		if err := yield(report.Entry{Resource: id, Type: b.types[n.typ].name, Class: n.reason.Class(), Reason: n.reason}); err != nil {
			return err
		}
	}
	return b.r.Nameless(ctx, func(h graph.Head) error {
		if !b.filter.Within(h.SubscriptionID, h.ResourceGroup) || b.filter.Excludes(h.Type) || !b.filter.Takes(h.Type, h.Location, h.Tags) {
			return nil
		}
		name := h.ID
		if name == "" {
			name = h.Name
		}
		return yield(report.Entry{Resource: name, Type: h.Type, Class: report.Omitted, Reason: report.NoID})
	})
}

// progressStep is after how many resources somebody is told.
const progressStep = 1024

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
		row, err := m.lookup.Row(ctx, b.nodes[at].place())
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
		if done := b.written.Add(1); done%progressStep == 0 {
			b.progress("writing", min(done, int64(len(b.generated))), int64(len(b.generated)))
		}
	}
	return nil
}

// groupNameLength is how long the name of a resource group can be
// (https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules).
const groupNameLength = 90

// longNames says which resource group's name becomes too long with the prefix.
func (b *builder) longNames() error {
	for i := range b.scopes {
		s := &b.scopes[i]
		if s.node >= 0 && b.nodes[s.node].state == generated && utf8.RuneCountInString(b.o.Target.GroupPrefix+s.group) > groupNameLength {
			return fault.New(fault.InvalidArgument, fmt.Sprintf("with the prefix %s the name of the resource group %s is longer than %d characters", b.o.Target.GroupPrefix, s.group, groupNameLength),
				fault.On(s.id), fault.Hint("take a shorter prefix"))
		}
	}
	return nil
}

// collisions says where two resources would be the same in the target: the same group of two subscriptions, both of which become one.
func (b *builder) collisions(ctx context.Context) error {
	if b.o.Target.SubscriptionID == "" || len(b.places.bySubscription) < 2 {
		return nil
	}
	seen := map[uint64]int32{}
	lookup, err := b.r.Lookup(ctx)
	if err != nil {
		return err
	}
	defer lookup.Close()
	for _, at := range b.generated {
		if b.scopes[b.nodes[at].scope].sub == "" {
			continue
		}
		row, err := lookup.Row(ctx, b.nodes[at].place())
		if err != nil {
			return err
		}
		key := strings.ToLower(row.ID)
		_, rest, _ := strings.Cut(key[len("/subscriptions/"):], "/")
		k := maphash.String(b.seed, rest)
		other, ok := seen[k]
		if !ok {
			seen[k] = at
			continue
		}
		first, err := lookup.Row(ctx, b.nodes[other].place())
		if err != nil {
			return err
		}
		return fault.New(fault.InvalidArgument, fmt.Sprintf("%s and %s would be the same resource in the subscription %s", first.ID, row.ID, b.o.Target.SubscriptionID),
			fault.On(row.ID), fault.Hint("generate each subscription on its own: add --subscription"))
	}
	return nil
}
