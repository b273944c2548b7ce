package azuresim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	connectivity = "c0175050-0000-4000-8000-000000000001"
	production   = "c0175050-0000-4000-8000-000000000002"
	erp          = "/subscriptions/" + production + "/resourceGroups/rg-erp-prod/providers/"
)

// names are the names in a list.
func names(items []any) []string {
	list := []string{}
	for _, item := range items {
		name, _ := item.(map[string]any)["name"].(string)
		if name == "" {
			name, _ = item.(map[string]any)["displayName"].(string)
		}
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func TestLists(t *testing.T) {
	c := start(t, Config{})
	filter := func(text string) string { return "&$filter=" + url.QueryEscape(text) }
	resources := "/subscriptions/" + production + "/resources?api-version=2021-04-01"
	tests := map[string]string{
		"/subscriptions?api-version=2022-12-01":                                     "contoso-connectivity contoso-data contoso-development contoso-production",
		"/SUBSCRIPTIONS?API-VERSION=2022-12-01&api-version=2022-12-01":              "contoso-connectivity contoso-data contoso-development contoso-production",
		"/tenants?api-version=2022-12-01":                                           "Contoso",
		"/subscriptions/" + connectivity + "/resourcegroups?api-version=2021-04-01": "NetworkWatcherRG rg-hub-network rg-monitoring rg-private-dns",
		"/subscriptions/" + connectivity + "/resourceGroups?api-version=2021-04-01" + filter("tagName eq 'application' and tagValue eq 'monitoring'"): "rg-monitoring",
		resources + filter("resourceType eq 'Microsoft.Compute/virtualMachines'"):                                                                     "vm-erp-app-01 vm-erp-app-02 vm-erp-db-01 vm-erp-print-01",
		resources + filter("resourceType eq 'Microsoft.Sql/servers/databases'"):                                                                       "sql-storefront-prod/catalog sql-storefront-prod/master sql-storefront-prod/orders",
		resources + filter("substringof('app-0', name) and resourceType ne 'Microsoft.Compute/disks' and resourceGroup eq 'RG-ERP-PROD'"):             "nic-vm-erp-app-01 nic-vm-erp-app-02 vm-erp-app-01 vm-erp-app-02",
		resources + filter("tagName eq 'application' and tagValue eq 'security'"):                                                                     "id-aks-prod id-storefront-prod kv-contoso-prod nic-pe-kv-contoso-prod pe-kv-contoso-prod",
		resources + filter("startswith(tagName, 'nothing')"):                                                                                          "",
		resources + filter("name eq 'kv-contoso-prod' or name eq 'apim-contoso'"):                                                                     "apim-contoso kv-contoso-prod",
		"/subscriptions/" + production + "/resourceGroups/rg-backup-prod/resources?api-version=2021-04-01":                                            "aa-contoso-prod aa-contoso-prod/Export-CostReport aa-contoso-prod/Rotate-Secrets aa-contoso-prod/Start-Servers aa-contoso-prod/Stop-Servers rsv-contoso-prod stcontosobackup",

		erp + "Microsoft.Compute/virtualMachines?api-version=2024-11-01":                                                                                                                                       "vm-erp-app-01 vm-erp-app-02 vm-erp-db-01 vm-erp-print-01",
		"/subscriptions/" + production + "/providers/Microsoft.KeyVault/vaults?api-version=2024-11-01":                                                                                                         "kv-contoso-prod",
		erp + "Microsoft.Compute/virtualMachines/VM-erp-db-01/extensions?api-version=2024-11-01":                                                                                                               "AzureMonitorLinuxAgent customScript",
		erp + "Microsoft.Compute/sshPublicKeys?api-version=2024-11-01":                                                                                                                                         "ssh-erp-admins",
		erp + "Microsoft.Compute/virtualMachines/vm-erp-db-01/inventions?api-version=2024-11-01":                                                                                                               "InvalidResourceType",
		"/subscriptions/" + connectivity + "/resourceGroups/rg-hub-network/providers/Microsoft.Network/virtualNetworks/vnet-hub-weu/subnets?api-version=2024-07-01":                                            "AzureBastionSubnet AzureFirewallSubnet GatewaySubnet snet-shared",
		"/subscriptions/" + production + "/resourceGroups/rg-security-prod/providers/Microsoft.KeyVault/vaults/kv-contoso-prod/secrets?api-version=2024-11-01":                                                 "redis-connection supplier-api-key www-contoso-com",
		"/subscriptions/" + production + "/resourceGroups/rg-security-prod/providers/Microsoft.KeyVault/vaults/kv-contoso-prod/providers/Microsoft.Insights/diagnosticSettings?api-version=2021-05-01-preview": "to-central",
		"/subscriptions/" + production + "/resourceGroups/rg-web-prod/providers/Microsoft.Storage/storageAccounts/stcontosoassets/blobServices/default/containers?api-version=2024-01-01":                      "images invoices",
		"/subscriptions/" + production + "/resourceGroups/rg-web-prod/providers/Microsoft.Sql/servers/sql-none/databases?api-version=2023-08-01":                                                               "ParentResourceNotFound",
		"/providers/Microsoft.Management/managementGroups?api-version=2021-04-01":                                                                                                                              "c0175050-0000-4000-8000-0000000000c0 mg-contoso mg-landingzones mg-platform mg-sandboxes",
		"/providers/Microsoft.Management/managementGroups/mg-platform/descendants?api-version=2021-04-01":                                                                                                      connectivity,
	}
	for path, want := range tests {
		t.Run(path, func(t *testing.T) {
			answer := c.get(path)
			if code := answer.text("error", "code"); code != "" {
				if code != want {
					t.Errorf("%d %s", answer.status, answer.body)
				}
				return
			}
			if diff := cmp.Diff(want, strings.Join(names(answer.list("value")), " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestListsOfRoleAssignments(t *testing.T) {
	c := start(t, Config{})
	path := "/subscriptions/" + production + "/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01"
	scopes := func(filter string) map[string]int {
		if filter != "" {
			filter = "&$filter=" + url.QueryEscape(filter)
		}
		counts := map[string]int{}
		for _, item := range c.get(path + filter).list("value") {
			scope := item.(map[string]any)["properties"].(map[string]any)["scope"].(string)
			switch {
			case strings.HasPrefix(scope, "/providers/Microsoft.Management"):
				counts["above"]++
			case strings.EqualFold(scope, "/subscriptions/"+production):
				counts["at"]++
			case strings.HasPrefix(scope, "/subscriptions/"+production+"/"):
				counts["below"]++
			default:
				counts["elsewhere"]++
			}
		}
		return counts
	}
	if diff := cmp.Diff(map[string]int{"above": 3, "at": 2, "below": 7}, scopes("")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"above": 3, "at": 2}, scopes("atScope()")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"above": 1}, scopes("principalId eq '"+servicePrincipalObject+"'")); diff != "" {
		t.Error(diff)
	}
	definitions := c.get("/subscriptions/" + production + "/providers/Microsoft.Authorization/roleDefinitions?api-version=2022-04-01")
	if n := len(definitions.list("value")); n != 9 {
		t.Errorf("%d role definitions", n)
	}
}

func TestListsArePaged(t *testing.T) {
	c := start(t, Config{PageSize: 3})
	for _, path := range []string{
		"/subscriptions?api-version=2022-12-01",
		"/subscriptions/" + production + "/resources?api-version=2021-04-01&$filter=" + url.QueryEscape("resourceType eq 'Microsoft.Compute/disks'"),
		"/subscriptions/" + production + "/resources?api-version=2021-04-01&$top=2",
	} {
		t.Run(path, func(t *testing.T) {
			whole := start(t, Config{}).get(strings.Replace(path, "&$top=2", "", 1))
			var all []string
			for next := c.server.URL() + path; next != ""; {
				answer := c.get(next)
				page := answer.list("value")
				if len(page) == 0 || len(page) > 3 {
					t.Fatalf("%d items on a page: %s", len(page), answer.body)
				}
				all = append(all, names(page)...)
				next = answer.text("nextLink")
			}
			slices.Sort(all)
			if diff := cmp.Diff(names(whole.list("value")), all); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGetResource(t *testing.T) {
	c := start(t, Config{})
	t.Run("as Resource Manager shows it", func(t *testing.T) {
		answer := c.get(strings.ToUpper(erp) + "MICROSOFT.COMPUTE/VIRTUALMACHINES/VM-ERP-DB-01?api-version=2024-11-01")
		got := []any{answer.get("id"), answer.get("type"), answer.get("location"), answer.get("zones"), answer.get("resourceGroup"), answer.get("tenantId"), answer.get("kind"), answer.get("apiVersion"), answer.get("properties", "extended"), answer.get("properties", "hardwareProfile", "vmSize")}
		want := []any{erp + "Microsoft.Compute/virtualMachines/vm-erp-db-01", "Microsoft.Compute/virtualMachines", "westeurope", []any{"3"}, nil, nil, nil, nil, nil, "Standard_E8s_v5"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("that stands in its parent", func(t *testing.T) {
		answer := c.get("/subscriptions/" + connectivity + "/resourceGroups/rg-hub-network/providers/Microsoft.Network/virtualNetworks/vnet-hub-weu/subnets/gatewaysubnet?api-version=2024-07-01")
		if answer.text("properties", "addressPrefix") != "10.10.0.64/27" {
			t.Errorf("%d %s", answer.status, answer.body)
		}
	})
	t.Run("subscription", func(t *testing.T) {
		if answer := c.get("/subscriptions/" + production + "?api-version=2022-12-01"); answer.text("displayName") != "contoso-production" || answer.text("state") != "Enabled" {
			t.Errorf("%d %s", answer.status, answer.body)
		}
	})
	t.Run("resource group", func(t *testing.T) {
		if answer := c.get("/subscriptions/" + production + "/RESOURCEGROUPS/RG-erp-prod?api-version=2021-04-01"); answer.text("name") != "rg-erp-prod" || answer.text("type") != "Microsoft.Resources/resourceGroups" {
			t.Errorf("%d %s", answer.status, answer.body)
		}
	})
	t.Run("provider", func(t *testing.T) {
		answer := c.get("/subscriptions/" + production + "/providers/microsoft.keyvault?api-version=2021-04-01")
		var first map[string]any
		for _, item := range answer.list("resourceTypes") {
			if typ := item.(map[string]any); typ["resourceType"] == "vaults" {
				first = typ
			}
		}
		if diff := cmp.Diff([]any{"vaults", []any{"2024-12-01-preview", "2024-11-01", "2023-07-01"}, "2024-11-01"}, []any{first["resourceType"], first["apiVersions"], first["defaultApiVersion"]}); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("management group tree", func(t *testing.T) {
		answer := c.get("/providers/Microsoft.Management/managementGroups/" + c.server.Tenant().ID + "?api-version=2021-04-01&$expand=children&$recurse=true")
		var walk func(any) []string
		walk = func(node any) (found []string) {
			members := node.(map[string]any)
			found = append(found, fmt.Sprint(members["displayName"]))
			children, _ := members["children"].([]any)
			for _, child := range children {
				found = append(found, walk(child)...)
			}
			return found
		}
		want := []string{"Tenant Root Group", "Contoso", "Landing zones", "contoso-production", "contoso-development", "contoso-data", "Platform", "contoso-connectivity", "Sandboxes"}
		if diff := cmp.Diff(want, walk(answer.get("properties"))); diff != "" {
			t.Error(diff)
		}
	})
}

func TestErrors(t *testing.T) {
	c := start(t, Config{})
	if _, err := c.server.Inject(Faults{Deny: []string{connectivity}}); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		path, code, message string
		status              int
	}{
		"no version":          {"/subscriptions", "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.", 400},
		"bad version":         {"/subscriptions?api-version=latest", "InvalidApiVersionParameter", "The api-version 'latest' is invalid.", 400},
		"bad subscription":    {"/subscriptions/x?api-version=2022-12-01", "InvalidSubscriptionId", "'x' is malformed or invalid.", 400},
		"no subscription":     {"/subscriptions/99999999-0000-4000-8000-000000000009?api-version=2022-12-01", "SubscriptionNotFound", "The subscription '99999999-0000-4000-8000-000000000009' could not be found.", 404},
		"no group":            {"/subscriptions/" + production + "/resourceGroups/rg-none?api-version=2021-04-01", "ResourceGroupNotFound", "Resource group 'rg-none' could not be found.", 404},
		"no resource":         {erp + "Microsoft.Compute/virtualMachines/none?api-version=2024-11-01", "ResourceNotFound", "The Resource 'Microsoft.Compute/virtualMachines/none' under resource group 'rg-erp-prod' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix", 404},
		"no parent":           {erp + "Microsoft.Compute/virtualMachines/none/extensions/x?api-version=2024-11-01", "ParentResourceNotFound", "the parent resource 'Microsoft.Compute/virtualMachines/none' could not be found.", 404},
		"no child":            {erp + "Microsoft.Compute/virtualMachines/vm-erp-db-01/extensions/x?api-version=2024-11-01", "ResourceNotFound", "'Microsoft.Compute/virtualMachines/vm-erp-db-01/extensions/x'", 404},
		"other version":       {erp + "Microsoft.Compute/virtualMachines/vm-erp-db-01?api-version=2015-01-01", "NoRegisteredProviderFound", "The supported api-versions are '2024-11-01, 2024-07-01, 2024-03-01'.", 400},
		"no namespace":        {erp + "Microsoft.None/x/y?api-version=2024-11-01", "InvalidResourceNamespace", "The resource namespace 'Microsoft.None' is invalid.", 404},
		"no type":             {erp + "Microsoft.Compute/none/y?api-version=2024-11-01", "InvalidResourceType", "The resource type 'none' could not be found in the namespace 'Microsoft.Compute' for api version '2024-11-01'.", 404},
		"denied":              {"/subscriptions/" + connectivity + "/resourcegroups?api-version=2021-04-01", "AuthorizationFailed", "The client '" + DefaultClientID + "' with object id '" + servicePrincipalObject + "' does not have authorization to perform action 'Microsoft.Resources/subscriptions/resourceGroups/read' over scope", 403},
		"bad filter":          {"/subscriptions/" + production + "/resources?api-version=2021-04-01&$filter=name", "InvalidFilterInQueryString", "Invalid $filter 'name' specified", 400},
		"bad top":             {"/subscriptions/" + production + "/resources?api-version=2021-04-01&$top=0", "InvalidTopInQueryString", "Invalid $top '0'", 400},
		"no management group": {"/providers/Microsoft.Management/managementGroups/none?api-version=2021-04-01", "NotFound", "managementGroups/none' not found", 404},
		"no such path":        {"/nothing?api-version=2021-04-01", "NotFound", "'/nothing'", 404},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			answer := c.get(test.path)
			if answer.status != test.status || answer.text("error", "code") != test.code || !strings.Contains(answer.text("error", "message"), test.message) {
				t.Errorf("%d %s", answer.status, answer.body)
			}
			if answer.header.Get("x-ms-failure-cause") != "gateway" {
				t.Errorf("x-ms-failure-cause %q", answer.header.Get("x-ms-failure-cause"))
			}
		})
	}
	if answer := c.send(c.request(http.MethodPost, "/subscriptions/"+production+"/resourceGroups/rg-erp-prod?api-version=2021-04-01", nil)); answer.status != http.StatusMethodNotAllowed {
		t.Errorf("POST answered %d", answer.status)
	}
	// a denied subscription is listed all the same
	if n := len(c.get("/subscriptions?api-version=2022-12-01").list("value")); n != 4 {
		t.Errorf("%d subscriptions are listed", n)
	}
}

func TestTokenBuckets(t *testing.T) {
	clock := newClock()
	c := start(t, Config{Now: clock.Now})
	path := "/subscriptions/" + production + "?api-version=2022-12-01"
	first := c.get(path)
	got := []string{first.header.Get("x-ms-ratelimit-remaining-subscription-reads"), first.header.Get("x-ms-ratelimit-remaining-subscription-global-reads")}
	if diff := cmp.Diff([]string{"249", "3749"}, got); diff != "" {
		t.Error(diff)
	}
	for range 249 {
		c.get(path)
	}
	refused := c.get(path)
	if refused.status != http.StatusTooManyRequests || refused.text("error", "code") != "SubscriptionRequestsThrottled" || refused.header.Get("Retry-After") != "1" {
		t.Errorf("%d %s, Retry-After %q", refused.status, refused.body, refused.header.Get("Retry-After"))
	}
	if other := c.get("/subscriptions/" + connectivity + "?api-version=2022-12-01"); other.status != http.StatusOK {
		t.Errorf("another subscription answered %d", other.status)
	}
	if list := c.get("/subscriptions?api-version=2022-12-01"); list.header.Get("x-ms-ratelimit-remaining-tenant-reads") != "249" {
		t.Errorf("tenant reads %q", list.header.Get("x-ms-ratelimit-remaining-tenant-reads"))
	}
	clock.advance(time.Second)
	if again := c.get(path); again.status != http.StatusOK || again.header.Get("x-ms-ratelimit-remaining-subscription-reads") != "24" {
		t.Errorf("%d, %q left", again.status, again.header.Get("x-ms-ratelimit-remaining-subscription-reads"))
	}
}

// TestSyntheticTenant lists generated resources through Resource Manager.
func TestSyntheticTenant(t *testing.T) {
	c := start(t, Config{Tenant: mustSynthetic(t, 250, 2), PageSize: 40, NoARMLimits: true})
	total := 0
	for _, s := range c.server.Tenant().Subscriptions {
		for next := c.server.URL() + "/subscriptions/" + s.ID + "/resources?api-version=2021-04-01"; next != ""; {
			answer := c.get(next)
			total += len(answer.list("value"))
			next = answer.text("nextLink")
			for _, item := range answer.list("value")[:1] {
				id := item.(map[string]any)["id"].(string)
				typ := item.(map[string]any)["type"].(string)
				provider, _ := c.server.Tenant().Provider(strings.Split(typ, "/")[0])
				version := ""
				for _, known := range provider.Types {
					if provider.Namespace+"/"+known.Name == typ {
						version = known.Stable()
					}
				}
				if resource := c.get(id + "?api-version=" + version); resource.text("id") != id {
					t.Errorf("%s: %d %s", id, resource.status, resource.body)
				}
			}
		}
	}
	if total != 250 {
		t.Errorf("%d resources", total)
	}
}
