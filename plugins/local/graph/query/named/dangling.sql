-- References to what is not in the snapshot: it was deleted, was not in scope, or could not be read.
SELECT source_type, source_name, kind, property, target_id, source_id
FROM edges
WHERE target_state = 'missing' AND kind <> 'CONTAINS' AND source_kind IN ('resource', 'resource_group')
  AND target_kind IN ('resource', 'resource_group', 'subscription', 'management_group', 'host')
  AND target_key NOT GLOB '/providers/microsoft.authorization/policy*' -- Azure's own, which no scan reads
ORDER BY source_key, kind, target_key, property
