// Package templatetest has a template to test writers with, made by hand: no snapshot and no schema is behind it.
package templatetest

import (
	"context"
	"slices"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// The parameters of Sample.
var (
	subscription = &template.Parameter{Name: "subscription_id", Description: "Subscription Production", Default: "11111111-1111-4111-8111-111111111111", HasDefault: true}
	tenant       = &template.Parameter{Name: "tenant_id", Description: "Tenant", Default: "c0175050-0000-4000-8000-0000000000c0", HasDefault: true}
	location     = &template.Parameter{Name: "location", Description: "Region westeurope", Default: "westeurope", HasDefault: true}
	prefix       = &template.Parameter{Name: "resource_group_prefix", Description: "Before the name of every resource group", HasDefault: true}
)

// Lit is a literal string.
func Lit(text string) []template.Part { return []template.Part{{Literal: text}} }

// Str is a string value.
func Str(text string) template.Value { return template.Value{Kind: template.String, Text: Lit(text)} }

// Num is a number.
func Num(digits string) template.Value {
	return template.Value{Kind: template.Number, Text: Lit(digits)}
}

// Bool is a truth value.
func Bool(b bool) template.Value { return template.Value{Kind: template.Bool, Bool: b} }

// List is a list.
func List(items ...template.Value) template.Value {
	return template.Value{Kind: template.List, Items: items}
}

// Map is a map of names and values by turns.
func Map(pairs ...any) template.Value {
	v := template.Value{Kind: template.Map}
	for pair := range slices.Chunk(pairs, 2) {
		v.Fields = append(v.Fields, template.Field{Name: pair[0].(string), Value: pair[1].(template.Value)})
	}
	return v
}

func group(name string) []template.Part {
	return []template.Part{{Literal: "/subscriptions/"}, {Parameter: subscription}, {Literal: "/resourceGroups/"}, {Parameter: prefix}, {Literal: name}}
}

func below(scope []template.Part, path string) []template.Part {
	return append(scope[:len(scope):len(scope)], template.Part{Literal: path})
}

// Hostile are strings that each format has its own trouble with.
func Hostile() []string {
	return []string{
		"", "plain", `"quoted"`, `it's`, `'''`, `back\slash`, `trailing\`, "${var.x}", "$${x}", "%{ if true }", "%%{x}", "$", "%", "${", "line\nbreak", "cr\r\nlf", "tab\tbell\a",
		"[resourceGroup().location]", "[[x]]", "[", "[unclosed", "]", "*/ x /*", "// x", "# x", "<<EOT", "ünïcödé 漢字 🙂", "\u2028\u2029", "\u0000", "null", "true", "1.0", " space ", "@Microsoft.KeyVault(SecretUri=https://x)",
	}
}

// Sample is a template cut for deployment (Bicep, ARM) or, with another split, for Terraform. It has two resource groups that
// need each other's resources in one direction, a child, extensions, an existing resource, a secret that is write-only, one
// in a tag, an identity, and what a subscription has itself.
func Sample(split string) *template.Template {
	var (
		rgWeb, rgHub     = group("rg-web"), group("rg-hub")
		vnetID           = below(rgHub, "/providers/Microsoft.Network/virtualNetworks/vnet-hub")
		vmID             = below(rgWeb, "/providers/Microsoft.Compute/virtualMachines/vm-web")
		identityID       = below(rgWeb, "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-web")
		subscriptionID   = []template.Part{{Literal: "/subscriptions/"}, {Parameter: subscription}}
		subscriptionOnly = template.Scope{Kind: template.ScopeSubscription, Subscription: subscription, Group: template.NoNode, ID: subscriptionID}
		scopeHub         = template.Scope{Kind: template.ScopeResourceGroup, Subscription: subscription, ResourceGroup: []template.Part{{Parameter: prefix}, {Literal: "rg-hub"}}, Group: 1, ID: rgHub}
		scopeWeb         = template.Scope{Kind: template.ScopeResourceGroup, Subscription: subscription, ResourceGroup: []template.Part{{Parameter: prefix}, {Literal: "rg-web"}}, Group: 4, ID: rgWeb}
		password         = &template.Parameter{Name: "vm_web_admin_password", Description: "properties.osProfile.adminPassword of the virtual machine vm-web", Secret: true}
		token            = &template.Parameter{Name: "vm_web_tag_token", Description: "tag token of the virtual machine vm-web", Secret: true}
	)
	existing := &template.Existing{Symbol: "existing_log_central", Type: "Microsoft.OperationalInsights/workspaces", APIVersion: "2023-09-01",
		ID: []template.Part{{Literal: "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/rg-logs/providers/Microsoft.OperationalInsights/workspaces/log-central"}}}
	var hostile []template.Value
	for _, text := range Hostile() {
		hostile = append(hostile, Str(text))
	}
	hostileMap := template.Value{Kind: template.Map}
	for _, text := range Hostile() {
		hostileMap.Fields = append(hostileMap.Fields, template.Field{Name: text, Value: Str(text)})
	}

	// Node numbers are in the order of ids: sub-level things come after resource groups here only because it does not matter.
	symbols := []string{"policy_audit", "resource_group_rg_hub", "virtual_network_vnet_hub", "lock_vnet_hub_keep", "resource_group_rg_web", "virtual_machine_vm_web", "extension_vm_web_script", "user_assigned_identity_id_web", "diagnostic_setting_vm_web_all", "strange"}
	unitOf := make([]int, len(symbols))
	ref := func(n template.Node, id []template.Part) *template.Ref {
		return &template.Ref{Node: n, Unit: unitOf[n], Symbol: symbols[n], ID: id}
	}
	make1 := func(n template.Node) *template.Resource {
		r := &template.Resource{Node: n, Symbol: symbols[n], KnownType: true}
		switch n {
		case 0:
			r.ID, r.Type, r.APIVersion = "/subscriptions/11111111-1111-4111-8111-111111111111/providers/Microsoft.Authorization/policyAssignments/audit", "Microsoft.Authorization/policyAssignments", "2022-06-01"
			r.Name, r.Scope, r.ParentID = Lit("audit"), subscriptionOnly, subscriptionID
			r.Body = []template.Field{{Name: "properties", Value: Map("displayName", Str("Audit"), "policyDefinitionId", Str("/providers/Microsoft.Authorization/policyDefinitions/06a78e20-9358-41c9-923c-fb736d382a4d"), "parameters", Map())}}
		case 1, 4:
			name := map[template.Node]string{1: "rg-hub", 4: "rg-web"}[n]
			r.ID, r.Type, r.APIVersion = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/"+name, "Microsoft.Resources/resourceGroups", "2021-04-01"
			r.Name, r.Scope, r.ParentID = []template.Part{{Parameter: prefix}, {Literal: name}}, subscriptionOnly, subscriptionID
			r.Location, r.Tags = []template.Part{{Parameter: location}}, Map("env", Str("prod"))
		case 2:
			r.ID, r.Type, r.APIVersion = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-hub/providers/Microsoft.Network/virtualNetworks/vnet-hub", "Microsoft.Network/virtualNetworks", "2024-05-01"
			r.Name, r.Scope, r.ParentID, r.Location = Lit("vnet-hub"), scopeHub, rgHub, []template.Part{{Parameter: location}}
			r.Body = []template.Field{{Name: "properties", Value: Map("addressSpace", Map("addressPrefixes", List(Str("10.0.0.0/16"))),
				"subnets", List(Map("name", Str("web"), "properties", Map("addressPrefix", Str("10.0.1.0/24")))))}}
		case 3:
			r.ID, r.Type, r.APIVersion = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-hub/providers/Microsoft.Network/virtualNetworks/vnet-hub/providers/Microsoft.Authorization/locks/keep", "Microsoft.Authorization/locks", "2020-05-01"
			r.Name, r.Scope, r.ParentKind, r.Parent, r.ParentID = Lit("keep"), scopeHub, template.ParentTarget, ref(2, vnetID), vnetID
			r.Body = []template.Field{{Name: "properties", Value: Map("level", Str("CanNotDelete"))}}
		case 5:
			r.ID, r.Type, r.APIVersion = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-web/providers/Microsoft.Compute/virtualMachines/vm-web", "Microsoft.Compute/virtualMachines", "2024-07-01"
			r.Name, r.Scope, r.ParentID, r.Location = Lit("vm-web"), scopeWeb, rgWeb, []template.Part{{Parameter: location}}
			r.Tags = Map("env", Str("prod"), "token", template.Value{Kind: template.String, Text: []template.Part{{Parameter: token}}})
			r.Identity = Map("type", Str("SystemAssigned, UserAssigned"), "userAssignedIdentities", Map("/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-web/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-web", Map()))
			r.IdentityIDs = [][]template.Part{{{Ref: ref(7, identityID)}}}
			r.Body = []template.Field{
				{Name: "zones", Value: List(Str("1"))},
				{Name: "properties", Value: Map(
					"hardwareProfile", Map("vmSize", Str("Standard_D2s_v5")),
					"osProfile", Map("computerName", Str("vm-web"), "adminUsername", Str("azureuser"),
						"adminPassword", template.Value{Kind: template.String, Text: []template.Part{{Parameter: password}}, WriteOnly: true}),
					"network", Map("subnet", Map("id", template.Value{Kind: template.String, Text: []template.Part{{Ref: ref(2, vnetID)}, {Literal: "/subnets/web"}}})),
					"tenantId", template.Value{Kind: template.String, Text: []template.Part{{Parameter: tenant}}},
					"priority", Num("1.50"), "enabled", Bool(true), "nothing", template.Value{}, "none", List())},
			}
			r.Secrets = []*template.Parameter{token, password}
		case 6:
			r.ID, r.Type, r.APIVersion = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-web/providers/Microsoft.Compute/virtualMachines/vm-web/extensions/script", "Microsoft.Compute/virtualMachines/extensions", "2024-07-01"
			r.Name, r.Scope, r.ParentKind, r.Parent, r.ParentID, r.Location = Lit("script"), scopeWeb, template.ParentChild, ref(5, vmID), vmID, []template.Part{{Parameter: location}}
			r.FullName = Lit("vm-web/script")
			r.Body = []template.Field{{Name: "properties", Value: Map("publisher", Str("Microsoft.Azure.Extensions"), "type", Str("CustomScript"))}}
		case 7:
			r.ID, r.Type, r.APIVersion = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-web/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-web", "Microsoft.ManagedIdentity/userAssignedIdentities", "2023-01-31"
			r.Name, r.Scope, r.ParentID, r.Location = Lit("id-web"), scopeWeb, rgWeb, []template.Part{{Parameter: location}}
		case 8:
			r.ID, r.Type, r.APIVersion = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-web/providers/Microsoft.Compute/virtualMachines/vm-web/providers/Microsoft.Insights/diagnosticSettings/all", "Microsoft.Insights/diagnosticSettings", "2021-05-01-preview"
			r.Name, r.Scope, r.ParentKind, r.Parent, r.ParentID = Lit("all"), scopeWeb, template.ParentTarget, ref(5, vmID), vmID
			r.Body = []template.Field{{Name: "properties", Value: Map("workspaceId", template.Value{Kind: template.String, Text: []template.Part{{Ref: &template.Ref{Node: template.NoNode, Existing: existing, ID: existing.ID}}}})}}
		case 9:
			r.ID, r.Type, r.APIVersion, r.KnownType = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-web/providers/Contoso.Strange/things/strange", "Contoso.Strange/things", "2024-01-01", false
			r.Name, r.Scope, r.ParentID = Lit("strange"), scopeWeb, rgWeb
			r.DependsOn = []*template.Ref{ref(7, identityID)}
			r.Body = []template.Field{{Name: "properties", Value: Map("list", List(hostile...), "map", hostileMap)}}
		}
		if r.FullName == nil {
			r.FullName = r.Name
		}
		return r
	}
	hub := &template.Unit{Name: "rg-hub", Title: "resource group rg-hub of Production", Scope: scopeHub, Nodes: []template.Node{2, 3}, Offers: []template.Node{2}}
	web := &template.Unit{Name: "rg-web", Title: "resource group rg-web of Production", Scope: scopeWeb, Nodes: []template.Node{5, 6, 7, 8, 9}, Needs: []template.Node{2}}
	main := &template.Unit{Name: "production", Title: "subscription Production", Scope: subscriptionOnly, Nodes: []template.Node{0, 1, 4}}
	t := template.Template{
		Source:     template.Source{TenantID: tenant.Default, TenantName: "Contoso", Complete: true},
		Parameters: []*template.Parameter{location, prefix, subscription, tenant}, Split: split,
	}
	switch split {
	case template.SplitNone:
		all := &template.Unit{Name: "main", Title: "everything", Scope: template.Scope{Group: template.NoNode}}
		for n := range symbols {
			all.Nodes = append(all.Nodes, template.Node(n))
		}
		t.Units = []*template.Unit{all}
	case template.SplitGroup: // a resource group belongs to its own unit
		hub.Nodes, web.Nodes, main.Nodes = []template.Node{1, 2, 3}, []template.Node{4, 5, 6, 7, 8, 9}, []template.Node{0}
		t.Units = []*template.Unit{hub, main, web}
	default:
		web.After = []int{0}
		t.Units = []*template.Unit{hub, main, web}
		t.Stages = []*template.Stage{{
			Name: "production", Title: "subscription Production", Scope: subscriptionOnly, Main: main, Units: []*template.Unit{hub, web},
			MainAfter: map[template.Node][]int{}, UnitAfter: map[int][]template.Node{},
		}}
	}
	for i, u := range t.Units {
		u.Index = i
		for _, n := range u.Nodes {
			unitOf[n] = i
		}
	}
	if split == template.SplitDeployment {
		web.After = []int{hub.Index}
	}
	return template.Of(t, func(ctx context.Context, u *template.Unit, yield func(*template.Resource) error) error {
		for _, n := range u.Nodes {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			if err := yield(make1(n)); err != nil {
				return err
			}
		}
		return nil
	}, func(n template.Node) *template.Ref { return ref(n, nil) })
}
