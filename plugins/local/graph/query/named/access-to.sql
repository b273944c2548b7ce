-- Who has which role at a resource, resource group, subscription or management group: directly, by way of groups, and by what contains it.
-- :resource: its id, or its name
WITH RECURSIVE thing AS (
  SELECT key, id FROM nodes WHERE key = lower(:resource)
  UNION
  SELECT key, id FROM nodes WHERE name = :resource COLLATE NOCASE AND kind IN ('resource', 'resource_group', 'subscription', 'management_group') AND :resource NOT GLOB '/*'),
above (key, scope_key) AS ( -- as the view scopes, but of these alone
  SELECT key, key FROM thing
  UNION
  SELECT key, '/' FROM thing
  UNION
  SELECT above.key, edges.source_key FROM above JOIN edges ON edges.target_key = above.scope_key AND edges.kind = 'CONTAINS'
  UNION
  SELECT above.key, '/providers/microsoft.management/managementgroups/' || lower(iif(ancestor.type = 'object', ancestor.value, '{}') ->> '$.name')
    FROM above JOIN containers ON containers.key = above.scope_key, json_each(containers.properties, '$.managementGroupAncestorsChain') AS ancestor)
SELECT access.principal_kind, access.principal_name, access.principal_login, access.role, above.scope_key <> above.key AS inherited,
  access.scope_kind, access.scope, access.group_name, access.condition, access.principal_id, thing.id AS resource_id
FROM above
JOIN thing ON thing.key = above.key
CROSS JOIN effective_access AS access ON access.scope_key = above.scope_key
ORDER BY thing.key, access.role, access.principal_id, access.scope_key, access.group_id
