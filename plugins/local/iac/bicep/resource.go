package bicep

import (
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// resource appends a resource to the file's body. after are further symbols that it has to wait for.
//
// The order of properties is that of Bicep's guide for files (parent, scope, name, location, …, identity, tags, properties), but that
// dependsOn stands last.
func (f *file) resource(r *template.Resource, after []string) error {
	f.current, f.near, f.source, f.member = r.Node, r.DependsOn, r.ID, "name"
	defer func() { f.current, f.near = template.NoNode, nil }()
	f.versions[strings.ToLower(r.Type)] = r.APIVersion

	parent, scope, name, err := f.place(r)
	if err != nil {
		return err
	}
	b := append(append(append(f.body, "resource "...), f.own(r.Node)...), ' ')
	b = append(appendQuoted(b, r.Type+"@"+r.APIVersion), " = {\n"...)
	if parent != "" {
		b = append(append(append(b, "  parent: "...), parent...), '\n')
	}
	if scope != "" {
		b = append(append(append(b, "  scope: "...), scope...), '\n')
	}
	b = append(f.text(append(b, "  name: "...), name), '\n')
	if len(r.Location) > 0 {
		f.member = "location"
		b = append(f.text(append(b, "  location: "...), r.Location), '\n')
	}
	properties := slices.IndexFunc(r.Body, func(field template.Field) bool { return field.Name == "properties" })
	if properties < 0 {
		properties = len(r.Body)
	}
	for i := range r.Body[:properties] {
		b = f.top(b, &r.Body[i])
	}
	b = f.identity(b, r)
	if r.Tags.Kind != template.Null {
		b = f.top(b, &template.Field{Name: "tags", Value: r.Tags})
	}
	for i := range r.Body[properties:] {
		b = f.top(b, &r.Body[properties+i])
	}
	for _, ref := range r.DependsOn {
		// What another unit deploys, or has to exist, is there before this file is deployed.
		if ref.Node != template.NoNode && ref.Unit == f.unit.Index && ref.Node != r.Node {
			after = append(after, f.own(ref.Node))
		}
	}
	f.body = append(appendDependsOn(b, after), "}\n\n"...)
	return f.err
}

// top appends a member of the top level.
func (f *file) top(b []byte, field *template.Field) []byte {
	f.member = field.Name
	return f.field(b, field, 1)
}

// place says what a resource hangs below, and its name there.
func (f *file) place(r *template.Resource) (parent, scope string, name []template.Part, err error) {
	ours := ""
	if r.Parent != nil && r.Parent.Node != template.NoNode && r.Parent.Unit == f.unit.Index {
		ours = f.own(r.Parent.Node)
	}
	switch r.ParentKind {
	case template.ParentScope:
		return "", "", r.Name, nil
	case template.ParentChild:
		if ours != "" {
			return ours, "", r.Name, nil
		}
		// A child is deployed to the scope of its file, and a parent that is declared elsewhere may not lie outside of it (BCP165):
		// the full name needs no parent. Only below an extension is there no such name.
		at, ok := locate(r.ParentID)
		if !ok || at.target == nil {
			return "", "", r.FullName, nil
		}
		if parent, ok = f.above(r.ParentID, r.APIVersion); ok {
			return parent, "", r.Name, nil
		}
	case template.ParentTarget:
		if ours != "" {
			return "", ours, r.Name, nil
		}
		if r.Parent != nil && r.Parent.Existing != nil {
			if scope = f.existingResource(r.Parent.Existing); scope != "" {
				return "", scope, r.Name, nil
			}
		}
		if key(r.ParentID) == key(f.scope.ID) {
			return "", "", r.Name, nil
		}
		if scope, ok := f.above(r.ParentID, r.APIVersion); ok {
			return "", scope, r.Name, nil
		}
	}
	return "", "", nil, fault.New(fault.ExecutionFailed, "Bicep cannot say what "+r.ID+" belongs to", fault.On(r.ID),
		fault.Hint("leave it out with --exclude-type %s, and tell us of it", r.Type))
}

// identity appends the identity; the keys of userAssignedIdentities are references.
func (f *file) identity(b []byte, r *template.Resource) []byte {
	f.member = "identity"
	if r.Identity.Kind == template.Null {
		return b
	}
	if r.Identity.Kind != template.Map {
		return append(f.value(append(b, "  identity: "...), &r.Identity, 1), '\n')
	}
	b = append(b, "  identity: {\n"...)
	for i := range r.Identity.Fields {
		field := &r.Identity.Fields[i]
		if field.Name != "userAssignedIdentities" || len(r.IdentityIDs) == 0 {
			b = f.field(b, field, 2)
			continue
		}
		b = append(b, "    userAssignedIdentities: {\n"...)
		for _, id := range r.IdentityIDs {
			b = append(f.keyText(append(b, "      "...), id), ": {}\n"...)
		}
		b = append(b, "    }\n"...)
	}
	return append(b, "  }\n"...)
}

// keyText appends a key that is text with references: always in quotes.
func (f *file) keyText(b []byte, parts []template.Part) []byte {
	return append(f.pieces(append(b, '\''), parts, true), '\'')
}

// appendDependsOn appends the list of symbols that a declaration waits for, each once.
func appendDependsOn(b []byte, symbols []string) []byte {
	if len(symbols) == 0 {
		return b
	}
	b = append(b, "  dependsOn: [\n"...)
	for i, symbol := range symbols {
		if !slices.Contains(symbols[:i], symbol) {
			b = append(append(append(b, "    "...), symbol...), '\n')
		}
	}
	return append(b, "  ]\n"...)
}
