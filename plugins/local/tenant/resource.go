package tenant

import (
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// resource writes a resource into the block.
func (w *writer) resource(indent int, r *template.Resource) {
	y := w.y
	y.pad(indent)
	put(y.Writer, "- type: ", quote(r.Type), "\n")
	indent += 2
	y.line(indent, "name", w.x.resourceName(r))
	known, ok := armschema.Lookup(r.Type)
	if !ok || known.Version != r.APIVersion {
		y.line(indent, "api_version", r.APIVersion)
	}
	if scope := w.scope(r); scope != "" {
		y.line(indent, "scope", scope)
	}
	if location := plainText(r.Location); location != "" {
		y.line(indent, "location", location)
	}
	body := map[string]*template.Value{}
	for i := range r.Body {
		body[r.Body[i].Name] = &r.Body[i].Value
	}
	var schema *armschema.Schema
	if ok {
		schema = known.BodyOf(plainText(r.Name))
	}
	at := func(name string) *member { return (&member{schema: schema}).below(&template.Value{}, name) }
	for _, m := range topMembers[:3] { // kind, sku, plan
		w.top(indent, m, body, at)
	}
	w.identity(indent, r)
	w.tags(indent, r)
	for _, m := range topMembers[3:] {
		w.top(indent, m, body, at)
	}
	w.rest(r, at)
}

// topMember is a member of a body that has one of its own in the format.
type topMember struct {
	azure, name string
	kind        template.ValueKind
}

var topMembers = []topMember{
	{"kind", "kind", template.String}, {"sku", "sku", template.Map}, {"plan", "plan", template.Map}, {"zones", "zones", template.List},
	{"extendedLocation", "extended_location", template.Map}, {"managedBy", "managed_by", template.String}, {"properties", "properties", template.Map},
}

// top writes a member of the top level of a body.
func (w *writer) top(indent int, m topMember, body map[string]*template.Value, at func(string) *member) {
	if v := body[m.azure]; v != nil && v.Kind == m.kind {
		w.y.pad(indent)
		w.y.member(indent, m.name, v, at(m.azure))
	}
}

// rest writes what else is in a body, and notes what the format cannot say.
func (w *writer) rest(r *template.Resource, at func(string) *member) {
	var extra []template.Field
	for _, f := range r.Body {
		i := slices.IndexFunc(topMembers, func(m topMember) bool { return m.azure == f.Name })
		switch {
		case at == nil || i >= 0 && f.Value.Kind != topMembers[i].kind:
			w.missing = append(w.missing, missing{r.ID, f.Name})
		case i < 0:
			extra = append(extra, f)
		}
	}
	if len(extra) == 0 {
		return
	}
	indent := 4
	if w.unit.Scope.Kind != template.ScopeTenant && w.unit.Scope.Kind != template.ScopeManagementGroup {
		indent = 8
	}
	w.y.pad(indent)
	put(w.y.Writer, "extra:\n")
	for i := range extra {
		w.y.pad(indent + 2)
		w.y.member(indent+2, extra[i].Name, &extra[i].Value, at(extra[i].Name))
	}
}

func (w *writer) tags(indent int, r *template.Resource) {
	if len(r.Tags.Fields) > 0 {
		w.y.pad(indent)
		w.y.member(indent, "tags", &r.Tags, &member{name: "tags", schema: &armschema.Schema{Kind: armschema.Map}})
	}
}

func (w *writer) identity(indent int, r *template.Resource) {
	if r.Identity.Kind != template.Map {
		return
	}
	w.sum.identities++
	y := w.y
	y.pad(indent)
	put(y.Writer, "identity:\n")
	for i := range r.Identity.Fields {
		if f := &r.Identity.Fields[i]; f.Name == "type" {
			y.line(indent+2, "type", plainText(f.Value.Text))
		}
	}
	if len(r.IdentityIDs) == 0 {
		return
	}
	y.pad(indent + 2)
	put(y.Writer, "user_assigned:\n")
	for _, id := range r.IdentityIDs {
		y.pad(indent + 4)
		put(y.Writer, "- ", quote(w.x.value(id, nil)), "\n")
	}
}

// scope is what a resource has to say of where it is: nothing for one that is deployed to where it stands.
func (w *writer) scope(r *template.Resource) string {
	base := baseOf(r.ID)
	s := w.unit.Scope
	if s.Kind != template.ScopeManagementGroup && strings.EqualFold(base, strings.TrimRight(plainText(s.ID), "/")) {
		return ""
	}
	return w.x.target(r, base)
}

// baseOf is what stands before the last /providers/ of an id.
func baseOf(id string) string {
	at := strings.LastIndex(strings.ToLower(id), "/providers/")
	return id[:max(min(at, len(id)), 0)]
}
