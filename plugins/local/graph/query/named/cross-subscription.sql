-- What depends on something in another subscription.
SELECT source.name AS source_subscription, source_type, source_name, edges.kind, target.name AS target_subscription, target_type, target_name, property, source_id, target_id
FROM edges
LEFT JOIN subscriptions AS source ON source.subscription_id = source_subscription_id
LEFT JOIN subscriptions AS target ON target.subscription_id = target_subscription_id
WHERE source_subscription_id <> target_subscription_id AND source_subscription_id <> '' AND target_subscription_id <> '' AND edges.kind NOT IN ('CONTAINS', 'HAS_ROLE')
ORDER BY source_key, edges.kind, target_key, property
