SELECT key, id, kind, state, name, type, location, resource_group, subscription_id, node FROM main.nodes
