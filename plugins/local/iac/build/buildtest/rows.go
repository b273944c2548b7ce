// Package buildtest makes rows of snapshots for tests, by hand and at random.
package buildtest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// The tenant of all rows, and its two subscriptions.
const (
	TenantID = "c0175050-0000-4000-8000-0000000000c0"
	Sub1     = "11111111-1111-4111-8111-111111111111"
	Sub2     = "22222222-2222-4222-8222-222222222222"
)

// TypeOf is the type of the resource with an id: Microsoft.Network/virtualNetworks/subnets.
func TypeOf(id string) string {
	at := strings.LastIndex(strings.ToLower(id), "/providers/")
	if at < 0 {
		return ""
	}
	words := strings.Split(id[at+len("/providers/"):], "/")
	typ := words[0]
	for i := 1; i < len(words); i += 2 {
		typ += "/" + words[i]
	}
	return typ
}

// Resource is a row: of an id, and of what Azure answers for it beside id, name and type. Members that have no column of their own go to
// Extra.
func Resource(id, body string) graph.Row {
	row := graph.Row{Table: graph.TableResources, ID: id, Name: id[strings.LastIndexByte(id, '/')+1:], Type: TypeOf(id)}
	Columns(&row)
	fill(&row, body)
	switch strings.ToLower(row.Type) {
	case "microsoft.authorization/roleassignments", "microsoft.authorization/roledefinitions":
		row.Table = graph.TableAuthorization
	case "microsoft.management/managementgroups":
		row.Table = graph.TableContainers
	}
	return row
}

// Columns fills in the columns that follow from the id.
func Columns(row *graph.Row) {
	s := strings.Split(row.ID, "/")
	if len(s) > 2 && strings.EqualFold(s[1], "subscriptions") {
		row.SubscriptionID = s[2]
	}
	if len(s) > 4 && strings.EqualFold(s[3], "resourceGroups") {
		row.ResourceGroup = s[4]
	}
	row.TenantID = TenantID
}

// fill fills in what Azure answers.
func fill(row *graph.Row, body string) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte("{"+body+"}"), &members); err != nil {
		panic(fmt.Sprint(err, ": ", body))
	}
	extra := map[string]json.RawMessage{}
	for name, raw := range members {
		text := strings.Trim(string(raw), `"`)
		switch name {
		case "location":
			row.Location = text
		case "kind":
			row.Kind = text
		case "managedBy":
			row.ManagedBy = text
		case "apiVersion":
			row.APIVersion = text
		case "sku":
			row.SKU = raw
		case "plan":
			row.Plan = raw
		case "tags":
			row.Tags = raw
		case "identity":
			row.Identity = raw
		case "zones":
			row.Zones = raw
		case "extendedLocation":
			row.ExtendedLocation = raw
		case "properties":
			row.Properties = raw
		default:
			extra[name] = raw
		}
	}
	if len(extra) > 0 {
		row.Extra, _ = json.Marshal(extra)
	}
}

// Group is the row of a resource group.
func Group(id, body string) graph.Row {
	row := graph.Row{Table: graph.TableContainers, ID: id, Name: id[strings.LastIndexByte(id, '/')+1:], Type: "microsoft.resources/subscriptions/resourcegroups", Location: "westeurope"}
	Columns(&row)
	fill(&row, body)
	return row
}

// Subscription is the row of a subscription.
func Subscription(id string) graph.Row {
	row := graph.Row{Table: graph.TableContainers, ID: id, Name: id[strings.LastIndexByte(id, '/')+1:], Type: "microsoft.resources/subscriptions"}
	Columns(&row)
	return row
}
