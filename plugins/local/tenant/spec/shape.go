package spec

import (
	"fmt"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// shape says which values a member takes. The shapes are the one description of the format: values are checked against them, and the JSON
// Schema is made of them.
type shape struct {
	kind    shapeKind
	items   *shape    // of a list, and of a map's values
	members []member  // of an object
	index   *memberOf // of members, by every name
}

type shapeKind uint8

const (
	anyValue shapeKind = iota
	textValue
	boolValue
	listOf
	mapOf // an object whose names somebody chose
	object
	freeObject // an object of Azure's own form
	listOrMap
)

// member is a member of an object.
type member struct {
	name     string // snake_case
	also     []string
	shape    *shape
	required bool
	doc      string
}

type memberOf struct {
	byName map[string]int
	known  []string
}

// camel is a name in the form of the original's JSON: resourceGroups of resource_groups.
func camel(name string) string {
	words := strings.Split(name, "_")
	for i := 1; i < len(words); i++ {
		words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
	}
	return strings.Join(words, "")
}

// aliases are the other names of a member.
func (m *member) aliases() []string {
	var all []string
	for _, name := range append([]string{m.name}, m.also...) {
		for _, n := range []string{name, camel(name)} {
			if n != m.name && (len(all) == 0 || all[len(all)-1] != n) {
				all = append(all, n)
			}
		}
	}
	return all
}

func objectOf(members ...member) *shape {
	s := &shape{kind: object, members: members, index: &memberOf{byName: map[string]int{}}}
	for i := range members {
		s.index.known = append(s.index.known, members[i].name)
		s.index.byName[members[i].name] = i
		for _, a := range members[i].aliases() {
			if at, taken := s.index.byName[a]; taken {
				panic(fmt.Sprintf("%s and %s have the same name %s", members[at].name, members[i].name, a)) // a test makes all shapes
			}
			s.index.byName[a] = i
		}
	}
	return s
}

// path is where a value stands, for messages.
type path struct {
	up    *path
	name  string
	index int // of an item, where name is empty
}

func (p *path) String() string {
	if p == nil {
		return ""
	}
	above := p.up.String()
	switch {
	case p.name == "":
		return fmt.Sprintf("%s[%d]", above, p.index)
	case above == "":
		return short(p.name)
	}
	return above + "." + short(p.name)
}

// check checks a value, and gives its members their first names. It is false for a value of another kind, which is told.
func (p *problems) check(v *Value, s *shape, where *path) bool {
	switch s.kind {
	case anyValue:
	case textValue:
		switch v.Kind {
		case template.String:
		case template.Number, template.Bool:
			return p.kind(v, where, "text", "put it between quotes")
		default:
			return p.kind(v, where, "text", "")
		}
	case boolValue:
		if v.Kind != template.Bool {
			return p.kind(v, where, "true or false", "")
		}
	case listOf:
		if v.Kind != template.List {
			return p.kind(v, where, "a list", "")
		}
		kept := v.Items[:0]
		for i := range v.Items {
			if p.check(&v.Items[i], s.items, &path{up: where, index: i}) {
				kept = append(kept, v.Items[i])
			}
		}
		v.Items = kept
	case mapOf:
		if v.Kind != template.Map {
			return p.kind(v, where, "an object", "")
		}
		kept := v.Fields[:0]
		for i := range v.Fields {
			if p.check(&v.Fields[i].Value, s.items, &path{up: where, name: v.Fields[i].Name}) {
				kept = append(kept, v.Fields[i])
			}
		}
		v.Fields = kept
	case freeObject:
		if v.Kind != template.Map {
			return p.kind(v, where, "an object", "")
		}
	case listOrMap:
		if v.Kind != template.Map && v.Kind != template.List {
			return p.kind(v, where, "a list", "")
		}
	case object:
		return p.object(v, s, where)
	}
	return true
}

func (p *problems) kind(v *Value, where *path, wanted, hint string) bool {
	p.wrong(v.At, where.String(), hint, "%s has to be %s, and is %s", where, wanted, kinds[v.Kind])
	return false
}

func (p *problems) object(v *Value, s *shape, where *path) bool {
	if v.Kind != template.Map {
		name := where.String()
		if name == "" {
			name = "a block"
		}
		p.wrong(v.At, where.String(), "", "%s has to be an object, and is %s", name, kinds[v.Kind])
		return false
	}
	var seen [64]int32 // the line in which a member stands
	kept := v.Fields[:0]
	for i := range v.Fields {
		f := &v.Fields[i]
		at, ok := s.index.byName[f.Name]
		if !ok {
			hint := meant(f.Name, s.index.known)
			if where == nil && hint == "" {
				hint = "a block that is no part of the specification has the word " + ignored + " behind its language: ```yaml " + ignored
			}
			p.wrong(f.At, (&path{up: where, name: f.Name}).String(), hint, "there is no member %q%s", short(f.Name), in(where))
			continue
		}
		m := &s.members[at]
		if seen[at] != 0 {
			p.wrong(f.At, (&path{up: where, name: m.name}).String(), "", "%q is %q once more, which is in line %d", f.Name, m.name, seen[at])
			continue
		}
		seen[at] = max(f.At.Line, 1)
		f.Name = m.name
		if f.Value.Kind == template.Null {
			if m.required {
				p.wrong(f.Value.At, (&path{up: where, name: m.name}).String(), "", "%s needs a value", &path{up: where, name: m.name})
				seen[at] = max(seen[at], 1)
			}
			continue // as if it were not there
		}
		if p.check(&f.Value, m.shape, &path{up: where, name: m.name}) {
			kept = append(kept, *f)
		}
	}
	v.Fields = kept
	whole := true
	for i := range s.members {
		if m := &s.members[i]; m.required && seen[i] == 0 {
			p.wrong(v.At, where.String(), "", "the member %q is missing%s", m.name, in(where))
		}
		if s.members[i].required && v.member(s.members[i].name) == nil {
			whole = false
		}
	}
	return whole
}

// in is " in X" for messages.
func in(where *path) string {
	if where == nil {
		return " in a specification"
	}
	return " in " + where.String()
}
