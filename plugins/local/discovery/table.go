package discovery

import (
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// table is one of Resource Graph's tables, and how a filter narrows it.
type table struct {
	name  string
	phase string // for people
	// conditions are what a filter means for rows that belong to a subscription.
	conditions func(backend.Filter) []string
	// tenant are the conditions on the rows that belong to none, such as management groups; nil if
	// there are no such rows. filtered says that the request asks for chosen places alone.
	tenant func(filtered bool) []string
	// limited says that a request's limit of resources counts this table's rows.
	limited bool
}

// containers are management groups, subscriptions and resource groups. Each subscription that
// Resource Graph shows has at least its own row here.
var containers = &table{name: graph.TableContainers, phase: "containers", conditions: containerConditions,
	tenant: func(filtered bool) []string {
		if filtered {
			return nil
		}
		return []string{withoutSubscription}
	}}

// tables are what a scan reads, in the order of the ledger.
//
// A filter by type, location or tag narrows the resources alone: containers and role assignments say
// where they are and who may use them. A filter by subscription or resource group narrows all three,
// and leaves out what stands above the subscriptions, except the role definitions of the tenant,
// without which no assignment can be understood.
var tables = []*table{
	containers,
	{name: graph.TableAuthorization, phase: "role assignments", conditions: authorizationConditions, tenant: func(filtered bool) []string {
		if filtered {
			return []string{withoutSubscription, "type =~ 'microsoft.authorization/roledefinitions'"}
		}
		return []string{withoutSubscription}
	}},
	{name: graph.TableResources, phase: "resources", conditions: resourceConditions, limited: true},
}

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

// inSubscriptions are the conditions on the rows of subscriptions.
func (t *table) inSubscriptions(f backend.Filter) []string {
	conditions := t.conditions(f)
	if t.tenant != nil {
		conditions = append([]string{withSubscription}, conditions...)
	}
	return conditions
}

// rows is the query for the rows that meet the conditions.
func (t *table) rows(conditions []string) string {
	projected := columns
	if t.name == graph.TableResources {
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

// setColumn takes a column of a row in.
func setColumn(r *graph.Row, column azure.Column) error {
	switch string(column.Name) {
	case "id":
		r.ID = column.Text()
	case "name":
		r.Name = column.Text()
	case "type":
		r.Type = column.Text()
	case "kind":
		r.Kind = column.Text()
	case "location":
		r.Location = column.Text()
	case "resourceGroup":
		r.ResourceGroup = column.Text()
	case "subscriptionId":
		r.SubscriptionID = column.Text()
	case "tenantId":
		r.TenantID = column.Text()
	case "managedBy":
		r.ManagedBy = column.Text()
	case "apiVersion":
		r.APIVersion = column.Text()
	case "sku":
		r.SKU = column.JSON()
	case "plan":
		r.Plan = column.JSON()
	case "tags":
		r.Tags = column.JSON()
	case "identity":
		r.Identity = column.JSON()
	case "zones":
		r.Zones = column.JSON()
	case "extendedLocation":
		r.ExtendedLocation = column.JSON()
	case "properties":
		r.Properties = column.JSON()
	}
	return nil
}
