package spec

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// spot is where a value of a body stands.
type spot struct {
	up     *spot
	name   string // of the member; of an item of a list, that of the list
	index  int    // of an item, from 1
	secret bool   // the schema says so
	chosen bool   // somebody chose the name: a setting's
	free   bool
	top    bool
}

// key is the path, for messages.
func (s *spot) key() string {
	if s == nil {
		return ""
	}
	above := s.up.key()
	switch {
	case s.index > 0:
		return above + "[" + strconv.Itoa(s.index-1) + "]"
	case above == "":
		return short(s.name)
	}
	return above + "." + short(s.name)
}

// title is a resource's member for messages.
func title(r *Resource, key string) string {
	if r == nil {
		return key
	}
	return short(r.Name) + "." + key
}

// topMembers are the members of a body, as the format and as Azure calls them.
var topMembers = []struct{ name, azure string }{
	{"kind", "kind"}, {"sku", "sku"}, {"plan", "plan"}, {"zones", "zones"}, {"extended_location", "extendedLocation"}, {"managed_by", "managedBy"},
	{"tags", "tags"}, {"identity", "identity"}, {"location", "location"}, {"properties", "properties"},
}

// bodyOf checks what a resource of a known type says.
func (l *linter) bodyOf(r *Resource, b *body, t *armschema.Type) {
	schema := t.BodyOf(last(r.Name))
	if schema == nil {
		return
	}
	for _, m := range topMembers {
		v := b.fields.member(m.name)
		if v == nil {
			continue
		}
		p, ok := schema.Property(m.azure)
		switch {
		case !ok && schema.Items == nil && !v.empty():
			l.wrong(v.At, title(r, m.name), "leave it out", "a %s takes no %s", t.Name, m.name)
		case ok && p.ReadOnly:
			l.wrong(v.At, title(r, m.name), "leave it out", "%s of a %s is read-only: Azure sets it", m.name, t.Name)
		case ok && v.Kind != template.String && m.name != "tags" && m.name != "identity":
			l.walk(r, v, p.Schema, spot{name: m.name, top: true})
		}
	}
	for i := range b.Extra.Fields {
		l.property(r, &b.Extra.Fields[i], schema, &spot{name: "extra"})
	}
	if p, ok := schema.Property("properties"); ok {
		l.required(r, &b.Properties, p.Schema, t)
	}
}

// required tells what the type needs and the resource does not say: as a warning, for Azure's own descriptions are often stricter than Azure.
func (l *linter) required(r *Resource, v *Value, s *armschema.Schema, t *armschema.Type) {
	if s == nil || s.Kind != armschema.Object || len(s.Variants) > 0 {
		return
	}
	for i := range s.Properties {
		p := &s.Properties[i]
		if p.Required && !p.ReadOnly && !p.Secret && !slices.ContainsFunc(v.Fields, func(f Field) bool { return strings.EqualFold(f.Name, p.Name) }) {
			l.doubt(r.At, title(r, "properties."+p.Name), "", "a %s needs the property %s", t.Name, p.Name)
		}
	}
}

// walk checks a value and all in it. A nil schema is unknown.
func (l *linter) walk(r *Resource, v *Value, s *armschema.Schema, at spot) {
	if s != nil && s.Kind == armschema.Any {
		at.free = true
	}
	switch v.Kind {
	case template.String:
		l.text(r, v, at.key())
		l.literalSecret(r, v, &at)
		l.enum(r, v, s, &at)
	case template.List:
		l.kind(r, v, s, armschema.List, &at)
		var items *armschema.Schema
		if s != nil && s.Kind == armschema.List {
			items = s.Items
		}
		for i := range v.Items {
			inner := at
			inner.up, inner.index = &at, i+1
			l.walk(r, &v.Items[i], items, inner)
		}
	case template.Map:
		l.kind(r, v, s, armschema.Object, &at)
		object := s
		if s != nil && s.Discriminator != "" {
			object = s.Variant(anyCase(v, s.Discriminator))
		}
		for i := range v.Fields {
			l.property(r, &v.Fields[i], object, &at)
		}
		l.settings(r, v, &at)
	}
}

// anyCase is the text of a member, by its name in any case.
func anyCase(v *Value, name string) string {
	for i := range v.Fields {
		if strings.EqualFold(v.Fields[i].Name, name) {
			return v.Fields[i].Value.Text
		}
	}
	return ""
}

// property checks a member of an object.
func (l *linter) property(r *Resource, f *Field, object *armschema.Schema, above *spot) {
	inner := spot{up: above, name: f.Name, secret: above.secret, free: above.free}
	var schema *armschema.Schema
	switch {
	case object == nil || object.Kind == armschema.Any:
	case object.Kind == armschema.Map:
		schema, inner.chosen = object.Items, true
	case object.Kind == armschema.Object:
		p, ok := object.Property(f.Name)
		switch {
		case !ok && object.Items != nil:
			schema, inner.chosen = object.Items, true
		case !ok:
			var known []string
			for i := range object.Properties {
				if !object.Properties[i].ReadOnly {
					known = append(known, object.Properties[i].Name)
				}
			}
			hint := meant(f.Name, known)
			if hint == "" && len(known) > 0 && len(known) <= 12 {
				hint = "there are " + strings.Join(known, ", ")
			}
			l.wrong(f.At, title(r, inner.key()), hint, "a %s has no property %s", typeOf(r), inner.key())
			return
		case p.ReadOnly:
			l.wrong(f.At, title(r, inner.key()), "leave it out", "%s of a %s is read-only: Azure sets it", inner.key(), typeOf(r))
			return
		default:
			schema = p.Schema
			inner.secret = inner.secret || p.Secret
		}
	}
	l.walk(r, &f.Value, schema, inner)
}

func typeOf(r *Resource) string {
	if r == nil {
		return "resource group"
	}
	return short(r.Type)
}

// kind warns of a value of another kind than Azure describes.
func (l *linter) kind(r *Resource, v *Value, s *armschema.Schema, is armschema.Kind, at *spot) {
	if s == nil || s.Kind == armschema.Any || s.Kind == is || is == armschema.Object && s.Kind == armschema.Map {
		return
	}
	words := map[armschema.Kind]string{armschema.String: "text", armschema.Bool: "true or false", armschema.Number: "a number", armschema.Object: "an object", armschema.Map: "an object", armschema.List: "a list"}
	l.doubt(v.At, title(r, at.key()), "", "%s of a %s is %s, and here it is %s", at.key(), typeOf(r), words[s.Kind], kinds[v.Kind])
}

// enum warns of a value that is near to one that the service knows, and is none: services may know more of them than are here, above all
// those with a number, as sizes and versions have.
func (l *linter) enum(r *Resource, v *Value, s *armschema.Schema, at *spot) {
	if s == nil || len(s.Enum) == 0 || strings.ContainsAny(v.Text, "$0123456789") || slices.ContainsFunc(s.Enum, func(e string) bool { return strings.EqualFold(e, v.Text) }) {
		return
	}
	if hint := meant(v.Text, s.Enum); hint != "" {
		l.doubt(v.At, title(r, at.key()), hint, "%q is not known as a value of %s", short(v.Text), at.key())
	}
}

// tags checks tags. A nil resource is a resource group.
func (l *linter) tags(r *Resource, tags *Value) {
	for i := range tags.Fields {
		f := &tags.Fields[i]
		at := spot{up: &spot{name: "tags"}, name: f.Name, chosen: true}
		l.text(r, &f.Value, at.key())
		l.literalSecret(r, &f.Value, &at)
		if len(f.Name) > 512 || strings.ContainsAny(f.Name, `<>%&\?/`) && !strings.HasPrefix(f.Name, "hidden-") {
			l.doubt(f.At, title(r, at.key()), "", "Azure takes no tag called %q: at most 512 characters, without <, >, %%, &, \\, ? and /", short(f.Name))
		}
		if len(f.Value.Text) > 256 && !strings.Contains(f.Value.Text, "${") {
			l.doubt(f.Value.At, title(r, at.key()), "", "the value of the tag %s is longer than 256 characters", short(f.Name))
		}
	}
}

// text checks the references of a text, and notes what the resource depends on.
func (l *linter) text(r *Resource, v *Value, key string) {
	if !strings.Contains(v.Text, "${") {
		return
	}
	pieces, err := Split(v.Text)
	if err != nil {
		var text *TextError
		errors.As(err, &text)
		l.wrong(v.At, title(r, key), text.Hint, "%s: %s", key, text.Message)
		return
	}
	for _, p := range pieces {
		switch p.Kind {
		case "", RefSecret:
			continue
		}
		value, err := l.x.places.reference(p)
		if err == nil && (p.Kind == RefResource || p.Kind == RefPrincipal || p.Kind == RefClient) {
			if p.Kind != RefResource {
				value, _ = l.x.places.resource(p)
			}
			err = l.found(r, p, value)
		}
		var wrong *refError
		if errors.As(err, &wrong) {
			l.wrong(v.At, title(r, key), l.suggest(wrong), "%s: %s", key, wrong.message)
		}
	}
}

// found says that a reference to a resource leads to one, or to a part of one's body, such as a subnet in its network.
func (l *linter) found(r *Resource, p Piece, id string) error {
	to := l.x.resources[strings.ToLower(id)]
	if to == nil && p.Kind == RefResource {
		to = l.part(id)
	}
	if to == nil {
		return &refError{p.Kind, p.Arg, "there is no resource " + short(p.Arg)}
	}
	if p.Kind != RefResource && !to.identity && !strings.EqualFold(to.Type, typeManagedIdentity) {
		return &refError{p.Kind, "", "the resource " + short(to.Name) + " has no identity"}
	}
	if p.Kind == RefClient && !strings.EqualFold(to.Type, typeManagedIdentity) {
		return &refError{p.Kind, "", "only user-assigned identities have a client id, and " + short(to.Name) + " is none"}
	}
	if at, ok := l.at[r]; r != nil && ok {
		l.depend(int(at), to)
	}
	return nil
}

// part is the resource whose body has the part that an id names: a list there is called as the type, and one of its items as the part.
func (l *linter) part(id string) *Resource {
	to := l.within(id)
	if to == nil {
		return nil
	}
	rest := strings.Split(strings.TrimPrefix(id[min(len(l.x.places.id(to)), len(id)):], "/"), "/")
	if len(rest)%2 != 0 {
		return nil
	}
	parts, known := l.parts[to]
	if !known {
		parts = map[string]bool{}
		partsOf(&to.open().Properties, "", parts)
		l.parts[to] = parts
	}
	if !parts[strings.ToLower(strings.Join(rest, "/"))] {
		return nil
	}
	return to
}

// partsOf finds the parts of a body as ids name them, in lower case: the items of its lists that have names, and the parts of what these say.
func partsOf(body *Value, above string, into map[string]bool) {
	for i := range body.Fields {
		f := &body.Fields[i]
		for k := range f.Value.Items {
			it := &f.Value.Items[k]
			name := anyCase(it, "name")
			if name == "" {
				continue
			}
			part := above + strings.ToLower(f.Name+"/"+name)
			into[part] = true
			if inner := it.member("properties"); inner != nil {
				it = inner
			}
			partsOf(it, part+"/", into)
		}
	}
}

// suggested is for how many references that lead nowhere a near name is looked for: for each of them, all names are looked at.
const suggested = 100

// suggest is the hint for a reference that leads nowhere.
func (l *linter) suggest(e *refError) string {
	if l.suggested++; e.arg == "" || l.suggested > suggested {
		return ""
	}
	switch e.kind {
	case RefSubscription:
		return meant(e.arg, keys(l.x.subscriptions))
	case RefResourceGroup:
		return meant(e.arg, keys(l.x.groups))
	case RefUser, RefGroup, RefService:
		var known []string
		for _, p := range l.spec.Principals {
			if string(p.Kind) == e.kind {
				known = append(known, p.Name)
			}
		}
		return meant(e.arg, known)
	}
	if l.x.known == nil {
		for _, r := range l.spec.Resources[:min(len(l.spec.Resources), nearestKnown/4)] {
			l.x.known = append(l.x.known, r.Name)
			if r.Group != nil {
				l.x.known = append(l.x.known, r.Group.Name+"/"+tail(r.Type, r.Name))
			}
		}
	}
	return meant(e.arg, l.x.known)
}

// keys are the keys of a map, sorted.
func keys[V any](m map[string]V) []string {
	all := make([]string, 0, len(m))
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}
