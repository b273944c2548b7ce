-- Virtual machines that no backup protects.
SELECT id, name, location, resource_group, subscription FROM resources AS machine
WHERE type = 'microsoft.compute/virtualmachines' AND NOT EXISTS (SELECT 1 FROM edges WHERE target_key = machine.key AND edges.kind = 'PROTECTS')
ORDER BY key
