// Package graph keeps what a scan found: the resource model and the store of snapshots.
//
// A snapshot is one SQLite file, written once by a Writer and never changed. docs/snapshot-format.md
// describes the file.
package graph

import (
	"encoding/json"
	"strings"
)

// The Resource Graph tables that have a table of their own in a snapshot. Rows of every other table
// go to its table resources, but those without an id, and those of TableAuthorization that are neither
// role assignments nor role definitions, to other_rows.
const (
	TableResources     = "resources"
	TableContainers    = "resourcecontainers"
	TableAuthorization = "authorizationresources"
)

// SourceARM is the Table of a row that was read of ARM itself, and not of Resource Graph.
const SourceARM = "arm"

// Row is one row as Resource Graph or ARM returned it. Strings are empty, and JSON values nil, where Azure
// returned nothing; a JSON null counts as nothing too. The JSON values must be valid; the writer
// keeps their bytes and does not hold on to them.
type Row struct {
	Table string // the Resource Graph table it came from, in any case, or SourceARM

	ID             string // an ARM id, cased as Azure did
	Name           string
	Type           string
	Kind           string
	Location       string
	ResourceGroup  string
	SubscriptionID string
	TenantID       string
	ManagedBy      string
	APIVersion     string

	SKU              []byte
	Plan             []byte
	Tags             []byte
	Identity         []byte
	Zones            []byte
	ExtendedLocation []byte
	Properties       []byte
	Extra            []byte // an object of the columns that have no field here
}

// Subscription is a subscription as ARM's list of subscriptions returned it.
type Subscription struct {
	ID       string // the GUID
	Name     string // the display name
	State    string // Enabled, Warned, PastDue, Disabled, Deleted
	TenantID string
	Raw      []byte // the whole JSON object; nil is unknown
}

const (
	typeManagementGroup = "microsoft.management/managementgroups"
	typeSubscription    = "microsoft.resources/subscriptions"
	typeRoleAssignment  = "microsoft.authorization/roleassignments"
	typeRoleDefinition  = "microsoft.authorization/roledefinitions"
)

// key is the form of an ARM id that compares: ARM ids differ only in case.
func key(id string) string { return strings.ToLower(id) }

// tenantKey is the key of a tenant, as ARM's list of tenants names it.
func tenantKey(tenantID string) string { return "/tenants/" + strings.ToLower(tenantID) }

// parentOf is the id of what contains the thing with this id: the parent of a child resource, the
// target of an extension resource, else the resource group, subscription or management group of
// its scope. It is a beginning of id, and empty where only the tenant contains the thing. ok is false
// if id is no ARM id.
func parentOf(id string) (parent string, ok bool) {
	parent, _, ok = cutSegment(id) // its name
	if !ok || id[0] != '/' {
		return "", false
	}
	parent, _, ok = cutSegment(parent) // its type
	if !ok {
		return "", false
	}
	if path, _, ok := cutSegment(parent); ok { // perhaps its namespace, behind the word providers
		if scope, word, ok := cutSegment(path); ok && strings.EqualFold(word, "providers") {
			return scope, true
		}
	}
	return parent, true
}

// cutSegment cuts the last segment off a path.
func cutSegment(path string) (rest, segment string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 || i == len(path)-1 {
		return path, "", false
	}
	return path[:i], path[i+1:], true
}

// containerParent is the key of what contains a container, as far as its row says so.
func containerParent(r *Row, tenant string) string {
	var properties struct {
		Chain   []ancestor `json:"managementGroupAncestorsChain"` // of a subscription
		Details struct {
			Chain []ancestor `json:"managementGroupAncestorsChain"` // of a management group
		} `json:"details"`
	}
	switch strings.ToLower(r.Type) {
	case typeSubscription, typeManagementGroup:
		// Resource Graph lists the nearest ancestor first. Without one, or where it may not be read,
		// the tenant is all that is known.
		_ = json.Unmarshal(r.Properties, &properties)
		for _, chain := range [][]ancestor{properties.Chain, properties.Details.Chain} {
			if len(chain) > 0 && chain[0].Name != "" {
				return "/providers/" + typeManagementGroup + "/" + strings.ToLower(chain[0].Name)
			}
		}
		return tenant
	}
	parent, ok := parentOf(key(r.ID))
	switch {
	case !ok:
		return ""
	case parent == "":
		return tenant
	}
	return parent
}

type ancestor struct {
	Name string `json:"name"`
}

// assignment is what a role assignment's properties say about who may do what, where.
type assignment struct {
	PrincipalID      string `json:"principalId"`
	PrincipalType    string `json:"principalType"`
	RoleDefinitionID string `json:"roleDefinitionId"`
	Scope            string `json:"scope"`
}

// definition is what a role definition's properties say about the role itself.
type definition struct {
	RoleName string `json:"roleName"`
	Type     string `json:"type"`
}

// decode reads the properties it knows out of JSON that may hold anything; what does not fit is
// left empty, for the row keeps the properties as they are.
func decode[T any](properties []byte) T {
	var known T
	_ = json.Unmarshal(properties, &known)
	return known
}

// lastSegment is the name at the end of an ARM id.
func lastSegment(id string) string {
	return id[strings.LastIndexByte(id, '/')+1:]
}

// Region is a location as Azure compares it: westeurope, also of West Europe.
func Region(location string) string { return strings.ToLower(strings.ReplaceAll(location, " ", "")) }

// HasTags says whether the tags of a row, as JSON, have all that are wanted, in lower case: an empty value is any. Names and values
// compare without regard to case.
func HasTags(tags []byte, wanted map[string]string) bool {
	var all map[string]string
	if json.Unmarshal(tags, &all) != nil {
		return false
	}
	lower := make(map[string]string, len(all))
	for k, v := range all {
		lower[strings.ToLower(k)] = strings.ToLower(v)
	}
	for k, want := range wanted {
		if v, ok := lower[k]; !ok || want != "" && v != want {
			return false
		}
	}
	return true
}
