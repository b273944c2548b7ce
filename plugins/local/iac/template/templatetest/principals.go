package templatetest

import (
	"context"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// Principals is a template cut for Terraform whose resources name identities of others, which Azure makes: of a machine and a
// user-assigned identity, in the same unit and in another one.
func Principals(split string) *template.Template {
	const source = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/"
	var (
		rgApp, rgID    = group("rg-app"), group("rg-identity")
		subscriptionID = []template.Part{{Literal: "/subscriptions/"}, {Parameter: subscription}}
		scope          = template.Scope{Kind: template.ScopeSubscription, Subscription: subscription, Group: template.NoNode, ID: subscriptionID}
		appScope       = template.Scope{Kind: template.ScopeResourceGroup, Subscription: subscription, ResourceGroup: []template.Part{{Parameter: prefix}, {Literal: "rg-app"}}, Group: 0, ID: rgApp}
		idScope        = template.Scope{Kind: template.ScopeResourceGroup, Subscription: subscription, ResourceGroup: []template.Part{{Parameter: prefix}, {Literal: "rg-identity"}}, Group: 3, ID: rgID}
		symbols        = []string{"resource_group_rg_app", "virtual_machine_vm_app", "role_assignment_reader", "resource_group_rg_identity", "user_assigned_identity_id_app", "role_assignment_owner"}
		types          = []string{"Microsoft.Resources/resourceGroups", "Microsoft.Compute/virtualMachines", "Microsoft.Authorization/roleAssignments", "Microsoft.Resources/resourceGroups", "Microsoft.ManagedIdentity/userAssignedIdentities", "Microsoft.Authorization/roleAssignments"}
		versions       = []string{"2021-04-01", "2024-07-01", "2022-04-01", "2021-04-01", "2023-01-31", "2022-04-01"}
		names          = []string{"rg-app", "vm-app", "5a6ad6f1-0000-4000-8000-000000000001", "rg-identity", "id-app", "5a6ad6f1-0000-4000-8000-000000000002"}
	)
	app := &template.Unit{Name: "rg-app", Title: "resource group rg-app of Production", Nodes: []template.Node{0, 1, 2}}
	identity := &template.Unit{Index: 1, Name: "rg-identity", Title: "resource group rg-identity of Production", Nodes: []template.Node{3, 4, 5}}
	units := []*template.Unit{app, identity}
	if split == template.SplitNone {
		units = []*template.Unit{{Name: "main", Title: "everything", Nodes: []template.Node{0, 1, 2, 3, 4, 5}}}
	} else {
		app.OffersOf = []template.Output{{Node: 1, Property: "identity.principalId"}}
		app.NeedsOf = []template.Output{{Node: 4, Property: "properties.clientId"}, {Node: 4, Property: "properties.principalId"}}
		identity.OffersOf, identity.NeedsOf = app.NeedsOf, app.OffersOf
	}
	ref := func(n template.Node, property string) *template.Ref {
		r := &template.Ref{Node: n, Symbol: symbols[n], Property: property}
		if split != template.SplitNone && n > 2 {
			r.Unit = 1
		}
		if property != "" {
			r.Type, r.APIVersion = types[n], versions[n]
		}
		return r
	}
	refers := func(n template.Node, property string) template.Value {
		return template.Value{Kind: template.String, Text: []template.Part{{Ref: ref(n, property)}}}
	}
	make1 := func(n template.Node) *template.Resource {
		r := &template.Resource{
			Node: n, Symbol: symbols[n], Type: types[n], APIVersion: versions[n], KnownType: true, Name: Lit(names[n]), FullName: Lit(names[n]),
			ID: source + "rg-app/providers/" + types[n] + "/" + names[n], Scope: appScope, ParentID: rgApp,
		}
		if n > 2 {
			r.ID, r.Scope, r.ParentID = source+"rg-identity/providers/"+types[n]+"/"+names[n], idScope, rgID
		}
		switch n {
		case 0, 3:
			r.ID, r.Scope, r.ParentID = source+names[n], scope, subscriptionID
			r.Name = []template.Part{{Parameter: prefix}, {Literal: names[n]}}
			r.FullName, r.Location = r.Name, []template.Part{{Parameter: location}}
		case 1:
			r.Location, r.Identity = []template.Part{{Parameter: location}}, Map("type", Str("SystemAssigned"))
			r.Body = []template.Field{{Name: "properties", Value: Map("userData", refers(4, "properties.clientId"))}}
		case 2:
			r.Body = []template.Field{{Name: "properties", Value: Map("principalId", refers(4, "properties.principalId"))}}
		case 4:
			r.Location = []template.Part{{Parameter: location}}
		case 5:
			r.Body = []template.Field{{Name: "properties", Value: Map("principalId", refers(1, "identity.principalId"), "delegatedManagedIdentityResourceId", refers(4, ""), "description", refers(4, "properties.clientId"))}}
		}
		return r
	}
	t := template.Template{Source: template.Source{TenantID: tenant.Default, TenantName: "Contoso", Complete: true}, Parameters: []*template.Parameter{location, prefix, subscription, tenant}, Split: split, Units: units}
	return template.Of(t, func(_ context.Context, u *template.Unit, yield func(*template.Resource) error) error {
		for _, n := range u.Nodes {
			if err := yield(make1(n)); err != nil {
				return err
			}
		}
		return nil
	}, func(n template.Node) *template.Ref { return ref(n, "") })
}
