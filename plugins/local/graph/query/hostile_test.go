package query

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Whatever Azure returns, every view and every named query answers: nobody's resource hides the others.
func TestHostileTenant(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 1500) + "1" + strings.Repeat("}", 1500)
	strange := []string{
		deep, `{}`, `{"securityRules":"x","networkAcls":"y","publicNetworkAccess":{"a":1},"diskState":[1],"attributes":"z","managementGroupAncestorsChain":"x","principalId":7,"permissions":"x"}`,
		`{"securityRules":[1,"x",null,{},{"name":3,"properties":"x"},{"properties":{"direction":"Inbound","access":"Allow","protocol":"*","sourceAddressPrefix":[1],"sourceAddressPrefixes":"x","destinationPortRange":{"a":1},"destinationPortRanges":"22"}}]}`,
		`{"securityRules":{"a":{"properties":{"direction":"Inbound"}}},"attributes":{"exp":"soon","enabled":"x"},"managementGroupAncestorsChain":[1,"x",{"name":7},{"name":null}]}`,
		`{"attributes":{"exp":1e300},"ipRules":"x","publicNetworkAccess":null,"minimumTlsVersion":7,"permissions":[1,{"actions":"x"},{"actions":[1,null,{}]}]}`,
		`{"permissions":[{"actions":["*"]}],"roleName":"'; DROP TABLE x; --","type":"CustomRole","scope":"/","principalId":"00000001-0000-4000-8000-000000000000","roleDefinitionId":"x"}`,
	}
	types := map[string]string{
		"microsoft.management/managementgroups": "resourcecontainers", "microsoft.resources/subscriptions": "resourcecontainers", "microsoft.resources/subscriptions/resourcegroups": "resourcecontainers",
		"microsoft.authorization/roleassignments": "authorizationresources", "microsoft.authorization/roledefinitions": "authorizationresources",
	}
	for _, typ := range strings.Fields(`microsoft.network/networksecuritygroups microsoft.network/publicipaddresses microsoft.network/networkinterfaces microsoft.network/routetables
		microsoft.storage/storageaccounts microsoft.storage/storageaccounts/blobservices/containers microsoft.compute/disks microsoft.compute/virtualmachines microsoft.keyvault/vaults
		microsoft.keyvault/vaults/secrets microsoft.sql/servers microsoft.sql/servers/firewallrules microsoft.sql/servers/databases/transparentdataencryption microsoft.web/sites microsoft.web/serverfarms
		microsoft.managedidentity/userassignedidentities microsoft.automation/automationaccounts/variables microsoft.documentdb/databaseaccounts microsoft.cache/redis`) {
		types[typ] = "resources"
	}
	var lines strings.Builder
	add := func(l any) {
		if err := json.NewEncoder(&lines).Encode(l); err != nil {
			t.Fatal(err)
		}
	}
	for typ, table := range types {
		for i, properties := range strange {
			name := fmt.Sprintf("=%d\"'\x1b[2J\u202e\n*?[%%_", i)
			id := "/subscriptions/s/resourceGroups/g/providers/" + typ + "/" + name
			switch typ {
			case "microsoft.resources/subscriptions":
				id = fmt.Sprint("/subscriptions/s", i)
			case "microsoft.management/managementgroups":
				id = fmt.Sprint("/providers/microsoft.management/managementgroups/m", i)
			}
			add(map[string]any{
				"table": table, "id": id, "name": name, "type": typ, "location": "[x", "subscription": "s", "group": "g", "properties": json.RawMessage(properties),
				"tags": json.RawMessage([]string{`{"a":{"b":1}}`, `[1]`, `"x"`, `{"":null}`}[i%4]),
			})
		}
	}
	for i, raw := range []string{deep, `"x"`, `{"passwordCredentials":"x","keyCredentials":[1,"y",{"endDateTime":7},{"endDateTime":"never"}],"userType":["Guest"]}`, `{"userType":"Guest","passwordCredentials":{"endDateTime":"2026-03-05T00:00:00Z"}}`} {
		add(map[string]any{"table": "identity", "id": fmt.Sprintf("%08d-0000-4000-8000-000000000000", i), "kind": []string{"user", "application"}[i%2], "name": "=cmd()", "raw": json.RawMessage(raw)})
		add(map[string]any{"table": "identity", "id": fmt.Sprintf("%08d-0000-4000-8000-000000000000", 10+i), "kind": "application", "raw": json.RawMessage(raw)})
	}
	r := write(t, strings.NewReader(lines.String()))
	var requests []backend.SnapshotQueryRequest
	for _, v := range viewNames() {
		requests = append(requests, backend.SnapshotQueryRequest{SQL: "SELECT * FROM " + v})
	}
	for _, q := range namedQueries() {
		request := backend.SnapshotQueryRequest{Name: q.name}
		if len(q.parameters) > 0 {
			for _, value := range []string{"", "x", "=0\"'\x1b[2J\u202e\n*?[%_", "[1,", "-1e999", "22,,x"} {
				request.Args = []string{value}
				requests = append(requests, request)
			}
			continue
		}
		requests = append(requests, request)
	}
	for _, request := range requests {
		for _, format := range []string{"ndjson", "csv"} {
			request.Format = format
			if _, _, err := run(t, Query{Reader: r}, &request); err != nil && !strings.Contains(err.Error(), "not \"") { // the argument is refused
				t.Errorf("%s%s %q: %v", request.SQL, request.Name, request.Args, fault.As(err))
			}
		}
	}
	if _, err := Exposure(t.Context(), r); err != nil {
		t.Error(err)
	}
}
