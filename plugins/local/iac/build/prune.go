package build

import (
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/form"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/secrets"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// where is the place of a value in a resource.
type where struct {
	path     *place // properties.osProfile.adminPassword
	name     string // the property's, or that of the setting beside it
	setting  bool   // name is one that people chose
	secret   bool   // the schema says so
	write    bool   // the schema says that Azure does not give it back
	free     bool   // below a value of free form
	required bool
	fixed    bool // Azure wants to know it before anything is deployed, so that it cannot be what a resource answers
	depth    int
}

// maxDepth is how deeply a body may be nested. Azure takes templates of fewer levels (20 for expressions, some dozens for objects); the tools that read the files
// have limits of their own beyond this.
const maxDepth = 200

// member is the place of a member, which the schema names.
func (w where) member(name string) where {
	return where{path: w.path.below(name), name: name, free: w.free, fixed: w.fixed, secret: w.secret, write: w.write, depth: w.depth + 1}
}

// any is the place of a member whose name somebody chose.
func (w where) any(name string) where {
	return where{path: w.path.below("*"), name: name, free: w.free, fixed: w.fixed, secret: w.secret, write: w.write, depth: w.depth + 1}
}

// item is the place of the items of a list.
func (w where) item() where {
	w.path = w.path.below("[]")
	w.depth++
	return w
}

// prune takes out of a value what cannot be written, and turns ids into references and secrets into parameters. It says
// whether anything is left that has to be written.
func (m *maker) prune(v *template.Value, s *armschema.Schema, w where) bool {
	if w.depth > maxDepth {
		m.changed = append(m.changed, report.Entry{Property: "properties", Reason: report.TooDeep})
		return false
	}
	if s != nil && s.Kind == armschema.Any {
		w.free = true
	}
	switch v.Kind {
	case template.Null:
		if w.free && !w.required {
			return w.depth > 2 // a free form may mean something by it
		}
		m.count(w.path, report.EmptyProperty)
		return false
	case template.String:
		m.leaf(v, w)
		if t, ok := plain(v); ok && t == "" && !w.free && !w.required && !m.b.o.IncludeDefaults {
			m.count(w.path, report.EmptyProperty)
			return false
		}
		return true
	case template.List:
		return m.pruneList(v, s, w)
	case template.Map:
		return m.pruneMap(v, s, w)
	}
	return true
}

func (m *maker) pruneList(v *template.Value, s *armschema.Schema, w where) bool {
	var items *armschema.Schema
	if s != nil && s.Kind == armschema.List {
		items = s.Items
	}
	kept := v.Items[:0]
	for i := range v.Items {
		inner := w.item()
		inner.required = true // an item that is empty still counts
		if v.Items[i].Kind == template.Null && !w.free {
			m.count(inner.path, report.EmptyProperty)
			continue
		}
		if m.prune(&v.Items[i], items, inner) {
			kept = append(kept, v.Items[i])
		}
	}
	v.Items = kept
	if len(kept) == 0 && !w.free && !w.required && !m.b.o.IncludeDefaults {
		m.count(w.path, report.EmptyProperty)
		return false
	}
	return true
}

func (m *maker) pruneMap(v *template.Value, s *armschema.Schema, w where) bool {
	object := s
	if s != nil && s.Discriminator != "" {
		if d := field(v, s.Discriminator); d != nil {
			value, _ := plain(d)
			object = s.Variant(value)
		}
	}
	setting := m.settingName(v)
	if object != nil && object.Kind == armschema.Object {
		v.Fields = asSpelled(v.Fields, object)
	}
	kept := v.Fields[:0]
	for i := range v.Fields {
		f := v.Fields[i]
		var inner where
		var schema *armschema.Schema
		switch {
		case object == nil || object.Kind == armschema.Any:
			inner = w.any(f.Name)
			if s == nil && m.schema == nil && !w.free && generallyReadOnly(f.Name, w.depth == 1 && w.name == "properties") {
				m.count(w.path.below(f.Name), report.ReadOnlyProperty)
				continue
			}
		case object.Kind == armschema.Map:
			inner = w.any(f.Name)
			schema, inner.setting, inner.required = object.Items, true, true // that a name is there counts, as an item of a list does
		case object.Kind == armschema.Object:
			p, ok := object.Property(f.Name)
			switch {
			case !ok && object.Items != nil:
				inner = w.any(f.Name)
				schema, inner.setting = object.Items, true
			case !ok:
				m.count(w.path.below(f.Name), report.UnknownProperty)
				continue
			case p.ReadOnly:
				m.count(w.path.below(p.Name), report.ReadOnlyProperty)
				continue
			default:
				inner = w.member(p.Name)
				schema = p.Schema
				inner.name, inner.required = p.Name, p.Required
				inner.secret, inner.write = inner.secret || p.Secret, inner.write || p.WriteOnly
			}
		default: // a scalar was to be here: what Azure tells is kept as it is
			inner = w.any(f.Name)
		}
		if setting != "" && strings.EqualFold(f.Name, "value") {
			inner.name, inner.setting, inner.required = setting, true, true
		}
		if !w.free && m.ownID(v, f.Name, &f.Value) || !w.free && dynamic(v, f.Name) {
			m.count(inner.path, report.ReadOnlyProperty)
			continue
		}
		if m.prune(&f.Value, schema, inner) {
			kept = append(kept, f)
		}
	}
	v.Fields = kept
	if len(kept) == 0 && !w.free && !w.required && !m.b.o.IncludeDefaults {
		m.count(w.path, report.EmptyProperty)
		return false
	}
	return true
}

// asSpelled gives members the names that the schema has for them, whatever their case. Of two that it spells alike the last one stays.
func asSpelled(fields []template.Field, object *armschema.Schema) []template.Field {
	changed := false
	for i := range fields {
		if p, ok := object.Property(fields[i].Name); ok && p.Name != fields[i].Name {
			fields[i].Name, changed = p.Name, true
		}
	}
	if changed {
		return distinct(fields)
	}
	return fields
}

// settingName is the name in a pair of name and value, whose name people chose: an application's setting, an environment variable.
func (m *maker) settingName(v *template.Value) string {
	if len(v.Fields) > 6 || field(v, "value") == nil {
		return ""
	}
	for _, name := range [...]string{"name", "key"} {
		if f := field(v, name); f != nil {
			if text, ok := plain(f); ok {
				return text
			}
		}
	}
	return ""
}

// ownID says that a member is the id of the part of a resource that it stands in: Azure makes it of the names above. The id of something
// else, beside its name, is a reference.
func (m *maker) ownID(v *template.Value, name string, id *template.Value) bool {
	if name != "id" {
		return false
	}
	text, ok := plain(id)
	named := field(v, "name")
	if !ok || named == nil || !hasPrefixFold(text, m.row.ID+"/") {
		return false
	}
	own, ok := plain(named)
	return ok && own != "" && strings.EqualFold(text[strings.LastIndexByte(text, '/')+1:], own)
}

// dynamic says that a member is an address that Azure chose.
func dynamic(v *template.Value, name string) bool {
	if name != "privateIPAddress" && name != "ipAddress" {
		return false
	}
	for _, by := range [...]string{"privateIPAllocationMethod", "publicIPAllocationMethod"} {
		if f := field(v, by); f != nil {
			if method, _ := plain(f); strings.EqualFold(method, "Dynamic") {
				return true
			}
		}
	}
	return false
}

// generallyReadOnly are the names of what Azure itself says of a resource, whatever the type: for types that the schema does not know. first says
// that it is one of the properties, and not deeper.
func generallyReadOnly(name string, first bool) bool {
	switch strings.ToLower(name) {
	case "provisioningstate", "etag", "resourceguid", "systemdata", "createdat", "createdby", "createdbytype", "lastmodifiedat", "lastmodifiedby", "lastmodifiedbytype",
		"createddate", "createdtime", "creationtime", "creationdate", "modifieddate", "changedtime", "lastmodifiedtime", "lastmodifieddate", "lastmodified", "timecreated",
		"uniqueid", "internalid", "provisioningstatedetails", "statusmessage", "operationalstate", "extended":
		return true
	case "id", "type", "name", "principalid", "status", "state":
		return first
	}
	return false
}

// leaf turns the text of a string into references and parameters.
func (m *maker) leaf(v *template.Value, w where) {
	s, ok := plain(v)
	if !ok {
		return
	}
	v.WriteOnly = w.write && w.secret
	if why := m.secretive(s, w); why != report.None {
		p := m.secret(w, why)
		p.Placeholder, _ = secrets.PlaceholderOf(s)
		v.Text = []template.Part{{Parameter: p}}
		return
	}
	switch {
	case form.IsGUID(s) && !w.fixed:
		if v.Text = m.principal(s); v.Text == nil {
			v.Text = m.rewrite(s)
		}
	case looksLikeID(s):
		v.Text = m.link(s)
	case isLocation(w.name) && !w.free && m.b.places.byRegion[graph.Region(s)] != nil:
		v.Text = m.b.places.location(s)
	default:
		v.Text = m.rewrite(s)
	}
}

func isLocation(name string) bool { return strings.EqualFold(name, "location") }

// secretive says why a text has to become a parameter: it is a secret by its name, its form, or what the schema says.
func (m *maker) secretive(s string, w where) report.Reason {
	if _, ok := secrets.PlaceholderOf(s); ok {
		return report.SecretProperty
	}
	named := w.secret || m.named(w.name) && (w.name != "value" || w.setting) || w.setting && len(s) >= 8 && m.namedSetting(w.name)
	switch {
	case secrets.Masked(s) && named, secrets.Masked(s) && strings.Trim(s, "*") == "" && len(s) >= 6:
		return report.MaskedSecret
	case named && !secrets.Refers(s):
		return report.SecretProperty
	}
	if _, found := secrets.Looks(s); found {
		return report.SecretProperty
	}
	return report.None
}

// namesKept is how many names' verdicts are remembered; beyond them they are made anew.
const namesKept = 20_000

// named is secrets.Named, which takes longer than to remember what it said.
func (m *maker) named(name string) bool {
	if verdict, ok := m.verdicts[name]; ok {
		return verdict
	}
	verdict := secrets.Named(name)
	if len(m.verdicts) < namesKept {
		m.verdicts[name] = verdict
	}
	return verdict
}

// namedSetting is secrets.NamedSetting, likewise.
func (m *maker) namedSetting(name string) bool {
	verdict, ok := m.settings[name]
	if !ok {
		verdict = secrets.NamedSetting(name)
		if len(m.settings) < namesKept {
			m.settings[name] = verdict
		}
	}
	return verdict
}

// secret makes the parameter of one.
func (m *maker) secret(w where, why report.Reason) *template.Parameter {
	p := &template.Parameter{
		Name: m.unit.secret(m.b.symbol(m.node), w), Secret: true,
		Description: template.OneLine(w.words() + " of " + m.typ.name + " " + m.name),
	}
	m.secrets = append(m.secrets, p)
	m.count(w.path, why)
	m.changed = append(m.changed, report.Entry{Property: w.words(), Reason: why, Detail: p.Name})
	return p
}
