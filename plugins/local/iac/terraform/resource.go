package terraform

import (
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

const groupType = "Microsoft.Resources/resourceGroups"

// resource writes one resource into w.b.
func (w *writer) resource(r *template.Resource) {
	w.node = r.Node
	w.b = append(w.b, "\nresource \"azapi_resource\" \""...)
	w.b = append(w.b, r.Symbol...)
	w.b = append(w.b, "\" {\n  type      = "...)
	w.b = appendQuoted(w.b, r.Type+"@"+r.APIVersion)
	w.b = append(w.b, "\n  name      = "...)
	w.expression(r.Name)
	w.b = append(w.b, "\n  parent_id = "...)
	w.parent(r)
	if len(r.Location) > 0 {
		w.b = append(w.b, "\n  location  = "...)
		w.expression(r.Location)
	}
	w.b = append(w.b, '\n')

	body, secrets := r.Body, []template.Field(nil)
	kind, block := identityBlock(&r.Identity)
	if block {
		w.identity(kind, r.IdentityIDs)
	}
	if len(r.Secrets) > 0 {
		body, secrets = divide(body)
	}
	if other := !block && r.Identity.Kind == template.Map && len(r.Identity.Fields) > 0; other || len(body) > 0 {
		w.b = append(w.b, "\n  body = {\n"...)
		if other {
			w.identityMember(r)
			if len(body) > 0 {
				w.b = append(w.b, '\n')
			}
		}
		w.fields(body, 2)
		w.b = append(w.b, "  }\n"...)
	}
	if len(secrets) > 0 {
		w.b = append(w.b, "\n  # Sent to Azure, and kept out of the state.\n  sensitive_body = {\n"...)
		w.fields(secrets, 2)
		w.b = append(w.b, "  }\n"...)
	}
	if r.Tags.Kind == template.Map {
		w.b = append(w.b, "\n  tags = "...)
		if len(r.Tags.Fields) == 0 {
			w.flat(&r.Tags)
		} else {
			w.long(&r.Tags, 1)
		}
		w.b = append(w.b, '\n')
	}
	if exports := w.unit.exports(r); len(exports) > 0 {
		w.b = append(w.b, "\n  response_export_values = ["...)
		for i, path := range exports {
			if i > 0 {
				w.b = append(w.b, ", "...)
			}
			w.b = appendQuoted(w.b, path)
		}
		w.b = append(w.b, "]\n"...)
	}
	if !r.KnownType {
		w.b = append(w.b, "\n  # No schema of this type is known: general rules made the body, and the provider shall not check it.\n  schema_validation_enabled = false\n"...)
	}
	w.dependencies(r.DependsOn)
	w.b = append(w.b, "}\n"...)
	w.node = template.NoNode

	if strings.EqualFold(r.Type, groupType) {
		w.unit.groups = append(w.unit.groups, r.Node)
	}
}

// parent writes the id of what a resource hangs below. A reference makes Terraform wait for it.
func (w *writer) parent(r *template.Resource) {
	switch {
	case r.Parent != nil && r.Parent.Node != r.Node:
		w.reference(r.Parent)
	case r.ParentKind == template.ParentScope && r.Scope.Kind == template.ScopeResourceGroup && r.Scope.Group != template.NoNode && r.Scope.Group != r.Node:
		w.reference(w.unit.t.Ref(r.Scope.Group))
	case len(r.ParentID) == 0: // the tenant
		w.b = append(w.b, `"/"`...)
	default:
		w.expression(r.ParentID)
	}
}

// dependencies writes depends_on. A resource of another unit is waited for by way of the variable that has its id.
func (w *writer) dependencies(refs []*template.Ref) {
	wrote := false
	for _, ref := range refs {
		if ref.Node != template.NoNode && ref.Node == w.node {
			continue
		}
		if !wrote {
			w.b = append(w.b, "\n  depends_on = [\n"...)
			wrote = true
		}
		w.b = append(w.b, "    "...)
		w.address(ref)
		w.b = append(w.b, ",\n"...)
	}
	if wrote {
		w.b = append(w.b, "  ]\n"...)
	}
}

// The kinds of identity that the provider's block takes, by what Azure writes.
var identityKinds = map[string]string{
	"systemassigned,userassigned": "SystemAssigned, UserAssigned", "userassigned,systemassigned": "SystemAssigned, UserAssigned",
	"systemassigned": "SystemAssigned", "userassigned": "UserAssigned", "none": "None",
}

// identityBlock is the kind for the block of an identity, if a block can say all of it.
func identityBlock(v *template.Value) (string, bool) {
	if v.Kind != template.Map {
		return "", false
	}
	kind := ""
	for _, f := range v.Fields {
		switch {
		case f.Name == "type" && f.Value.Kind == template.String && len(f.Value.Text) == 1:
			kind = identityKinds[strings.ToLower(strings.ReplaceAll(f.Value.Text[0].Literal, " ", ""))]
		case f.Name == "userAssignedIdentities" && (f.Value.Kind == template.Map || f.Value.Kind == template.Null):
		default:
			return "", false
		}
	}
	return kind, kind != ""
}

func (w *writer) identity(kind string, ids [][]template.Part) {
	w.b = append(w.b, "\n  identity {\n    type"...)
	if len(ids) == 1 { // the equals signs of two lines that follow each other
		w.b = append(w.b, "        "...)
	}
	w.b = append(appendQuoted(append(w.b, " = "...), kind), '\n')
	if len(ids) > 0 {
		list := identityList(ids)
		w.b = append(w.b, "    identity_ids = "...)
		if len(ids) == 1 {
			w.flat(&list)
		} else {
			w.long(&list, 2)
		}
		w.b = append(w.b, '\n')
	}
	w.b = append(w.b, "  }\n"...)
}

func identityList(ids [][]template.Part) template.Value {
	list := template.Value{Kind: template.List}
	for _, id := range ids {
		list.Items = append(list.Items, template.Value{Kind: template.String, Text: id})
	}
	return list
}

// identityMember writes an identity that no block can say, as the first member of the body.
func (w *writer) identityMember(r *template.Resource) {
	w.b = append(w.b, "    identity = { "...)
	for i, f := range r.Identity.Fields {
		if i > 0 {
			w.b = append(w.b, ", "...)
		}
		w.b = append(appendKey(w.b, f.Name), " = "...)
		if f.Name == "userAssignedIdentities" && len(r.IdentityIDs) > 0 {
			list := identityList(r.IdentityIDs)
			w.b = append(w.b, "{ for id in "...)
			w.flat(&list)
			w.b = append(w.b, " : id => {} }"...)
		} else {
			w.flat(&f.Value)
		}
	}
	w.b = append(w.b, " }\n"...)
}
