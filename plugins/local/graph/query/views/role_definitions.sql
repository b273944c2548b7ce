SELECT id_key AS key, id, lower(name) AS role_id, role_name AS name, CASE role_type WHEN 'BuiltInRole' THEN 'built_in' ELSE 'custom' END AS kind,
  coalesce(iif(json_valid(properties), properties, NULL) ->> '$.description', '') AS description,
  iif(json_valid(properties), properties, NULL) -> '$.permissions' AS permissions,
  iif(json_valid(properties), properties, NULL) -> '$.assignableScopes' AS assignable_scopes
FROM main.role_definitions
