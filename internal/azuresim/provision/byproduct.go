package provision

import (
	"slices"
	"strings"
)

// Byproduct is a resource that a provider makes together with another.
type Byproduct struct {
	ID      string
	Members map[string]any
}

// embeddedTypes are children that their parent shows among its own properties, and that have no
// place of their own.
var embeddedTypes = []string{
	"microsoft.network/virtualnetworks/subnets", "microsoft.network/virtualnetworks/virtualnetworkpeerings", "microsoft.network/networksecuritygroups/securityrules",
	"microsoft.network/routetables/routes", "microsoft.network/loadbalancers/backendaddresspools", "microsoft.network/loadbalancers/inboundnatrules",
	"microsoft.network/applicationgateways/privateendpointconnections", "microsoft.network/virtualhubs/routetables",
}

// Embedded says whether resources of a type stand within their parent.
func Embedded(typ string) bool { return slices.Contains(embeddedTypes, strings.ToLower(typ)) }

// defaults are the children that common types have from the start, by their path below the parent.
var defaults = map[string][]string{
	"microsoft.storage/storageaccounts":                    {"blobServices/default", "fileServices/default", "queueServices/default", "tableServices/default"},
	"microsoft.web/sites":                                  {"basicPublishingCredentialsPolicies/ftp", "basicPublishingCredentialsPolicies/scm", "config/web"},
	"microsoft.eventhub/namespaces":                        {"authorizationRules/RootManageSharedAccessKey", "networkRuleSets/default"},
	"microsoft.servicebus/namespaces":                      {"authorizationRules/RootManageSharedAccessKey", "networkRuleSets/default"},
	"microsoft.eventhub/namespaces/eventhubs":              {"consumergroups/$Default"},
	"microsoft.servicebus/namespaces/topics/subscriptions": {"rules/$Default"},
	"microsoft.network/privatednszones":                    {"SOA/@"},
	"microsoft.network/dnszones":                           {"SOA/@", "NS/@"},
	"microsoft.sql/servers": {
		"databases/master", "connectionPolicies/default", "auditingSettings/default", "securityAlertPolicies/default", "encryptionProtector/current",
		"azureADOnlyAuthentications/Default",
	},
	"microsoft.sql/servers/databases": {"transparentDataEncryption/current", "backupShortTermRetentionPolicies/default", "backupLongTermRetentionPolicies/default"},
}

// contents are the properties of children that are made from the start and have some.
var contents = map[string]map[string]any{
	"authorizationRules/RootManageSharedAccessKey": {"rights": []any{"Listen", "Manage", "Send"}},
	"basicPublishingCredentialsPolicies/ftp":       {"allow": true},
	"basicPublishingCredentialsPolicies/scm":       {"allow": true},
	"networkRuleSets/default":                      {"defaultAction": "Allow", "publicNetworkAccess": "Enabled", "virtualNetworkRules": []any{}, "ipRules": []any{}},
	"transparentDataEncryption/current":            {"state": "Enabled"},
	"connectionPolicies/default":                   {"connectionType": "Default"},
	"azureADOnlyAuthentications/Default":           {"azureADOnlyAuthentication": false},
	"encryptionProtector/current":                  {"serverKeyName": "ServiceManaged", "serverKeyType": "ServiceManaged"},
	"backupShortTermRetentionPolicies/default":     {"retentionDays": int64(7)},
	"rules/$Default":                               {"filterType": "SqlFilter", "sqlFilter": map[string]any{"sqlExpression": "1=1", "compatibilityLevel": int64(20)}},
}

// withoutServices are the services that a kind of storage account lacks.
var withoutServices = map[string][]string{
	"blobstorage":      {"fileServices/default", "queueServices/default", "tableServices/default"},
	"blockblobstorage": {"fileServices/default", "queueServices/default", "tableServices/default"},
	"filestorage":      {"blobServices/default", "queueServices/default", "tableServices/default"},
}

// Byproducts are what a provider makes together with a new resource.
func Byproducts(id, typ string, made map[string]any) []Byproduct {
	var list []Byproduct
	lower := strings.ToLower(typ)
	kind, _ := made["kind"].(string)
	for _, path := range defaults[lower] {
		if slices.Contains(withoutServices[strings.ToLower(kind)], path) {
			continue
		}
		members := map[string]any{"properties": clone(contents[path])}
		if path == "databases/master" {
			members["location"] = made["location"]
		}
		list = append(list, Byproduct{id + "/" + path, members})
	}
	group := id[:max(0, strings.LastIndex(strings.ToLower(id), "/providers/"))]
	switch lower {
	case "microsoft.compute/virtualmachines":
		list = append(list, disks(group, id, made)...)
	case "microsoft.compute/virtualmachinescalesets":
		list = append(list, instances(id, made)...)
	case "microsoft.containerservice/managedclusters":
		list = append(list, pools(id, made)...)
	case "microsoft.documentdb/databaseaccounts":
		list = append(list, cosmosRoles(id)...)
	case "microsoft.network/privateendpoints":
		list = append(list, interfaceOf(group, id, made))
	case "microsoft.web/sites":
		name := id[strings.LastIndexByte(id, '/')+1:]
		list = append(list, Byproduct{id + "/hostNameBindings/" + strings.ToLower(name) + ".azurewebsites.net", map[string]any{"properties": map[string]any{"siteName": name, "hostNameType": "Verified"}}})
	}
	return list
}
