SELECT id_key AS key, id, CASE type WHEN 'microsoft.resources/subscriptions' THEN 'subscription' WHEN 'microsoft.management/managementgroups' THEN 'management_group' ELSE 'resource_group' END AS kind,
  name, location, resource_group, subscription_id, managed_by, tags, iif(json_valid(properties), properties, NULL) AS properties, parent_key, tenant_id
FROM main.containers
