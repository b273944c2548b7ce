// Package diff compares two snapshots: what was added, what was removed, what changed of what is in both, and what nobody can
// know, because one of the scans has not read the place. docs/diff.md describes the result.
package diff

import (
	"encoding/json"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// The changes.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
	// Unknown is of what one snapshot has and the other has not, where the other's scan may have missed it.
	Unknown = "unknown"
)

// The kinds of things.
const (
	KindManagementGroup = "management_group"
	KindSubscription    = "subscription"
	KindResourceGroup   = "resource_group"
	KindResource        = "resource"
	KindRoleAssignment  = "role_assignment"
	KindRoleDefinition  = "role_definition"
	KindIdentity        = "identity"
	KindMembership      = "membership" // of an identity in a group; both have their names in the change, where these are known
	KindRow             = "row"        // of Azure without an id
	// KindGap is a place that one of the scans has not read to its end, by the scope and kind of its ledger. It is always unknown.
	KindGap = "gap"
)

// Change is a line of the result: a thing that is not the same in both snapshots.
type Change struct {
	Change         string `json:"change"`
	Kind           string `json:"kind"`
	ID             string `json:"id"` // as the snapshot has it that has the thing, the later one if both do
	Name           string `json:"name,omitempty"`
	Type           string `json:"type,omitempty"` // in lower case; of an identity, its kind
	SubscriptionID string `json:"subscription_id,omitempty"`
	Subscription   string `json:"subscription,omitempty"` // its name
	ResourceGroup  string `json:"resource_group,omitempty"`
	// Of a role assignment: the role's name, who has it, and where. Of a membership: who belongs to the group.
	Role       string     `json:"role,omitempty"`
	Principal  string     `json:"principal,omitempty"`
	Scope      string     `json:"scope,omitempty"`
	Properties []Property `json:"properties,omitempty"`
	// Reason is why an unknown change is unknown, or what is to be known of another one.
	Reason string `json:"reason,omitempty"`
	// In says of an unknown change which snapshot has the thing: before or after.
	In string `json:"in,omitempty"`
}

// Property is a value that is not the same. Secrets are hidden in both.
type Property struct {
	Path   string          `json:"path"`             // properties.subnets[web].addressPrefix
	Before json.RawMessage `json:"before,omitempty"` // absent if there was none
	After  json.RawMessage `json:"after,omitempty"`  // absent if there is none
}

// kindOf is what a row is.
func kindOf(e *graph.Entry) string {
	if e.Key == "" {
		return KindRow
	}
	switch e.Table {
	case graph.RoleAssignments:
		return KindRoleAssignment
	case graph.RoleDefinitions:
		return KindRoleDefinition
	case graph.Containers:
		switch e.Type {
		case "microsoft.management/managementgroups":
			return KindManagementGroup
		case "microsoft.resources/subscriptions":
			return KindSubscription
		case "microsoft.resources/subscriptions/resourcegroups":
			return KindResourceGroup
		}
	}
	return KindResource
}
