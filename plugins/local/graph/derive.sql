-- Indexes and derived rows of a snapshot, behind the load. The unique indexes come first.

CREATE INDEX resources_type ON resources (type, location);
CREATE INDEX resources_group ON resources (subscription_id, resource_group);
CREATE INDEX role_assignments_principal ON role_assignments (principal_id);
CREATE INDEX role_assignments_scope ON role_assignments (scope_key);
CREATE INDEX role_definitions_name ON role_definitions (lower(name));

-- Containment: tenant, management group, subscription, resource group, resource, child resource. A
-- source may be missing among the rows, where the scan did not ask for it or was not let see it.
INSERT OR IGNORE INTO relationships
SELECT parent_key, 'CONTAINS', id_key, 'containment', '' FROM containers WHERE parent_key <> '';

INSERT OR IGNORE INTO relationships
SELECT COALESCE(NULLIF(parent, ''), :tenant), 'CONTAINS', id_key, 'containment', ''
FROM (SELECT parent_key(id_key) AS parent, id_key FROM resources ORDER BY id_key) WHERE parent IS NOT NULL;

CREATE INDEX relationships_target ON relationships (target_key);
