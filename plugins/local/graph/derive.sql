-- Indexes and derived rows of a snapshot, behind the load. The unique indexes come first.

CREATE INDEX resources_type ON resources (type, location);
CREATE INDEX resources_group ON resources (subscription_id, resource_group);
CREATE INDEX role_assignments_principal ON role_assignments (principal_id);
CREATE INDEX role_assignments_scope ON role_assignments (scope_key);
CREATE INDEX role_definitions_name ON role_definitions (lower(name));

-- Containment: tenant, management group, subscription, resource group, resource, child resource. A
-- source may be absent among the rows, where the scan did not ask for it or was not let see it.
-- LIMIT -1 has each parent made out once, in the order of ids, where siblings are neighbours.
INSERT INTO absent_nodes
SELECT -row_number() OVER (ORDER BY parent), parent
FROM (
  SELECT parent_key AS parent FROM containers WHERE parent_key <> ''
  UNION
  SELECT parent FROM (SELECT parent_key(id_key, :tenant) AS parent FROM resources ORDER BY id_key LIMIT -1) WHERE parent IS NOT NULL
)
WHERE NOT EXISTS (SELECT 1 FROM containers WHERE id_key = parent) AND NOT EXISTS (SELECT 1 FROM resources WHERE id_key = parent);

CREATE UNIQUE INDEX absent_nodes_id ON absent_nodes (id_key);

INSERT INTO edge_kinds VALUES (1, 'CONTAINS', 'containment', '');

INSERT INTO edges
SELECT COALESCE(
  (SELECT node FROM containers WHERE id_key = parent),
  (SELECT node FROM resources WHERE id_key = parent),
  (SELECT node FROM absent_nodes WHERE id_key = parent)), 1, node
FROM (
  SELECT node, parent_key AS parent FROM containers WHERE parent_key <> ''
  UNION ALL
  SELECT * FROM (SELECT node, parent_key(id_key, :tenant) AS parent FROM resources ORDER BY id_key LIMIT -1) WHERE parent IS NOT NULL
)
ORDER BY 1, 3;

CREATE INDEX edges_target ON edges (target_node);

-- Sums, so that a snapshot is described without reading it all.
INSERT INTO sums SELECT 'type', type, '', count(*) FROM resources GROUP BY type;
INSERT INTO sums SELECT 'location', location, '', count(*) FROM resources GROUP BY location;
INSERT INTO sums
SELECT 'subscription', counted.id,
  COALESCE(NULLIF(listed.name, ''), (SELECT name FROM containers WHERE id_key = '/subscriptions/' || counted.id), ''), counted.n
FROM (SELECT subscription_id AS id, count(*) AS n FROM resources GROUP BY subscription_id) AS counted
LEFT JOIN subscriptions AS listed ON listed.subscription_id = counted.id;
