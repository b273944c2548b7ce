package ui

import (
	"fmt"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// longPlan has more parts than one wants to read.
func longPlan() *backend.ScanPlan {
	plan := &backend.ScanPlan{DurationSeconds: 99, Parts: []backend.PlannedPart{{Key: "all/policyresources", Rows: 12, Calls: 1}}}
	for i := range 200 {
		plan.Parts = append(plan.Parts,
			backend.PlannedPart{Key: fmt.Sprintf("6f0c/resources/%d-of-200", i+1), Rows: 1000, Calls: 1},
			backend.PlannedPart{Key: fmt.Sprintf("6f0c/children/%d-of-200", i+1), Calls: 337},
		)
	}
	plan.Parts = append(plan.Parts, backend.PlannedPart{Key: "odd", Rows: 1, Calls: 1})
	for _, part := range plan.Parts {
		plan.Rows, plan.Calls = plan.Rows+part.Rows, plan.Calls+part.Calls
	}
	return plan
}

// manyGaps has the same trouble in many places, and much of it in one.
func manyGaps() backend.Coverage {
	var c backend.Coverage
	throttled := fault.New(fault.Throttled, "Azure asked to slow down, for longer than ten minutes")
	for i := range 9 {
		for _, kind := range []string{"microsoft.storage/storageaccounts/blobservices", "microsoft.sql/servers/databases"} {
			c.Entries = append(c.Entries, backend.CoverageEntry{
				Scope: fmt.Sprint("s", i), Name: fmt.Sprint("Subscription ", i), Kind: kind, State: backend.CoverageThrottled, Listed: 10, Expected: 20, Fault: throttled,
			})
		}
	}
	for i := range 13 {
		c.Entries = append(c.Entries, backend.CoverageEntry{
			Scope: "subscriptions", Name: "the other 3 subscriptions", Kind: fmt.Sprint("table", i), State: backend.CoverageUnsupported, Expected: -1,
			Fault: fault.New(fault.Unsupported, "this cloud has no such table"),
		})
	}
	for i := range 25 {
		c.Entries = append(c.Entries, backend.CoverageEntry{Scope: fmt.Sprint("d", i), Kind: "resources", State: backend.CoverageSkipped, Expected: -1})
	}
	c.Entries = append(c.Entries, backend.CoverageEntry{Scope: "tenant", Kind: "managementgroups", State: backend.CoverageDenied, Expected: -1},
		backend.CoverageEntry{Scope: "tenant", Kind: "devices", State: backend.CoverageSkipped, Expected: -1})
	return c
}
