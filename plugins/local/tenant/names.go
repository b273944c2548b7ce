package tenant

import (
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
)

// value is a text of a resource as it is written. A nil member is one that holds an id, or whatever its form says.
func (x *texts) value(parts []template.Part, where *member) string {
	if x.anon == nil {
		return x.text(parts)
	}
	return x.hidden(parts, where)
}

// memberName is the name of a member of an object as it is written.
func (x *texts) memberName(name string, _ *member) string {
	if x.anon == nil {
		return name
	}
	return x.anon.MemberName(name)
}

// resourceName is the whole name of a resource.
func (x *texts) resourceName(r *template.Resource) string {
	name := oneName(r.Type, plainText(r.FullName))
	if x.anon == nil {
		return name
	}
	types, names := strings.Split(r.Type, "/"), strings.Split(name, "/")
	for i := range names {
		if i+1 < len(types) {
			names[i] = x.anon.NameOf(strings.Join(types[:i+2], "/"), names[i])
		}
	}
	return strings.Join(names, "/")
}

// oneName is the whole name of a resource, with one spelling of what can have no other name: services tell theirs as Default or as default.
func oneName(typ, name string) string {
	at := strings.LastIndexByte(name, '/')
	if at < 0 {
		return name
	}
	fixed := []string{"default", "current"}
	if known, ok := armschema.Lookup(typ); ok && known.Names != nil {
		fixed = known.Names
	}
	for _, spelling := range fixed {
		if strings.EqualFold(name[at+1:], spelling) {
			return name[:at+1] + spelling
		}
	}
	return name
}

// plainName is a name that is no resource's of a template.
func (x *texts) plainName(word, name string) string {
	if x.anon == nil {
		return name
	}
	return x.anon.Name(word, name)
}

// target is what a resource extends: base is its id.
func (x *texts) target(r *template.Resource, base string) string {
	if r.ParentKind == template.ParentTarget && r.Parent != nil {
		if pieces := x.reference(r.Parent); len(pieces) > 0 {
			return spec.Join(pieces)
		}
	}
	if r.ParentKind == template.ParentTarget && r.Parent == nil && len(r.DependsOn) > 0 { // a part of another resource's body
		for _, on := range r.DependsOn {
			if above := plainText(on.ID); len(base) > len(above) && strings.EqualFold(base[:len(above)], above) {
				tail := base[len(above):]
				if x.anon != nil {
					tail = x.anon.ID(base)[len(x.anon.ID(base[:len(above)])):]
				}
				return spec.Join(append(x.reference(on), spec.Piece{Literal: tail}))
			}
		}
	}
	if x.anon != nil {
		base = x.anon.ID(base)
	}
	return x.id(base)
}
