-- What nothing uses: disks, network interfaces, public IP addresses, security groups, route tables, NAT gateways, and plans of applications.
SELECT id, name, type, location, resource_group, subscription
FROM resources AS thing
WHERE (type = 'microsoft.compute/disks' AND managed_by = '' AND coalesce(properties ->> '$.diskState', 'Unattached') = 'Unattached' AND NOT EXISTS (SELECT 1 FROM edges WHERE target_key = thing.key AND edges.kind = 'HAS_DISK'))
  OR (type = 'microsoft.network/networkinterfaces' AND properties ->> '$.virtualMachine.id' IS NULL AND properties ->> '$.privateEndpoint.id' IS NULL AND properties ->> '$.privateLinkService.id' IS NULL
    AND NOT EXISTS (SELECT 1 FROM edges WHERE target_key = thing.key AND edges.kind = 'HAS_INTERFACE'))
  OR (type = 'microsoft.network/publicipaddresses' AND properties ->> '$.ipConfiguration.id' IS NULL AND properties ->> '$.natGateway.id' IS NULL AND NOT EXISTS (SELECT 1 FROM edges WHERE target_key = thing.key AND edges.kind = 'HAS_PUBLIC_IP'))
  OR (type = 'microsoft.network/networksecuritygroups' AND NOT EXISTS (SELECT 1 FROM edges WHERE target_key = thing.key AND edges.kind = 'SECURED_BY'))
  OR (type IN ('microsoft.network/routetables', 'microsoft.network/natgateways') AND NOT EXISTS (SELECT 1 FROM edges WHERE target_key = thing.key AND edges.kind = 'ROUTED_BY'))
  OR (type = 'microsoft.web/serverfarms' AND NOT EXISTS (SELECT 1 FROM edges WHERE target_key = thing.key AND edges.kind = 'RUNS_ON'))
ORDER BY type, key
