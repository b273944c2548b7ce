-- Guests of the tenant who may change things, also by way of groups.
SELECT access.principal_id, access.principal_name, access.principal_login, access.role, access.scope_kind, access.scope, access.group_name
FROM effective_access AS access JOIN identities ON identities.id = access.principal_id
WHERE identities.guest AND (access.role IN ('Owner', 'Contributor') OR access.role LIKE '%Administrator%' OR access.role LIKE '%Contributor%')
ORDER BY access.principal_id, access.scope_key, access.role, access.group_id
