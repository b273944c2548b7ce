package provision

import (
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

// stateless are the types, or with a slash at the end all types, that show no provisioningState.
var stateless = []string{
	"microsoft.authorization/", "microsoft.insights/", "microsoft.web/", "microsoft.managedidentity/", "microsoft.storage/storageaccounts/", "microsoft.keyvault/vaults/",
	"microsoft.portal/", "microsoft.eventgrid/systemtopics/eventsubscriptions", "microsoft.sql/", "microsoft.documentdb/databaseaccounts/", "microsoft.network/dnszones",
	"microsoft.automation/automationaccounts/", "microsoft.datafactory/factories/", "microsoft.dbforpostgresql/", "microsoft.resources/tags", "microsoft.eventhub/namespaces/",
	"microsoft.servicebus/namespaces/", "microsoft.cache/redis/", "microsoft.operationalinsights/workspaces/", "microsoft.network/privatednszones/",
}

// added are properties with what the provider adds.
func added(r *Request, properties map[string]any) map[string]any {
	typ := strings.ToLower(r.Type)
	made := clone(properties)
	state := true
	for _, prefix := range stateless {
		if strings.HasPrefix(typ, prefix) {
			state = false
		}
	}
	if state {
		made["provisioningState"] = "Succeeded"
	}
	kept := func(name string, value any) {
		if before := at(r.Before, "properties."+name); before != nil {
			value = before
		}
		made[name] = value
	}
	now := r.Now.UTC().Format("2006-01-02T15:04:05.0000000Z")
	name := r.Name[strings.LastIndexByte(r.Name, '/')+1:]
	switch typ {
	case "microsoft.managedidentity/userassignedidentities":
		kept("principalId", Principal(r.ID))
		kept("clientId", expression.GUID("client", strings.ToLower(r.ID)))
		made["tenantId"] = r.TenantID
	case "microsoft.compute/virtualmachines":
		kept("vmId", expression.GUID("vm", strings.ToLower(r.ID)))
		kept("timeCreated", now)
	case "microsoft.compute/disks", "microsoft.compute/snapshots":
		kept("timeCreated", now)
		kept("uniqueId", expression.GUID("disk", strings.ToLower(r.ID)))
		kept("diskState", "Unattached")
	case "microsoft.authorization/roleassignments":
		scope := r.ID[:strings.LastIndex(strings.ToLower(r.ID), "/providers/microsoft.authorization/")]
		if scope == "" {
			scope = "/"
		}
		made["scope"] = scope
		kept("createdOn", now)
		kept("createdBy", r.Caller)
		made["updatedOn"], made["updatedBy"] = now, r.Caller
	case "microsoft.keyvault/vaults":
		made["vaultUri"] = "https://" + strings.ToLower(name) + ".vault.azure.net/"
	case "microsoft.storage/storageaccounts":
		endpoints := map[string]any{}
		for _, service := range []string{"blob", "file", "queue", "table", "dfs", "web"} {
			endpoints[service] = "https://" + name + "." + service + ".core.windows.net/"
		}
		kept("primaryEndpoints", endpoints)
		kept("creationTime", now)
		made["statusOfPrimary"] = "available"
	case "microsoft.web/sites":
		made["state"], made["defaultHostName"] = "Running", strings.ToLower(name)+".azurewebsites.net"
	case "microsoft.sql/servers":
		made["state"], made["fullyQualifiedDomainName"] = "Ready", name+".database.windows.net"
	case "microsoft.operationalinsights/workspaces":
		kept("customerId", expression.GUID("workspace", strings.ToLower(r.ID)))
	case "microsoft.insights/components":
		kept("AppId", expression.GUID("app", strings.ToLower(r.ID)))
		kept("InstrumentationKey", expression.GUID("instrumentation", strings.ToLower(r.ID)))
	case "microsoft.containerregistry/registries":
		made["loginServer"] = strings.ToLower(name) + ".azurecr.io"
		kept("creationDate", now)
	case "microsoft.network/virtualnetworks", "microsoft.network/networksecuritygroups", "microsoft.network/networkinterfaces", "microsoft.network/publicipaddresses",
		"microsoft.network/loadbalancers", "microsoft.network/routetables", "microsoft.network/applicationgateways", "microsoft.network/privateendpoints":
		kept("resourceGuid", expression.GUID("network", strings.ToLower(r.ID)))
	}
	nameChildren(r, made)
	return made
}

// nameChildren gives the children that stand inside a resource of Microsoft.Network their ids. A
// virtual network that is written without subnets or peerings keeps those that it has.
func nameChildren(r *Request, properties map[string]any) {
	typ := strings.ToLower(r.Type)
	if !strings.HasPrefix(typ, "microsoft.network/") {
		return
	}
	if typ == "microsoft.network/virtualnetworks" {
		for _, name := range []string{"subnets", "virtualNetworkPeerings"} {
			if _, ok := properties[name]; ok {
				continue
			}
			if before := at(r.Before, "properties."+name); before != nil {
				properties[name] = before
			}
		}
	}
	for member, value := range properties {
		list, ok := value.([]any)
		if !ok || strings.EqualFold(member, "securityPartnerProviders") {
			continue
		}
		for _, item := range list {
			child, ok := item.(map[string]any)
			name, named := child["name"].(string)
			inner, hasProperties := child["properties"].(map[string]any)
			if !hasProperties && len(child) == 1 { // a name alone makes one, too
				inner = map[string]any{}
			}
			if !ok || !named || inner == nil {
				continue
			}
			child["properties"] = inner
			child["id"] = r.ID + "/" + member + "/" + name
			if _, ok := child["type"]; !ok {
				child["type"] = r.Type + "/" + member
			}
			inner["provisioningState"] = "Succeeded"
		}
	}
}

// setKind sets the kind of types whose provider decides on it.
func setKind(r *Request, made map[string]any) {
	sku, _ := at(made, "sku.name").(string)
	switch strings.ToLower(r.Type) {
	case "microsoft.cdn/profiles":
		made["kind"] = "cdn"
		if strings.HasSuffix(strings.ToLower(sku), "_azurefrontdoor") {
			made["kind"] = "frontdoor"
		}
	case "microsoft.sql/servers":
		made["kind"] = "v12.0"
	case "microsoft.sql/servers/databases":
		kind := "v12.0,user"
		if strings.Contains(sku, "_") {
			kind += ",vcore"
		}
		made["kind"] = kind
	}
}
