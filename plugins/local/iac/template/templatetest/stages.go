package templatetest

import (
	"context"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// Stages is a template cut for deployment into stages of every scope: a tenant, a management group, a subscription whose groups need each
// other so that it has two stages, and one of which nothing but a resource group that has to exist is used. The scan was incomplete.
//
// In it are also: a child whose parent is in another unit; a lock of a subnet that is only in its network's body, and one of a resource that has to
// exist; secrets of one name in two units; existing resources at every scope; a reference to the resource itself; resources of the
// subscription that wait for modules, and modules that wait for them; symbols that languages reserve; long text with references.
func Stages() *template.Template {
	test := &template.Parameter{Name: "subscription_id_test", Description: "Subscription Test", Default: "22222222-2222-4222-8222-222222222222", HasDefault: true}
	s := stages{scopes: map[string]template.Scope{
		"tenant": {Kind: template.ScopeTenant, Group: template.NoNode, ID: Lit("/")},
		"mg":     {Kind: template.ScopeManagementGroup, ManagementGroup: "mg-root", Group: template.NoNode, ID: Lit("/providers/Microsoft.Management/managementGroups/mg-root")},
		"sub":    {Kind: template.ScopeSubscription, Subscription: subscription, Group: template.NoNode, ID: []template.Part{{Literal: "/subscriptions/"}, {Parameter: subscription}}},
		"test":   {Kind: template.ScopeSubscription, Subscription: test, Group: template.NoNode, ID: []template.Part{{Literal: "/subscriptions/"}, {Parameter: test}}},
	}}
	s.scopes["web"] = template.Scope{Kind: template.ScopeResourceGroup, Subscription: subscription, ResourceGroup: []template.Part{{Parameter: prefix}, {Literal: "rg-web"}}, Group: 3, ID: group("rg-web")}
	s.scopes["old"] = template.Scope{Kind: template.ScopeResourceGroup, Subscription: test, ResourceGroup: Lit("rg-old"), Group: template.NoNode,
		ID: []template.Part{{Literal: "/subscriptions/"}, {Parameter: test}, {Literal: "/resourceGroups/rg-old"}}}

	s.add(0, "tenant", "management_group_mg_team", "Microsoft.Management/managementGroups", "mg-team", Map("displayName", Str("Team")))
	s.add(1, "mg", "policy_definition_tags", "Microsoft.Authorization/policyDefinitions", "tags", Map("policyType", Str("Custom"), "policyRule", Map("if", Map("field", Str("[concat('tags[', parameters('tag'), ']')]")), "then", Map("effect", Str("deny")))))
	s.add(2, "sub", "policy_assignment_tags", "Microsoft.Authorization/policyAssignments", "tags", Map("policyDefinitionId", s.to(1), "notScopes", List(s.to(6))))
	s.add(3, "sub", "resource_group", "Microsoft.Resources/resourceGroups", "rg-web", template.Value{})
	s.resources[3].Name, s.resources[3].FullName, s.resources[3].Location = s.scopes["web"].ResourceGroup, s.scopes["web"].ResourceGroup, []template.Part{{Parameter: location}}
	s.ids[3] = s.scopes["web"].ID
	s.add(4, "web", "virtual_network_vnet", "Microsoft.Network/virtualNetworks", "vnet", Map("subnets", List(Map("name", Str("web")), Map("name", Str("db")))))
	s.add(5, "web", "lock_vnet_web_keep", "Microsoft.Authorization/locks", "keep", Map("level", Str("ReadOnly")))
	s.below(5, template.ParentTarget, 4, "/subnets/web")
	s.add(6, "web", "sql_server_sql", "Microsoft.Sql/servers", "sql", Map("administratorLogin", Str("admin1"), "administratorLoginPassword", s.secret(6), "self", s.to(6, "/databases/db")))
	s.add(7, "web", "az", "Microsoft.Sql/servers/databases", "db", Map("elasticPoolId", Str("")))
	s.below(7, template.ParentChild, 6, "")
	s.add(8, "old", "sql_server_old", "Microsoft.Sql/servers", "sql-old", Map("administratorLoginPassword", s.secret(8), "peer", s.to(6)))
	var links []any
	for i, id := range [][]template.Part{
		Lit("/subscriptions/33333333-3333-4333-8333-333333333333/resourceGroups/rg-logs/providers/Microsoft.OperationalInsights/workspaces/log/tables/Heartbeat"),
		below([]template.Part{{Literal: "/subscriptions/"}, {Parameter: test}, {Literal: "/resourceGroups/"}, {Parameter: prefix}}, "rg-net/providers/Microsoft.Network/privateDnsZones/contoso.com"),
		below(s.scopes["old"].ID, "/providers/Microsoft.Network/natGateways/nat"),
		below(s.scopes["test"].ID, "/providers/Microsoft.Authorization/policyDefinitions/p"),
		Lit("/subscriptions/33333333-3333-4333-8333-333333333333/resourceGroups/rg-logs"),
		Lit("/providers/Microsoft.Management/managementGroups/mg-other/providers/Microsoft.Authorization/policyDefinitions/q"),
		Lit("/providers/Microsoft.Authorization/roleDefinitions/r"),
		Lit("/subscriptions/33333333-3333-4333-8333-333333333333"),
	} {
		types := []string{"Microsoft.OperationalInsights/workspaces/tables", "Microsoft.Network/privateDnsZones", "Microsoft.Network/natGateways", "Microsoft.Authorization/policyDefinitions",
			"Microsoft.Resources/resourceGroups", "Microsoft.Authorization/policyDefinitions", "Microsoft.Authorization/roleDefinitions", "Microsoft.Resources/subscriptions"}
		symbols := []string{"heartbeat", "contoso_com", "nat", "p", "rg_logs", "q", "r", "subscription"}
		e := &template.Existing{Symbol: "existing_" + symbols[i], Type: types[i], APIVersion: "2023-01-01", ID: id}
		links = append(links, symbols[i], template.Value{Kind: template.String, Text: []template.Part{{Ref: &template.Ref{Node: template.NoNode, Existing: e, ID: id}}}})
	}
	s.add(9, "old", "everything", "Contoso.Strange/things", "everything", Map(links...))
	s.add(10, "old", "lock_nat", "Microsoft.Authorization/locks", "nat", Map("level", Str("CanNotDelete")))
	nat := &template.Existing{Symbol: "existing_nat", Type: "Microsoft.Network/natGateways", APIVersion: "2023-01-01", ID: below(s.scopes["old"].ID, "/providers/Microsoft.Network/natGateways/nat")}
	s.resources[10].ParentKind, s.resources[10].Parent, s.resources[10].ParentID = template.ParentTarget, &template.Ref{Node: template.NoNode, Existing: nat, ID: nat.ID}, nat.ID
	s.add(11, "sub", "deny_assignment", "Microsoft.Authorization/policyAssignments", "late", Map("scope", s.to(7)))

	for _, u := range []struct {
		name, title, scope string
		nodes              []template.Node
		after              []int
	}{
		{"tenant", "the tenant", "tenant", []template.Node{0}, nil},
		{"mg-root", "management group mg-root", "mg", []template.Node{1}, nil},
		{"production", "subscription Production", "sub", []template.Node{2, 3, 11}, nil},
		{"rg-web", "resource group rg-web of Production", "web", []template.Node{4, 5, 6}, nil},
		{"rg-web-2", "resource group rg-web of Production, 2", "web", []template.Node{7}, []int{3}},
		{"rg-old", "resource group rg-old of Test", "old", []template.Node{8, 9, 10}, nil},
	} {
		s.units = append(s.units, &template.Unit{Index: len(s.units), Name: u.name, Title: u.title, Scope: s.scopes[u.scope], Nodes: u.nodes, After: u.after})
	}
	u := s.units
	u[3].Offers, u[4].Needs = []template.Node{6}, []template.Node{6}
	for _, r := range s.refs {
		if r.Node != template.NoNode {
			r.Unit = s.unitOf(r.Node)
		}
	}
	return template.Of(template.Template{
		Source: template.Source{TenantID: tenant.Default}, Target: template.Target{Location: "northeurope"}, Split: template.SplitDeployment,
		Parameters: []*template.Parameter{location, prefix, subscription, test, tenant}, Units: u,
		Stages: []*template.Stage{
			{Name: "tenant", Title: "the tenant", Scope: s.scopes["tenant"], Main: u[0]},
			{Name: "mg-root", Title: "management group mg-root", Scope: s.scopes["mg"], Main: u[1]},
			{Name: "production", Title: "subscription Production", Scope: s.scopes["sub"], Main: u[2], Units: []*template.Unit{u[3], u[4]},
				MainAfter: map[template.Node][]int{2: {3}, 11: {4}}, UnitAfter: map[int][]template.Node{4: {2}}},
			{Name: "test", Title: "subscription Test", Scope: s.scopes["test"], Units: []*template.Unit{u[5]}},
		},
	}, func(_ context.Context, u *template.Unit, yield func(*template.Resource) error) error {
		for _, n := range u.Nodes {
			r := *s.resources[n]
			if err := yield(&r); err != nil {
				return err
			}
		}
		return nil
	}, func(n template.Node) *template.Ref {
		return &template.Ref{Node: n, Unit: s.unitOf(n), Symbol: s.resources[n].Symbol}
	})
}

// stages makes the resources of Stages.
type stages struct {
	scopes    map[string]template.Scope
	resources [12]*template.Resource
	ids       [12][]template.Part
	refs      []*template.Ref
	units     []*template.Unit
}

func (s *stages) unitOf(n template.Node) int {
	for i, u := range s.units {
		for _, m := range u.Nodes {
			if m == n {
				return i
			}
		}
	}
	return -1
}

// add makes a resource of a scope.
func (s *stages) add(n template.Node, scope, symbol, kind, name string, properties template.Value) {
	at := s.scopes[scope]
	id := at.ID
	if at.Kind == template.ScopeTenant {
		id = nil
	}
	r := &template.Resource{Node: n, Symbol: symbol, ID: "/source/" + symbol, Type: kind, APIVersion: "2024-01-01", KnownType: true, Name: Lit(name), FullName: Lit(name), ParentID: at.ID, Scope: at}
	if properties.Kind != template.Null {
		r.Body = []template.Field{{Name: "properties", Value: properties}}
	}
	if n == 6 || n == 8 {
		r.Secrets = []*template.Parameter{password(n)}
	}
	s.resources[n] = r
	s.ids[n] = below(id, "/providers/"+kind+"/"+name)
	s.complete()
}

// below hangs a resource below another, or below a part of it.
func (s *stages) below(n template.Node, kind template.ParentKind, parent template.Node, part string) {
	r := s.resources[n]
	r.ParentKind, r.ParentID = kind, s.ids[parent]
	ref := s.ref(parent)
	if part == "" {
		r.Parent = ref
	} else {
		r.ParentID, r.DependsOn = below(s.ids[parent], part), []*template.Ref{ref}
	}
	if kind == template.ParentChild {
		r.FullName = append(below(s.resources[parent].FullName, "/"), r.Name...)
		s.ids[n] = append(below(s.ids[parent], "/databases/"), r.Name...)
	} else {
		s.ids[n] = append(below(r.ParentID, "/providers/"+r.Type+"/"), r.Name...)
	}
	s.complete()
}

// ref is a reference, completed when its resource is there.
func (s *stages) ref(n template.Node) *template.Ref {
	r := &template.Ref{Node: n}
	s.refs = append(s.refs, r)
	s.complete()
	return r
}

func (s *stages) complete() {
	for _, r := range s.refs {
		if to := s.resources[r.Node]; to != nil {
			r.Symbol, r.ID = to.Symbol, s.ids[r.Node]
		}
	}
}

// to is the id of a resource, with what follows it.
func (s *stages) to(n template.Node, rest ...string) template.Value {
	v := template.Value{Kind: template.String, Text: []template.Part{{Ref: s.ref(n)}}}
	for _, text := range rest {
		v.Text = append(v.Text, template.Part{Literal: text})
	}
	return v
}

func password(n template.Node) *template.Parameter {
	return &template.Parameter{Name: "sql_password", Description: "properties.administratorLoginPassword of the SQL server of " + map[template.Node]string{6: "Production", 8: "Test"}[n], Secret: true}
}

func (s *stages) secret(n template.Node) template.Value {
	return template.Value{Kind: template.String, Text: []template.Part{{Parameter: password(n)}}, WriteOnly: true}
}
