SELECT scope, name, kind, state, listed, nullif(expected, -1) AS expected, coalesce(fault ->> '$.code', '') AS code, coalesce(fault ->> '$.message', '') AS message
FROM main.coverage ORDER BY position
