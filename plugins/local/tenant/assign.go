package tenant

import (
	"bufio"
	"context"
	"encoding/json"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/form"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
)

// role is what a snapshot knows of a role definition.
type role struct {
	name    string
	builtIn bool
}

// roleNames are the role definitions of a snapshot, by GUID in lower case.
func roleNames(ctx context.Context, r *graph.Reader) (map[string]role, error) {
	known := map[string]role{}
	lookup, err := r.Lookup(ctx)
	if err != nil {
		return nil, err
	}
	defer lookup.Close()
	return known, r.Heads(ctx, func(h graph.Head) error {
		if h.Table != graph.RoleDefinitions {
			return nil
		}
		row, err := lookup.Row(ctx, h.Place)
		if err != nil {
			return err
		}
		var p struct {
			RoleName string `json:"roleName"`
			Type     string `json:"type"`
		}
		_ = json.Unmarshal(row.Properties, &p) // what does not fit has no name
		guid := strings.ToLower(h.Key[strings.LastIndexByte(h.Key, '/')+1:])
		if p.RoleName != "" && form.IsGUID(guid) {
			known[guid] = role{p.RoleName, strings.EqualFold(p.Type, "BuiltInRole")}
		}
		return nil
	})
}

// assignment writes a role assignment.
func (w *writer) assignment(r *template.Resource) {
	to := &yamlWriter{Writer: w.roles.Writer, text: w.x.value, name: w.x.memberName}
	properties := map[string]*template.Value{}
	for i := range r.Body {
		if r.Body[i].Name != "properties" || r.Body[i].Value.Kind != template.Map {
			w.missing = append(w.missing, missing{r.ID, r.Body[i].Name})
			continue
		}
		for k := range r.Body[i].Value.Fields {
			f := &r.Body[i].Value.Fields[k]
			switch f.Name {
			case "roleDefinitionId", "principalId", "principalType", "description", "condition", "conditionVersion", "delegatedManagedIdentityResourceId":
				if f.Value.Kind == template.String {
					properties[f.Name] = &f.Value
					continue
				}
			case "scope": // which the id says
				continue
			}
			w.missing = append(w.missing, missing{r.ID, "properties." + f.Name})
		}
	}
	who := properties["principalId"]
	if who == nil || properties["roleDefinitionId"] == nil {
		w.missing = append(w.missing, missing{r.ID, ""})
		return
	}
	w.sum.assignments++
	put(to.Writer, "  - principal: ", quote(w.x.value(who.Text, nil)), "\n")
	text := func(name, property string) {
		if v := properties[property]; v != nil {
			to.line(4, name, w.x.value(v.Text, &member{name: property}))
		}
	}
	text("principal_type", "principalType")
	w.role(to.Writer, r, properties["roleDefinitionId"])
	to.line(4, "scope", w.x.assignmentScope(r, w.unit))
	name := plainText(r.Name)
	if w.x.anon != nil {
		name = w.x.anon.GUID(name)
	}
	to.line(4, "name", name)
	text("description", "description")
	text("condition", "condition")
	text("condition_version", "conditionVersion")
	text("delegated_managed_identity", "delegatedManagedIdentityResourceId")
}

// role writes which role it is.
func (w *writer) role(to *bufio.Writer, r *template.Resource, definition *template.Value) {
	if parts := definition.Text; len(parts) > 0 && parts[0].Ref != nil && parts[0].Ref.Node != template.NoNode { // a role of the tenant's own
		text := w.x.value(parts, nil)
		put(to, "    role: ", quote(text), "\n")
		id := plainText(parts)
		w.sum.role(w.roleTitle(strings.ToLower(id[strings.LastIndexByte(id, '/')+1:])))
		return
	}
	id := plainText(definition.Text)
	guid := strings.ToLower(id[strings.LastIndexByte(id, '/')+1:])
	title := w.roleTitle(guid)
	w.sum.role(title)
	prefix := strings.ToLower(strings.TrimSuffix(baseOf(r.ID), "/"))
	base := strings.ToLower(baseOf(id))
	usual := form.IsGUID(guid) && strings.Count(strings.ToLower(id), "/providers/microsoft.authorization/roledefinitions/") == 1 &&
		(base == "" || strings.HasPrefix(prefix+"/", base+"/") && strings.Count(base, "/") == 2)
	written := guid
	if w.x.anon != nil && !w.known[guid].builtIn && spec.RoleName(guid) == "" {
		written = w.x.anon.GUID(guid)
	}
	switch {
	case !usual:
		put(to, "    role: ", quote(w.x.value(definition.Text, nil)), "\n")
	case spec.RoleName(guid) != "" && spec.RoleName(guid) == title:
		put(to, "    role: ", quote(title), "\n")
	default:
		if title != "" && !form.IsGUID(title) && !strings.ContainsAny(title, "/$") {
			put(to, "    role: ", quote(title), "\n")
		}
		put(to, "    role_id: ", quote(written), "\n")
	}
}

// roleTitle is the name of a role for people; its GUID where it has none that is known.
func (w *writer) roleTitle(guid string) string {
	if known, ok := w.known[guid]; ok {
		if w.x.anon != nil && !known.builtIn {
			return w.x.anon.Word("role", known.name)
		}
		return known.name
	}
	if name := spec.RoleName(guid); name != "" {
		return name
	}
	if w.x.anon != nil {
		return w.x.anon.GUID(guid)
	}
	return guid
}

// assignmentScope is the scope of a role assignment.
func (x *texts) assignmentScope(r *template.Resource, u *template.Unit) string {
	base := baseOf(r.ID)
	switch {
	case base == "":
		return "/"
	case r.ParentKind != template.ParentScope:
		return x.target(r, base)
	case u.Scope.Kind == template.ScopeResourceGroup && u.Scope.Group != template.NoNode:
		return spec.Join([]spec.Piece{x.path(plainText(u.Scope.ID))})
	}
	return x.target(r, base)
}
