-- Groups that are members of themselves, by way of others.
SELECT group_id, group_name FROM group_members_transitive WHERE group_id = member_id
ORDER BY group_id
