package discovery

import (
	"context"
	"slices"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// listTenant reads what stands above the subscriptions: the management groups, and the roles that Azure has built in.
func (s *scan) listTenant(ctx context.Context) error {
	tree, err := s.scope.session.ManagementGroups(ctx)
	if err != nil {
		if fatal(ctx, err) {
			return err
		}
		s.ledger.miss(tenantScope, gap{kind: "microsoft.management/managementgroups", state: stateOf(fault.As(err)), things: 1, fault: fault.As(err)})
	}
	rows, err := s.containerRows(tree)
	if err != nil {
		return err
	}
	s.sink.put(rows, func() {})
	u := unit{table: around, places: []place{{tenantScope, around}}, ranges: 1}
	if s.resumed.whole[u.places[0]] {
		return nil
	}
	lists := []listing{{typ: "Microsoft.Authorization/roleDefinitions", version: versionAssignments}}
	if tree != nil && !narrow(s.request.Filter) {
		for _, g := range tree.Groups {
			lists = append(lists, policies(g.ID, "atExactScope()")...)
		}
	}
	return s.readLists(ctx, u, lists...)
}

// policies are the lists of the policies of a scope; empty is the part's.
func policies(at, filter string) []listing {
	return []listing{
		{typ: "Microsoft.Authorization/policyAssignments", version: versionPolicies, filter: filter, at: at},
		{typ: "Microsoft.Authorization/policyDefinitions", version: versionPolicies, filter: "policyType eq 'Custom'", at: at},
		{typ: "Microsoft.Authorization/policySetDefinitions", version: versionPolicies, filter: "policyType eq 'Custom'", at: at},
		{typ: "Microsoft.Authorization/policyExemptions", version: versionExemptions, filter: filter, at: at},
	}
}

// roles are the lists of who may do what in a subscription.
func roles() []listing {
	return []listing{
		{typ: "Microsoft.Authorization/roleAssignments", version: versionAssignments},
		{typ: "Microsoft.Authorization/roleDefinitions", version: versionAssignments, filter: "type eq 'CustomRole'"},
	}
}

// listAround reads the groups, role assignments, policies and their definitions of a subscription.
func (s *scan) listAround(ctx context.Context, id string) error {
	u := unit{table: around, places: []place{{id, around}}, ranges: 1}
	if s.resumed.whole[u.places[0]] {
		return nil
	}
	return s.readLists(ctx, u, aroundLists()...)
}

// aroundLists are the lists of what stands about the resources of a subscription.
func aroundLists() []listing {
	return slices.Concat([]listing{{typ: "resourcegroups", version: versionGroups}}, roles(), policies("", ""), []listing{
		{typ: "Microsoft.ManagedServices/registrationDefinitions", version: versionDelegations},
		{typ: "Microsoft.ManagedServices/registrationAssignments", version: versionDelegations},
		{typ: "Microsoft.Resources/deploymentStacks", version: versionStacks},
		{typ: "Microsoft.Security/pricings", version: versionPricings},
	})
}

// listRoles has Resource Manager list role assignments in a cloud whose Resource Graph does not have them.
func (s *scan) listRoles(places []place) {
	s.report.Log(backend.LevelWarn, "this cloud's Resource Graph has no role assignments; Resource Manager lists them instead")
	for _, p := range s.ledger.instead(places, around) {
		u := unit{table: around, places: []place{p}, ranges: 1}
		if s.resumed.whole[p] {
			continue
		}
		lists := roles()
		if p.scope == tenantScope {
			lists = lists[1:]
			lists[0].filter = ""
		}
		s.arm.add(p.scope, func(ctx context.Context) error { return s.readLists(ctx, u, lists...) })
	}
}
