package azuresim

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// TestWhatResourcesDoNotHave asks for services, settings and children that a resource does not have.
func TestWhatResourcesDoNotHave(t *testing.T) {
	const group = "/subscriptions/" + production + "/resourceGroups/rg-x/providers/"
	name := filepath.Join(t.TempDir(), "tenant.jsonl")
	lines := ""
	for _, row := range [][3]string{
		{"resources", "Microsoft.Storage/storageAccounts/blobs", "BlobStorage"},
		{"resources", "Microsoft.Storage/storageAccounts/files", "FileStorage"},
		{"resources", "Microsoft.Storage/storageAccounts/both", "StorageV2"},
		{"arm", "Microsoft.Storage/storageAccounts/both/fileServices/default", ""},
		{"resources", "Microsoft.Network/routeTables/rt", ""},
		{"resources", "Microsoft.KeyVault/vaults/kv", ""},
		{"dnsresources", "Microsoft.Network/dnsZones/example.org/A/www", ""},
	} {
		typ, _ := tenant.TypeOf(group + row[1])
		lines += fmt.Sprintf(`{"table":%q,"row":{"id":%q,"name":"x","type":%q,"kind":%q,"subscriptionId":%q,"resourceGroup":"rg-x","properties":{}}}`+"\n",
			row[0], group+row[1], typ, row[2], production)
	}
	if err := os.WriteFile(name, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	made, err := tenant.Load(file, tenant.ContosoID)
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, Config{Tenant: made})
	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"Microsoft.Storage/storageAccounts/blobs/fileServices/default?api-version=2023-05-01":                                                        {400, "FeatureNotSupportedForAccount"},
		"Microsoft.Storage/storageAccounts/blobs/fileServices/default/shares?api-version=2023-05-01":                                                 {400, "FeatureNotSupportedForAccount"},
		"Microsoft.Storage/storageAccounts/files/blobServices/default?api-version=2023-05-01":                                                        {400, "FeatureNotSupportedForAccount"},
		"Microsoft.Storage/storageAccounts/files/tableServices?api-version=2023-05-01":                                                               {400, "FeatureNotSupportedForAccount"},
		"Microsoft.Storage/storageAccounts/both/fileServices/default?api-version=2023-05-01":                                                         {200, ""},
		"Microsoft.Storage/storageAccounts/both/fileServices/default/shares?api-version=2023-05-01":                                                  {200, ""},
		"Microsoft.Storage/storageAccounts/none/fileServices/default?api-version=2023-05-01":                                                         {404, "ParentResourceNotFound"},
		"Microsoft.Network/routeTables/rt/providers/Microsoft.Insights/diagnosticSettings?api-version=2021-05-01-preview":                            {400, "ResourceTypeNotSupported"},
		"Microsoft.KeyVault/vaults/kv/providers/Microsoft.Insights/diagnosticSettings?api-version=2021-05-01-preview":                                {200, ""},
		"Microsoft.KeyVault/vaults/none/providers/Microsoft.Insights/diagnosticSettings?api-version=2021-05-01-preview":                              {404, "ResourceNotFound"},
		"Microsoft.KeyVault/vaults/none/providers/Microsoft.Authorization/locks?api-version=2020-05-01":                                              {404, "ResourceNotFound"},
		"Microsoft.KeyVault/vaults/none/secrets?api-version=2023-07-01":                                                                              {404, "ParentResourceNotFound"},
		"Microsoft.Authorization/locks?api-version=2020-05-01":                                                                                       {200, ""},
		"Microsoft.Network/dnsZones/example.org/A/www?api-version=2018-05-01":                                                                        {200, ""},
		"Microsoft.Storage/storageAccounts/both/fileServices/default/providers/Microsoft.Insights/diagnosticSettings?api-version=2021-05-01-preview": {200, ""},
		"Microsoft.Storage/storageAccounts/both/fileServices/absent/providers/Microsoft.Insights/diagnosticSettings?api-version=2021-05-01-preview":  {404, "ResourceNotFound"},
	} {
		t.Run(path, func(t *testing.T) {
			c.t = t
			answer := c.get(group + path)
			if answer.status != want.status || answer.text("error", "code") != want.code {
				t.Errorf("%d %s", answer.status, answer.body)
			}
		})
	}
	c.t = t
	if answer := c.get("/subscriptions/" + production + "/providers/Microsoft.Authorization/locks?api-version=2020-05-01"); answer.status != http.StatusOK {
		t.Errorf("%d %s", answer.status, answer.body)
	}
}
