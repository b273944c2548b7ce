CREATE TABLE absent_nodes (
  node   INTEGER PRIMARY KEY,
  id_key TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX absent_nodes_id ON absent_nodes (id_key);
CREATE TABLE containers (
  node INTEGER PRIMARY KEY, id TEXT NOT NULL, id_fold TEXT,
  id_key TEXT GENERATED ALWAYS AS (coalesce(id_fold, lower(nullif(id, '')))) VIRTUAL,
  name TEXT NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL, location TEXT NOT NULL,
  resource_group TEXT NOT NULL, subscription_id TEXT NOT NULL, tenant_id TEXT NOT NULL,
  managed_by TEXT NOT NULL, api_version TEXT NOT NULL,
  parent_key TEXT NOT NULL,
  sku TEXT, plan TEXT, tags TEXT, identity TEXT, zones TEXT, extended_location TEXT, extra TEXT,
  properties TEXT
) STRICT;
CREATE UNIQUE INDEX containers_id ON containers (id_key);
CREATE TABLE coverage (
  position INTEGER PRIMARY KEY,
  scope    TEXT NOT NULL,
  name     TEXT NOT NULL,
  kind     TEXT NOT NULL,
  state    TEXT NOT NULL,
  listed   INTEGER NOT NULL,
  expected INTEGER NOT NULL,
  fault    TEXT
) STRICT;
CREATE TABLE edge_kinds (
  edge_kind INTEGER PRIMARY KEY,
  kind      TEXT NOT NULL,
  rule      TEXT NOT NULL,
  property  TEXT NOT NULL
) STRICT;
CREATE TABLE edges (
  source_node INTEGER NOT NULL,
  edge_kind   INTEGER NOT NULL,
  target_node INTEGER NOT NULL,
  PRIMARY KEY (source_node, edge_kind, target_node)
) STRICT, WITHOUT ROWID;
CREATE INDEX edges_target ON edges (target_node);
CREATE TABLE meta (
  key   TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE VIEW nodes AS
SELECT node, id_key, 'resources' AS table_name FROM resources
UNION ALL SELECT node, id_key, 'containers' FROM containers
UNION ALL SELECT node, id_key, 'role_assignments' FROM role_assignments
UNION ALL SELECT node, id_key, 'role_definitions' FROM role_definitions
UNION ALL SELECT node, id_key, 'other_rows' FROM other_rows
UNION ALL SELECT node, id_key, 'absent_nodes' FROM absent_nodes;
CREATE TABLE other_rows (
  node INTEGER PRIMARY KEY, id TEXT NOT NULL, id_fold TEXT,
  id_key TEXT GENERATED ALWAYS AS (coalesce(id_fold, lower(nullif(id, '')))) VIRTUAL,
  name TEXT NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL, location TEXT NOT NULL,
  resource_group TEXT NOT NULL, subscription_id TEXT NOT NULL, tenant_id TEXT NOT NULL,
  managed_by TEXT NOT NULL, api_version TEXT NOT NULL,
  table_name TEXT NOT NULL,
  sku TEXT, plan TEXT, tags TEXT, identity TEXT, zones TEXT, extended_location TEXT, extra TEXT,
  properties TEXT
) STRICT;
CREATE UNIQUE INDEX other_rows_id ON other_rows (table_name, id_key);
CREATE VIEW relationships AS
SELECT (SELECT id_key FROM nodes WHERE node = source_node) AS source_key, kind,
  (SELECT id_key FROM nodes WHERE node = target_node) AS target_key, rule, property
FROM edges JOIN edge_kinds USING (edge_kind);
CREATE TABLE resources (
  node INTEGER PRIMARY KEY, id TEXT NOT NULL, id_fold TEXT,
  id_key TEXT GENERATED ALWAYS AS (coalesce(id_fold, lower(nullif(id, '')))) VIRTUAL,
  name TEXT NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL, location TEXT NOT NULL,
  resource_group TEXT NOT NULL, subscription_id TEXT NOT NULL, tenant_id TEXT NOT NULL,
  managed_by TEXT NOT NULL, api_version TEXT NOT NULL,
  source TEXT NOT NULL,
  sku TEXT, plan TEXT, tags TEXT, identity TEXT, zones TEXT, extended_location TEXT, extra TEXT,
  properties TEXT
) STRICT;
CREATE INDEX resources_group ON resources (subscription_id, resource_group);
CREATE UNIQUE INDEX resources_id ON resources (id_key);
CREATE INDEX resources_type ON resources (type, location);
CREATE TABLE role_assignments (
  node INTEGER PRIMARY KEY, id TEXT NOT NULL, id_fold TEXT,
  id_key TEXT GENERATED ALWAYS AS (coalesce(id_fold, lower(nullif(id, '')))) VIRTUAL,
  name TEXT NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL, location TEXT NOT NULL,
  resource_group TEXT NOT NULL, subscription_id TEXT NOT NULL, tenant_id TEXT NOT NULL,
  managed_by TEXT NOT NULL, api_version TEXT NOT NULL,
  principal_id TEXT NOT NULL, principal_type TEXT NOT NULL, role_definition_id TEXT NOT NULL,
  role_definition_name TEXT NOT NULL, scope TEXT NOT NULL, scope_key TEXT NOT NULL,
  sku TEXT, plan TEXT, tags TEXT, identity TEXT, zones TEXT, extended_location TEXT, extra TEXT,
  properties TEXT
) STRICT;
CREATE UNIQUE INDEX role_assignments_id ON role_assignments (id_key);
CREATE INDEX role_assignments_principal ON role_assignments (principal_id);
CREATE INDEX role_assignments_scope ON role_assignments (scope_key);
CREATE TABLE role_definitions (
  node INTEGER PRIMARY KEY, id TEXT NOT NULL, id_fold TEXT,
  id_key TEXT GENERATED ALWAYS AS (coalesce(id_fold, lower(nullif(id, '')))) VIRTUAL,
  name TEXT NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL, location TEXT NOT NULL,
  resource_group TEXT NOT NULL, subscription_id TEXT NOT NULL, tenant_id TEXT NOT NULL,
  managed_by TEXT NOT NULL, api_version TEXT NOT NULL,
  role_name TEXT NOT NULL, role_type TEXT NOT NULL,
  sku TEXT, plan TEXT, tags TEXT, identity TEXT, zones TEXT, extended_location TEXT, extra TEXT,
  properties TEXT
) STRICT;
CREATE UNIQUE INDEX role_definitions_id ON role_definitions (id_key);
CREATE INDEX role_definitions_name ON role_definitions (lower(name));
CREATE TABLE subscriptions (
  subscription_id TEXT NOT NULL PRIMARY KEY,
  name            TEXT NOT NULL,
  state           TEXT NOT NULL,
  tenant_id       TEXT NOT NULL,
  raw             TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE sums (
  dimension TEXT NOT NULL,
  value     TEXT NOT NULL,
  name      TEXT NOT NULL,
  resources INTEGER NOT NULL,
  PRIMARY KEY (dimension, value)
) STRICT, WITHOUT ROWID;
PRAGMA application_id = 1096042323;
PRAGMA user_version = 2;
PRAGMA page_size = 16384;
PRAGMA encoding = UTF-8;
