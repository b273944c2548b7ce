package diff

import (
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph/filter"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// takes says that a filter asks for a row: each part of it holds for every row, and what has no group, location or tags is not among those in one.
func takes(f *filter.Filter, e *graph.Entry) bool {
	return f.Within(e.SubscriptionID, groupOf(e)) && f.Type(e.Type) && !f.Excludes(e.Type) && f.Location(e.Location) && f.Tags([]byte(e.Tags))
}

// concerns says that a gap of a ledger lies where a filter asks for something.
func concerns(f *filter.Filter, gap backend.CoverageEntry) bool {
	if scope := strings.ToLower(gap.Scope); scope != restScope && !f.Subscription(scope) {
		return false
	}
	typ := strings.ToLower(gap.Kind)
	return !strings.Contains(typ, "/") || f.Leads(typ) && !f.Excludes(typ)
}
