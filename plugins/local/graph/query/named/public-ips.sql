-- Public IP addresses, and what each is attached to.
SELECT address.id, address.name, address.properties ->> '$.ipAddress' AS ip_address, address.location, address.subscription,
  coalesce(edges.source_type, '') AS attached_type, coalesce(edges.source_name, '') AS attached_to, coalesce(edges.source_id, '') AS attached_id
FROM resources AS address
LEFT JOIN edges ON edges.target_key = address.key AND edges.kind = 'HAS_PUBLIC_IP'
WHERE address.type = 'microsoft.network/publicipaddresses'
ORDER BY address.key, edges.source_key
