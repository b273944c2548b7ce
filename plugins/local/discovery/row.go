package discovery

import (
	"bytes"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/part"
)

// setter takes a column or member of a row in.
type setter func(*graph.Row, azure.Column) error

func setterOf(form part.Form) setter {
	if form == part.FormARM {
		return setMember
	}
	return setColumn
}

// setColumn takes a column of Resource Graph in.
func setColumn(r *graph.Row, column azure.Column) error {
	switch string(column.Name) {
	case "resourceGroup":
		r.ResourceGroup = column.Text()
	case "subscriptionId":
		r.SubscriptionID = column.Text()
	case "tenantId":
		r.TenantID = column.Text()
	default:
		setCommon(r, column)
	}
	return nil
}

// setMember takes a member of a resource of Resource Manager in. What has no column goes to Extra.
func setMember(r *graph.Row, member azure.Column) error {
	if setCommon(r, member) {
		return nil
	}
	if member.JSON() == nil {
		return nil
	}
	separator := []byte{','}
	if r.Extra == nil {
		separator = []byte{'{'}
	}
	r.Extra = slices.Concat(bytes.TrimSuffix(r.Extra, []byte{'}'}), separator, []byte{'"'}, member.Name, []byte{'"', ':'}, member.Value, []byte{'}'})
	return nil
}

// setCommon takes in what both forms have.
func setCommon(r *graph.Row, column azure.Column) bool {
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
	case "apiVersion": // of Resource Manager's rows, only a part says it
		r.APIVersion = column.Text()
	case "managedBy":
		r.ManagedBy = column.Text()
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
	default:
		return false
	}
	return true
}

// complete says of a row what the row itself does not: where it came from and, of one of Resource
// Manager's, what only its id tells.
func (s *scan) complete(r *graph.Row, t *table, form part.Form) {
	if form == part.FormGraph {
		r.Table = t.name
		return
	}
	r.Table, r.TenantID = "arm", s.scope.tenant.ID
	r.Name = r.Name[strings.LastIndexByte(r.Name, '/')+1:] // lists have parent/child
	r.Location = strings.ToLower(strings.ReplaceAll(r.Location, " ", ""))
	r.SubscriptionID, r.ResourceGroup = scopeOf(r.ID)
	switch strings.ToLower(r.Type) {
	case "microsoft.authorization/roleassignments", "microsoft.authorization/roledefinitions":
		r.Table = graph.TableAuthorization
	case "microsoft.resources/resourcegroups", "microsoft.resources/subscriptions/resourcegroups":
		r.Table, r.Type, r.ResourceGroup = graph.TableContainers, "microsoft.resources/subscriptions/resourcegroups", r.Name
	case "microsoft.resources/subscriptions", "microsoft.management/managementgroups":
		r.Table = graph.TableContainers
	}
}

// scopeOf is the subscription and the resource group in an ARM id; empty where it has none.
func scopeOf(id string) (subscription, group string) {
	segments := strings.SplitN(id, "/", 6)
	if len(segments) > 2 && strings.EqualFold(segments[1], "subscriptions") {
		subscription = segments[2]
	}
	if len(segments) > 4 && strings.EqualFold(segments[3], "resourceGroups") {
		group = segments[4]
	}
	return strings.ToLower(subscription), group
}
