package tenant

import (
	"cmp"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/kql"
)

// Scope is what a query may see.
type Scope struct {
	// Subscriptions whose rows are visible.
	Subscriptions []string
	// Whole is the scope of the tenant: rows outside of all subscriptions are visible too.
	Whole bool
	// Groups are the management groups that the query names; they and those below are visible.
	Groups []string
	// Filter chooses the role assignments and policies, as Resource Graph's
	// authorizationScopeFilter: AtScopeAndBelow (also when empty), AtScopeAndAbove,
	// AtScopeAboveAndBelow or AtScopeExact.
	Filter string
}

// Filters are the values that Scope.Filter takes.
var Filters = []string{"AtScopeAndBelow", "AtScopeAndAbove", "AtScopeAboveAndBelow", "AtScopeExact"}

// View is a table as the scope shows it.
func (t *Tenant) View(name string, scope Scope) (kql.View, bool) {
	table, ok := t.Table(name)
	if !ok || name == tableARM {
		return kql.View{}, false
	}
	rows := joined(table, scope.Subscriptions)
	if filtered := scope.Filter != "" && scope.Filter != Filters[0]; filtered && (name == tableAuthorization || name == "policyresources") {
		rows = slices.DeleteFunc(rows, func(row uint32) bool { return !scope.atLevel(table.Text(row, idColumn)) })
	}
	for _, row := range table.InSubscription("") {
		if t.seesTenantRow(scope, name, table.Text(row, idColumn)) {
			rows = append(rows, row)
		}
	}
	if len(rows) == table.Len() {
		return kql.View{Table: table}, true
	}
	if !slices.IsSorted(rows) {
		slices.Sort(rows)
	}
	return kql.View{Table: table, Rows: rows}, true
}

// joined are the rows of subscriptions; ascending where each one's rows stand together.
func joined(table Table, subscriptions []string) []uint32 {
	var runs [][]uint32
	size := 0
	for _, subscription := range subscriptions {
		if rows := table.InSubscription(subscription); len(rows) > 0 {
			runs = append(runs, rows)
			size += len(rows)
		}
	}
	slices.SortFunc(runs, func(a, b []uint32) int { return cmp.Compare(a[0], b[0]) })
	rows := make([]uint32, 0, size)
	for _, run := range runs {
		rows = append(rows, run...)
	}
	return rows
}

// atLevel applies the filter to something assigned in a subscription of the scope, which lies at
// the scope itself, or in a resource group below it.
func (s Scope) atLevel(id string) bool {
	below := s.Whole || len(s.Groups) > 0 || groupOf(id) != ""
	return !below || s.Filter == "AtScopeAboveAndBelow"
}

const managementGroupPrefix = "/providers/microsoft.management/managementgroups/"

// seesTenantRow says whether a row outside of all subscriptions is visible: to the whole tenant
// all of them; else the definitions that hold everywhere, and what hangs on management groups in
// the scope, or above it where the filter asks for that.
func (t *Tenant) seesTenantRow(scope Scope, table, id string) bool {
	lower := strings.ToLower(id)
	rest, inGroup := strings.CutPrefix(lower, managementGroupPrefix)
	if !inGroup {
		return scope.Whole || strings.HasPrefix(lower, "/providers/microsoft.authorization/roledefinitions/")
	}
	above := strings.Contains(scope.Filter, "Above") && table != tableContainers
	exact := scope.Filter == "AtScopeExact" && table != tableContainers
	if scope.Whole {
		return true
	}
	name, _, _ := strings.Cut(rest, "/")
	group, _ := t.ManagementGroup(name)
	for _, wanted := range scope.Groups {
		if strings.EqualFold(wanted, name) || (!exact && containsFold(group.Ancestors, wanted)) {
			return true
		}
		if asked, ok := t.ManagementGroup(wanted); ok && above && containsFold(asked.Ancestors, name) {
			return true
		}
	}
	if above && len(scope.Groups) == 0 {
		for _, id := range scope.Subscriptions {
			if s, ok := t.Subscription(id); ok && containsFold(s.Ancestors, name) {
				return true
			}
		}
	}
	return false
}
