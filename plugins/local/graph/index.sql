-- The indexes of a snapshot beside those that keep ids unique, behind the load.

CREATE INDEX resources_type ON resources (type, location);
CREATE INDEX role_assignments_principal ON role_assignments (principal_id);
CREATE INDEX role_assignments_scope ON role_assignments (scope_key);
CREATE INDEX role_definitions_name ON role_definitions (lower(name));
CREATE INDEX memberships_member ON memberships (member_id, group_id);
CREATE INDEX edges_target ON edges (target, label, source);
