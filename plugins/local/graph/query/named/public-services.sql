-- Databases, vaults, registries, applications and other services that take connections from the internet, and who may connect.
WITH service AS (
  SELECT key, id, name, type, location, subscription,
    coalesce(properties ->> '$.publicNetworkAccess', properties ->> '$.network.publicNetworkAccess', 'Enabled') AS access,
    coalesce(properties ->> '$.networkAcls.defaultAction', properties ->> '$.networkRuleSet.defaultAction',
      iif(properties ->> '$.isVirtualNetworkFilterEnabled' OR json_array_length(properties, '$.ipRules') > 0, 'Deny', 'Allow')) AS default_action
  FROM resources
  WHERE type IN ('microsoft.sql/servers', 'microsoft.dbforpostgresql/flexibleservers', 'microsoft.dbformysql/flexibleservers', 'microsoft.documentdb/databaseaccounts',
    'microsoft.cache/redis', 'microsoft.search/searchservices', 'microsoft.keyvault/vaults', 'microsoft.keyvault/managedhsms', 'microsoft.containerregistry/registries',
    'microsoft.cognitiveservices/accounts', 'microsoft.appconfiguration/configurationstores', 'microsoft.servicebus/namespaces', 'microsoft.eventhub/namespaces',
    'microsoft.synapse/workspaces', 'microsoft.machinelearningservices/workspaces', 'microsoft.web/sites', 'microsoft.apimanagement/service')),
firewall AS (
  SELECT parent_key, max(properties ->> '$.startIpAddress' = '0.0.0.0' AND properties ->> '$.endIpAddress' = '255.255.255.255') AS all_of_it,
    max(properties ->> '$.startIpAddress' = '0.0.0.0' AND properties ->> '$.endIpAddress' = '0.0.0.0') AS azure
  FROM resources
  WHERE type IN ('microsoft.sql/servers/firewallrules', 'microsoft.dbforpostgresql/flexibleservers/firewallrules', 'microsoft.dbformysql/flexibleservers/firewallrules')
  GROUP BY parent_key)
SELECT service.id, service.name, service.type, service.location, service.subscription,
  CASE
    WHEN service.type IN ('microsoft.sql/servers', 'microsoft.dbforpostgresql/flexibleservers', 'microsoft.dbformysql/flexibleservers') THEN
      CASE WHEN firewall.all_of_it THEN 'everybody' WHEN firewall.azure THEN 'all of Azure, and firewall rules' ELSE 'firewall rules' END
    WHEN service.default_action = 'Deny' THEN 'firewall rules'
    ELSE 'everybody' END AS open_to
FROM service LEFT JOIN firewall ON firewall.parent_key = service.key
WHERE service.access = 'Enabled' COLLATE NOCASE
ORDER BY open_to, service.key
