package tenant

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestSyntheticChildren goes through what stands below the resources of a generated tenant.
func TestSyntheticChildren(t *testing.T) {
	made, err := Synthetic(SyntheticOptions{Resources: 2000, Subscriptions: 2, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	children := made.tables[tableARM]
	byType := map[string]int{}
	for _, subscription := range made.Subscriptions {
		for _, row := range children.InSubscription(subscription.ID) {
			id := children.Text(row, idColumn)
			byType[children.Text(row, typeColumn)]++
			if strings.ToLower(typeInID(id)) != children.Text(row, typeColumn) {
				t.Errorf("%s is of type %s", id, children.Text(row, typeColumn))
			}
			if found, ok := made.Find(strings.ToUpper(id)); !ok || found.Index != row {
				t.Errorf("%s is not found", id)
			}
			if !strings.EqualFold(children.Text(row, subscriptionIDColumn), subscription.ID) || children.Text(row, groupColumn) == "" {
				t.Errorf("%s says subscription %s, group %s", id, children.Text(row, subscriptionIDColumn), children.Text(row, groupColumn))
			}
			for i, column := range columns {
				if raw := children.AppendJSON(nil, row, i); !json.Valid(raw) {
					t.Errorf("%s: %s is %s", id, column.Name, raw)
				}
			}
			if _, ok := made.Provider(strings.Split(typeInID(id), "/")[0]); !ok {
				t.Errorf("%s: its provider is not known", id)
			}
		}
	}
	accounts := 0
	resources := made.Resources()
	for row := range uint32(resources.Len()) {
		if resources.Text(row, typeColumn) == "microsoft.storage/storageaccounts" {
			accounts++
		}
	}
	if got := byType["microsoft.storage/storageaccounts/blobservices/containers"]; got != 2*accounts || accounts == 0 {
		t.Errorf("%d containers in %d accounts", got, accounts)
	}
	for _, typ := range []string{"microsoft.authorization/locks", "microsoft.insights/diagnosticsettings", "microsoft.web/sites/config", "microsoft.sql/servers/firewallrules"} {
		if byType[typ] == 0 {
			t.Errorf("no %s", typ)
		}
	}
	if _, ok := made.View(tableARM, Scope{Whole: true}); ok {
		t.Error("Resource Graph shows what only Resource Manager has")
	}
	if _, ok := made.Find("/subscriptions/x/resourceGroups/y/providers/Microsoft.Storage/storageAccounts/z/blobServices/default"); ok {
		t.Error("a child of nothing is found")
	}
}
