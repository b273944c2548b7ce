SELECT source.key AS source_key, source.kind AS source_kind, source.name AS source_name, source.type AS source_type, source.state AS source_state,
  label.kind AS kind,
  target.key AS target_key, target.kind AS target_kind, target.name AS target_name, target.type AS target_type, target.state AS target_state,
  label.rule, label.property, label.detail, label.reversed,
  source.id AS source_id, target.id AS target_id, source.subscription_id AS source_subscription_id, target.subscription_id AS target_subscription_id
FROM main.edges
JOIN main.edge_labels AS label ON label.label = edges.label
JOIN main.nodes AS source ON source.node = edges.source
JOIN main.nodes AS target ON target.node = edges.target
