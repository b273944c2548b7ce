-- Storage accounts that the internet can reach, and whether their blobs can be read without an account.
SELECT id, name, location, subscription, public_network_access, default_action, anonymous_blobs
FROM (
  SELECT key, id, name, location, subscription,
    coalesce(properties ->> '$.publicNetworkAccess', 'Enabled') AS public_network_access,
    coalesce(properties ->> '$.networkAcls.defaultAction', 'Allow') AS default_action,
    iif(coalesce(properties ->> '$.allowBlobPublicAccess', 0), 'allowed', 'forbidden') AS anonymous_blobs
  FROM resources WHERE type = 'microsoft.storage/storageaccounts')
WHERE public_network_access = 'Enabled' AND (default_action = 'Allow' OR anonymous_blobs = 'allowed')
ORDER BY key
