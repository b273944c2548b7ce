package build

import (
	"context"
	"hash/fnv"
	"hash/maphash"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph/filter"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// readHeads finds the rows, and decides by what they are which are generated.
func (b *builder) readHeads(ctx context.Context) error {
	subscriptions, err := b.r.Subscriptions(ctx)
	if err != nil {
		return err
	}
	b.places.subscriptions = subscriptions
	if b.filter, err = filter.New(ctx, b.r, b.o.Filter); err != nil {
		return err
	}
	snapshot := b.r.Snapshot()
	total := snapshot.Resources
	room := int(min(total+snapshot.RoleAssignments+snapshot.RoleAssignments/8+2048, 1<<24))
	b.nodes, b.measures, b.index = make([]node, 0, room), make([]measure, 0, room), make(map[uint64]int32, room)
	err = b.r.Heads(ctx, func(h graph.Head) error {
		if n := len(b.nodes); n%4096 == 0 {
			b.progress("selecting", int64(n), total)
		}
		return b.addHead(&h)
	})
	if err != nil {
		return err
	}
	b.progress("selecting", int64(len(b.nodes)), int64(len(b.nodes)))
	b.symbols = nil
	b.keepGroups()
	return nil
}

func (b *builder) progress(phase string, done, total int64) {
	if b.o.Progress != nil {
		b.o.Progress(phase, done, max(done, total))
	}
}

// addHead makes the node of a row. The rows come in the order of their ids, so that what is above one is there already.
func (b *builder) addHead(h *graph.Head) error {
	if _, ok := b.find(h.Key); ok {
		if h.Key == b.last { // the same id in two tables: the earlier one is the better one
			return nil
		}
		return fault.New(fault.Internal, "two ids have the same hash", fault.On(h.ID), fault.Hint("run the command again: hashes are other ones each time"), fault.Retryable())
	}
	b.last = h.Key
	n := node{row: int32(h.Row), table: h.Table, up: -1, unit: -1} //nolint:gosec // a snapshot has fewer rows than 2^31
	id, ok := parseID(h.ID)
	n.typ = b.typeOf(h.Type, spelled(id, h.Type), h.APIVersion)
	n.scope = b.scopeOf(h.ID)
	for up := id.up(); ok && up != ""; up = upOf(up) {
		if at, found := b.find(strings.ToLower(up)); found {
			n.up = at
			break
		}
	}
	at := int32(len(b.nodes)) //nolint:gosec // a snapshot has fewer rows than 2^31
	b.index[maphash.String(b.seed, h.Key)] = at
	if !ok || !id.fits(h.Type) {
		n.state, n.reason = omitted, report.NoForm
	} else {
		b.decide(&n, h, id)
		if h.Type == groupRowType {
			b.groupScope(id, at)
		}
	}
	if n.state == generated && n.up >= 0 && b.types[n.typ].array != "" && b.nodes[n.up].state == generated {
		n.state, n.reason = inBody, report.PartOfParent
		b.inParent[n.up] = append(b.inParent[n.up], childName{at, hashName(id.name())})
	}
	if b.o.Only != nil && !b.o.Only[h.Key] {
		switch n.state {
		case generated:
			n.state, n.reason = left, report.OutsideFilter
		case inBody:
			b.unwanted[at] = true
		}
	}
	if n.state == generated && h.Type == "microsoft.authorization/locks" && strings.EqualFold(h.Fact, "ReadOnly") {
		b.readOnly = append(b.readOnly, at)
	}
	if n.state == generated || n.state == inBody {
		n.symbolAt, n.symbolLen = b.text.add(b.name(&n, id))
		switch {
		case h.Location == "":
		case h.Type == groupRowType: // which may go again
			b.groupRegions[at] = h.Location
		default:
			b.places.count(h.Location)
		}
	}
	b.nodes = append(b.nodes, n)
	b.measures = append(b.measures, measure{size: int32(min(h.Size, 1<<30))}) //nolint:gosec // bounded
	return nil
}

// spelled is a type as its id spells it, or else as the row does.
func spelled(id armID, row string) string {
	if t := id.typ(); strings.EqualFold(t, row) {
		return t
	}
	return row
}

// upOf is what is above an id, a beginning of it but for the case of "providers"; empty at the end.
func upOf(id string) string {
	a, ok := parseID(id)
	switch {
	case !ok:
		return ""
	case a.namespace != "":
		return a.up()
	}
	s := strings.Split(id, "/")
	if len(s) < 5 {
		return ""
	}
	return id[:len(s[1])+len(s[2])+2]
}

// groupScope tells the scope of a resource group which row is the group's own.
func (b *builder) groupScope(id armID, at int32) {
	scope := b.scopeOf(id.scope + "/providers/x/y/z")
	b.scopes[scope].node = at
	b.groupScopes[at] = scope
	b.scopes[scope].id = id.scope
	b.scopes[scope].group = id.name()
}

// decide says what becomes of a row.
func (b *builder) decide(n *node, h *graph.Head, id armID) {
	t, scope := &b.types[n.typ], &b.scopes[n.scope]
	above := (*node)(nil)
	if n.up >= 0 {
		above = &b.nodes[n.up]
	}
	switch {
	case !b.within(scope, h), b.filter.Excludes(h.Type), b.belowExcluded(n.up):
		n.state, n.reason = left, report.OutsideFilter
		return
	case h.Type == subscriptionRowType, id.isManagementGroup():
		n.state, n.reason = existing, report.Container
		if !b.filter.All() {
			n.state, n.reason = left, report.OutsideFilter
		}
		return
	}
	inherited := above != nil && above.match && h.Type != groupRowType && b.types[above.typ].lower != groupRowType
	n.match = b.filter.Open() || b.filter.Takes(h.Type, h.Location, h.Tags) || inherited && b.filter.Leads(h.Type)
	if !n.match && h.Type != groupRowType {
		n.state, n.reason = left, report.OutsideFilter
		return
	}
	if reason, always := made(h, above); reason != report.None && (always || !b.o.IncludeDefaults) {
		n.state, n.reason = trimmed, reason
		return
	}
	switch {
	case t.schema != nil && !t.schema.Writable && h.Type != groupRowType:
		n.state, n.reason = trimmed, report.CannotCreate
	case t.version == "":
		n.state, n.reason = omitted, report.NoVersion
	default:
		n.state = generated
	}
}

// within says that a row lies where the filter asks; a resource group lies in itself.
func (b *builder) within(s *scopeInfo, row *graph.Head) bool {
	group := s.group
	if row.Type == groupRowType {
		group = row.Name
	}
	return b.filter.Within(s.sub, strings.ToLower(group))
}

// belowExcluded says that a row, or what is above it, is of a type that is left out.
func (b *builder) belowExcluded(at int32) bool {
	for ; at >= 0 && len(b.o.Filter.ExcludeTypes) > 0; at = b.nodes[at].up {
		if b.filter.Excludes(b.types[b.nodes[at].typ].lower) {
			return true
		}
	}
	return false
}

// keepGroups drops the resource groups that nothing asked for: a filter by type, location or tag takes a group with its
// resources, and not without.
func (b *builder) keepGroups() {
	used := make([]bool, len(b.nodes))
	for i := range b.nodes {
		n := &b.nodes[i]
		if n.state == generated && b.types[n.typ].lower != groupRowType {
			b.scopes[n.scope].count++
			if g := b.scopes[n.scope].node; g >= 0 {
				used[g] = true
			}
		}
	}
	for i := range b.nodes {
		n := &b.nodes[i]
		if n.state == generated && b.types[n.typ].lower == groupRowType && !used[i] && !b.filter.Open() {
			n.state, n.reason = left, report.OutsideFilter
		}
	}
	for at, location := range b.groupRegions {
		if b.nodes[at].state == generated {
			b.places.count(location)
		}
	}
	b.groupRegions = nil
}

// childName is a child that its parent's body holds, and a hash of its name in lower case.
type childName struct {
	node int32
	name uint32
}

func hashName(name string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.ToLower(name))) // a hash never fails
	return h.Sum32()
}
