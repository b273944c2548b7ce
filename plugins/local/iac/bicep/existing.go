package bicep

import (
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// location is where a resource is, taken from its id: what a declaration of an existing resource needs to say.
type location struct {
	subscription, group, management []template.Part // of its scope; nil where the scope has none
	target                          *location       // what an extension extends; then the scope is the target's
	types                           []string        // Microsoft.Network, virtualNetworks, subnets
	names                           [][]template.Part
}

// locate takes an id apart. It is false for one that is no resource's: a subscription's, the tenant's, or something odd.
func locate(id []template.Part) (*location, bool) {
	segments, ok := split(id)
	if !ok {
		return nil, false
	}
	at := &location{}
	if len(segments) >= 2 && is(segments[0], "subscriptions") {
		at.subscription, segments = segments[1], segments[2:]
		if len(segments) >= 2 && is(segments[0], "resourceGroups") {
			if len(segments) == 2 {
				at.types, at.names = []string{"Microsoft.Resources", "resourceGroups"}, segments[1:]
				return at, true
			}
			at.group, segments = segments[1], segments[2:]
		}
	} else if len(segments) > 4 && is(segments[0], "providers") && is(segments[1], "Microsoft.Management") && is(segments[2], "managementGroups") &&
		is(segments[4], "providers") {
		at.management, segments = segments[3], segments[4:]
	}
	for len(segments) > 0 {
		if len(segments) < 4 || !is(segments[0], "providers") {
			return nil, false
		}
		if len(at.types) > 0 {
			at = &location{target: at}
		}
		namespace, ok := literal(segments[1])
		if !ok {
			return nil, false
		}
		at.types = []string{namespace}
		segments = segments[2:]
		for len(segments) >= 2 && !is(segments[0], "providers") {
			name, ok := literal(segments[0])
			if !ok || name == "" || len(segments[1]) == 0 {
				return nil, false
			}
			at.types, at.names = append(at.types, name), append(at.names, segments[1])
			segments = segments[2:]
		}
	}
	return at, len(at.names) > 0
}

// split cuts an id at its slashes, the first of which it begins with.
func split(id []template.Part) ([][]template.Part, bool) {
	var segments [][]template.Part
	for i, p := range id {
		switch {
		case p.Ref != nil:
			return nil, false
		case p.Parameter != nil:
			if len(segments) == 0 {
				return nil, false
			}
			segments[len(segments)-1] = append(segments[len(segments)-1], p)
		default:
			for j, text := range strings.Split(p.Literal, "/") {
				switch {
				case i == 0 && j == 0:
					if text != "" {
						return nil, false
					}
				case j > 0:
					segments = append(segments, nil)
					fallthrough
				default:
					if text != "" {
						segments[len(segments)-1] = append(segments[len(segments)-1], template.Part{Literal: text})
					}
				}
			}
		}
	}
	return segments, true
}

func is(segment []template.Part, keyword string) bool {
	text, ok := literal(segment)
	return ok && strings.EqualFold(text, keyword)
}

func literal(segment []template.Part) (string, bool) {
	if len(segment) != 1 || segment[0].Parameter != nil || segment[0].Ref != nil {
		return "", false
	}
	return segment[0].Literal, true
}

// named takes the type of a location as it is spelt, where it is one of as many segments.
func (at *location) named(typ string) {
	if types := strings.Split(typ, "/"); len(types) == len(at.types) {
		at.types = types
	}
}

// key is parts as a map can hold them: ids and names are the same in any case.
func key(parts []template.Part) string {
	var b strings.Builder
	for _, p := range parts {
		if p.Parameter != nil {
			b.WriteString("\x00" + p.Parameter.Name + "\x00")
		} else {
			b.WriteString(strings.ToLower(p.Literal))
		}
	}
	return b.String()
}

// existingResource declares a resource that has to exist, once; "" says that there is no declaration for such an id.
func (f *file) existingResource(e *template.Existing) string {
	at := key(e.ID)
	if symbol, known := f.placed[at]; known {
		return symbol
	}
	symbol := ""
	if place, ok := locate(e.ID); ok && e.APIVersion != "" {
		place.named(e.Type)
		symbol = f.declare(at, place, camel(e.Symbol), e.APIVersion)
	}
	f.placed[at] = symbol
	return symbol
}

// above declares what a resource hangs below, from its id alone: the target of an extension that is only a part of another resource's
// body, or one that another file deploys. Its API version is that of a resource of such a type, or of one above it, in this file;
// any other does as well, since nothing but the id is used.
func (f *file) above(id []template.Part, version string) (string, bool) {
	at := key(id)
	if symbol, known := f.placed[at]; known && symbol != "" {
		return symbol, true
	}
	place, ok := locate(id)
	if !ok {
		return "", false
	}
	for n := len(place.types); n >= 2; n-- {
		if known, ok := f.versions[strings.ToLower(strings.Join(place.types[:n], "/"))]; ok {
			version = known
			break
		}
	}
	name := "existing" + pascal(place.types[len(place.types)-1])
	for _, p := range place.names[len(place.names)-1] {
		if p.Parameter == nil && p.Literal != "" {
			name += pascal(p.Literal)
		}
	}
	return f.declare(at, place, name, version), true
}

// declare writes the declaration of an existing resource, after those of what it extends.
func (f *file) declare(at string, place *location, name, version string) string {
	parent, scope := f.parentOf(place, version), ""
	if parent == "" {
		scope = f.scopeOf(place, version)
	}
	symbol := f.names.take(name)
	f.placed[at], f.placed[versioned(at, version)] = symbol, symbol
	b := append(append(append(f.existing, "resource "...), symbol...), ' ')
	b = append(appendQuoted(b, strings.Join(place.types, "/")+"@"+version), " existing = {\n"...)
	names := place.names
	if parent != "" {
		b = append(append(append(b, "  parent: "...), parent...), '\n')
		names = names[len(names)-1:]
	}
	if scope != "" {
		b = append(append(append(b, "  scope: "...), scope...), '\n')
	}
	var full []template.Part
	for i, name := range names {
		if i > 0 {
			full = append(full, template.Part{Literal: "/"})
		}
		full = append(full, name...)
	}
	f.existing = append(f.text(append(b, "  name: "...), full), "\n}\n\n"...)
	return symbol
}

// parentOf is the symbol of what an existing resource is a child of, where that is a resource of the file that the current one waits
// for, or a part of such a one; else "".
func (f *file) parentOf(place *location, version string) string {
	last := len(place.names) - 1
	if last == 0 {
		return ""
	}
	up := *place
	up.types, up.names = place.types[:last+1], place.names[:last]
	id := idOf(&up)
	for _, ref := range f.near {
		if ref.Node == template.NoNode || ref.Unit != f.unit.Index {
			continue
		}
		if container := key(ref.ID); container == key(id) {
			return f.own(ref.Node)
		} else if strings.HasPrefix(key(id), container+"/") {
			parent, _ := f.above(id, version)
			return parent
		}
	}
	return ""
}

// scopeOf is the scope of an existing resource, as an expression; "" where it is the file's own.
func (f *file) scopeOf(place *location, version string) string {
	same := place.subscription != nil && f.scope.Subscription != nil && f.inSubscription(place.subscription)
	switch {
	case place.target != nil:
		if symbol, ok := f.above(idOf(place.target), version); ok {
			return symbol
		}
		return ""
	case place.group != nil:
		switch {
		case same && f.scope.Kind == template.ScopeResourceGroup && key(place.group) == key(f.scope.ResourceGroup):
			return ""
		case same:
			return string(append(f.text([]byte("resourceGroup("), place.group), ')'))
		}
		b := append(f.text([]byte("resourceGroup("), place.subscription), ", "...)
		return string(append(f.text(b, place.group), ')'))
	case place.subscription != nil:
		switch {
		case same && f.scope.Kind == template.ScopeSubscription:
			return ""
		case same:
			return "subscription()"
		}
		return string(append(f.text([]byte("subscription("), place.subscription), ')'))
	case place.management != nil:
		if name, ok := literal(place.management); ok && f.scope.Kind == template.ScopeManagementGroup && strings.EqualFold(name, f.scope.ManagementGroup) {
			return ""
		}
		return string(append(f.text([]byte("managementGroup("), place.management), ')'))
	case f.scope.Kind == template.ScopeTenant:
		return ""
	}
	return "tenant()"
}

// inSubscription says whether a subscription's id is that of the file's scope, by parameter or as it is by default.
func (f *file) inSubscription(id []template.Part) bool {
	if len(id) == 1 && id[0].Parameter != nil {
		return id[0].Parameter.Name == f.scope.Subscription.Name
	}
	text, ok := literal(id)
	return ok && strings.EqualFold(text, f.scope.Subscription.Default)
}

// idOf puts the id of a location together again.
func idOf(at *location) []template.Part {
	var id []template.Part
	add := func(text string, parts []template.Part) {
		id = append(append(id, template.Part{Literal: text}), parts...)
	}
	switch {
	case at.target != nil:
		id = idOf(at.target)
	case at.management != nil:
		add("/providers/Microsoft.Management/managementGroups/", at.management)
	case at.subscription != nil:
		add("/subscriptions/", at.subscription)
		if at.group != nil {
			add("/resourceGroups/", at.group)
		}
	}
	add("/providers/"+at.types[0], nil)
	for i, name := range at.names {
		add("/"+at.types[i+1]+"/", name)
	}
	return id
}
