package tenant

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/kql"
)

func isTenantID(c kql.Column) bool { return c.Name == "tenantId" }

// addImplied adds the subscriptions and resource groups that resources stand in but that no row of
// resourcecontainers describes, so that a file with nothing but resources is a whole tenant.
func (t *Tenant) addImplied() error {
	for _, name := range []string{tableResources, tableContainers, tableAuthorization, tableARM} {
		if t.tables[name] == nil {
			t.tables[name] = &memoryTable{columns: columns}
		}
	}
	containers, ok := t.tables[tableContainers].(*memoryTable)
	if !ok {
		return nil // made with all that it needs
	}
	known := map[string]bool{}
	for row := range uint32(containers.Len()) {
		known[strings.ToLower(containers.Text(row, idColumn))] = true
	}
	var missing []map[string]any
	add := func(id, name, typ, subscription, group, location string, properties any) {
		if known[strings.ToLower(id)] {
			return
		}
		known[strings.ToLower(id)] = true
		missing = append(missing, map[string]any{
			"id": id, "name": name, "type": typ, "tenantId": t.ID, "subscriptionId": subscription,
			"resourceGroup": group, "location": location, "properties": properties,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(t.tables)) {
		table, ok := t.tables[name].(*memoryTable)
		if !ok {
			continue
		}
		for row := range uint32(table.Len()) {
			subscription := strings.ToLower(table.Text(row, subscriptionIDColumn))
			if subscription == "" {
				continue
			}
			subscriptionID := "/subscriptions/" + subscription
			add(subscriptionID, subscription, typeSubscription, subscription, "", "",
				map[string]any{"state": "Enabled", "managementGroupAncestorsChain": []any{}})
			if group := groupOf(table.Text(row, idColumn)); group != "" {
				add(subscriptionID+"/resourceGroups/"+group, group, typeGroup, subscription, group,
					table.Text(row, columnOf(table, "location")), map[string]any{"provisioningState": "Succeeded"})
			}
		}
	}
	for _, row := range missing {
		if err := containers.appendAny(row); err != nil {
			return err
		}
	}
	return nil
}

// groupOf is the resource group in an id, in the id's own spelling.
func groupOf(id string) string {
	segments := strings.Split(id, "/")
	if len(segments) > 4 && strings.EqualFold(segments[3], "resourceGroups") {
		return segments[4]
	}
	return ""
}

// appendAny adds a row given as plain values.
func (t *memoryTable) appendAny(row map[string]any) error {
	cells := map[string]json.RawMessage{}
	for name, value := range row {
		raw, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("column %s: %w", name, err)
		}
		cells[name] = raw
	}
	return t.append(cells)
}
