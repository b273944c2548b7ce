-- Resources and resource groups without tags, or without one tag.
-- :tag (default ): the tag; without it, those that have no tags at all
SELECT thing.id, thing.name, thing.type, thing.resource_group, thing.subscription
FROM (
  SELECT key, id, name, type, resource_group, subscription, tags FROM resources
  WHERE type NOT GLOB '*/*/*' AND location <> '' AND resource_group <> ''
  UNION ALL
  SELECT key, id, name, 'microsoft.resources/resourcegroups', name, subscription, tags FROM resource_groups) AS thing
WHERE coalesce(thing.tags, '{}') = '{}'
  OR (:tag <> '' AND NOT EXISTS (SELECT 1 FROM json_each(thing.tags) AS tag WHERE lower(tag.key) = lower(:tag)))
ORDER BY thing.key
