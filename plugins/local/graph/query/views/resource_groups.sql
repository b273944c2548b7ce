SELECT key, id, name, location, subscription_id,
  coalesce((SELECT sums.name FROM main.sums WHERE dimension = 'subscription' AND value = subscription_id), '') AS subscription,
  managed_by, tags, properties
FROM temp.containers WHERE kind = 'resource_group'
