-- Who may give away everything: owners and administrators of access at a subscription, at a management group or at the whole tenant, also by way of groups.
SELECT principal_id, principal_kind, principal_name, principal_login, role, scope_kind, scope_name, scope, group_name
FROM effective_access
WHERE scope_kind IN ('tenant', 'management_group', 'subscription') AND role IN ('Owner', 'User Access Administrator', 'Role Based Access Control Administrator')
ORDER BY scope_key, role, principal_id, group_id
