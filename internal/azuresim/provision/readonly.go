package provision

import "strings"

// everywhere are properties that providers set by themselves and ignore in requests.
var everywhere = []string{"provisioningState", "etag", "resourceGuid", "creationTime", "createdTime", "lastModifiedTime"}

// readOnly are the properties, by their path below properties, that providers of common types
// ignore in requests: what they compute, and links back from other resources. A segment * stands
// for each element of an array.
var readOnly = map[string][]string{
	"microsoft.network/virtualnetworks": {
		"subnets.*.properties.ipConfigurations", "subnets.*.properties.ipConfigurationProfiles", "subnets.*.properties.privateEndpoints",
		"subnets.*.properties.resourceNavigationLinks", "subnets.*.properties.serviceAssociationLinks", "subnets.*.properties.purpose",
		"virtualNetworkPeerings.*.properties.peeringState", "virtualNetworkPeerings.*.properties.peeringSyncLevel",
	},
	"microsoft.network/virtualnetworks/subnets":                {"ipConfigurations", "ipConfigurationProfiles", "privateEndpoints", "resourceNavigationLinks", "serviceAssociationLinks", "purpose"},
	"microsoft.network/virtualnetworks/virtualnetworkpeerings": {"peeringState", "peeringSyncLevel", "remoteVirtualNetworkAddressSpace", "remoteAddressSpace"},
	"microsoft.network/networksecuritygroups":                  {"defaultSecurityRules", "networkInterfaces", "subnets"},
	"microsoft.network/routetables":                            {"subnets"},
	"microsoft.network/natgateways":                            {"subnets"},
	"microsoft.network/networkinterfaces": {
		"macAddress", "primary", "virtualMachine", "privateEndpoint", "privateLinkService", "hostedWorkloads", "vnetEncryptionSupported", "tapConfigurations",
		"defaultOutboundConnectivityEnabled", "dnsSettings.appliedDnsServers", "dnsSettings.internalDomainNameSuffix", "dnsSettings.internalFqdn",
		"ipConfigurations.*.properties.privateLinkConnectionProperties",
	},
	"microsoft.network/publicipaddresses": {"ipConfiguration", "ipAddress", "natGateway", "dnsSettings.fqdn"},
	"microsoft.network/loadbalancers": {
		"backendAddressPools.*.properties.backendIPConfigurations", "backendAddressPools.*.properties.loadBalancingRules", "backendAddressPools.*.properties.outboundRule",
		"backendAddressPools.*.properties.outboundRules", "backendAddressPools.*.properties.inboundNatRules", "frontendIPConfigurations.*.properties.inboundNatRules",
		"frontendIPConfigurations.*.properties.loadBalancingRules", "frontendIPConfigurations.*.properties.outboundRules", "probes.*.properties.loadBalancingRules",
		"inboundNatRules.*.properties.backendIPConfiguration",
	},
	"microsoft.network/firewallpolicies":                                 {"firewalls", "childPolicies", "ruleCollectionGroups"},
	"microsoft.network/applicationgatewaywebapplicationfirewallpolicies": {"applicationGateways", "httpListeners", "pathBasedRules", "resourceState"},
	"microsoft.network/applicationgateways":                              {"operationalState", "defaultPredefinedSslPolicy", "privateEndpointConnections", "backendAddressPools.*.properties.backendIPConfigurations"},
	"microsoft.network/privateendpoints":                                 {"networkInterfaces", "customDnsConfigs", "privateLinkServiceConnections.*.properties.provisioningState"},
	"microsoft.network/privatednszones":                                  {"numberOfRecordSets", "numberOfVirtualNetworkLinks", "numberOfVirtualNetworkLinksWithRegistration", "maxNumberOfRecordSets", "maxNumberOfVirtualNetworkLinks", "maxNumberOfVirtualNetworkLinksWithRegistration", "internalId"},
	"microsoft.network/dnszones":                                         {"numberOfRecordSets", "maxNumberOfRecordSets", "nameServers"},
	"microsoft.network/azurefirewalls":                                   {"ipConfigurations.*.properties.privateIPAddress", "ipGroups"},
	"microsoft.network/bastionhosts":                                     {"dnsName"},
	"microsoft.network/virtualnetworkgateways":                           {"inboundDnsForwardingEndpoint"},
	"microsoft.network/connections":                                      {"connectionStatus", "egressBytesTransferred", "ingressBytesTransferred", "tunnelConnectionStatus"},
	"microsoft.compute/virtualmachines":                                  {"vmId", "timeCreated", "instanceView", "resources"},
	"microsoft.compute/disks":                                            {"timeCreated", "diskState", "uniqueId", "diskSizeBytes", "lastOwnershipUpdateTime", "LastOwnershipUpdateTime"},
	"microsoft.compute/snapshots":                                        {"timeCreated", "diskState", "uniqueId", "diskSizeBytes"},
	"microsoft.compute/availabilitysets":                                 {"virtualMachines", "statuses"},
	"microsoft.compute/virtualmachinescalesets":                          {"uniqueId", "timeCreated"},
	"microsoft.storage/storageaccounts":                                  {"primaryEndpoints", "secondaryEndpoints", "primaryLocation", "secondaryLocation", "statusOfPrimary", "statusOfSecondary", "privateEndpointConnections", "keyCreationTime", "geoReplicationStats"},
	"microsoft.keyvault/vaults":                                          {"vaultUri", "hsmPoolResourceId", "privateEndpointConnections"},
	"microsoft.managedidentity/userassignedidentities":                   {"principalId", "clientId", "tenantId"},
	"microsoft.web/sites":                                                {"state", "hostNames", "enabledHostNames", "outboundIpAddresses", "possibleOutboundIpAddresses", "defaultHostName", "repositorySiteName", "usageState", "availabilityState", "lastModifiedTimeUtc", "trafficManagerHostNames", "inProgressOperationId", "resourceGroup"},
	"microsoft.web/serverfarms":                                          {"status", "numberOfSites", "numberOfWorkers", "maximumNumberOfWorkers", "subscription", "geoRegion", "resourceGroup"},
	"microsoft.sql/servers":                                              {"fullyQualifiedDomainName", "state", "privateEndpointConnections"},
	"microsoft.operationalinsights/workspaces":                           {"customerId", "createdDate", "modifiedDate", "privateLinkScopedResources"},
	"microsoft.insights/components":                                      {"AppId", "InstrumentationKey", "ConnectionString", "ApplicationId", "TenantId", "CreationDate", "HockeyAppToken", "Name"},
	"microsoft.authorization/roleassignments":                            {"scope", "createdOn", "updatedOn", "createdBy", "updatedBy"},
	"microsoft.containerregistry/registries":                             {"loginServer", "creationDate", "status", "privateEndpointConnections"},
	"microsoft.recoveryservices/vaults":                                  {"privateEndpointConnections", "backupStorageVersion", "upgradeDetails"},
	"microsoft.eventhub/namespaces":                                      {"serviceBusEndpoint", "metricId", "createdAt", "updatedAt", "status"},
	"microsoft.servicebus/namespaces":                                    {"serviceBusEndpoint", "metricId", "createdAt", "updatedAt", "status"},
}

// withoutReadOnly are the properties of a request without those that the provider ignores.
func withoutReadOnly(r *Request, properties map[string]any) map[string]any {
	kept := clone(properties)
	for _, name := range everywhere {
		delete(kept, name)
	}
	for _, path := range readOnly[strings.ToLower(r.Type)] {
		drop(kept, strings.Split(path, "."))
	}
	return kept
}

// drop takes what is at a path out of a value.
func drop(value any, path []string) {
	if len(path) == 0 {
		return
	}
	first, rest := path[0], path[1:]
	switch v := value.(type) {
	case map[string]any:
		for name := range v {
			if !strings.EqualFold(name, first) {
				continue
			}
			if len(rest) == 0 {
				delete(v, name)
				continue
			}
			drop(v[name], rest)
		}
	case []any:
		if first == "*" {
			for _, item := range v {
				drop(item, rest)
			}
		}
	}
}

// clone copies a value's objects and arrays.
func clone(object map[string]any) map[string]any {
	made := map[string]any{}
	for name, value := range object {
		made[name] = cloneValue(value)
	}
	return made
}

func cloneValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		return clone(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = cloneValue(v[i])
		}
		return list
	}
	return value
}
