-- Custom roles that allow everything, or giving roles away, and how many have them.
SELECT role.name, role.role_id, allowed.value AS action, (SELECT count(*) FROM role_assignments WHERE role_assignments.role_id = role.role_id) AS assignments, role.id
FROM role_definitions AS role, json_each(role.permissions) AS permission, json_each(iif(permission.type = 'object', permission.value, '{}'), '$.actions') AS allowed
WHERE role.kind = 'custom' AND lower(allowed.value) IN ('*', '*/write', 'microsoft.authorization/*', 'microsoft.authorization/*/write', 'microsoft.authorization/roleassignments/*', 'microsoft.authorization/roleassignments/write')
ORDER BY role.key, action
