package discovery

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/part"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// openARM opens the ledger for what is read of Resource Manager beside Resource Graph's tables.
func (s *scan) openARM() {
	for t, wanted := range map[*table]bool{locks: s.wantsLocks(), children: s.wants(backend.DepthChildren), extensions: s.wants(backend.DepthExtensions)} {
		if !wanted {
			continue
		}
		s.ledger.add(t, narrow(s.request.Filter))
		if t != locks {
			s.progress.weigh(t.phase, 4) // a call for each, where Resource Graph takes one for a thousand
		}
	}
}

// wants says whether the scan goes as deep as that. Children is the default.
func (s *scan) wants(depth backend.Depth) bool {
	switch s.request.Depth {
	case backend.DepthResources:
		return false
	case backend.DepthExtensions:
		return true
	}
	return depth == backend.DepthChildren
}

// follow has read what belongs to the rows of a finished part.
func (s *scan) follow(u unit, p backend.Part) {
	lane := u.places[0].scope
	var dependents []unit
	// Without Resource Graph, what its other tables have is read as children.
	if s.wants(backend.DepthChildren) && u.table == resources || u.table == listed {
		dependents = append(dependents, dependent(children, u))
	}
	if s.wants(backend.DepthExtensions) && slices.Contains([]*table{resources, listed, containers, around, children}, u.table) {
		dependents = append(dependents, dependent(extensions, u))
	}
	for _, d := range dependents {
		if !s.ours(u, d, p.Rows) {
			continue
		}
		s.progress.grow(d.table.phase, "resources", p.Rows)
		if _, done := s.resumed.parts[d.key()]; done {
			s.progress.add(d.table.phase, p.Rows)
			if d.table == extensions && d.of == around {
				s.arm.add(lane, func(ctx context.Context) error { return s.extendAbove(ctx, d) })
			}
			continue
		}
		read := s.readChildren
		if d.table == extensions {
			read = s.readExtensions
		}
		s.arm.add(lane, func(ctx context.Context) error { return read(ctx, d, p) })
	}
}

// parent is a resource whose children or extensions are read.
type parent struct {
	id, typ, kind string
	properties    jsontext.Value
}

func setParent(to *parent, c azure.Column) {
	switch string(c.Name) {
	case "id":
		to.id = c.Text()
	case "type":
		to.typ = strings.ToLower(c.Text())
	case "kind":
		to.kind = strings.ToLower(c.Text())
	case "properties":
		to.properties = c.Value
	}
}

// readChildren reads the child resources of a part's rows.
func (s *scan) readChildren(ctx context.Context, u unit, of backend.Part) error {
	return s.readBelow(ctx, u, of, func(ctx context.Context, r *reading, group *errgroup.Group, p parent) error {
		for _, child := range armschema.Children(p.typ) {
			if r.skips(child, p.kind) {
				continue
			}
			if child.Embedded != "" {
				if err := r.embedded(child, p); err != nil {
					return err
				}
				continue
			}
			at := parent{id: strings.Clone(p.id), typ: p.typ, kind: p.kind}
			group.Go(func() error { return r.list(ctx, child, at) })
		}
		return nil
	})
}

// skips says that a child type is not one of a parent of that kind, not asked for, or read of Resource Graph as its
// parent was.
func (r *reading) skips(child armschema.Child, kind string) bool {
	if len(child.Kinds) > 0 && !slices.Contains(child.Kinds, kind) || slices.Contains(child.ExceptKinds, kind) {
		return true
	}
	if r.unit.of != listed && indexed(child) || child.Table == "" && !r.s.wants(backend.DepthChildren) {
		return true
	}
	return r.s.excludes(child.Type)
}

// indexed says that one of the tables that a scan reads has the children of a type.
func indexed(child armschema.Child) bool {
	return slices.ContainsFunc(tables, func(t *table) bool { return t.name == child.Table })
}

// excludes says that a filter leaves a child type out. A type that is asked for brings what leads to it.
func (s *scan) excludes(typ string) bool {
	f := s.request.Filter
	same := func(t string) bool { return strings.EqualFold(t, typ) }
	if slices.ContainsFunc(f.ExcludeTypes, same) {
		return true
	}
	return len(f.ResourceTypes) > 0 && !slices.ContainsFunc(f.ResourceTypes, func(wanted string) bool {
		return same(wanted) || slices.ContainsFunc(armschema.Ancestors(wanted), same)
	})
}

// readBelow goes through the rows of a finished part and reads what visit asks for, several calls at once.
func (s *scan) readBelow(ctx context.Context, u unit, of backend.Part, visit func(context.Context, *reading, *errgroup.Group, parent) error) error {
	source, err := part.Open(s.dir, of)
	if err != nil {
		return s.diskFault(err)
	}
	defer source.Close()
	return s.readPart(ctx, u, func(ctx context.Context, r *reading, group *errgroup.Group) error {
		return s.visit(ctx, u, source, func(p parent) error { return visit(ctx, r, group, p) })
	})
}

// visit hands out the rows of a part.
func (s *scan) visit(ctx context.Context, u unit, source *part.Reader, visit func(parent) error) error {
	var seen int64
	_, err := source.Rows(func(raw []byte) error {
		var p parent
		if err := azure.Members(raw, func(c azure.Column) error { setParent(&p, c); return nil }); err != nil {
			return err
		}
		if err := visit(p); err != nil {
			return err
		}
		if seen++; seen%100 == 0 {
			s.progress.add(u.table.phase, 100)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nil
	})
	s.progress.add(u.table.phase, seen%100)
	return err
}

// embedded takes in children that stand whole in their parent's properties.
func (r *reading) embedded(child armschema.Child, p parent) error {
	if len(p.properties) == 0 { // a list's own row of what may not be read
		return nil
	}
	var found []jsontext.Value
	err := azure.Members(p.properties, func(c azure.Column) error {
		if strings.EqualFold(string(c.Name), child.Embedded) && c.Value.Kind() == '[' {
			return azure.Elements(c.Value, func(v jsontext.Value) error { found = append(found, v.Clone()); return nil })
		}
		return nil
	})
	if err != nil || len(found) == 0 {
		return err
	}
	rows := make([]graph.Row, 0, len(found))
	raw := make([][]byte, 0, len(found))
	listed := map[string]int64{}
	for _, v := range found {
		var row graph.Row
		if v.Kind() != '{' {
			continue
		}
		if err := azure.Members(v, func(c azure.Column) error { return setMember(&row, c) }); err != nil {
			return err
		}
		if row.ID == "" {
			continue
		}
		if row.Type == "" {
			row.Type = child.Type
		}
		r.s.complete(&row, r.unit.table, part.FormARM)
		listed[scopeName(row.SubscriptionID)]++
		rows, raw = append(rows, row), append(raw, v)
	}
	r.count(listed)
	r.s.sink.put(rows, func() {})
	return r.s.save(r.file, raw...)
}

// list reads the children of one type of a parent, and theirs.
func (r *reading) list(ctx context.Context, child armschema.Child, of parent) error {
	var below []parent
	reader := r.reader(func(row *graph.Row) bool {
		if row.Type == "" {
			row.Type = child.Type
		}
		if armschema.HasChildren(child.Type) {
			below = append(below, parent{id: row.ID, typ: child.Type, kind: strings.ToLower(row.Kind)})
		}
		return true
	})
	subscription, _ := scopeOf(of.id)
	settle := func(err error) error { return r.settle(ctx, err, scopeName(subscription), child.Type, of.id) }
	if len(child.Names) == 0 {
		l := azure.List{Path: of.id + "/" + child.Segment, Version: child.Version}
		if err := settle(azure.ReadList(ctx, r.s.scope.session, l, reader)); err != nil {
			return err
		}
	}
	for _, name := range child.Names {
		id := of.id + "/" + child.Segment + "/" + name
		if err := settle(azure.ReadOne(ctx, r.s.scope.session, id, child.Version, reader)); err != nil {
			return err
		}
	}
	for _, p := range below {
		for _, grandchild := range armschema.Children(p.typ) {
			if r.skips(grandchild, p.kind) || grandchild.Embedded != "" {
				continue
			}
			if err := r.list(ctx, grandchild, p); err != nil {
				return err
			}
		}
	}
	return nil
}
