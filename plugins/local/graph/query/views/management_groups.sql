SELECT key, id, name, coalesce(properties ->> '$.displayName', '') AS display_name, parent_key, properties
FROM temp.containers WHERE kind = 'management_group'
