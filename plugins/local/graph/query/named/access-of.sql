-- Which roles a user, group or application has, and where: directly and by way of groups.
-- :principal: its object id, application id, login or display name
SELECT access.role, access.scope_kind, access.scope_name, access.scope, access.group_name, access.condition, access.principal_kind, access.principal_name, access.principal_id
FROM effective_access AS access
WHERE access.principal_id = lower(:principal) OR access.principal_id IN (
  SELECT id FROM identities WHERE app_id = lower(:principal) OR login = :principal COLLATE NOCASE OR name = :principal COLLATE NOCASE)
ORDER BY access.principal_id, access.scope_key, access.role, access.group_id
