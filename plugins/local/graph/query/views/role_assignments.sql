SELECT assigned.id_key AS key, assigned.id, lower(assigned.principal_id) AS principal_id,
  coalesce(principal.kind, CASE assigned.principal_type WHEN 'User' THEN 'user' WHEN 'Group' THEN 'group' WHEN 'ServicePrincipal' THEN 'service_principal' ELSE 'identity' END) AS principal_kind,
  coalesce(principal.name, '') AS principal_name, coalesce(principal.login, '') AS principal_login, coalesce(principal.state, 'unknown') AS principal_state,
  coalesce((SELECT role_name FROM main.role_definitions WHERE lower(role_definitions.name) = +assigned.role_definition_name AND role_name <> '' ORDER BY id_key LIMIT 1), role_definition_name) AS role,
  assigned.role_definition_name AS role_id, assigned.scope, assigned.scope_key,
  CASE
    WHEN assigned.scope_key IN ('', '/') THEN 'tenant'
    WHEN assigned.scope_key GLOB '/providers/microsoft.management/managementgroups/*' AND length(assigned.scope_key) - length(replace(assigned.scope_key, '/', '')) = 4 THEN 'management_group'
    WHEN assigned.scope_key GLOB '/subscriptions/*' THEN CASE length(assigned.scope_key) - length(replace(assigned.scope_key, '/', ''))
      WHEN 2 THEN 'subscription' WHEN 4 THEN iif(assigned.scope_key GLOB '/subscriptions/*/resourcegroups/*', 'resource_group', 'resource') ELSE 'resource' END
    ELSE 'resource' END AS scope_kind,
  coalesce((SELECT nodes.name FROM main.nodes WHERE nodes.key = assigned.scope_key), '') AS scope_name,
  coalesce(iif(json_valid(assigned.properties), assigned.properties, NULL) ->> '$.condition', '') AS condition
FROM main.role_assignments AS assigned
LEFT JOIN main.identities AS principal ON principal.object_id = lower(assigned.principal_id)
