WITH RECURSIVE above (key, scope_key) AS (
  SELECT id_key, parent_key FROM main.containers WHERE type <> 'microsoft.resources/subscriptions/resourcegroups'
  UNION
  SELECT containers.id_key, '/providers/microsoft.management/managementgroups/' || lower(iif(ancestor.type = 'object', ancestor.value, '{}') ->> '$.name')
    FROM main.containers, json_each(iif(json_valid(properties), properties, NULL), '$.managementGroupAncestorsChain') AS ancestor
    WHERE containers.type = 'microsoft.resources/subscriptions'
  UNION
  SELECT above.key, containers.parent_key FROM above JOIN main.containers ON containers.id_key = above.scope_key)
SELECT key, key AS scope_key, 0 AS inherited FROM main.nodes
UNION ALL
SELECT key, '/', 1 FROM main.nodes
UNION ALL
SELECT key, '/subscriptions/' || subscription_id, 1 FROM main.nodes WHERE subscription_id <> '' AND kind <> 'subscription'
UNION ALL
SELECT key, '/subscriptions/' || subscription_id || '/resourcegroups/' || resource_group, 1 FROM main.nodes WHERE resource_group <> '' AND kind <> 'resource_group'
UNION ALL
SELECT nodes.key, above.scope_key, 1 FROM main.nodes JOIN above ON above.key = iif(nodes.kind = 'management_group', nodes.key, '/subscriptions/' || nodes.subscription_id)
  WHERE nodes.subscription_id <> '' OR nodes.kind = 'management_group'
UNION ALL
SELECT nodes.key, parent.scope_key, 1 FROM (SELECT DISTINCT scope_key FROM main.role_assignments WHERE scope_key GLOB '/*/providers/*/*/*') AS parent
  JOIN main.nodes ON nodes.key > parent.scope_key || '/' AND nodes.key < parent.scope_key || '0'
