-- The nodes of a snapshot, in the order of their keys; of several rows with one key the container counts, then the resource.
INSERT OR IGNORE INTO nodes (id, id_fold, kind, state, name, type, location, resource_group, subscription_id)
SELECT id, id_fold, kind, state, name, type, location, resource_group, subscription_id FROM (
  SELECT id_key AS sorted, 0 AS rank, id, id_fold,
    CASE type WHEN 'microsoft.resources/subscriptions' THEN 'subscription' WHEN 'microsoft.management/managementgroups' THEN 'management_group' ELSE 'resource_group' END AS kind,
    'present' AS state,
    CASE type WHEN 'microsoft.management/managementgroups' THEN coalesce(nullif(iif(json_valid(properties), properties, NULL) ->> '$.displayName', ''), name) ELSE name END AS name,
    type, location, resource_group, subscription_id
  FROM containers WHERE id_key IS NOT NULL
  UNION ALL
  SELECT id_key, 1, id, id_fold, 'resource', 'present', name, type, location, resource_group, subscription_id FROM resources WHERE id_key IS NOT NULL
  UNION ALL
  SELECT id_key, 2, id, id_fold, 'role_definition', 'present', coalesce(nullif(role_name, ''), name), type, '', '', subscription_id FROM role_definitions WHERE id_key IS NOT NULL
  UNION ALL
  SELECT object_id, 3, object_id, NULL, kind, state, name, '', '', '', '' FROM identities WHERE object_id <> ''
  UNION ALL
  SELECT principal, 4, principal, NULL, kind, 'missing', '', '', '', '', '' FROM (
    SELECT lower(principal_id) AS principal, min(CASE principal_type WHEN 'User' THEN 'user' WHEN 'Group' THEN 'group' WHEN 'ServicePrincipal' THEN 'service_principal' ELSE 'identity' END) AS kind
    FROM role_assignments WHERE principal_id <> '' GROUP BY 1)
  UNION ALL
  SELECT :tenant, 5, :tenant, NULL, 'tenant', 'present', :name, '', '', '', ''
) ORDER BY sorted, rank;
