package build

import (
	"context"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// maker makes resources, one after the other. It is for one goroutine.
type maker struct {
	b      *builder
	lookup *graph.Lookup
	unit   *unitNames
	survey bool // the second reading: what is found is noted, references are not yet whole

	// Of the resource that is being made:
	at      int32
	node    *node
	row     *graph.Row
	typ     *typeInfo
	name    string
	schema  *armschema.Schema // of its body; nil is unknown
	deps    []int32
	ids     []string // GUIDs that it names
	secrets []*template.Parameter
	changed []report.Entry
	arrays  map[arrayItem]bool // what is in the arrays that hold children

	roots                map[string]*place // by type
	root                 *place
	verdicts, settings   map[string]bool // whether a name is that of a secret
	literalSubscriptions bool
	json                 parser
	here                 bool // a reference is to what the resource hangs below
}

func (b *builder) maker(ctx context.Context, survey bool) (*maker, error) {
	lookup, err := b.r.Lookup(ctx)
	if err != nil {
		return nil, err
	}
	return &maker{b: b, lookup: lookup, survey: survey, roots: map[string]*place{}, verdicts: map[string]bool{}, settings: map[string]bool{}, unit: newUnitNames()}, nil
}

// begin prepares for the next resource.
func (m *maker) begin(at int32) {
	m.at, m.node = at, &m.b.nodes[at]
	m.typ = &m.b.types[m.node.typ]
	m.deps, m.ids, m.secrets, m.changed = m.deps[:0], m.ids[:0], nil, nil
	if m.root = m.roots[m.typ.name]; m.root == nil {
		m.root = &place{}
		m.roots[m.typ.name] = m.root
	}
}

// make makes the resource of a row. The error is one of its JSON, which cannot be read.
func (m *maker) make(at int32, row *graph.Row) (*template.Resource, error) {
	m.begin(at)
	m.row = row
	b, t := m.b, m.typ
	id, _ := parseID(row.ID)
	r := &template.Resource{
		Node: b.number(at), Symbol: b.symbol(m.node), ID: row.ID, Type: t.name, APIVersion: t.version, KnownType: t.schema != nil,
		Scope: b.scope(m.node.scope),
	}
	m.name = id.name()
	if m.schema = nil; t.schema != nil {
		m.schema = t.schema.BodyOf(m.name)
	}
	r.Name, r.FullName = literal(id.name()), literal(strings.Join(id.names, "/"))
	if t.lower == groupRowType {
		r.Name = []template.Part{{Parameter: b.places.prefix}, {Literal: id.name()}}
		r.FullName = r.Name
	}
	m.above(r, row, id)
	if !m.survey {
		r.DependsOn = append(r.DependsOn, m.behindLocked()...)
	}
	for _, other := range b.o.After[strings.ToLower(row.ID)] {
		if parts := m.link(other); len(parts) > 0 && parts[0].Ref != nil && parts[0].Ref.Node != template.NoNode {
			r.DependsOn = append(r.DependsOn, parts[0].Ref)
		}
	}
	if m.takes("location") && row.Location != "" {
		r.Location = b.places.location(row.Location)
	}
	var err error
	if r.Tags, err = m.tags(row.Tags); err != nil {
		return nil, err
	}
	if err := m.identity(r, row.Identity); err != nil {
		return nil, err
	}
	if r.Body, err = m.body(row); err != nil {
		return nil, err
	}
	r.Secrets = m.secrets
	return r, nil
}

// above says what a resource hangs below.
func (m *maker) above(r *template.Resource, row *graph.Row, id armID) {
	up := id.up()
	if m.typ.lower == groupRowType {
		up = "/subscriptions/" + strings.ToLower(row.SubscriptionID)
	}
	target, isResource := parseID(up)
	switch {
	case id.child():
		r.ParentKind = template.ParentChild
	case isResource && target.namespace != "" && !target.isManagementGroup():
		r.ParentKind = template.ParentTarget
	default:
		r.ParentID = r.Scope.ID
		if g := m.b.scopes[m.node.scope].node; m.survey && g >= 0 && g != m.at {
			m.deps = append(m.deps, g)
		}
		return
	}
	m.here = true
	parts := m.link(up)
	m.here = false
	r.ParentID = m.rewrite(up)
	if ref := parts[0].Ref; ref != nil {
		if len(parts) == 1 {
			r.Parent = ref
		} else {
			r.DependsOn = append(r.DependsOn, ref)
		}
	}
}

// takes says that the type takes a property at the top level of its body.
func (m *maker) takes(name string) bool {
	if m.schema == nil {
		return true
	}
	p, ok := m.schema.Property(name)
	return ok && !p.ReadOnly
}

// tags are the tags, the secrets among them as parameters.
func (m *maker) tags(raw []byte) (template.Value, error) {
	v, err := m.json.parse(raw)
	if err != nil || v.Kind != template.Map || len(v.Fields) == 0 {
		return template.Value{}, err
	}
	if !m.takes("tags") {
		m.count(m.root.below("tags"), report.UnknownProperty)
		return template.Value{}, nil
	}
	kept := v.Fields[:0]
	for _, f := range v.Fields {
		if !m.b.o.IncludeDefaults && (strings.HasPrefix(f.Name, "hidden-link:") || strings.HasPrefix(f.Name, "hidden-related:")) { // the portal's own
			m.count(m.root.below("tags"), report.ReadOnlyProperty)
			continue
		}
		switch f.Value.Kind {
		case template.String:
			m.leaf(&f.Value, where{path: m.root.below("tags").below("*"), name: f.Name, setting: true, fixed: true})
		case template.Null:
			f.Value = text("")
		default:
			m.count(m.root.below("tags"), report.UnknownProperty)
			continue
		}
		kept = append(kept, f)
	}
	v.Fields = kept
	return v, nil
}

// identity are the managed identities. What Azure gives them, principals and clients, is not theirs to bring.
func (m *maker) identity(r *template.Resource, raw []byte) error {
	v, err := m.json.parse(raw)
	if err != nil || v.Kind != template.Map {
		return err
	}
	typ := ""
	if f := field(&v, "type"); f != nil {
		typ, _ = plain(f)
	}
	kinds := map[string]bool{}
	for _, k := range strings.Split(typ, ",") {
		kinds[strings.ToLower(strings.TrimSpace(k))] = true
	}
	switch {
	case kinds["systemassigned"] && kinds["userassigned"]:
		typ = "SystemAssigned, UserAssigned"
	case kinds["systemassigned"]:
		typ = "SystemAssigned"
	case kinds["userassigned"]:
		typ = "UserAssigned"
	default:
		return nil
	}
	if !m.takes("identity") {
		m.count(m.root.below("identity"), report.UnknownProperty)
		return nil
	}
	r.Identity = template.Value{Kind: template.Map, Fields: []template.Field{{Name: "type", Value: text(typ)}}}
	users := field(&v, "userAssignedIdentities")
	if users == nil || users.Kind != template.Map || len(users.Fields) == 0 || !kinds["userassigned"] {
		return nil
	}
	ids := template.Value{Kind: template.Map}
	for _, f := range users.Fields {
		ids.Fields = append(ids.Fields, template.Field{Name: f.Name, Value: template.Value{Kind: template.Map}})
		r.IdentityIDs = append(r.IdentityIDs, m.link(f.Name))
	}
	r.Identity.Fields = append(r.Identity.Fields, template.Field{Name: "userAssignedIdentities", Value: ids})
	return nil
}

// body is the rest of what is sent.
func (m *maker) body(row *graph.Row) ([]template.Field, error) {
	var body []template.Field
	column := func(name string, raw []byte) error {
		v, err := m.json.parse(raw)
		if err != nil || v.Kind == template.Null {
			return err
		}
		return m.top(&body, name, v)
	}
	if row.Kind != "" {
		if err := m.top(&body, "kind", text(row.Kind)); err != nil {
			return nil, err
		}
	}
	for _, f := range []struct {
		name string
		raw  []byte
	}{{"sku", row.SKU}, {"plan", row.Plan}, {"zones", row.Zones}, {"extendedLocation", row.ExtendedLocation}} {
		if err := column(f.name, f.raw); err != nil {
			return nil, err
		}
	}
	if row.ManagedBy != "" && m.typ.lower != "microsoft.compute/disks" { // a disk's machine names its disks
		if err := m.top(&body, "managedBy", text(row.ManagedBy)); err != nil {
			return nil, err
		}
	}
	properties, err := m.json.parse(row.Properties)
	if err != nil {
		return nil, err
	}
	if properties.Kind == template.Map {
		m.adapt(&properties)
		if err := m.top(&body, "properties", properties); err != nil {
			return nil, err
		}
	}
	extra, err := m.json.parse(row.Extra)
	if err != nil {
		return nil, err
	}
	if m.schema != nil {
		extra.Fields = asSpelled(extra.Fields, m.schema)
	}
	for _, f := range extra.Fields {
		if m.typ.schema == nil || ownColumn(f.Name) { // general rules: what a resource has at the top level beside the usual is Azure's
			m.count(m.root.below(f.Name), report.ReadOnlyProperty)
			continue
		}
		if err := m.top(&body, f.Name, f.Value); err != nil {
			return nil, err
		}
	}
	return m.needed(body), nil
}

// ownColumn says that a member of the top level is one of those that a row has a column for.
func ownColumn(name string) bool {
	switch strings.ToLower(name) {
	case "id", "name", "type", "kind", "location", "managedby", "apiversion", "sku", "plan", "tags", "identity", "zones", "extendedlocation", "properties":
		return true
	}
	return false
}

// top adds a member of the top level, without what cannot be written.
func (m *maker) top(body *[]template.Field, name string, v template.Value) error {
	var schema *armschema.Schema
	if m.schema != nil {
		p, ok := m.schema.Property(name)
		switch {
		case !ok:
			if v.Kind != template.Map || len(v.Fields) > 0 {
				m.count(m.root.below(name), report.UnknownProperty)
			}
			return nil
		case p.ReadOnly:
			m.count(m.root.below(name), report.ReadOnlyProperty)
			return nil
		}
		schema, name = p.Schema, p.Name
	}
	if !m.prune(&v, schema, where{path: m.root.below(name), name: name, fixed: name != "properties", depth: 1}) {
		return nil
	}
	*body = append(*body, template.Field{Name: name, Value: v})
	return nil
}

// count counts a property that was left out or changed.
func (m *maker) count(at *place, why report.Reason) { at.counts[why]++ }

// counted is what was counted.
func (m *maker) counted() map[report.Property]int64 {
	all := map[report.Property]int64{}
	for typ, root := range m.roots {
		root.collect(typ, all)
	}
	return all
}
