package armschema_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
)

func lookup(t *testing.T, name string) *armschema.Type {
	t.Helper()
	typ, ok := armschema.Lookup(name)
	if !ok {
		t.Fatalf("%s is unknown", name)
	}
	return typ
}

// flags say of a property "read-only required secret", as far as it is; "unknown" of one that is not there. A path goes
// through lists and maps, and through a variant with {value}: properties{AzureBlobStorage}.
func flags(t *testing.T, typ *armschema.Type, path string) string {
	t.Helper()
	at := typ.Body
	var p *armschema.Property
	for part := range strings.SplitSeq(path, ".") {
		name, variant, _ := strings.Cut(strings.TrimSuffix(part, "}"), "{")
		for at != nil && (at.Kind == armschema.List || at.Kind == armschema.Map) {
			at = at.Items
		}
		var ok bool
		if p, ok = at.Property(name); !ok {
			return "unknown"
		}
		if at = p.Schema; variant != "" {
			at = at.Variant(variant)
		}
	}
	var all []string
	for flag, is := range map[string]bool{"read-only": p.ReadOnly, "write-only": p.WriteOnly, "required": p.Required, "secret": p.Secret} {
		if is {
			all = append(all, flag)
		}
	}
	if len(all) == 0 {
		return "writable"
	}
	return strings.Join(sorted(all), " ")
}

func TestProperties(t *testing.T) {
	for _, c := range []struct{ typ, path, want string }{
		{"Microsoft.Storage/storageAccounts", "kind", "required"},
		{"Microsoft.Storage/storageAccounts", "location", "required"},
		{"Microsoft.Storage/storageAccounts", "tags", "writable"},
		{"Microsoft.Storage/storageAccounts", "sku", "required"},
		{"Microsoft.Storage/storageAccounts", "sku.name", "required"},
		{"Microsoft.Storage/storageAccounts", "sku.tier", "read-only"},
		{"Microsoft.Storage/storageAccounts", "id", "read-only"},
		{"Microsoft.Storage/storageAccounts", "identity.principalId", "read-only"},
		{"Microsoft.Storage/storageAccounts", "identity.userAssignedIdentities", "writable"},
		{"Microsoft.Storage/storageAccounts", "identity.userAssignedIdentities.clientId", "read-only"},
		{"Microsoft.Storage/storageAccounts", "properties.accessTier", "writable"},
		{"Microsoft.Storage/storageAccounts", "properties.networkAcls", "writable"},
		{"Microsoft.Storage/storageAccounts", "properties.encryption.keyvaultproperties.keyname", "writable"},
		{"Microsoft.Storage/storageAccounts", "properties.primaryEndpoints", "read-only"},
		{"Microsoft.Storage/storageAccounts", "properties.ACCESSTIER", "writable"},
		{"Microsoft.Storage/storageAccounts", "properties.nothingOfThisName", "unknown"},
		{"Microsoft.Compute/virtualMachines", "properties.osProfile.adminPassword", "secret write-only"},
		{"Microsoft.Compute/virtualMachines", "properties.osProfile.customData", "secret write-only"},
		{"Microsoft.Compute/virtualMachines", "properties.osProfile.adminUsername", "writable"},
		{"Microsoft.Compute/virtualMachines", "properties.vmId", "read-only"},
		{"Microsoft.Compute/virtualMachines", "properties.instanceView", "read-only"},
		{"Microsoft.Compute/virtualMachines", "properties.networkProfile.networkInterfaces.id", "writable"},
		{"Microsoft.Compute/virtualMachines", "zones", "writable"},
		{"Microsoft.Compute/virtualMachines", "plan.publisher", "writable"},
		{"Microsoft.Compute/virtualMachines/extensions", "properties.protectedSettings", "secret write-only"},
		{"Microsoft.Compute/virtualMachines/extensions", "properties.settings", "writable"},
		{"Microsoft.Network/virtualNetworks", "properties.subnets.properties.addressPrefix", "writable"},
		{"Microsoft.Network/virtualNetworks", "properties.subnets.properties.provisioningState", "read-only"},
		{"Microsoft.Network/virtualNetworks", "properties.subnets.properties.networkSecurityGroup.id", "writable"},
		{"Microsoft.Network/virtualNetworks/subnets", "properties.addressPrefix", "writable"},
		{"Microsoft.Sql/servers", "properties.administratorLoginPassword", "secret write-only"},
		{"Microsoft.Sql/servers", "properties.administratorLogin", "writable"},
		{"Microsoft.Sql/servers", "properties.fullyQualifiedDomainName", "read-only"},
		{"Microsoft.KeyVault/vaults", "properties.accessPolicies.permissions.keys", "writable"},
		{"Microsoft.KeyVault/vaults/secrets", "properties.value", "secret write-only"},
		{"Microsoft.KeyVault/vaults/secrets", "properties.secretUri", "read-only"},
		{"Microsoft.Web/sites", "properties.siteConfig.appSettings.name", "writable"},
		{"Microsoft.Web/sites", "properties.defaultHostName", "read-only"},
		{"Microsoft.Web/sites", "properties.serverFarmId", "writable"},
		{"Microsoft.Authorization/roleAssignments", "properties.principalId", "required"},
		{"Microsoft.Authorization/roleAssignments", "properties.roleDefinitionId", "required"},
		{"Microsoft.Authorization/roleAssignments", "properties.createdOn", "read-only"},
		{"Microsoft.Authorization/locks", "properties.level", "required"},
		{"Microsoft.Authorization/policyAssignments", "properties.policyDefinitionId", "writable"},
		{"Microsoft.Insights/diagnosticSettings", "properties.workspaceId", "writable"},
		{"Microsoft.Insights/diagnosticSettings", "properties.logs.categoryGroup", "writable"},
		{"Microsoft.Resources/resourceGroups", "location", "required"},
		{"Microsoft.Resources/resourceGroups", "tags", "writable"},
		{"Microsoft.Resources/resourceGroups", "managedBy", "writable"},
		{"Microsoft.Resources/resourceGroups", "properties.provisioningState", "read-only"},
		{"Microsoft.DataFactory/factories/linkedServices", "properties{AzureBlobStorage}.typeProperties.serviceEndpoint", "writable"},
		{"Microsoft.DataFactory/factories/linkedServices", "properties{AzureBlobStorage}.description", "writable"},
		{"Microsoft.DataFactory/factories/linkedServices", "properties{azuresqldatabase}.typeProperties.connectionString", "secret"},
		{"Microsoft.DataFactory/factories/linkedServices", "properties.typeProperties", "unknown"},
		{"Microsoft.Network/firewallPolicies/ruleCollectionGroups", "properties.ruleCollections{FirewallPolicyNatRuleCollection}.action", "unknown"},
		{"Microsoft.Logic/workflows", "properties.definition", "writable"},
		{"Microsoft.Network/dnsZones/A", "properties.ARecords.ipv4Address", "writable"},
		{"Microsoft.ManagedIdentity/userAssignedIdentities", "properties", "read-only"},
		{"Microsoft.ContainerService/managedClusters", "properties.servicePrincipalProfile.secret", "secret"},
		{"Microsoft.ContainerService/managedClusters", "properties.agentPoolProfiles.count", "writable"},
		{"Microsoft.App/containerApps", "properties.configuration.secrets.value", "secret write-only"},
		{"Microsoft.ServiceBus/namespaces", "properties.minimumTlsVersion", "writable"},
		{"Microsoft.Insights/workbooks", "properties.displayName", "required"},
		{"Microsoft.Web/connections", "properties.api.id", "writable"},
		{"Microsoft.ApiManagement/service/namedValues", "properties.value", "secret write-only"},
		{"Microsoft.EventGrid/systemTopics/eventSubscriptions", "properties.destination{WebHook}.properties.endpointUrl", "secret write-only"},
		{"Microsoft.Automation/automationAccounts/certificates", "properties.base64Value", "required secret write-only"},
		{"Microsoft.Network/virtualNetworks/virtualNetworkPeerings", "properties.peeringState", "read-only"},
		{"Microsoft.OperationalInsights/workspaces", "properties.customerId", "read-only"},
	} {
		t.Run(c.typ+"/"+c.path, func(t *testing.T) {
			if got := flags(t, lookup(t, c.typ), c.path); got != c.want {
				t.Errorf("%s, not %s", got, c.want)
			}
		})
	}
}

func TestTypes(t *testing.T) {
	type facts struct {
		Name     string
		Scopes   armschema.Scope
		Writable bool
		Listed   bool
		Names    []string
	}
	const group = armschema.ScopeResourceGroup
	for asked, want := range map[string]facts{
		"microsoft.storage/storageaccounts":                        {"Microsoft.Storage/storageAccounts", group, true, true, nil},
		"MICROSOFT.STORAGE/STORAGEACCOUNTS/BLOBSERVICES":           {"Microsoft.Storage/storageAccounts/blobServices", group, true, true, []string{"default"}},
		"microsoft.sql/servers/administrators":                     {"Microsoft.Sql/servers/administrators", group, true, true, []string{"ActiveDirectory"}},
		"microsoft.authorization/roleassignments":                  {"Microsoft.Authorization/roleAssignments", armschema.ScopeExtension, true, true, nil},
		"microsoft.authorization/locks":                            {"Microsoft.Authorization/locks", armschema.ScopeSubscription | group | armschema.ScopeExtension, true, true, nil},
		"microsoft.insights/diagnosticsettings":                    {"Microsoft.Insights/diagnosticSettings", armschema.ScopeExtension, true, true, nil},
		"microsoft.insights/components":                            {"Microsoft.Insights/components", group, true, true, nil},
		"microsoft.resources/resourcegroups":                       {"Microsoft.Resources/resourceGroups", armschema.ScopeSubscription, true, true, nil},
		"microsoft.resources/subscriptions/resourcegroups":         {"Microsoft.Resources/resourceGroups", armschema.ScopeSubscription, true, true, nil},
		"microsoft.resources/subscriptions":                        {"Microsoft.Resources/subscriptions", armschema.ScopeTenant, false, true, nil},
		"microsoft.management/managementgroups":                    {"Microsoft.Management/managementGroups", armschema.ScopeTenant, true, true, nil},
		"microsoft.network/dnszones/txt":                           {"Microsoft.Network/dnsZones/TXT", group, true, true, nil},
		"microsoft.network/loadbalancers/frontendipconfigurations": {"Microsoft.Network/loadBalancers/frontendIPConfigurations", group, false, true, nil},
	} {
		t.Run(asked, func(t *testing.T) {
			got := lookup(t, asked)
			if d := cmp.Diff(want, facts{got.Name, got.Scopes, got.Writable, got.Listed, got.Names}); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if got.Writable != (got.Body != nil) {
				t.Error("a body without its being writable, or the other way")
			}
		})
	}
	for _, asked := range []string{"", "microsoft.storage", "microsoft.storage/", "microsoft.storage/nothing", "microsoft.compute/locations/vmsizes"} {
		if got, ok := armschema.Lookup(asked); ok {
			t.Errorf("%q is %s", asked, got.Name)
		}
	}
}

func TestFreeForm(t *testing.T) {
	body := lookup(t, "Microsoft.Logic/workflows").Body
	p, _ := body.Property("properties")
	definition, _ := p.Schema.Property("definition")
	tags, _ := body.Property("tags")
	if definition.Schema.Kind != armschema.Any || tags.Schema.Kind != armschema.Map || tags.Schema.Items.Kind != armschema.String {
		t.Errorf("definition %v, tags %v", definition.Schema.Kind, tags.Schema.Kind)
	}
}

func TestBodyByName(t *testing.T) {
	config := lookup(t, "Microsoft.Web/sites/config")
	for name, want := range map[string]armschema.Kind{"appsettings": armschema.Map, "APPSETTINGS": armschema.Map, "web": armschema.Object} {
		p, ok := config.BodyOf(name).Property("properties")
		if !ok || p.Schema.Kind != want {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if account := lookup(t, "Microsoft.Storage/storageAccounts"); account.BodyOf("any") != account.Body {
		t.Error("a body for a name that decides nothing")
	}
}

func TestVariants(t *testing.T) {
	p, _ := lookup(t, "Microsoft.DataFactory/factories/linkedservices").Body.Property("properties")
	s := p.Schema
	if s.Discriminator != "type" || len(s.Variants) < 100 {
		t.Fatalf("%q of %d variants", s.Discriminator, len(s.Variants))
	}
	if s.Variant("AzureBlobStorage") != s.Variant("azureblobstorage") || s.Variant("no such thing") != s || s.Variant("AzureBlobStorage") == s {
		t.Error("a variant is not what its value says")
	}
}

func TestVersions(t *testing.T) {
	version := regexp.MustCompile(`^20[12]\d-[01]\d-[0-3]\d(-[a-z]+)?$`)
	for _, name := range armschema.Names() {
		if v := lookup(t, name).Version; !version.MatchString(v) {
			t.Errorf("%s has version %q", name, v)
		}
	}
	for name, least := range map[string]string{
		"Microsoft.Storage/storageAccounts":       "2025-08-01",
		"Microsoft.Network/virtualNetworks":       "2025-07-01",
		"Microsoft.Compute/virtualMachines":       "2025-04-01",
		"Microsoft.Insights/diagnosticSettings":   "2021-05-01-preview",
		"Microsoft.Authorization/roleAssignments": "2022-04-01",
	} {
		if v := lookup(t, name).Version; v < least {
			t.Errorf("%s has version %s", name, v)
		}
	}
}

func TestBelow(t *testing.T) {
	want := []string{
		"Microsoft.KeyVault/vaults/accessPolicies", "Microsoft.KeyVault/vaults/keys",
		"Microsoft.KeyVault/vaults/privateEndpointConnections", "Microsoft.KeyVault/vaults/secrets",
	}
	if d := cmp.Diff(want, armschema.Below("microsoft.keyvault/VAULTS")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if below := armschema.Below("microsoft.keyvault/nothing"); len(below) > 0 {
		t.Error(below)
	}
}
