package arm_test

import (
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm/engine"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
)

var subscription = &template.Parameter{Name: "subscription_id", Default: "11111111-1111-4111-8111-111111111111", HasDefault: true}

// one is a template with one resource group that holds the resources, for tests of what is in them.
func one(resources ...*template.Resource) *template.Template {
	id := []template.Part{{Literal: "/subscriptions/"}, {Parameter: subscription}}
	group := []template.Part{{Literal: "/subscriptions/"}, {Parameter: subscription}, {Literal: "/resourceGroups/rg"}}
	u := &template.Unit{Name: "rg", Title: "resource group rg", Scope: template.Scope{Kind: template.ScopeResourceGroup, Subscription: subscription,
		ResourceGroup: templatetest.Lit("rg"), Group: template.NoNode, ID: group}}
	for i, r := range resources {
		r.Node, r.ParentID, r.Scope = template.Node(i), group, u.Scope
		if r.Type == "" {
			r.Type, r.APIVersion, r.Name = "Contoso.Strange/things", "2024-01-01", templatetest.Lit("thing-"+string(rune('a'+i%26))+strings.Repeat("x", i/26))
		}
		r.FullName = r.Name
		u.Nodes = append(u.Nodes, r.Node)
	}
	s := &template.Stage{Name: "production", Title: "subscription Production", Units: []*template.Unit{u},
		Scope: template.Scope{Kind: template.ScopeSubscription, Subscription: subscription, Group: template.NoNode, ID: id}}
	return template.Of(template.Template{Split: template.SplitDeployment, Units: []*template.Unit{u}, Stages: []*template.Stage{s}, Parameters: []*template.Parameter{subscription}},
		func(_ context.Context, _ *template.Unit, yield func(*template.Resource) error) error {
			for _, r := range resources {
				if err := yield(r); err != nil {
					return err
				}
			}
			return nil
		}, func(template.Node) *template.Ref { return nil })
}

func properties(fields ...template.Field) *template.Resource {
	return &template.Resource{Body: []template.Field{{Name: "properties", Value: template.Value{Kind: template.Map, Fields: fields}}}}
}

// valid is what becomes of a string: each byte that is not UTF-8 is U+FFFD.
func valid(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		b.WriteRune(r)
		i += size
	}
	return b.String()
}

func FuzzStrings(f *testing.F) {
	for _, s := range templatetest.Hostile() {
		f.Add(s, s)
	}
	for _, s := range []string{"[[", "[]", "[[]]", "]", "{0}", "{{", "it''s", "\xff[x]", "[x]\xff", "copy", strings.Repeat("'", 13000), strings.Repeat("x{'\"", 7000)} {
		f.Add(s, "]")
		f.Add("[", s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		p := template.Part{Parameter: subscription}
		text := func(parts ...template.Part) template.Value {
			return template.Value{Kind: template.String, Text: parts}
		}
		r := properties(
			template.Field{Name: a, Value: templatetest.Map(b, templatetest.Str(a))},
			template.Field{Name: a + "-list", Value: templatetest.List(
				templatetest.Str(b), text(template.Part{Literal: a}, template.Part{Literal: b}), text(template.Part{Literal: a}, p), text(p, template.Part{Literal: b}),
				text(template.Part{Literal: a}, p, template.Part{Literal: b}, p))})
		_, files := write(t, one(r))
		got := engine.Deploy([]byte(files["azuredeploy.json"]), engine.Scope{Subscription: subscription.Default}, nil)
		for _, problem := range got.Problems {
			t.Fatalf("%s: %s", problem.Resource, problem.Message)
		}
		if len(got.Resources) != 2 {
			t.Fatalf("%d resources", len(got.Resources))
		}
		members, _ := got.Resources[1].Members["properties"].(map[string]any)
		va, vb, id := valid(a), valid(b), subscription.Default
		inner, _ := members[va].(map[string]any)
		if inner[vb] != va {
			t.Errorf("the member %q has the member %q with %q", va, vb, inner[vb])
		}
		list, _ := members[va+"-list"].([]any)
		for i, want := range []string{vb, valid(a + b), va + id, id + vb, va + id + vb + id} {
			if list[i] != want {
				t.Errorf("item %d: got %q, want %q", i, list[i], want)
			}
		}
	})
}
