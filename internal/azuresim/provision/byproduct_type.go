package provision

import (
	"fmt"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

// disks are those that a virtual machine makes of its image, or empty.
func disks(group, id string, made map[string]any) []Byproduct {
	profile, _ := at(made, "properties.storageProfile").(map[string]any)
	var all []any
	if data, ok := profile["dataDisks"].([]any); ok {
		all = append(all, data...)
	}
	all = append(all, profile["osDisk"])
	var list []Byproduct
	for _, item := range all {
		disk, ok := item.(map[string]any)
		name, _ := disk["name"].(string)
		how, _ := disk["createOption"].(string)
		if !ok || name == "" || !strings.EqualFold(how, "FromImage") && !strings.EqualFold(how, "Empty") {
			continue
		}
		properties := map[string]any{"provisioningState": "Succeeded", "diskState": "Attached", "creationData": map[string]any{"createOption": how}}
		if size, ok := disk["diskSizeGB"]; ok {
			properties["diskSizeGB"] = size
		}
		if system, ok := disk["osType"]; ok {
			properties["osType"] = system
		}
		members := map[string]any{"location": made["location"], "zones": made["zones"], "managedBy": id, "properties": properties}
		if sku := at(disk, "managedDisk.storageAccountType"); sku != nil {
			members["sku"] = map[string]any{"name": sku}
		}
		list = append(list, Byproduct{group + "/providers/Microsoft.Compute/disks/" + name, members})
	}
	return list
}

// interfaceOf is the network interface of a private endpoint.
func interfaceOf(group, id string, made map[string]any) Byproduct {
	name, _ := at(made, "properties.customNetworkInterfaceName").(string)
	if name == "" {
		name = id[strings.LastIndexByte(id, '/')+1:] + ".nic." + expression.GUID("nic", strings.ToLower(id))
	}
	configuration := map[string]any{
		"name": "privateEndpointIpConfig",
		"properties": map[string]any{
			"privateIPAllocationMethod": "Dynamic", "primary": true, "subnet": at(made, "properties.subnet"), "provisioningState": "Succeeded",
		},
	}
	return Byproduct{group + "/providers/Microsoft.Network/networkInterfaces/" + name, map[string]any{
		"location": made["location"],
		"properties": map[string]any{
			"provisioningState": "Succeeded", "privateEndpoint": map[string]any{"id": id}, "ipConfigurations": []any{configuration},
		},
	}}
}

// instances are those of a scale set, as many as its SKU's capacity says.
func instances(id string, made map[string]any) []Byproduct {
	n, _ := expression.Integer(at(made, "sku.capacity"))
	var list []Byproduct
	for i := range min(n, 1000) {
		instance := fmt.Sprintf("%s/virtualMachines/%d", id, i)
		list = append(list, Byproduct{instance, map[string]any{
			"location": made["location"], "sku": made["sku"],
			"properties": map[string]any{"provisioningState": "Succeeded", "latestModelApplied": true, "vmId": expression.GUID("vm", strings.ToLower(instance))},
		}})
	}
	return list
}

// pools are the node pools of a cluster that its own properties describe.
func pools(id string, made map[string]any) []Byproduct {
	profiles, _ := at(made, "properties.agentPoolProfiles").([]any)
	var list []Byproduct
	for _, item := range profiles {
		profile, ok := item.(map[string]any)
		name, _ := profile["name"].(string)
		if !ok || name == "" {
			continue
		}
		properties := clone(profile)
		delete(properties, "name")
		properties["provisioningState"] = "Succeeded"
		list = append(list, Byproduct{id + "/agentPools/" + name, map[string]any{"properties": properties}})
	}
	return list
}

// cosmosRoles are the two roles that every account of Cosmos DB defines.
func cosmosRoles(id string) []Byproduct {
	var list []Byproduct
	for n, name := range []string{"Cosmos DB Built-in Data Reader", "Cosmos DB Built-in Data Contributor"} {
		list = append(list, Byproduct{fmt.Sprintf("%s/sqlRoleDefinitions/00000000-0000-0000-0000-%012d", id, n+1), map[string]any{
			"properties": map[string]any{"roleName": name, "type": "BuiltInRole", "assignableScopes": []any{id}},
		}})
	}
	return list
}

// Watcher is the network watcher that Azure makes with the first virtual network of a region in a
// subscription, and the resource group that it stands in.
func Watcher(subscription, location string) (group, watcher Byproduct) {
	id := "/subscriptions/" + subscription + "/resourceGroups/NetworkWatcherRG"
	done := map[string]any{"provisioningState": "Succeeded"}
	return Byproduct{id, map[string]any{"location": location, "properties": done}},
		Byproduct{id + "/providers/Microsoft.Network/networkWatchers/NetworkWatcher_" + location, map[string]any{"location": location, "properties": clone(done)}}
}
