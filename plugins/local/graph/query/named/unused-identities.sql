-- User-assigned managed identities that no resource has.
SELECT id, name, location, resource_group, subscription, properties ->> '$.principalId' AS principal_id,
  (SELECT count(*) FROM role_assignments WHERE role_assignments.principal_id = lower(identity.properties ->> '$.principalId')) AS roles
FROM resources AS identity
WHERE type = 'microsoft.managedidentity/userassignedidentities' AND NOT EXISTS (SELECT 1 FROM edges WHERE target_key = identity.key AND edges.kind = 'USES_IDENTITY')
ORDER BY key
