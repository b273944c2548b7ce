-- Key vaults whose keys and secrets can be deleted for good.
SELECT id, name, location, subscription,
  iif(coalesce(properties ->> '$.enableSoftDelete', 1), 'on', 'off') AS soft_delete, coalesce(properties ->> '$.softDeleteRetentionInDays', 90) AS retention_days
FROM resources
WHERE type IN ('microsoft.keyvault/vaults', 'microsoft.keyvault/managedhsms') AND NOT coalesce(properties ->> '$.enablePurgeProtection', 0)
ORDER BY key
