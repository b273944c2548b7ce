SELECT object_id AS id, kind, state, name, login, app_id, resource_id, enabled,
  coalesce(iif(json_valid(raw), raw, NULL) ->> '$.userType' = 'Guest', 0) AS guest, raw
FROM main.identities
