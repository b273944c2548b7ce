package provision

import (
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

// required are members, by their path, without which common types cannot be created.
var required = map[string][]string{
	"microsoft.storage/storageaccounts":                        {"sku.name", "kind"},
	"microsoft.keyvault/vaults":                                {"properties.tenantId", "properties.sku.name"},
	"microsoft.keyvault/vaults/secrets":                        {"properties"},
	"microsoft.network/virtualnetworks":                        {"properties.addressSpace"},
	"microsoft.network/networkinterfaces":                      {"properties.ipConfigurations"},
	"microsoft.network/privateendpoints":                       {"properties.subnet.id"},
	"microsoft.network/privatednszones/virtualnetworklinks":    {"properties.virtualNetwork.id"},
	"microsoft.network/virtualnetworks/virtualnetworkpeerings": {"properties.remoteVirtualNetwork.id"},
	"microsoft.compute/virtualmachines/extensions":             {"properties.publisher", "properties.type", "properties.typeHandlerVersion"},
	"microsoft.compute/disks":                                  {"properties.creationData.createOption"},
	"microsoft.authorization/roleassignments":                  {"properties.roleDefinitionId", "properties.principalId"},
	"microsoft.authorization/locks":                            {"properties.level"},
	"microsoft.authorization/policyassignments":                {"properties.policyDefinitionId"},
	"microsoft.app/containerapps":                              {"properties"},
	"microsoft.sql/servers/firewallrules":                      {"properties.startIpAddress", "properties.endIpAddress"},
	"microsoft.operationsmanagement/solutions":                 {"properties.workspaceResourceId"},
	"microsoft.insights/components":                            {"kind"},
	"microsoft.containerregistry/registries":                   {"sku.name"},
	"microsoft.network/connections":                            {"properties.connectionType"},
}

// newWith are members that a resource needs only when it is created: secrets that a later request
// may leave out.
var newWith = map[string][]string{
	"microsoft.keyvault/vaults/secrets": {"properties.value"},
}

func checkRequired(r *Request, made map[string]any) *Refusal {
	typ := strings.ToLower(r.Type)
	paths := required[typ]
	if r.Before == nil {
		paths = append(paths[:len(paths):len(paths)], newWith[typ]...)
	}
	for _, path := range paths {
		if value := at(made, path); value == nil || value == "" {
			return badRequest("InvalidRequestContent", "Required property '%s' not found in JSON of the resource '%s'.", path, r.Name)
		}
	}
	if typ == "microsoft.sql/servers" && r.Before == nil {
		return checkServerLogin(r, made)
	}
	return nil
}

// checkServerLogin holds that a server has a login and password, or admits identities of the
// directory alone.
func checkServerLogin(r *Request, made map[string]any) *Refusal {
	if at(made, "properties.administrators.azureADOnlyAuthentication") == true {
		return nil
	}
	for _, name := range []string{"administratorLogin", "administratorLoginPassword"} {
		if value := at(made, "properties."+name); value == nil || value == "" {
			return badRequest("InvalidParameterValue", "Invalid value given for parameter %s of the server '%s'. Specify a valid parameter value.", name, r.Name)
		}
	}
	return nil
}

// at is the value at a path of member names, nil if there is none.
func at(object map[string]any, path string) any {
	var value any = object
	for name := range strings.SplitSeq(path, ".") {
		members, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value, _ = expression.Member(members, name)
	}
	return value
}
