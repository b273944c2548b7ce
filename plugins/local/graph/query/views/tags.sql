SELECT resources.id_key AS key, resources.id, 'resource' AS kind, resources.name AS resource_name, resources.type, tag.key AS name, CAST(tag.value AS TEXT) AS value
FROM main.resources, json_each(iif(json_valid(resources.tags), resources.tags, '{}')) AS tag
UNION ALL
SELECT containers.key, containers.id, containers.kind, containers.name, '', tag.key, CAST(tag.value AS TEXT)
FROM temp.containers, json_each(iif(json_valid(containers.tags), containers.tags, '{}')) AS tag
