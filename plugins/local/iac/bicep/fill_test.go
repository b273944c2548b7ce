package bicep_test

import (
	"fmt"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
)

func (m *maker) finish(r *template.Resource) {
	r.Tags = template.Value{Kind: template.Map, Fields: []template.Field{{Name: "env", Value: templatetest.Str("prod")}}}
}

// fill gives a resource a body.
func (m *maker) fill(r *template.Resource, u *template.Unit) {
	if m.IntN(2) == 0 {
		r.Location = []template.Part{{Parameter: location}}
	}
	if m.IntN(3) == 0 {
		r.Tags = m.object(r, u, 3)
	}
	if m.IntN(3) == 0 {
		r.Identity = templatetest.Map("type", templatetest.Str("UserAssigned"), "userAssignedIdentities", templatetest.Map("/plain", templatetest.Map()))
		r.IdentityIDs = [][]template.Part{{{Ref: m.anyRef(r, u)}}, {{Literal: "/it's/${x}/"}, {Parameter: tenant}}}
	}
	if m.IntN(3) == 0 && r.Identity.Kind == template.Null {
		r.Identity = templatetest.Map("type", templatetest.Str("SystemAssigned"))
	}
	if m.IntN(3) == 0 {
		r.Body = append(r.Body, template.Field{Name: "sku", Value: templatetest.Map("name", templatetest.Str("S1"))})
	}
	if m.IntN(8) > 0 {
		r.Body = append(r.Body, template.Field{Name: "properties", Value: m.object(r, u, 0)})
	}
	if answers := m.answers(r, u); len(answers) > 0 {
		r.Body = append(r.Body, template.Field{Name: "answers", Value: templatetest.List(answers...)})
	}
	for range m.IntN(3) {
		to := template.Node(m.IntN(len(m.resources)))
		if to != r.Node {
			r.DependsOn = append(r.DependsOn, m.ref(u, to))
		}
	}
}

// answers are values with what Azure answers of earlier resources, alone or in text, which may be long.
func (m *maker) answers(r *template.Resource, u *template.Unit) (values []template.Value) {
	for range m.IntN(4) {
		to := template.Node(m.IntN(len(m.resources)))
		property := "identity.principalId"
		if owner := m.resources[to]; owner.Type == "Microsoft.ManagedIdentity/userAssignedIdentities" {
			property = []string{"properties.principalId", "properties.clientId"}[m.IntN(2)]
		} else if owner.Identity.Kind == template.Null || owner.Identity.Fields[0].Value.Text[0].Literal != "SystemAssigned" {
			continue
		}
		if to == r.Node {
			continue
		}
		ref := m.ref(u, to)
		ref.Property, ref.Type, ref.APIVersion = property, m.resources[to].Type, m.resources[to].APIVersion
		text := []template.Part{{Ref: ref}}
		switch m.IntN(6) {
		case 0:
			text = []template.Part{{Literal: m.word()}, {Parameter: location}, {Ref: ref}, {Ref: m.anyRef(r, u)}}
		case 1:
			long := template.Part{Literal: strings.Repeat("it's ${long} ", 900)}
			text = []template.Part{long, {Parameter: tenant}, {Ref: ref}, long}
		}
		values = append(values, templatetest.Map("objectId", template.Value{Kind: template.String, Text: text}))
	}
	return values
}

// anyRef is a reference to an earlier resource, to the resource itself, or to one that has to exist.
func (m *maker) anyRef(r *template.Resource, u *template.Unit) *template.Ref {
	if m.IntN(4) > 0 {
		return m.ref(u, template.Node(m.IntN(len(m.resources))))
	}
	ids := [][]template.Part{
		templatetest.Lit("/subscriptions/" + other + "/resourceGroups/rg.x/providers/Contoso.Logs/workspaces/it's"),
		templatetest.Lit("/subscriptions/" + other),
		templatetest.Lit("/subscriptions/" + other + "/resourceGroups/rg-only"),
		templatetest.Lit("/subscriptions/" + other + "/providers/Contoso.Logs/policies/p/versions/1"),
		templatetest.Lit("/providers/Contoso.Logs/policies/p"),
		templatetest.Lit("/providers/Microsoft.Management/managementGroups/Other"),
		templatetest.Lit("/providers/Microsoft.Management/managementGroups/Other/providers/Contoso.Logs/policies/p"),
		{{Literal: "/subscriptions/"}, {Parameter: ours[0]}, {Literal: "/resourceGroups/"}, {Parameter: prefix}, {Literal: "rg/providers/Contoso.Logs/workspaces/"}, {Parameter: tenant}, {Literal: "/tables/a/providers/Contoso.Logs/locks/b"}},
		{{Literal: "/subscriptions/"}, {Parameter: ours[0]}, {Literal: "/providers/Contoso.Logs/policies/p"}},
		templatetest.Lit("/odd"),
	}
	types := []string{"Contoso.Logs/workspaces", "Microsoft.Resources/subscriptions", "Microsoft.Resources/resourceGroups", "Contoso.Logs/policies/versions", "Contoso.Logs/policies",
		"Microsoft.Management/managementGroups", "Contoso.Logs/policies", "Contoso.Logs/locks", "Contoso.Logs/policies", "Odd"}
	i := m.IntN(len(ids))
	e := &template.Existing{Symbol: fmt.Sprintf("existing_%d", i), Type: types[i], APIVersion: "2023-01-01", ID: ids[i]}
	return &template.Ref{Node: template.NoNode, Existing: e, ID: e.ID}
}

func (m *maker) object(r *template.Resource, u *template.Unit, level int) template.Value {
	v := template.Value{Kind: template.Map}
	seen := map[string]bool{}
	for range m.IntN(5) {
		name := m.word()
		if !seen[name] {
			v.Fields = append(v.Fields, template.Field{Name: name, Value: m.value(r, u, level+1)})
		}
		seen[name] = true
	}
	return v
}

func (m *maker) value(r *template.Resource, u *template.Unit, level int) template.Value {
	switch kind := m.IntN(9); {
	case kind < 2 && level < 5:
		return m.object(r, u, level)
	case kind == 2 && level < 5:
		v := template.Value{Kind: template.List}
		for range m.IntN(4) {
			v.Items = append(v.Items, m.value(r, u, level+1))
		}
		return v
	case kind == 3:
		return template.Value{}
	case kind == 4:
		return templatetest.Bool(m.IntN(2) == 0)
	case kind == 5:
		numbers := []string{"0", "-0", "1", "-17", "1.50", "1e3", "-2.5E-7", "9223372036854775807", "-9223372036854775807", "-9223372036854775808", "9223372036854775808", "123456789012345678901234567890", "0.1"}
		return templatetest.Num(numbers[m.IntN(len(numbers))])
	}
	v := template.Value{Kind: template.String}
	for range 1 + m.IntN(3) {
		switch m.IntN(6) {
		case 0:
			v.Text = append(v.Text, template.Part{Parameter: []*template.Parameter{location, prefix, tenant, ours[0], ours[1]}[m.IntN(5)]})
		case 1:
			v.Text = append(v.Text, template.Part{Ref: m.anyRef(r, u)})
		case 2:
			secret := &template.Parameter{Name: "password", Description: fmt.Sprintf("secret %d %d of it's", r.Node, len(r.Secrets)), Secret: true}
			if len(m.secretsOf(u)) > 0 {
				secret.Name = fmt.Sprintf("password_%d_%d", r.Node, len(r.Secrets))
			}
			r.Secrets = append(r.Secrets, secret)
			v.Text = append(v.Text, template.Part{Parameter: secret})
		default:
			v.Text = append(v.Text, template.Part{Literal: m.word()})
		}
	}
	return v
}

func (m *maker) secretsOf(u *template.Unit) (secrets []*template.Parameter) {
	for _, n := range u.Nodes {
		secrets = append(secrets, m.resources[n].Secrets...)
	}
	return secrets
}

// word is text: hostile, random, or long.
func (m *maker) word() string {
	hostile := templatetest.Hostile()
	switch m.IntN(8) {
	case 0:
		var b strings.Builder
		for range m.IntN(12) {
			runes := []rune("$${}{\\'\"\n\r\t\x00\x7f ab/'é漢🙂\u200d\u202e\ufeff\ufffd\uffff")
			b.WriteRune(runes[m.IntN(len(runes))])
		}
		return b.String()
	case 1:
		if m.IntN(20) == 0 {
			return strings.Repeat("it's ${long} ", 1500)
		}
		return "name"
	case 2:
		return fmt.Sprintf("key%d", m.IntN(100))
	}
	return hostile[m.IntN(len(hostile))]
}
