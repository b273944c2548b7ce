-- Rules of network security groups that let the internet reach ports for management or databases, and how many subnets and interfaces have the group.
-- :ports (default 22,23,135,445,1433,3306,3389,5432,5985,5986): ports, with commas between them
WITH rule AS (
  SELECT security.key, security.id, security.name, security.subscription, item.value ->> '$.name' AS rule, item.value -> '$.properties' AS properties
  FROM resources AS security, json_each(security.properties, '$.securityRules') AS item
  WHERE security.type = 'microsoft.network/networksecuritygroups'),
source AS (
  SELECT key, rule, properties ->> '$.sourceAddressPrefix' AS prefix FROM rule
  UNION ALL
  SELECT rule.key, rule, prefix.value FROM rule, json_each(properties, '$.sourceAddressPrefixes') AS prefix),
span AS (
  SELECT key, rule, properties ->> '$.destinationPortRange' AS span FROM rule
  UNION ALL
  SELECT rule.key, rule, span.value FROM rule, json_each(properties, '$.destinationPortRanges') AS span),
wanted AS (
  SELECT CAST(value AS INTEGER) AS port FROM json_each('[' || iif(:ports GLOB '*[^0-9, ]*', '', :ports) || ']'))
SELECT rule.id, rule.name, rule.subscription, rule.rule,
  (SELECT group_concat(prefix, ', ' ORDER BY prefix) FROM source WHERE source.key = rule.key AND source.rule = rule.rule) AS sources,
  (SELECT group_concat(span, ', ' ORDER BY span) FROM span WHERE span.key = rule.key AND span.rule = rule.rule) AS ports,
  rule.properties ->> '$.priority' AS priority,
  (SELECT count(*) FROM edges WHERE target_key = rule.key AND kind = 'SECURED_BY') AS used_by
FROM rule
WHERE rule.properties ->> '$.direction' = 'Inbound' AND rule.properties ->> '$.access' = 'Allow' AND rule.properties ->> '$.protocol' IN ('*', 'Tcp', 'TCP', 'tcp')
  AND EXISTS (SELECT 1 FROM source WHERE source.key = rule.key AND source.rule = rule.rule AND lower(prefix) IN ('*', 'internet', 'any', '0.0.0.0/0', '::/0', '0.0.0.0'))
  AND EXISTS (SELECT 1 FROM span, wanted WHERE span.key = rule.key AND span.rule = rule.rule
    AND (span = '*' OR port BETWEEN CAST(span AS INTEGER) AND CAST(substr(span, instr(span, '-') + 1) AS INTEGER)))
ORDER BY rule.key, priority
