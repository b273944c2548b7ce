package azuresim

import (
	"net/http"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// Whatever a tenant holds answers through Resource Manager by its id, and stands in the list of its
// type at its parent, from whichever table it comes.
func TestEveryRowAnswersByIDAndInItsList(t *testing.T) {
	c := start(t, Config{NoARMLimits: true})
	tables := map[string]string{ // a query for each table that Resource Graph shows
		"resources": "", "networkresources": "", "dnsresources": "", "appserviceresources": "", "computeresources": "",
		"insightsresources": "", "kubernetesconfigurationresources": "", "deploymentresources": "", "managedserviceresources": "",
		"recoveryservicesresources": " | where type !has 'protecteditems'", // listed by an address of its own
		"policyresources":           " | where type !has 'policystates'",
	}
	for name, condition := range tables {
		t.Run(name, func(t *testing.T) {
			c := &caller{t: t, server: c.server, client: c.client, token: c.token}
			rows := c.graph(map[string]any{"query": name + condition + " | project id"}).list("data")
			if len(rows) == 0 {
				t.Fatal("no rows")
			}
			listed := map[string]map[string]bool{} // ids by collection
			for _, row := range rows {
				id := row.(map[string]any)["id"].(string)
				version := "?api-version=" + versionOf(c.server.Tenant(), id)
				if got := c.get(id + version); got.status != http.StatusOK || !strings.EqualFold(got.text("id"), id) {
					t.Errorf("%s: %d %s", id, got.status, got.body)
				}
				collection := id[:strings.LastIndexByte(id, '/')]
				if listed[collection] == nil {
					listed[collection] = map[string]bool{}
					for _, item := range c.get(collection + version).list("value") {
						listed[collection][strings.ToLower(item.(map[string]any)["id"].(string))] = true
					}
				}
				if !listed[collection][strings.ToLower(id)] {
					t.Errorf("%s is not in its list", id)
				}
			}
		})
	}
}

func versionOf(t *tenant.Tenant, id string) string {
	typ, _ := tenant.TypeOf(id)
	namespace, name, _ := strings.Cut(typ, "/")
	provider, _ := t.Provider(namespace)
	for _, known := range provider.Types {
		if strings.EqualFold(known.Name, name) {
			return known.Stable()
		}
	}
	return ""
}
