package ui

import (
	"fmt"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// tenantPlan is a plan with everything that a plan may have.
func tenantPlan() *backend.TenantCreationResult {
	const group = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/web"
	plan := &backend.TenantPlan{Digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", Changes: []backend.PlannedChange{
		{Resource: group, Type: "Microsoft.Resources/resourceGroups", Action: "create"},
		{Resource: group + "/providers/Microsoft.Storage/storageAccounts/shop", Type: "Microsoft.Storage/storageAccounts", Action: "differs",
			Properties: []string{"location", "properties.accessTier", "properties.minimumTlsVersion", "sku.name", "tags.env", "tags.owner\x1b[2J"}},
		{Resource: "Alice", Type: "user", Action: "unsupported", Reason: "this backend makes nothing in Microsoft Entra ID"},
		{Resource: group + "/providers/Microsoft.Web/sites/old", Type: "Microsoft.Web/sites", Action: "delete", Reason: "changed since by bob"},
		{Resource: group + "/providers/Microsoft.Web/sites/kept", Type: "Microsoft.Web/sites", Action: "exists", Reason: "it stays: it was there before"},
		{Resource: group + "/providers/Microsoft.New/things/thing", Type: "Microsoft.New/things", Action: "replaces"},
	}}
	for i := range topUnchanged + 3 {
		plan.Changes = append(plan.Changes, backend.PlannedChange{
			Resource: fmt.Sprintf("%s/providers/Microsoft.Network/networkSecurityGroups/nsg-%d", group, i), Type: "Microsoft.Network/networkSecurityGroups", Action: "exists",
		})
	}
	return &backend.TenantCreationResult{Success: true, Plan: plan}
}

// tenantFailed is a deployment of which parts failed.
func tenantFailed() *backend.TenantCreationResult {
	r := &backend.TenantCreationResult{ResourcesCreated: 1200, ResourcesFailed: topFailures + 2, DurationSeconds: 754}
	for i := range topFailures + 2 {
		f := fault.New(fault.ExecutionFailed, "QuotaExceeded: Operation could not be completed as it results in exceeding approved cores quota", fault.From(fault.OriginAzure))
		if i == 0 {
			f.Hint = "ask for more quota in the portal, or take another region or size"
		}
		r.Failures = append(r.Failures, backend.ResourceFailed{Resource: fmt.Sprintf("/subscriptions/s/resourceGroups/web/providers/Microsoft.Compute/virtualMachines/vm-%d", i), Fault: f})
	}
	r.Failures[1].Fault = nil
	return r
}
