SELECT id_key AS key, id, name, type, kind, location, resource_group, subscription_id,
  coalesce((SELECT sums.name FROM main.sums WHERE dimension = 'subscription' AND value = subscription_id), '') AS subscription,
  managed_by, sku, plan, tags, identity, zones, extended_location,
  iif(json_valid(properties), properties, NULL) AS properties, api_version, source, parent_key, tenant_id
FROM main.resources
