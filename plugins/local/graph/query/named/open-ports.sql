-- Rules of network security groups that let the internet reach ports for management or databases, and how many subnets and interfaces have the group.
-- :ports (default 22,23,135,445,1433,3306,3389,5432,5985,5986): ports, with commas between them
WITH wanted AS (
  SELECT value AS port FROM json_each('[' || :ports || ']')),
rule AS (
  SELECT key, id, name, subscription, item ->> '$.name' AS rule, item -> '$.properties' AS allowed
  FROM (
    SELECT security.key, security.id, security.name, security.subscription, iif(item.type = 'object', item.value, '{}') AS item
    FROM resources AS security, json_each(security.properties, '$.securityRules') AS item
    WHERE security.type = 'microsoft.network/networksecuritygroups')
  WHERE item ->> '$.properties.direction' = 'Inbound' AND item ->> '$.properties.access' = 'Allow' AND item ->> '$.properties.protocol' IN ('*', 'Tcp', 'TCP', 'tcp'))
SELECT id, name, subscription, rule,
  coalesce(nullif(allowed ->> '$.sourceAddressPrefix', ''), (SELECT group_concat(value, ', ' ORDER BY value) FROM json_each(allowed, '$.sourceAddressPrefixes'))) AS sources,
  coalesce(nullif(allowed ->> '$.destinationPortRange', ''), (SELECT group_concat(value, ', ' ORDER BY value) FROM json_each(allowed, '$.destinationPortRanges'))) AS ports,
  allowed ->> '$.priority' AS priority,
  (SELECT count(*) FROM edges WHERE target_key = rule.key AND kind = 'SECURED_BY') AS used_by
FROM rule
WHERE (lower(allowed ->> '$.sourceAddressPrefix') IN ('*', 'internet', 'any', '0.0.0.0/0', '::/0', '0.0.0.0')
    OR EXISTS (SELECT 1 FROM json_each(allowed, '$.sourceAddressPrefixes') WHERE lower(value) IN ('*', 'internet', 'any', '0.0.0.0/0', '::/0', '0.0.0.0')))
  AND EXISTS (
    SELECT 1 FROM (SELECT allowed ->> '$.destinationPortRange' AS span UNION ALL SELECT value FROM json_each(allowed, '$.destinationPortRanges')), wanted
    WHERE span = '*' OR port BETWEEN CAST(span AS INTEGER) AND CAST(substr(span, instr(span, '-') + 1) AS INTEGER))
ORDER BY rule.key, priority, rule
