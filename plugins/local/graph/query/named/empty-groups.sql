-- Resource groups in which there is nothing.
SELECT id, name, location, subscription
FROM resource_groups
WHERE NOT EXISTS (SELECT 1 FROM edges WHERE source_key = resource_groups.key AND edges.kind = 'CONTAINS')
ORDER BY key
