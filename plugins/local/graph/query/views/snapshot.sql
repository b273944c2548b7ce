SELECT max(iif(key = 'id', value, NULL)) AS id, max(iif(key = 'tenant_id', value, NULL)) AS tenant_id, max(iif(key = 'tenant_name', value, NULL)) AS tenant_name,
  max(iif(key = 'created_at', value, NULL)) AS created_at, CAST(max(iif(key = 'duration_seconds', value, NULL)) AS REAL) AS duration_seconds,
  max(iif(key = 'complete', value = 'true', 0)) AS complete, max(iif(key = 'filtered', value = 'true', 0)) AS filtered,
  CAST(max(iif(key = 'subscriptions', value, NULL)) AS INTEGER) AS subscriptions, CAST(max(iif(key = 'resources', value, NULL)) AS INTEGER) AS resources,
  CAST(max(iif(key = 'relationships', value, NULL)) AS INTEGER) AS relationships, CAST(max(iif(key = 'identities', value, NULL)) AS INTEGER) AS identities,
  CAST(max(iif(key = 'role_assignments', value, NULL)) AS INTEGER) AS role_assignments,
  max(iif(key = 'producer', value, NULL)) AS producer, CAST(max(iif(key = 'schema_version', value, NULL)) AS INTEGER) AS schema_version,
  max(iif(key = 'request', value, NULL)) AS request
FROM main.meta
