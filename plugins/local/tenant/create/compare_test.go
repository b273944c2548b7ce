package create

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/build"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/secrets"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

const (
	testTenant = "c0175050-0000-4000-8000-0000000000c0"
	testSub    = "11111111-1111-4111-8111-111111111111"
	inWeb      = "/subscriptions/" + testSub + "/resourceGroups/web/providers/"
)

// rowOf is a row of a resource, from what Azure answers of it.
func rowOf(t *testing.T, id, body string) graph.Row {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte("{"+body+"}"), &members); err != nil {
		t.Fatal(err)
	}
	text := func(name string) string { return strings.Trim(string(members[name]), `"`) }
	return graph.Row{
		Table: graph.TableResources, ID: id, Name: name(id), Type: typeOf(id), Kind: text("kind"), Location: text("location"), SubscriptionID: testSub, ResourceGroup: "web",
		TenantID: testTenant, APIVersion: text("apiVersion"), SKU: members["sku"], Tags: members["tags"], Identity: members["identity"], Zones: members["zones"], Properties: members["properties"],
	}
}

// made makes the resources of rows, by id.
func made(t *testing.T, rows ...graph.Row) map[string]*template.Resource {
	t.Helper()
	store, err := graph.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w, err := store.NewWriter(t.Context(), graph.Meta{TenantID: testTenant, CreatedAt: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add(rows); err != nil {
		t.Fatal(err)
	}
	snapshot, err := w.Finish(t.Context(), backend.Coverage{Complete: true})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := store.Open(t.Context(), snapshot.ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reader.Close)
	built, err := build.Build(t.Context(), reader, build.Options{IncludeDefaults: true, Split: template.SplitDeployment}, report.New())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*template.Resource{}
	for _, u := range built.Units {
		if err := built.Each(t.Context(), u, func(r *template.Resource) error {
			all[r.ID] = r
			return context.Cause(t.Context())
		}); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestWhatDiffers(t *testing.T) {
	const (
		account = inWeb + "Microsoft.Storage/storageAccounts/shop"
		network = inWeb + "Microsoft.Network/virtualNetworks/vnet"
		rules   = inWeb + "Microsoft.Network/networkSecurityGroups/nsg"
		strange = inWeb + "Contoso.Strange/things/thing"
		machine = inWeb + "Microsoft.Compute/virtualMachines/vm"
		mine    = inWeb + "Microsoft.ManagedIdentity/userAssignedIdentities/mine"
	)
	cases := map[string]struct {
		id, want, have string
		differs        []string
	}{
		"the same": {account, `"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{"accessTier":"Hot"}`,
			`"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS","tier":"Standard"},"properties":{"accessTier":"Hot","provisioningState":"Succeeded","creationTime":"x"}`, nil},
		"words in another case": {account, `"location":"West Europe","kind":"storagev2","sku":{"name":"standard_lrs"},"properties":{"accessTier":"hot"}`,
			`"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{"accessTier":"Hot"}`, nil},
		"another region, tier and size": {account, `"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{"accessTier":"Hot"}`,
			`"location":"northeurope","kind":"StorageV2","sku":{"name":"Standard_GRS"},"properties":{"accessTier":"Cool"}`, []string{"location", "properties.accessTier", "sku.name"}},
		"a property is missing": {account, `"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{"supportsHttpsTrafficOnly":true}`,
			`"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{}`, []string{"properties.supportsHttpsTrafficOnly"}},
		"what is off is not told": {account, `"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{"isHnsEnabled":false}`,
			`"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"}`, nil},
		"no tags": {account, `"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"tags":{"env":"prod"}`,
			`"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"}`, []string{"tags.env"}},
		"a tag has another case": {account, `"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"tags":{"env":"prod"}`,
			`"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"tags":{"Env":"Prod"}`, []string{"tags.env"}},
		"more tags than are wanted": {account, `"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"tags":{"env":"prod"}`,
			`"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"tags":{"Env":"prod","made-by":"policy"}`, nil},
		"lists in another order": {network, `"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16","10.1.0.0/16"]},"subnets":[{"name":"a","properties":{"addressPrefix":"10.0.0.0/24"}},{"name":"b","properties":{"addressPrefix":"10.0.1.0/24"}}]}`,
			`"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.1.0.0/16","10.0.0.0/16"]},"subnets":[{"name":"B","etag":"x","properties":{"addressPrefix":"10.0.1.0/24"}},{"name":"a","id":"…","properties":{"addressPrefix":"10.0.0.0/24","provisioningState":"Succeeded"}}]}`, nil},
		"an item differs, and one is missing": {network, `"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"subnets":[{"name":"a","properties":{"addressPrefix":"10.0.0.0/24"}},{"name":"b","properties":{"addressPrefix":"10.0.1.0/24"}}]}`,
			`"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"subnets":[{"name":"a","properties":{"addressPrefix":"10.0.9.0/24"}}]}`,
			[]string{"properties.subnets[a].properties.addressPrefix", "properties.subnets[b]"}},
		"an item too many": {network, `"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"subnets":[{"name":"a","properties":{"addressPrefix":"10.0.0.0/24"}}]}`,
			`"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16","10.9.0.0/16"]},"subnets":[{"name":"a","properties":{"addressPrefix":"10.0.0.0/24"}},{"name":"b"}]}`,
			[]string{"properties.addressSpace.addressPrefixes", "properties.subnets"}},
		"numbers by their value": {rules, `"location":"westeurope","properties":{"securityRules":[{"name":"r","properties":{"priority":100,"protocol":"Tcp","access":"Allow","direction":"Inbound"}}]}`,
			`"location":"westeurope","properties":{"securityRules":[{"name":"r","properties":{"priority":1e2,"protocol":"TCP","access":"allow","direction":"inbound"}}],"defaultSecurityRules":[{"name":"x"}]}`, nil},
		"another number": {rules, `"location":"westeurope","properties":{"securityRules":[{"name":"r","properties":{"priority":100,"protocol":"Tcp","access":"Allow","direction":"Inbound"}}]}`,
			`"location":"westeurope","properties":{"securityRules":[{"name":"r","properties":{"priority":101,"protocol":"Tcp","access":"Allow","direction":"Inbound"}}]}`,
			[]string{"properties.securityRules[r].properties.priority"}},
		"ids in any case": {rules, `"location":"westeurope","properties":{"flushConnection":true},"tags":{"a":"1"}`,
			`"Location":"WestEurope","Properties":{"FlushConnection":true},"Tags":{"a":"1"}`, nil},
		"a role of another scope": {inWeb + "Microsoft.Storage/storageAccounts/shop/providers/Microsoft.Authorization/roleAssignments/8192befb-e8d0-5588-87a1-8f516ec862d4",
			`"properties":{"roleDefinitionId":"/subscriptions/` + testSub + `/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7","principalId":"8192befb-e8d0-5588-87a1-8f516ec862d5"}`,
			`"properties":{"roleDefinitionId":"/providers/Microsoft.Authorization/RoleDefinitions/ACDD72a7-3385-48ef-bd42-f606fba81ae7","principalId":"8192befb-E8D0-5588-87a1-8f516ec862d5"}`, nil},
		"an unknown type": {strange, `"apiVersion":"2024-01-01","location":"westeurope","properties":{"mode":"fast","note":"Some text","when":"2026-01-02T03:04:05Z","count":3,"target":"` + network + `"}`,
			`"location":"westeurope","properties":{"mode":"Fast","note":"Some text","when":"2026-01-02T04:04:05+01:00","count":"3","target":"` + strings.ToUpper(network) + `/"}`, nil},
		"another text of an unknown type": {strange, `"apiVersion":"2024-01-01","location":"westeurope","properties":{"note":"Some text"}`,
			`"location":"westeurope","properties":{"note":"some text"}`, []string{"properties.note"}},
		"a secret is not compared": {machine, `"location":"westeurope","properties":{"hardwareProfile":{"vmSize":"Standard_B1s"},"osProfile":{"computerName":"vm","adminUsername":"me","adminPassword":"` + secrets.Placeholder("${secret:pw}") + `"}}`,
			`"location":"westeurope","properties":{"hardwareProfile":{"vmSize":"standard_b1s"},"osProfile":{"computerName":"vm","adminUsername":"me"}}`, nil},
		"an identity of both kinds": {account, `"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"identity":{"type":"SystemAssigned,UserAssigned","userAssignedIdentities":{"` + mine + `":{}}}`,
			`"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"identity":{"type":"UserAssigned, SystemAssigned","principalId":"x","userAssignedIdentities":{"` + strings.ToLower(mine) + `":{"clientId":"y"}}}`, nil},
		"an identity is missing": {account, `"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"identity":{"type":"UserAssigned","userAssignedIdentities":{"` + mine + `":{}}}`,
			`"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"identity":{"type":"SystemAssigned"}`, []string{"identity.type", "identity.userAssignedIdentities"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			res := made(t, rowOf(t, c.id, c.want))[c.id]
			if res == nil {
				t.Fatal("nothing was made")
			}
			got, err := differences(res, []byte("{"+c.have+"}"))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.differs, got); d != "" {
				t.Errorf("what differs (-want +got):\n%s", d)
			}
		})
	}
}
