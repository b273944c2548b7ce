-- User-assigned managed identities that no resource has, and how many roles they have.
SELECT id, name, location, resource_group, subscription, identity.properties ->> '$.principalId' AS principal_id, coalesce(given.roles, 0) AS roles
FROM resources AS identity
LEFT JOIN (SELECT principal_id, count(*) AS roles FROM role_assignments GROUP BY principal_id) AS given ON given.principal_id = lower(identity.properties ->> '$.principalId')
WHERE type = 'microsoft.managedidentity/userassignedidentities' AND NOT EXISTS (SELECT 1 FROM edges WHERE target_key = identity.key AND edges.kind = 'USES_IDENTITY')
ORDER BY key
