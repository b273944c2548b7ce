-- What lets others connect without encryption, or with TLS older than 1.2.
SELECT id, name, type, subscription, problem FROM (
  SELECT key, id, name, type, subscription, CASE
    WHEN type = 'microsoft.storage/storageaccounts' AND NOT coalesce(properties ->> '$.supportsHttpsTrafficOnly', 1) THEN 'HTTP'
    WHEN type = 'microsoft.storage/storageaccounts' AND coalesce(properties ->> '$.minimumTlsVersion', 'TLS1_0') IN ('TLS1_0', 'TLS1_1') THEN coalesce(properties ->> '$.minimumTlsVersion', 'TLS1_0')
    WHEN type = 'microsoft.web/sites' AND NOT coalesce(properties ->> '$.httpsOnly', 0) THEN 'HTTP'
    WHEN type = 'microsoft.sql/servers' AND coalesce(properties ->> '$.minimalTlsVersion', 'None') IN ('None', '1.0', '1.1') THEN 'TLS ' || coalesce(properties ->> '$.minimalTlsVersion', 'of any version')
    WHEN type = 'microsoft.cache/redis' AND coalesce(properties ->> '$.enableNonSslPort', 0) THEN 'no TLS'
    WHEN type IN ('microsoft.cache/redis', 'microsoft.eventhub/namespaces', 'microsoft.servicebus/namespaces') AND properties ->> '$.minimumTlsVersion' IN ('1.0', '1.1') THEN 'TLS ' || (properties ->> '$.minimumTlsVersion')
    END AS problem
  FROM resources
  WHERE type IN ('microsoft.storage/storageaccounts', 'microsoft.web/sites', 'microsoft.sql/servers', 'microsoft.cache/redis', 'microsoft.eventhub/namespaces', 'microsoft.servicebus/namespaces'))
WHERE problem IS NOT NULL
ORDER BY key
