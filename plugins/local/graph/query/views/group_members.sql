SELECT group_id, coalesce(team.name, '') AS group_name,
  member_id, coalesce(member.kind, 'identity') AS member_kind, coalesce(member.name, '') AS member_name, coalesce(member.login, '') AS member_login
FROM main.memberships
LEFT JOIN main.identities AS team ON team.object_id = group_id
LEFT JOIN main.identities AS member ON member.object_id = member_id
