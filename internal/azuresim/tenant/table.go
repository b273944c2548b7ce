package tenant

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/kql"
)

// The tables that Resource Manager's own answers come from. tableARM is none of Resource Graph's:
// its rows are resources that only Resource Manager shows, such as untracked children.
const (
	tableResources     = "resources"
	tableContainers    = "resourcecontainers"
	tableAuthorization = "authorizationresources"
	tableARM           = "arm"
)

// documented are the tables of Resource Graph.
// https://learn.microsoft.com/azure/governance/resource-graph/reference/supported-tables-resources
var documented = []string{
	"advisorresources", "alertsmanagementresources", "appserviceresources", tableAuthorization,
	"awsresources", "azurebusinesscontinuityresources", "azuredevopsplatformresources",
	"batchresources", "capabilityresources", "chaosresources", "communitygalleryresources",
	"computeresources", "deploymentresources", "desktopvirtualizationresources", "dnsresources",
	"edgeorderresources", "elasticsanresources", "extendedlocationresources",
	"extensibilityresourcechanges", "featureresources", "guestconfigurationresources",
	"healthresourcechanges", "healthresources", "impactreportresources", "insightsresources",
	"iotsecurityresources", "kubernetesconfigurationresources", "kustoresources",
	"maintenanceresources", "managedserviceresources", "migrateresources", "networkresources",
	"orbitalresources", "patchassessmentresources", "patchinstallationresources",
	"policyresources", "quotaresources", "recoveryservicesresources", "resourcechanges",
	"resourcecontainerchanges", tableContainers, tableResources, "securityresources",
	"servicefabricresources", "servicehealthresources", "spotresources", "supportresources",
	"tagsresources", "zoneresources",
}

// columns are those of every table; a tenant file may bring further ones.
var columns = []kql.Column{
	{Name: "id"}, {Name: "name"}, {Name: "type"}, {Name: "tenantId"}, {Name: "kind"},
	{Name: "location"}, {Name: "resourceGroup"}, {Name: "subscriptionId"}, {Name: "managedBy"},
	{Name: "sku", Type: kql.Dynamic}, {Name: "plan", Type: kql.Dynamic},
	{Name: "properties", Type: kql.Dynamic}, {Name: "tags", Type: kql.Dynamic},
	{Name: "identity", Type: kql.Dynamic}, {Name: "zones", Type: kql.Dynamic},
	{Name: "extendedLocation", Type: kql.Dynamic}, {Name: "apiVersion"},
}

// The positions of the columns that lookups use.
const (
	idColumn             = 0
	nameColumn           = 1
	typeColumn           = 2
	groupColumn          = 6
	subscriptionIDColumn = 7
)

var emptyTable = &memoryTable{columns: columns}

// memoryTable keeps its rows as the JSON of their cells.
type memoryTable struct {
	columns []kql.Column
	cells   [][]json.RawMessage // by row and column; nil is an empty cell

	indices        kql.Index
	index          sync.Once
	byID           []uint32
	find           map[string]uint32
	bySubscription map[string][]uint32
	byGroup        map[string][]uint32
}

// append adds a row; its members must be compact JSON.
func (t *memoryTable) append(row map[string]json.RawMessage) error {
	cells := make([]json.RawMessage, len(t.columns))
	for name, raw := range row {
		i := slices.IndexFunc(t.columns, func(c kql.Column) bool { return c.Name == name })
		isText := raw[0] == '"'
		switch {
		case i < 0:
			c := kql.Column{Name: name, Type: kql.Dynamic}
			if isText {
				c.Type = kql.String
			}
			t.columns = append(slices.Clip(t.columns), c)
			cells = append(cells, raw)
			continue
		case string(raw) == "null":
			continue
		case t.columns[i].Type == kql.String && !isText:
			if i < len(columns) {
				return fmt.Errorf("column %s must be a string, not %.40s", name, raw)
			}
			t.columns[i].Type = kql.Dynamic
		}
		cells[i] = raw
	}
	t.cells = append(t.cells, cells)
	return nil
}

// Index implements kql.Indexed; rows are added only before the table is served.
func (t *memoryTable) Index() *kql.Index { return &t.indices }

func (t *memoryTable) Columns() []kql.Column { return t.columns }

func (t *memoryTable) Len() int { return len(t.cells) }

func (t *memoryTable) cell(row uint32, column int) json.RawMessage {
	if cells := t.cells[row]; column < len(cells) {
		return cells[column]
	}
	return nil
}

func (t *memoryTable) Text(row uint32, column int) string {
	raw := t.cell(row, column)
	if len(raw) == 0 {
		return ""
	}
	if inner := raw[1 : len(raw)-1]; !slices.Contains(inner, '\\') {
		return string(inner)
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return string(raw)
	}
	return s
}

func (t *memoryTable) AppendJSON(dst []byte, row uint32, column int) []byte {
	raw := t.cell(row, column)
	if raw == nil {
		return append(dst, emptyCell(t.columns[column])...)
	}
	return append(dst, raw...)
}

// emptyCell is what Resource Graph writes where a resource has no such property.
func emptyCell(c kql.Column) string {
	if c.Type == kql.String {
		return `""`
	}
	return "null"
}

func (t *memoryTable) buildIndex() {
	t.find = map[string]uint32{}
	t.bySubscription = map[string][]uint32{}
	t.byGroup = map[string][]uint32{}
	ids := make([]string, t.Len())
	for row := range uint32(t.Len()) {
		t.byID = append(t.byID, row)
		ids[row] = t.Text(row, idColumn)
		if key := strings.ToLower(ids[row]); !hasKey(t.find, key) {
			t.find[key] = row
		}
		subscription := strings.ToLower(t.Text(row, subscriptionIDColumn))
		t.bySubscription[subscription] = append(t.bySubscription[subscription], row)
		if group := strings.ToLower(t.Text(row, groupColumn)); group != "" {
			key := subscription + "/" + group
			t.byGroup[key] = append(t.byGroup[key], row)
		}
	}
	slices.SortStableFunc(t.byID, func(a, b uint32) int { return strings.Compare(ids[a], ids[b]) })
}

func hasKey(m map[string]uint32, key string) bool {
	_, ok := m[key]
	return ok
}

func (t *memoryTable) ByID() []uint32 {
	t.index.Do(t.buildIndex)
	return t.byID
}

func (t *memoryTable) Find(id string) (uint32, bool) {
	t.index.Do(t.buildIndex)
	row, ok := t.find[strings.ToLower(id)]
	return row, ok
}

func (t *memoryTable) InSubscription(subscription string) []uint32 {
	t.index.Do(t.buildIndex)
	return t.bySubscription[strings.ToLower(subscription)]
}

func (t *memoryTable) InGroup(subscription, group string) []uint32 {
	t.index.Do(t.buildIndex)
	return t.byGroup[strings.ToLower(subscription+"/"+group)]
}
