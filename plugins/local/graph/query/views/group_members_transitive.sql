WITH RECURSIVE closure (group_id, member_id) AS (
  SELECT group_id, member_id FROM main.memberships
  UNION
  SELECT closure.group_id, below.member_id FROM closure JOIN main.memberships AS below ON below.group_id = closure.member_id)
SELECT closure.group_id, coalesce(team.name, '') AS group_name,
  closure.member_id, coalesce(member.kind, 'identity') AS member_kind, coalesce(member.name, '') AS member_name, coalesce(member.login, '') AS member_login,
  EXISTS (SELECT 1 FROM main.memberships AS own WHERE own.group_id = closure.group_id AND own.member_id = closure.member_id) AS direct
FROM closure
LEFT JOIN main.identities AS team ON team.object_id = closure.group_id
LEFT JOIN main.identities AS member ON member.object_id = closure.member_id
