CREATE TABLE containers (
  id TEXT NOT NULL, id_key TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL,
  location TEXT NOT NULL, resource_group TEXT NOT NULL, subscription_id TEXT NOT NULL,
  tenant_id TEXT NOT NULL, managed_by TEXT NOT NULL, api_version TEXT NOT NULL,
  sku TEXT, plan TEXT, tags TEXT, identity TEXT, zones TEXT, extended_location TEXT, extra TEXT,
  properties TEXT,
  parent_key TEXT NOT NULL
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
CREATE TABLE meta (
  key   TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE other_rows (
  id TEXT NOT NULL, id_key TEXT, name TEXT NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL,
  location TEXT NOT NULL, resource_group TEXT NOT NULL, subscription_id TEXT NOT NULL,
  tenant_id TEXT NOT NULL, managed_by TEXT NOT NULL, api_version TEXT NOT NULL,
  sku TEXT, plan TEXT, tags TEXT, identity TEXT, zones TEXT, extended_location TEXT, extra TEXT,
  properties TEXT,
  table_name TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX other_rows_id ON other_rows (table_name, id_key);
CREATE TABLE relationships (
  source_key TEXT NOT NULL,
  kind       TEXT NOT NULL,
  target_key TEXT NOT NULL,
  rule       TEXT NOT NULL,
  property   TEXT NOT NULL,
  PRIMARY KEY (source_key, kind, target_key, rule, property)
) STRICT, WITHOUT ROWID;
CREATE INDEX relationships_target ON relationships (target_key);
CREATE TABLE resources (
  id TEXT NOT NULL, id_key TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL,
  location TEXT NOT NULL, resource_group TEXT NOT NULL, subscription_id TEXT NOT NULL,
  tenant_id TEXT NOT NULL, managed_by TEXT NOT NULL, api_version TEXT NOT NULL,
  sku TEXT, plan TEXT, tags TEXT, identity TEXT, zones TEXT, extended_location TEXT, extra TEXT,
  properties TEXT
) STRICT;
CREATE INDEX resources_group ON resources (subscription_id, resource_group);
CREATE UNIQUE INDEX resources_id ON resources (id_key);
CREATE INDEX resources_type ON resources (type, location);
CREATE TABLE role_assignments (
  id TEXT NOT NULL, id_key TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL,
  location TEXT NOT NULL, resource_group TEXT NOT NULL, subscription_id TEXT NOT NULL,
  tenant_id TEXT NOT NULL, managed_by TEXT NOT NULL, api_version TEXT NOT NULL,
  sku TEXT, plan TEXT, tags TEXT, identity TEXT, zones TEXT, extended_location TEXT, extra TEXT,
  properties TEXT,
  principal_id TEXT NOT NULL, principal_type TEXT NOT NULL,
  role_definition_id TEXT NOT NULL, role_definition_name TEXT NOT NULL,
  scope TEXT NOT NULL, scope_key TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX role_assignments_id ON role_assignments (id_key);
CREATE INDEX role_assignments_principal ON role_assignments (principal_id);
CREATE INDEX role_assignments_scope ON role_assignments (scope_key);
CREATE TABLE role_definitions (
  id TEXT NOT NULL, id_key TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL,
  location TEXT NOT NULL, resource_group TEXT NOT NULL, subscription_id TEXT NOT NULL,
  tenant_id TEXT NOT NULL, managed_by TEXT NOT NULL, api_version TEXT NOT NULL,
  sku TEXT, plan TEXT, tags TEXT, identity TEXT, zones TEXT, extended_location TEXT, extra TEXT,
  properties TEXT,
  role_name TEXT NOT NULL, role_type TEXT NOT NULL
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
PRAGMA application_id = 1096042323;
PRAGMA user_version = 1;
PRAGMA page_size = 16384;
PRAGMA encoding = UTF-8;
