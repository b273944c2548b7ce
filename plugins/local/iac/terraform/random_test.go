package terraform_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
)

// random is a template of any shape: how many resources, in which units, what they refer to and hold depends on the seed alone.
type random struct {
	seed       uint64
	split      string
	units      []*template.Unit
	unitOf     []int
	groups     int // the first nodes are resource groups
	parameters []*template.Parameter
}

func randomTemplate(seed uint64, split string, nodes, units int) *template.Template {
	r := &random{seed: seed, split: split, unitOf: make([]int, nodes), groups: 1 + nodes/10}
	rnd := rand.New(rand.NewPCG(seed, 0))
	for i, name := range []string{"location", "resource_group_prefix", "subscription_id", "tenant_id", "virtual_machine_1_id"} {
		r.parameters = append(r.parameters, &template.Parameter{Name: name, Description: "shared " + name, Default: name + ` "${x}`, HasDefault: i%2 == 0})
	}
	if split == template.SplitNone {
		units = 1
	}
	for i := range units {
		r.units = append(r.units, &template.Unit{Index: i, Name: fmt.Sprintf("unit-%d", i), Title: "unit " + strconv.Itoa(i) + "\n\u202e of tests"})
	}
	for n := range r.unitOf {
		r.unitOf[n] = rnd.IntN(units)
		u := r.units[r.unitOf[n]]
		u.Nodes = append(u.Nodes, template.Node(n))
	}
	r.units = slices.DeleteFunc(r.units, func(u *template.Unit) bool { return len(u.Nodes) == 0 })
	for i, u := range r.units {
		u.Index = i
		for _, n := range u.Nodes {
			r.unitOf[n] = i
			if property := r.property(n, 0); property == "properties.odd-name.value" {
				u.OffersOf = append(u.OffersOf, template.Output{Node: n, Property: property})
			}
		}
	}
	t := template.Template{Source: template.Source{TenantName: "Random\nTenant"}, Parameters: r.parameters, Units: r.units, Split: split}
	return template.Of(t, func(_ context.Context, u *template.Unit, yield func(*template.Resource) error) error {
		for _, n := range u.Nodes {
			if err := yield(r.resource(n)); err != nil {
				return err
			}
		}
		return nil
	}, func(n template.Node) *template.Ref { return r.ref(n, nil) })
}

func (r *random) symbol(n template.Node) string {
	if int(n) < r.groups {
		return fmt.Sprintf("resource_group_%d", n)
	}
	return fmt.Sprintf("virtual_machine_%d", n)
}

func (r *random) ref(n template.Node, id []template.Part) *template.Ref {
	return &template.Ref{Node: n, Unit: r.unitOf[n], Symbol: r.symbol(n), ID: id}
}

// property is something that Azure answers of a resource; empty if nothing is.
func (r *random) property(n template.Node, i int) string {
	switch {
	case int(n) < r.groups:
		return ""
	case n%7 == 1: // a user-assigned identity
		return []string{"properties.principalId", "properties.clientId"}[i]
	case n%7 == 2: // it has an identity
		return []string{"identity.principalId", "identity.tenantId"}[i]
	case n%7 == 3:
		return "properties.odd-name.value"
	}
	return ""
}

// maker makes one resource.
type maker struct {
	*random
	*rand.Rand
	made *template.Resource
}

func (r *random) resource(n template.Node) *template.Resource {
	m := &maker{random: r, Rand: rand.New(rand.NewPCG(r.seed, uint64(n)+1)), made: &template.Resource{Node: n, Symbol: r.symbol(n), KnownType: n%3 != 0}}
	res := m.made
	name := fmt.Sprintf("n%d", n)
	res.Name, res.FullName = templatetest.Lit(name), templatetest.Lit(name)
	res.ParentID = []template.Part{{Literal: "/subscriptions/"}, {Parameter: r.parameters[2]}}
	res.Scope = template.Scope{Kind: template.ScopeSubscription, Subscription: r.parameters[2], Group: template.NoNode, ID: res.ParentID}
	res.Type, res.APIVersion = "Microsoft.Resources/resourceGroups", "2021-04-01"
	res.ID = "/subscriptions/s/resourceGroups/" + name
	if int(n) < r.groups && n%2 == 0 { // a resource group may be what its scope is
		res.Scope.Kind, res.Scope.Group = template.ScopeResourceGroup, n
	}
	if int(n) >= r.groups {
		res.Type, res.APIVersion = []string{"Microsoft.Compute/virtualMachines", "microsoft.Network/virtualNetworks", "Strange/things", "Microsoft.Compute/disks"}[m.IntN(4)], "2024-01-01-preview"
		res.ID += "/providers/" + res.Type + "/" + name + "${x}"
		if n%7 == 1 {
			res.Type = "Microsoft.ManagedIdentity/userAssignedIdentities"
		}
		group := template.Node(m.IntN(r.groups))
		res.Scope = template.Scope{Kind: template.ScopeResourceGroup, Subscription: r.parameters[2], Group: group}
		switch m.IntN(4) {
		case 0:
			res.ParentKind, res.Parent = template.ParentTarget, m.lower()
		case 1:
			res.Scope.Group = template.NoNode
		}
	}
	if m.IntN(3) > 0 {
		res.Location = []template.Part{{Parameter: r.parameters[0]}}
	}
	if m.IntN(2) > 0 {
		res.Tags = m.object(0)
		for i := range res.Tags.Fields {
			res.Tags.Fields[i].Value = template.Value{Kind: template.String, Text: m.text()}
		}
	}
	m.identity()
	for _, name := range []string{"kind", "sku", "properties", "for"}[:m.IntN(5)] {
		res.Body = append(res.Body, template.Field{Name: name, Value: m.value(0)})
	}
	for range m.IntN(2) {
		if ref := m.lower(); ref != nil {
			res.DependsOn = append(res.DependsOn, ref)
		}
	}
	return res
}

func (m *maker) identity() {
	kinds := []string{"SystemAssigned", "systemAssigned,UserAssigned", "UserAssigned", "None", "Something"}
	i := m.IntN(2 * len(kinds))
	if strings.HasPrefix(m.property(m.made.Node, 0), "identity.") {
		i = m.IntN(4)
	}
	if i >= len(kinds) {
		return
	}
	m.made.Identity = templatetest.Map("type", templatetest.Str(kinds[i]))
	if i == 1 || i == 2 || i == 4 {
		ids := template.Value{Kind: template.Map}
		for range 1 + m.IntN(2) {
			ref := m.lower()
			same := func(id []template.Part) bool { return id[0].Ref.Node == ref.Node }
			if ref != nil && !slices.ContainsFunc(m.made.IdentityIDs, same) {
				ids.Fields = append(ids.Fields, template.Field{Name: "id" + strconv.Itoa(len(ids.Fields)), Value: templatetest.Map()})
				m.made.IdentityIDs = append(m.made.IdentityIDs, []template.Part{{Ref: ref}})
			}
		}
		m.made.Identity.Fields = append(m.made.Identity.Fields, template.Field{Name: "userAssignedIdentities", Value: ids})
	}
}

// lower refers to a resource before this one, so that there are no cycles.
func (m *maker) lower() *template.Ref {
	if m.made.Node == 0 {
		return nil
	}
	return m.ref(template.Node(m.IntN(int(m.made.Node))), templatetest.Lit("/never/written"))
}

func (m *maker) existing() *template.Ref {
	i := m.IntN(5)
	e := &template.Existing{Symbol: "existing_" + strconv.Itoa(i), Type: "Microsoft.Network/virtualNetworks", APIVersion: "2024-05-01", ID: []template.Part{{Literal: "/subscriptions/"}, {Parameter: m.parameters[2]}, {Literal: "/x/" + strconv.Itoa(i)}}}
	return &template.Ref{Node: template.NoNode, Existing: e, ID: e.ID}
}

func (m *maker) text() []template.Part {
	hostile := templatetest.Hostile()
	parts := templatetest.Lit(hostile[m.IntN(len(hostile))])
	for range m.IntN(4) {
		switch m.IntN(7) {
		case 0:
			parts = append(parts, template.Part{Parameter: m.parameters[m.IntN(len(m.parameters))]})
		case 1:
			if ref := m.lower(); ref != nil {
				if m.IntN(2) == 0 {
					ref.Property = m.property(ref.Node, m.IntN(2))
				}
				parts = append(parts, template.Part{Ref: ref})
			}
		case 2:
			parts = append(parts, template.Part{Ref: m.existing()})
		case 3:
			name := fmt.Sprintf("secret_%d_%d", m.made.Node, len(m.made.Secrets))
			p := &template.Parameter{Name: name, Description: "secret " + name, Secret: true}
			m.made.Secrets = append(m.made.Secrets, p)
			parts = append(parts, template.Part{Parameter: p})
		case 4: // the resource itself, which stands there as its id
			parts = append(parts, template.Part{Ref: m.ref(m.made.Node, templatetest.Lit("/my/own"))})
		default:
			parts = append(parts, template.Part{Literal: hostile[m.IntN(len(hostile))]})
		}
	}
	if m.IntN(3) == 0 {
		parts = parts[1:]
	}
	if len(parts) == 0 {
		return templatetest.Lit("")
	}
	return parts
}

func (m *maker) object(depth int) template.Value {
	v := template.Value{Kind: template.Map}
	hostile := templatetest.Hostile()
	m.Shuffle(len(hostile), func(i, j int) { hostile[i], hostile[j] = hostile[j], hostile[i] })
	for i := range m.IntN(6) {
		name := hostile[i]
		if m.IntN(2) == 0 {
			name = strings.Repeat("name", i+1)
		}
		v.Fields = append(v.Fields, template.Field{Name: name, Value: m.value(depth + 1)})
	}
	return v
}

func (m *maker) value(depth int) template.Value {
	kind := m.IntN(7)
	if depth > 4 {
		kind = m.IntN(4)
	}
	switch kind {
	case 0:
		return template.Value{}
	case 1:
		return templatetest.Bool(m.IntN(2) == 0)
	case 2:
		return templatetest.Num([]string{"0", "-1", "1.50", "1e3", "123456789012345678901234567890", "-0.25E-3"}[m.IntN(6)])
	case 3:
		return template.Value{Kind: template.String, Text: m.text()}
	case 4:
		v := template.Value{Kind: template.List}
		for range m.IntN(5) {
			v.Items = append(v.Items, m.value(depth+1))
		}
		return v
	default:
		return m.object(depth)
	}
}
