package terraform_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// compare holds the code against the model: every resource once, in its module, with all that it has.
func compare(t *testing.T, tmpl *template.Template, modules map[string]*module) {
	t.Helper()
	var imports []string
	count := 0
	for _, u := range tmpl.Units {
		folder, prefix := ".", ""
		if tmpl.Split != template.SplitNone {
			folder, prefix = "modules/"+u.Name, "module."+strings.ReplaceAll(u.Name, "-", "_")+"."
		}
		m := modules[folder]
		if m == nil {
			t.Fatalf("there is no %s", folder)
		}
		count += len(m.resources)
		err := tmpl.Each(t.Context(), u, func(r *template.Resource) error {
			body := m.resources[r.Symbol]
			if body == nil {
				t.Fatalf("%s has no %s", folder, r.Symbol)
			}
			expected{tmpl, r}.check(t, m, body)
			count--
			imports = append(imports, prefix+"azapi_resource."+r.Symbol+" "+r.ID+"?api-version="+r.APIVersion)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if count != 0 {
		t.Errorf("%d resources are there that the template does not have", count)
	}
	if diff := cmp.Diff(imports, modules["."].imports); diff != "" {
		t.Errorf("imports (-want +got):\n%s", diff)
	}
}

// expected is what a resource's code has to evaluate to.
type expected struct {
	t *template.Template
	r *template.Resource
}

func (e expected) ref(ref *template.Ref) string {
	switch ref.Node {
	case template.NoNode:
		return "«" + ref.Existing.Type + "@" + ref.Existing.APIVersion + " " + e.text(ref.Existing.ID) + "»"
	case e.r.Node:
		return e.text(ref.ID)
	}
	name := ref.Symbol
	if ref.Property != "" {
		name += ":" + ref.Property
	}
	if e.t.Split == template.SplitNone {
		return "«." + name + "»"
	}
	return "«" + strings.ReplaceAll(e.t.Units[ref.Unit].Name, "-", "_") + "." + name + "»"
}

func (e expected) text(parts []template.Part) string {
	var all strings.Builder
	for _, p := range parts {
		switch {
		case p.Parameter != nil:
			all.WriteString("«" + p.Parameter.Description + "»")
		case p.Ref != nil:
			all.WriteString(e.ref(p.Ref))
		default:
			all.WriteString(p.Literal)
		}
	}
	return all.String()
}

func (e expected) value(v template.Value) cty.Value {
	switch v.Kind {
	case template.Bool:
		return cty.BoolVal(v.Bool)
	case template.Number:
		return cty.MustParseNumberVal(v.Text[0].Literal)
	case template.String:
		return cty.StringVal(e.text(v.Text))
	case template.List:
		items := []cty.Value{}
		for _, item := range v.Items {
			items = append(items, e.value(item))
		}
		return cty.TupleVal(items)
	case template.Map:
		return e.object(v.Fields)
	default:
		return cty.NullVal(cty.DynamicPseudoType)
	}
}

func (e expected) object(fields []template.Field) cty.Value {
	members := map[string]cty.Value{}
	for _, f := range fields {
		members[f.Name] = e.value(f.Value)
	}
	return cty.ObjectVal(members)
}

func (e expected) check(t *testing.T, m *module, body *hclsyntax.Body) {
	t.Helper()
	same := func(name string, want cty.Value) {
		t.Helper()
		if got := value(t, body, name, m.env); !got.RawEquals(want) {
			t.Errorf("%s of %s is %#v, not %#v", name, e.r.Symbol, got, want)
		}
	}
	has := func(name string, want bool) bool {
		t.Helper()
		if got := body.Attributes[name] != nil; got != want {
			t.Errorf("%s has %s: %v", e.r.Symbol, name, got)
			return false
		}
		return want
	}
	same("type", cty.StringVal(e.r.Type+"@"+e.r.APIVersion))
	same("name", cty.StringVal(e.text(e.r.Name)))
	parent := e.text(e.r.ParentID)
	if e.r.Parent != nil {
		parent = e.ref(e.r.Parent)
	} else if e.r.Scope.Kind == template.ScopeResourceGroup && e.r.Scope.Group != template.NoNode && e.r.Scope.Group != e.r.Node {
		parent = e.ref(e.t.Ref(e.r.Scope.Group))
	}
	same("parent_id", cty.StringVal(parent))
	if has("location", e.r.Location != nil) {
		same("location", cty.StringVal(e.text(e.r.Location)))
	}
	if has("tags", e.r.Tags.Kind == template.Map) {
		same("tags", e.value(e.r.Tags))
	}
	if has("schema_validation_enabled", !e.r.KnownType) {
		same("schema_validation_enabled", cty.False)
	}
	e.identity(t, m, body)
	e.dependencies(t, m, body)

	got := cty.EmptyObjectVal
	for _, name := range []string{"body", "sensitive_body"} {
		if body.Attributes[name] != nil {
			got = merge(got, value(t, body, name, m.env))
		}
	}
	want := e.object(e.r.Body)
	if e.r.Identity.Kind == template.Map && len(body.Blocks) == 0 {
		members := want.AsValueMap()
		if members == nil {
			members = map[string]cty.Value{}
		}
		members["identity"] = got.GetAttr("identity") // e.identity has compared it
		want = cty.ObjectVal(members)
	}
	if !got.RawEquals(want) {
		t.Errorf("the body of %s is\n%#v, not\n%#v", e.r.Symbol, got, want)
	}
	e.secrecy(t, m, body)
}

// merge is what the provider makes of body and sensitive_body.
func merge(old, new cty.Value) cty.Value {
	if !old.Type().IsObjectType() || !new.Type().IsObjectType() {
		return new
	}
	members := map[string]cty.Value{}
	for name, v := range old.AsValueMap() {
		members[name] = v
	}
	for name, v := range new.AsValueMap() {
		if before, there := members[name]; there {
			v = merge(before, v)
		}
		members[name] = v
	}
	return cty.ObjectVal(members)
}

func (e expected) identity(t *testing.T, m *module, body *hclsyntax.Body) {
	t.Helper()
	if e.r.Identity.Kind == template.Null {
		if len(body.Blocks) > 0 {
			t.Errorf("%s has an identity", e.r.Symbol)
		}
		return
	}
	kind := e.text(e.r.Identity.Fields[0].Value.Text)
	var ids []string
	for _, id := range e.r.IdentityIDs {
		ids = append(ids, e.text(id))
	}
	var got []string
	if kind == "Something" { // no block takes it
		identity := value(t, body, "body", m.env).GetAttr("identity")
		if identity.GetAttr("type").AsString() != kind {
			t.Errorf("the identity of %s is %#v", e.r.Symbol, identity)
		}
		for id := range identity.GetAttr("userAssignedIdentities").AsValueMap() {
			got = append(got, id)
		}
		slices.Sort(got)
		slices.Sort(ids)
		ids = slices.Compact(ids)
	} else {
		block := body.Blocks[0].Body
		kind = map[string]string{"systemAssigned,UserAssigned": "SystemAssigned, UserAssigned"}[kind]
		if is := literal(t, block, "type"); kind != "" && is != kind {
			t.Errorf("the identity of %s is %s", e.r.Symbol, is)
		}
		if block.Attributes["identity_ids"] != nil {
			for _, id := range value(t, block, "identity_ids", m.env).AsValueSlice() {
				got = append(got, id.AsString())
			}
		}
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Errorf("identities of %s: %s", e.r.Symbol, diff)
	}
}

func (e expected) dependencies(t *testing.T, m *module, body *hclsyntax.Body) {
	t.Helper()
	var want, got []string
	for _, ref := range e.r.DependsOn {
		want = append(want, e.ref(ref))
	}
	if attribute := body.Attributes["depends_on"]; attribute != nil {
		list, diags := hcl.ExprList(attribute.Expr)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		for _, item := range list {
			v, diags := item.Value(m.env)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			if v.Type().IsObjectType() {
				v = v.GetAttr("id") // the resource itself
			}
			got = append(got, v.AsString())
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what %s waits for: %s", e.r.Symbol, diff)
	}
}

// secrecy: no secret stands in body, unless a list leads to it, and nothing else stands in sensitive_body.
func (e expected) secrecy(t *testing.T, m *module, body *hclsyntax.Body) {
	t.Helper()
	secret := func(v cty.Value) bool {
		return v.Type() == cty.String && !v.IsNull() && strings.Contains(v.AsString(), "«secret ")
	}
	for _, name := range []string{"body", "sensitive_body"} {
		if body.Attributes[name] == nil {
			continue
		}
		err := cty.Walk(value(t, body, name, m.env), func(path cty.Path, v cty.Value) (bool, error) {
			switch {
			case v.Type().IsTupleType() && name == "body":
				return false, nil
			case name == "body" && secret(v), name == "sensitive_body" && v.Type() == cty.String && !secret(v):
				t.Errorf("%s of %s has %#v at %#v", name, e.r.Symbol, v, path)
			}
			return true, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
