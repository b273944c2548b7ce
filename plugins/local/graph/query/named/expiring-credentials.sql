-- Secrets and certificates of applications, and keys and secrets of vaults, that had expired when the snapshot was taken or were about to.
-- :days (default 30): within so many days
WITH credential AS (
  SELECT owner.kind AS owner_kind, owner.name AS owner_name, owner.id AS owner_id, 'secret' AS kind,
    coalesce(iif(item.type = 'object', item.value, '{}') ->> '$.displayName', iif(item.type = 'object', item.value, '{}') ->> '$.keyId', '') AS name, iif(item.type = 'object', item.value, '{}') ->> '$.endDateTime' AS expires_at
  FROM identities AS owner, json_each(iif(json_valid(owner.raw), owner.raw, '{}'), '$.passwordCredentials') AS item WHERE owner.kind IN ('application', 'service_principal')
  UNION ALL
  SELECT owner.kind, owner.name, owner.id, 'certificate', coalesce(iif(item.type = 'object', item.value, '{}') ->> '$.displayName', iif(item.type = 'object', item.value, '{}') ->> '$.keyId', ''), iif(item.type = 'object', item.value, '{}') ->> '$.endDateTime'
  FROM identities AS owner, json_each(iif(json_valid(owner.raw), owner.raw, '{}'), '$.keyCredentials') AS item WHERE owner.kind IN ('application', 'service_principal')
  UNION ALL
  SELECT 'vault', substr(parent_key, length(rtrim(parent_key, replace(parent_key, '/', ''))) + 1), id, iif(type LIKE '%/keys', 'key', 'secret'), name,
    strftime('%Y-%m-%dT%H:%M:%SZ', properties ->> '$.attributes.exp', 'unixepoch')
  FROM resources WHERE type IN ('microsoft.keyvault/vaults/keys', 'microsoft.keyvault/vaults/secrets') AND properties ->> '$.attributes.exp' IS NOT NULL
    AND coalesce(properties ->> '$.attributes.enabled', 1))
SELECT owner_kind, owner_name, kind, name, expires_at, CAST(floor(julianday(expires_at) - julianday(snapshot.created_at)) AS INTEGER) AS days_left, owner_id
FROM credential, snapshot
WHERE julianday(expires_at) < julianday(snapshot.created_at) + CAST(:days AS REAL)
ORDER BY julianday(expires_at), owner_id, name
