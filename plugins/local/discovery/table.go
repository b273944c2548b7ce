package discovery

import (
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// table is one of Resource Graph's tables, or what is read of Resource Manager instead of one, and how a
// filter narrows it. The ledger has a line for each in every scope.
type table struct {
	name  string
	phase string // for people
	// only are conditions that always hold: they keep out what is no configuration.
	only []string
	// conditions are what a filter means for rows that belong to a subscription.
	conditions func(backend.Filter) []string
	// tenant are the conditions on the rows that belong to none, such as management groups; nil if
	// there are no such rows. filtered says that the request asks for chosen places alone.
	tenant func(filtered bool) []string
	// main tables have a line in the ledger for each scope, even without rows. Of the others, those
	// scopes that have nothing share one line.
	main bool
	arm  bool // read of Resource Manager
	// directory tables are read of Microsoft Graph: the tenant alone has lines for them.
	directory bool
}

// phaseOthers is the phase of all tables that most tenants have little in.
const phaseOthers = "policies, DNS and more"

// containers are management groups, subscriptions and resource groups. Each subscription that
// Resource Graph shows has at least its own row here.
var containers = &table{name: graph.TableContainers, phase: "containers", main: true, conditions: containerConditions,
	tenant: func(filtered bool) []string {
		if filtered {
			return nil
		}
		return []string{}
	}}

var assignments = &table{name: graph.TableAuthorization, phase: "role assignments", main: true, conditions: withinGroups,
	tenant: func(filtered bool) []string {
		if filtered {
			return []string{"type =~ 'microsoft.authorization/roledefinitions'"}
		}
		return []string{}
	}}

// resources is the one table that may be too large for a query: it is counted first, and read in parts.
var resources = &table{name: graph.TableResources, phase: "resources", main: true, conditions: resourceConditions}

// What is read of Resource Manager.
var (
	locks      = &table{name: "locks", phase: "locks", arm: true}
	children   = &table{name: "children", phase: "children", arm: true}
	extensions = &table{name: "extensions", phase: "extensions", arm: true}

	// Where there is no Resource Graph: a subscription's resources, each read by its id; what the list of them says of
	// each, which is all but the properties; and what stands about them, from groups to policies.
	listed = &table{name: "arm", phase: "resources", arm: true, main: true}
	stubs  = &table{name: "stubs", phase: "resources", arm: true}
	around = &table{name: "scopes", phase: phaseListing, arm: true}
)

// others are the tables beside the three that every tenant fills. What a resource type is doing, has
// done, or might better do is not configuration, and stays out; docs/scan.md says what and why. A table that few
// tenants have rows in costs each of them a query, so that of those only few are read; see armschema for the rest.
// https://learn.microsoft.com/azure/governance/resource-graph/reference/supported-tables-resources
var others = []*table{
	{name: "policyresources", conditions: policyConditions, tenant: unlessFiltered, only: []string{
		"type !startswith 'microsoft.policyinsights/'",
		"not(tostring(properties.policyType) in~ ('BuiltIn', 'Static'))",
	}},
	other("networkresources", "not(type contains '/effective' or type contains 'goalstates' or type contains '/snapshots' or type has 'networkgroupmemberships')"),
	other("dnsresources"), other("appserviceresources"), other("computeresources"),
	other("recoveryservicesresources", "not(type has 'backupjobs' or type has 'replicationjobs' or type has 'alerts' or type has 'protectableitems' or type contains '/deleted')",
		"type !~ 'microsoft.recoveryservices/vaults'"), // which the table resources has too
	tenantWide(other("insightsresources")), other("kubernetesconfigurationresources"), other("managedserviceresources"),
	other("maintenanceresources", "type =~ 'microsoft.maintenance/configurationassignments'"),
	other("securityresources", "type in~ ('microsoft.security/pricings', 'microsoft.security/governancerules', 'microsoft.security/standardassignments')"),
	tenantWide(other("deploymentresources")), // the stacks of management groups
}

func other(name string, only ...string) *table {
	return &table{name: name, only: only, conditions: resourceConditions}
}

// tenantWide says that a table has rows that belong to no subscription as well.
func tenantWide(t *table) *table {
	t.tenant = unlessFiltered
	return t
}

func unlessFiltered(filtered bool) []string {
	if filtered {
		return nil
	}
	return []string{}
}

// tables are what a scan reads of Resource Graph, in the order of the ledger.
//
// A filter by type, location or tag narrows the resources alone: containers, role assignments and policies
// say where they are and who may do what with them. A filter by subscription or resource group narrows all,
// and leaves out what stands above the subscriptions, except the role definitions of the tenant,
// without which no assignment can be understood.
var tables = func() []*table {
	for _, t := range others {
		t.phase = phaseOthers
	}
	return append([]*table{containers, assignments, resources}, others...)
}()

// A row of the tenant has an empty subscriptionId. It may come with any subscription's query, so
// those leave it to the query of the tenant.
const (
	withoutSubscription = "isempty(subscriptionId)"
	withSubscription    = "isnotempty(subscriptionId)"
)

// columns are those that Resource Graph's tables have in common. Only that of resources is documented
// to have apiVersion beside them, the version of the API with which Azure read the row.
const columns = "id, name, type, kind, location, resourceGroup, subscriptionId, tenantId, managedBy, sku, plan, tags, identity, zones, extendedLocation, properties"

// where is the table with conditions.
func (t *table) where(conditions []string) string {
	return strings.Join(append([]string{t.name}, conditions...), " | where ")
}

// rows is the query for the rows that meet the conditions.
func (t *table) rows(conditions []string) string {
	projected := columns
	if t == resources {
		projected += ", apiVersion"
	}
	return t.where(conditions) + " | project " + projected + " | order by id asc"
}

// counts is the query for how many rows of each subscription meet the conditions.
func (t *table) counts(conditions []string) string {
	return t.where(conditions) + " | summarize listed = count() by subscriptionId"
}

// count is a row of the answer to counts.
type count struct {
	subscription string
	rows         int64
}

func setCount(c *count, column azure.Column) (err error) {
	switch string(column.Name) {
	case "subscriptionId":
		c.subscription = column.Text()
	case "listed":
		c.rows, err = column.Int()
	}
	return err
}
