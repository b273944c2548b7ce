package templatetest

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// Properties is a template in which resources name the identities of others: what Azure answers once those are deployed. The policy
// assignment and the virtual machine have an identity of their own, id-app is one.
//
// Cut for deployment, a reference goes to a resource of the same unit (a resource group's, and a subscription's), to another unit (in a role
// assignment, and in a list of access policies beside an id that stays), from a subscription to a resource group's unit and the
// other way, and to an earlier stage (from a subscription, and from a resource group). An application's setting names a client id. For
// Terraform it is cut by resource group, or not at all.
func Properties(split string) *template.Template {
	test := &template.Parameter{Name: "subscription_id_test", Description: "Subscription Test", Default: "22222222-2222-4222-8222-222222222222", HasDefault: true}
	p := properties{scopes: map[string]template.Scope{
		"production": {Kind: template.ScopeSubscription, Subscription: subscription, Group: template.NoNode, ID: []template.Part{{Literal: "/subscriptions/"}, {Parameter: subscription}}},
		"test":       {Kind: template.ScopeSubscription, Subscription: test, Group: template.NoNode, ID: []template.Part{{Literal: "/subscriptions/"}, {Parameter: test}}},
	}}
	p.group("rg-app", "production", 3)
	p.group("rg-shared", "production", 8)
	p.group("rg-far", "test", 14)
	p.add()
	p.cut(split)
	stages := p.stages(split)
	p.link(stages)
	return template.Of(template.Template{
		Source: template.Source{TenantID: tenant.Default, TenantName: "Contoso", Complete: true}, Split: split,
		Parameters: []*template.Parameter{location, prefix, subscription, test, tenant}, Units: p.units, Stages: stages,
	}, func(ctx context.Context, u *template.Unit, yield func(*template.Resource) error) error {
		for _, n := range u.Nodes {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			r := *p.resources[n]
			if err := yield(&r); err != nil {
				return err
			}
		}
		return nil
	}, func(n template.Node) *template.Ref {
		return &template.Ref{Node: n, Unit: p.unitOf(n), Symbol: p.resources[n].Symbol}
	})
}

// properties makes the resources of Properties.
type properties struct {
	scopes    map[string]template.Scope
	resources []*template.Resource
	refs      []*template.Ref
	units     []*template.Unit
}

func (p *properties) group(name, of string, n template.Node) {
	at := p.scopes[of]
	p.scopes[name] = template.Scope{Kind: template.ScopeResourceGroup, Subscription: at.Subscription, ResourceGroup: []template.Part{{Parameter: prefix}, {Literal: name}},
		Group: n, ID: append(below(at.ID, "/resourceGroups/"), template.Part{Parameter: prefix}, template.Part{Literal: name})}
}

// add makes the resources, in the order of their ids.
func (p *properties) add() {
	const identity, principal, client = "identity.principalId", "properties.principalId", "properties.clientId"
	own := Map("type", Str("SystemAssigned"))
	r := p.resource("production", "policy_assignment_tags", "Microsoft.Authorization/policyAssignments", "2022-06-01", "tags",
		Map("policyDefinitionId", Str("/providers/Microsoft.Authorization/policyDefinitions/4f9dc7db-30c1-420c-b61a-e1d640128d26"), "parameters", Map()))
	r.Location, r.Identity = []template.Part{{Parameter: location}}, own
	p.assignment("production", 1, p.of(0, identity))
	p.assignment("production", 2, p.of(6, principal))
	p.resourceGroup("production", "rg-app")
	p.assignment("rg-app", 3, p.of(5, identity))
	r = p.resource("rg-app", "virtual_machine_vm_app", "Microsoft.Compute/virtualMachines", "2024-07-01", "vm-app", Map("hardwareProfile", Map("vmSize", Str("Standard_D2s_v5"))))
	r.Location, r.Identity = []template.Part{{Parameter: location}}, own
	r = p.resource("rg-app", "user_assigned_identity_id_app", "Microsoft.ManagedIdentity/userAssignedIdentities", "2023-01-31", "id-app", template.Value{})
	r.Location = []template.Part{{Parameter: location}}
	r = p.resource("rg-app", "site_app", "Microsoft.Web/sites", "2023-12-01", "app", Map("siteConfig", Map("appSettings", List(
		Map("name", Str("AZURE_CLIENT_ID"), "value", p.of(6, client)), Map("name", Str("WEBSITE_RUN_FROM_PACKAGE"), "value", Str("1"))))))
	r.Location = []template.Part{{Parameter: location}}
	r.Identity = Map("type", Str("UserAssigned"), "userAssignedIdentities", Map(source(p.id(6)), Map()))
	r.IdentityIDs = [][]template.Part{{{Ref: p.ref(6)}}}
	p.resourceGroup("production", "rg-shared")
	p.assignment("rg-shared", 4, p.of(0, identity))
	policy := func(object template.Value) template.Value {
		return Map("tenantId", template.Value{Kind: template.String, Text: []template.Part{{Parameter: tenant}}}, "objectId", object, "permissions", Map("secrets", List(Str("get"), Str("list"))))
	}
	r = p.resource("rg-shared", "vault_kv", "Microsoft.KeyVault/vaults", "2023-07-01", "kv-contoso", Map("sku", Map("family", Str("A"), "name", Str("standard")),
		"tenantId", template.Value{Kind: template.String, Text: []template.Part{{Parameter: tenant}}},
		"accessPolicies", List(policy(Str("99999999-9999-4999-8999-999999999999")), policy(p.of(5, identity)), policy(p.of(6, principal)))))
	r.Location = []template.Part{{Parameter: location}}
	r = p.resource("rg-shared", "storage_account_st", "Microsoft.Storage/storageAccounts", "2023-05-01", "stcontoso", Map("minimumTlsVersion", Str("TLS1_2")))
	r.Location = []template.Part{{Parameter: location}}
	r.Body = append([]template.Field{{Name: "kind", Value: Str("StorageV2")}, {Name: "sku", Value: Map("name", Str("Standard_LRS"))}}, r.Body...)
	r = p.assignment("rg-shared", 5, p.of(6, principal))
	r.ParentKind, r.Parent, r.ParentID = template.ParentTarget, p.ref(11), p.id(11)
	p.assignment("test", 6, p.of(5, identity))
	p.resourceGroup("test", "rg-far")
	p.assignment("rg-far", 7, p.of(0, identity))
	for _, r := range p.refs {
		r.Symbol, r.ID = p.resources[r.Node].Symbol, p.id(r.Node)
		if r.Property != "" {
			r.Type, r.APIVersion = p.resources[r.Node].Type, p.resources[r.Node].APIVersion
		}
	}
	for _, r := range p.resources {
		r.ID = source(p.id(r.Node))
	}
}

// source is an id as it was scanned.
func source(id []template.Part) (text string) {
	for _, part := range id {
		if part.Parameter != nil {
			text += part.Parameter.Default
		}
		text += part.Literal
	}
	return text
}

func (p *properties) resource(scope, symbol, kind, version, name string, body template.Value) *template.Resource {
	at := p.scopes[scope]
	r := &template.Resource{Node: template.Node(len(p.resources)), Symbol: symbol, Type: kind, APIVersion: version, KnownType: true, Name: Lit(name), FullName: Lit(name), ParentID: at.ID, Scope: at} //nolint:gosec // a few
	if body.Kind != template.Null {
		r.Body = []template.Field{{Name: "properties", Value: body}}
	}
	p.resources = append(p.resources, r)
	return r
}

func (p *properties) resourceGroup(of, name string) {
	r := p.resource(of, "resource_group_"+strings.ReplaceAll(name, "-", "_"), "Microsoft.Resources/resourceGroups", "2021-04-01", name, template.Value{})
	r.Name, r.FullName, r.Location = p.scopes[name].ResourceGroup, p.scopes[name].ResourceGroup, []template.Part{{Parameter: location}}
}

// assignment makes a role assignment; its number is in its name.
func (p *properties) assignment(scope string, number int, principal template.Value) *template.Resource {
	digit := strconv.Itoa(number)
	return p.resource(scope, "role_assignment_"+digit, "Microsoft.Authorization/roleAssignments", "2022-04-01", "aaaaaaaa-0000-4000-8000-00000000000"+digit,
		Map("roleDefinitionId", Str("/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"), "principalId", principal, "principalType", Str("ServicePrincipal")))
}

func (p *properties) id(n template.Node) []template.Part {
	r := p.resources[n]
	path := "/providers/" + r.Type + "/"
	if r.Type == "Microsoft.Resources/resourceGroups" {
		path = "/resourceGroups/"
	}
	return append(below(r.ParentID, path), r.Name...)
}

func (p *properties) ref(n template.Node) *template.Ref {
	r := &template.Ref{Node: n}
	p.refs = append(p.refs, r)
	return r
}

// of is what Azure answers of a resource.
func (p *properties) of(n template.Node, property string) template.Value {
	r := p.ref(n)
	r.Property = property
	return template.Value{Kind: template.String, Text: []template.Part{{Ref: r}}}
}

// cut makes the units, and lets every reference say which unit it goes to.
func (p *properties) cut(split string) {
	unit := func(name, title, scope string, nodes ...template.Node) {
		p.units = append(p.units, &template.Unit{Index: len(p.units), Name: name, Title: title, Scope: p.scopes[scope], Nodes: nodes})
	}
	switch split {
	case template.SplitNone:
		unit("main", "everything", "", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
		p.units[0].Scope.Group = template.NoNode
	case template.SplitGroup: // a resource group belongs to its own unit
		unit("production", "subscription Production", "production", 0, 1, 2)
		unit("rg-app", "resource group rg-app of Production", "rg-app", 3, 4, 5, 6, 7)
		unit("rg-shared", "resource group rg-shared of Production", "rg-shared", 8, 9, 10, 11, 12)
		unit("test", "subscription Test", "test", 13)
		unit("rg-far", "resource group rg-far of Test", "rg-far", 14, 15)
	default:
		unit("production", "subscription Production", "production", 0, 1, 2, 3, 8)
		unit("rg-app", "resource group rg-app of Production", "rg-app", 4, 5, 6, 7)
		unit("rg-shared", "resource group rg-shared of Production", "rg-shared", 9, 10, 11, 12)
		p.units[2].After = []int{1}
		unit("test", "subscription Test", "test", 13, 14)
		unit("rg-far", "resource group rg-far of Test", "rg-far", 15)
	}
	for _, r := range p.refs {
		r.Unit = p.unitOf(r.Node)
	}
}

func (p *properties) unitOf(n template.Node) int {
	return slices.IndexFunc(p.units, func(u *template.Unit) bool { return slices.Contains(u.Nodes, n) })
}

func (p *properties) stages(split string) []*template.Stage {
	if split != template.SplitDeployment {
		return nil
	}
	u := p.units
	return []*template.Stage{
		{Name: "production", Title: "subscription Production", Scope: p.scopes["production"], Main: u[0], Units: u[1:3],
			MainAfter: map[template.Node][]int{2: {1}}, UnitAfter: map[int][]template.Node{2: {0}}},
		{Name: "test", Title: "subscription Test", Scope: p.scopes["test"], Main: u[3], Units: u[4:],
			MainAfter: map[template.Node][]int{}, UnitAfter: map[int][]template.Node{}},
	}
}

// link says which properties units need of others: of the same stage, or of all for Terraform.
func (p *properties) link(stages []*template.Stage) {
	stage := func(unit int) int {
		return slices.IndexFunc(stages, func(s *template.Stage) bool { return s.Main.Index == unit || slices.Contains(s.Units, p.units[unit]) })
	}
	var value func(from int, v *template.Value)
	value = func(from int, v *template.Value) {
		for _, part := range v.Text {
			if r := part.Ref; r != nil && r.Property != "" && r.Unit != from && stage(r.Unit) == stage(from) {
				o := template.Output{Node: r.Node, Property: r.Property}
				p.units[from].NeedsOf = append(p.units[from].NeedsOf, o)
				p.units[r.Unit].OffersOf = append(p.units[r.Unit].OffersOf, o)
			}
		}
		for i := range v.Items {
			value(from, &v.Items[i])
		}
		for i := range v.Fields {
			value(from, &v.Fields[i].Value)
		}
	}
	for _, r := range p.resources {
		for i := range r.Body {
			value(p.unitOf(r.Node), &r.Body[i].Value)
		}
	}
	sorted := func(all []template.Output) []template.Output {
		slices.SortFunc(all, func(x, y template.Output) int {
			return cmp.Or(cmp.Compare(x.Node, y.Node), strings.Compare(x.Property, y.Property))
		})
		return slices.Compact(all)
	}
	for _, u := range p.units {
		u.NeedsOf, u.OffersOf = sorted(u.NeedsOf), sorted(u.OffersOf)
	}
}
