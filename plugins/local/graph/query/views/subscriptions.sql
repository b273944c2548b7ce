SELECT '/subscriptions/' || known.subscription_id AS key, known.subscription_id,
  coalesce(nullif(listed.name, ''), found.name, '') AS name, coalesce(nullif(listed.state, ''), found.properties ->> '$.state', '') AS state,
  coalesce(found.parent_key, '') AS parent_key, found.tags, found.properties, coalesce(nullif(listed.tenant_id, ''), found.tenant_id, '') AS tenant_id
FROM (SELECT subscription_id FROM main.subscriptions UNION SELECT substr(key, 16) FROM temp.containers WHERE kind = 'subscription') AS known
LEFT JOIN main.subscriptions AS listed ON listed.subscription_id = known.subscription_id
LEFT JOIN temp.containers AS found ON found.key = '/subscriptions/' || known.subscription_id
