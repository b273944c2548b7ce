-- Role assignments whose user, group or application is not in the directory any more.
SELECT id, principal_id, principal_kind, role, scope_kind, scope
FROM role_assignments WHERE principal_state = 'deleted'
ORDER BY key
