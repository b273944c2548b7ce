WITH RECURSIVE closure (team, member_id) AS (
  SELECT DISTINCT lower(principal_id), lower(principal_id) FROM main.role_assignments
  UNION
  SELECT closure.team, below.member_id FROM closure JOIN main.memberships AS below ON below.group_id = closure.member_id)
SELECT closure.member_id AS principal_id,
  iif(closure.member_id = given.principal_id, given.principal_kind, coalesce(member.kind, 'identity')) AS principal_kind,
  coalesce(member.name, '') AS principal_name, coalesce(member.login, '') AS principal_login,
  given.role, given.role_id, given.scope, given.scope_key, given.scope_kind, given.scope_name,
  iif(closure.member_id = given.principal_id, '', given.principal_id) AS group_id,
  iif(closure.member_id = given.principal_id, '', given.principal_name) AS group_name,
  given.condition, given.key AS assignment_key
FROM temp.role_assignments AS given
JOIN closure ON closure.team = given.principal_id
LEFT JOIN main.identities AS member ON member.object_id = closure.member_id
