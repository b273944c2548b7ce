-- Who has which role at a resource, resource group, subscription or management group: directly, by way of groups, and by what contains it.
-- :resource: its id, or its name
SELECT access.principal_kind, access.principal_name, access.principal_login, access.role, scopes.inherited, access.scope_kind, access.scope, access.group_name, access.condition, access.principal_id, thing.id AS resource_id
FROM (SELECT key, id FROM nodes WHERE key = lower(:resource)
  UNION SELECT key, id FROM nodes WHERE name = :resource COLLATE NOCASE AND kind IN ('resource', 'resource_group', 'subscription', 'management_group') AND :resource NOT GLOB '/*') AS thing
CROSS JOIN scopes ON scopes.key = thing.key
CROSS JOIN effective_access AS access ON access.scope_key = scopes.scope_key
ORDER BY thing.key, access.role, access.principal_id, access.scope_key, access.group_id
