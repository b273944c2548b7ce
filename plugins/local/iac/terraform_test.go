package iac_test

import (
	"bytes"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm/engine"
)

// module is a folder of Terraform code, with what is known of its values so far.
type module struct {
	variables map[string]cty.Value
	outputs   map[string]cty.Value
	blocks    []*hclsyntax.Block
	ids       map[string]cty.Value // of its resources
	existing  map[string]cty.Value
	calls     map[string]*module // by label, of the root
}

// terraformed works out what Terraform code makes: it evaluates all of it over and over, until all ids are known.
func terraformed(t *testing.T, files map[string]string) map[string]resource {
	t.Helper()
	modules := map[string]*module{}
	for name, text := range files {
		if !strings.HasSuffix(name, ".tf") {
			continue
		}
		file, diags := hclsyntax.ParseConfig([]byte(text), name, hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		m := modules[path.Dir(name)]
		if m == nil {
			m = &module{variables: map[string]cty.Value{}, outputs: map[string]cty.Value{}, ids: map[string]cty.Value{}, existing: map[string]cty.Value{}, calls: map[string]*module{}}
			modules[path.Dir(name)] = m
		}
		m.blocks = append(m.blocks, file.Body.(*hclsyntax.Body).Blocks...)
	}
	for range len(modules) + 50 {
		changed := false
		for _, m := range modules {
			changed = m.round(t, modules) || changed
		}
		if !changed {
			break
		}
	}
	all := map[string]resource{}
	for _, m := range modules {
		for _, b := range m.blocks {
			if b.Type == "resource" {
				id, r := m.resource(t, b)
				if _, twice := all[id]; twice {
					t.Errorf("%s is there twice", id)
				}
				all[id] = r
			}
		}
	}
	return all
}

// round evaluates a module once, and says whether more is known then.
func (m *module) round(t *testing.T, modules map[string]*module) bool {
	t.Helper()
	env := m.env()
	changed := false
	set := func(into map[string]cty.Value, name string, v cty.Value) {
		if old, ok := into[name]; !ok || !old.RawEquals(v) {
			into[name], changed = v, true
		}
	}
	for _, b := range m.blocks {
		get := func(name string) cty.Value { return attribute(t, b.Body, name, env) }
		switch b.Type {
		case "variable":
			_, known := m.variables[b.Labels[0]]
			switch {
			case b.Body.Attributes["sensitive"] != nil:
				set(m.variables, b.Labels[0], cty.StringVal("‹"+get("description").AsString()+"›"))
			case b.Body.Attributes["default"] != nil && !known:
				set(m.variables, b.Labels[0], get("default"))
			case !known:
				set(m.variables, b.Labels[0], cty.DynamicVal)
			}
		case "resource":
			set(m.ids, b.Labels[1], idOf(get("type"), get("parent_id"), get("name")))
		case "data":
			set(m.existing, b.Labels[1], get("resource_id"))
		case "output":
			set(m.outputs, b.Labels[0], get("value"))
		case "module":
			called := modules[path.Clean(get("source").AsString())]
			m.calls[b.Labels[0]] = called
			for name := range b.Body.Attributes {
				if name != "source" && name != "depends_on" && !secret(called.variables[name]) {
					set(called.variables, name, get(name))
				}
			}
		}
	}
	return changed
}

// secret says that a variable's value is already the description that stands for a secret.
func secret(v cty.Value) bool {
	return v != cty.NilVal && v.IsKnown() && v.Type() == cty.String && strings.HasPrefix(v.AsString(), "‹")
}

// env is what expressions of a module can refer to.
func (m *module) env() *hcl.EvalContext {
	object := func(values map[string]cty.Value, of func(cty.Value) cty.Value) cty.Value {
		members := map[string]cty.Value{}
		for name, v := range values {
			members[name] = of(v)
		}
		return cty.ObjectVal(members)
	}
	same := func(v cty.Value) cty.Value { return v }
	answer := func(id cty.Value, property string) cty.Value {
		if !id.IsKnown() {
			return cty.DynamicVal
		}
		return cty.StringVal(engine.Answer(id.AsString(), property))
	}
	calls := map[string]cty.Value{}
	for name, called := range m.calls {
		calls[name] = object(called.outputs, same)
	}
	return &hcl.EvalContext{Variables: map[string]cty.Value{
		"var": object(m.variables, same),
		"azapi_resource": object(m.ids, func(id cty.Value) cty.Value {
			return cty.ObjectVal(map[string]cty.Value{
				"id":       id,
				"identity": cty.TupleVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{"principal_id": answer(id, "identity.principalId")})}),
				"output":   cty.ObjectVal(map[string]cty.Value{"properties": cty.ObjectVal(map[string]cty.Value{"principalId": answer(id, "properties.principalId"), "clientId": answer(id, "properties.clientId")})}),
			})
		}),
		"data": cty.ObjectVal(map[string]cty.Value{"azapi_resource": object(m.existing, func(id cty.Value) cty.Value {
			return cty.ObjectVal(map[string]cty.Value{"id": id})
		})}),
		"module": cty.ObjectVal(calls),
	}}
}

// attribute is an attribute's value; it is unknown as long as something that it refers to is.
func attribute(t *testing.T, body *hclsyntax.Body, name string, env *hcl.EvalContext) cty.Value {
	t.Helper()
	a := body.Attributes[name]
	if a == nil {
		return cty.NilVal
	}
	v, diags := a.Expr.Value(env)
	if diags.HasErrors() {
		return cty.DynamicVal
	}
	return v
}

// idOf is the id of a resource as azapi makes it.
func idOf(typ, parent, name cty.Value) cty.Value {
	if !parent.IsKnown() || !name.IsKnown() {
		return cty.DynamicVal
	}
	t, _, _ := strings.Cut(typ.AsString(), "@")
	above := strings.TrimSuffix(parent.AsString(), "/")
	switch segment := t[strings.LastIndexByte(t, '/')+1:]; {
	case t == "Microsoft.Resources/resourceGroups":
		return cty.StringVal(above + "/resourceGroups/" + name.AsString())
	case strings.Count(t, "/") > 1 && strings.EqualFold(typeOf(above), t[:len(t)-len(segment)-1]):
		return cty.StringVal(above + "/" + segment + "/" + name.AsString())
	}
	return cty.StringVal(above + "/providers/" + t + "/" + name.AsString())
}

// typeOf is the type of the resource with an id.
func typeOf(id string) string {
	words := strings.Split(id[strings.LastIndex(id, "/providers/")+1:], "/")
	typ := ""
	for i := 1; i < len(words); i++ {
		if i == 1 || i%2 == 0 {
			typ += "/" + words[i]
		}
	}
	return strings.TrimPrefix(typ, "/")
}

// resource is what a resource block makes, by its id.
func (m *module) resource(t *testing.T, b *hclsyntax.Block) (string, resource) {
	t.Helper()
	env := m.env()
	get := func(body *hclsyntax.Body, name string) any {
		a := body.Attributes[name]
		if a == nil {
			return nil
		}
		v, diags := a.Expr.Value(env)
		if diags.HasErrors() || !v.IsWhollyKnown() {
			t.Fatalf("%s: %s is never known: %v", b.Labels[1], name, diags)
		}
		return decoded(t, v)
	}
	typ, version, _ := strings.Cut(get(b.Body, "type").(string), "@")
	members, _ := merged(get(b.Body, "body"), get(b.Body, "sensitive_body")).(map[string]any)
	if members == nil {
		members = map[string]any{}
	}
	for _, name := range []string{"location", "tags"} {
		if v := get(b.Body, name); v != nil {
			members[name] = v
		}
	}
	for _, block := range b.Body.Blocks {
		if block.Type != "identity" {
			continue
		}
		identity := map[string]any{"type": get(block.Body, "type")}
		if ids, ok := get(block.Body, "identity_ids").([]any); ok && len(ids) > 0 {
			users := map[string]any{}
			for _, id := range ids {
				users[id.(string)] = map[string]any{}
			}
			identity["userAssignedIdentities"] = users
		}
		members["identity"] = identity
	}
	id := m.ids[b.Labels[1]]
	if !id.IsKnown() {
		t.Fatalf("the id of %s is never known", b.Labels[1])
	}
	return strings.ToLower(id.AsString()), resource{typ, version, members}
}

func decoded(t *testing.T, v cty.Value) any {
	t.Helper()
	text, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var out any
	if err := decoder.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// merged is a value into which another one is put: maps by their members, lists by their items.
func merged(a, b any) any {
	switch b := b.(type) {
	case nil:
		return a
	case map[string]any:
		into, ok := a.(map[string]any)
		if !ok {
			return b
		}
		for name, v := range b {
			into[name] = merged(into[name], v)
		}
		return into
	case []any:
		into, ok := a.([]any)
		if !ok || len(into) != len(b) {
			return b
		}
		into = slices.Clone(into)
		for i := range b {
			into[i] = merged(into[i], b[i])
		}
		return into
	}
	return b
}
