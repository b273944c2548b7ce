-- The tables of a snapshot, format 3. docs/snapshot-format.md explains every column.
-- Indexes and derived rows come behind the load: see derive.sql.

CREATE TABLE meta (
  key   TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE resources (
  id TEXT NOT NULL, id_fold TEXT,
  id_key TEXT GENERATED ALWAYS AS (coalesce(id_fold, lower(nullif(id, '')))) VIRTUAL,
  name TEXT NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL, location TEXT NOT NULL,
  resource_group TEXT NOT NULL, subscription_id TEXT NOT NULL, tenant_id TEXT NOT NULL,
  managed_by TEXT NOT NULL, api_version TEXT NOT NULL,
  source TEXT NOT NULL, parent_length INTEGER,
  parent_key TEXT GENERATED ALWAYS AS (substr(id_key, 1, parent_length)) VIRTUAL,
  sku TEXT, plan TEXT, tags TEXT, identity TEXT, zones TEXT, extended_location TEXT, extra TEXT,
  properties TEXT
) STRICT;

CREATE TABLE containers (
  id TEXT NOT NULL, id_fold TEXT,
  id_key TEXT GENERATED ALWAYS AS (coalesce(id_fold, lower(nullif(id, '')))) VIRTUAL,
  name TEXT NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL, location TEXT NOT NULL,
  resource_group TEXT NOT NULL, subscription_id TEXT NOT NULL, tenant_id TEXT NOT NULL,
  managed_by TEXT NOT NULL, api_version TEXT NOT NULL,
  parent_key TEXT NOT NULL,
  sku TEXT, plan TEXT, tags TEXT, identity TEXT, zones TEXT, extended_location TEXT, extra TEXT,
  properties TEXT
) STRICT;

CREATE TABLE role_assignments (
  id TEXT NOT NULL, id_fold TEXT,
  id_key TEXT GENERATED ALWAYS AS (coalesce(id_fold, lower(nullif(id, '')))) VIRTUAL,
  name TEXT NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL, location TEXT NOT NULL,
  resource_group TEXT NOT NULL, subscription_id TEXT NOT NULL, tenant_id TEXT NOT NULL,
  managed_by TEXT NOT NULL, api_version TEXT NOT NULL,
  principal_id TEXT NOT NULL, principal_type TEXT NOT NULL, role_definition_id TEXT NOT NULL,
  role_definition_name TEXT NOT NULL, scope TEXT NOT NULL, scope_key TEXT NOT NULL,
  sku TEXT, plan TEXT, tags TEXT, identity TEXT, zones TEXT, extended_location TEXT, extra TEXT,
  properties TEXT
) STRICT;

CREATE TABLE role_definitions (
  id TEXT NOT NULL, id_fold TEXT,
  id_key TEXT GENERATED ALWAYS AS (coalesce(id_fold, lower(nullif(id, '')))) VIRTUAL,
  name TEXT NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL, location TEXT NOT NULL,
  resource_group TEXT NOT NULL, subscription_id TEXT NOT NULL, tenant_id TEXT NOT NULL,
  managed_by TEXT NOT NULL, api_version TEXT NOT NULL,
  role_name TEXT NOT NULL, role_type TEXT NOT NULL,
  sku TEXT, plan TEXT, tags TEXT, identity TEXT, zones TEXT, extended_location TEXT, extra TEXT,
  properties TEXT
) STRICT;

CREATE TABLE other_rows (
  id TEXT NOT NULL, id_fold TEXT,
  id_key TEXT GENERATED ALWAYS AS (coalesce(id_fold, lower(nullif(id, '')))) VIRTUAL,
  name TEXT NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL, location TEXT NOT NULL,
  resource_group TEXT NOT NULL, subscription_id TEXT NOT NULL, tenant_id TEXT NOT NULL,
  managed_by TEXT NOT NULL, api_version TEXT NOT NULL,
  table_name TEXT NOT NULL,
  sku TEXT, plan TEXT, tags TEXT, identity TEXT, zones TEXT, extended_location TEXT, extra TEXT,
  properties TEXT
) STRICT;

CREATE TABLE subscriptions (
  subscription_id TEXT NOT NULL PRIMARY KEY,
  name            TEXT NOT NULL,
  state           TEXT NOT NULL,
  tenant_id       TEXT NOT NULL,
  raw             TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE identities (
  object_id TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, name TEXT NOT NULL, login TEXT NOT NULL,
  app_id TEXT NOT NULL, resource_id TEXT NOT NULL, enabled INTEGER,
  raw TEXT
) STRICT;

CREATE TABLE memberships (
  group_id  TEXT NOT NULL,
  member_id TEXT NOT NULL,
  PRIMARY KEY (group_id, member_id)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE sums (
  dimension TEXT NOT NULL,
  value     TEXT NOT NULL,
  name      TEXT NOT NULL,
  resources INTEGER NOT NULL,
  PRIMARY KEY (dimension, value)
) STRICT, WITHOUT ROWID;

-- The graph, derived of the rows above. Nodes are numbered in the order of their keys, those behind them that are only named.
CREATE TABLE nodes (
  node INTEGER PRIMARY KEY,
  id TEXT NOT NULL, id_fold TEXT,
  key TEXT GENERATED ALWAYS AS (coalesce(id_fold, lower(id))) VIRTUAL,
  kind TEXT NOT NULL, state TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, location TEXT NOT NULL,
  resource_group TEXT NOT NULL, subscription_id TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX nodes_key ON nodes (key);

CREATE TABLE edge_labels (
  label    INTEGER PRIMARY KEY,
  kind     TEXT NOT NULL,
  rule     TEXT NOT NULL,
  property TEXT NOT NULL,
  detail   TEXT NOT NULL,
  reversed INTEGER NOT NULL
) STRICT;

CREATE TABLE edges (
  source INTEGER NOT NULL,
  label  INTEGER NOT NULL,
  target INTEGER NOT NULL,
  PRIMARY KEY (source, label, target)
) STRICT, WITHOUT ROWID;

CREATE VIEW relationships AS
SELECT source.key AS source_key, kind_of.kind AS kind, target.key AS target_key, rule, property, detail, reversed,
  source.state AS source_state, target.state AS target_state
FROM edges
JOIN edge_labels AS kind_of ON kind_of.label = edges.label
JOIN nodes AS source ON source.node = edges.source
JOIN nodes AS target ON target.node = edges.target;
