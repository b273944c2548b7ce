package graph

import (
	"context"
	"strings"
)

// IdentityKind is what an identity of Microsoft Entra is.
type IdentityKind string

// The kinds. An application is the registration; its service principals are what acts.
const (
	KindUser             IdentityKind = "user"
	KindGroup            IdentityKind = "group"
	KindServicePrincipal IdentityKind = "service_principal"
	KindManagedIdentity  IdentityKind = "managed_identity"
	KindApplication      IdentityKind = "application"
	KindDevice           IdentityKind = "device"
	KindOtherIdentity    IdentityKind = "other" // contacts, and what Microsoft Graph may have in the future
)

// IdentityState is what is known of an identity.
type IdentityState string

// The states.
const (
	IdentityPresent    IdentityState = "present"
	IdentityDeleted    IdentityState = "deleted"    // something names it, but the directory has it no more
	IdentityUnreadable IdentityState = "unreadable" // it is there, but its type may not be read
)

// Identity is a user, group, application or service principal. Ids are GUIDs.
type Identity struct {
	ObjectID   string
	Kind       IdentityKind
	State      IdentityState
	Name       string // the display name
	Login      string // the principal name of a user, the mail address of a group
	AppID      string // of an application and its service principals
	ResourceID string // the ARM id of what a managed identity belongs to
	Enabled    *bool  // nil is unknown
	Raw        []byte // the JSON object of Microsoft Graph; nil is unknown
}

// Membership says that a group has a member.
type Membership struct{ GroupID, MemberID string }

// AddIdentities adds identities, in any order. Of several with one id one stays: one that is present before one that is
// unreadable, that before one that is deleted, and of equally known ones the last.
func (w *Writer) AddIdentities(identities []Identity) error {
	return w.adding(func() error {
		in := w.inserts[tableIdentities]
		for _, i := range identities {
			var enabled any
			if i.Enabled != nil {
				enabled = *i.Enabled
			}
			in.args = append(in.args[:0], strings.ToLower(i.ObjectID), string(i.Kind), string(i.State), i.Name, i.Login,
				strings.ToLower(i.AppID), i.ResourceID, enabled, text(i.Raw))
			if err := w.run(in); err != nil {
				return err
			}
		}
		return nil
	})
}

// AddMemberships adds members of groups, in any order; the same one twice is one.
func (w *Writer) AddMemberships(memberships []Membership) error {
	return w.adding(func() error {
		in := w.inserts[tableMemberships]
		for _, m := range memberships {
			in.args = append(in.args[:0], strings.ToLower(m.GroupID), strings.ToLower(m.MemberID))
			if err := w.run(in); err != nil {
				return err
			}
		}
		return nil
	})
}

// CountMemberships is how many different memberships have been added so far.
func (w *Writer) CountMemberships(ctx context.Context) (n int64, err error) {
	err = w.do(func() error { return w.conn.QueryRowContext(ctx, `SELECT count(*) FROM memberships`).Scan(&n) })
	return n, err
}

// run adds a row of what is not Azure's.
func (w *Writer) run(in *insert) error {
	if _, err := in.stmt.ExecContext(w.ctx, in.args...); err != nil {
		return err
	}
	return w.added()
}

const (
	tableIdentities  = "identities"
	tableMemberships = "memberships"
)

// identityInserts are the statements that add identities and memberships.
var identityInserts = map[string]string{
	tableIdentities:  "INSERT INTO identities VALUES (?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT))",
	tableMemberships: "INSERT OR IGNORE INTO memberships VALUES (?, ?)",
}

// bestIdentity is the order of what is known of one.
const bestIdentity = "state <> 'present', state <> 'unreadable', "

// principals are the ids of Microsoft Entra that rows of Azure name, with the kind that the row says: of role assignments, of
// managed identities, of the access policies of key vaults, of the administrators of SQL servers, and of clusters. The id of an application that
// administers a SQL server is that of its service principal or of itself, as whoever set it has chosen, so that it is not taken for either.
const principals = `
SELECT lower(principal_id), max(kind) FROM (
	SELECT principal_id, principal_type AS kind FROM role_assignments
	UNION ALL
	SELECT iif(json_valid(identity), identity, NULL) ->> '$.principalId', 'ServicePrincipal' FROM resources WHERE identity IS NOT NULL
	UNION ALL
	SELECT assigned.value ->> '$.principalId', 'ServicePrincipal'
	FROM resources, json_each(iif(json_valid(identity), identity, NULL), '$.userAssignedIdentities') AS assigned
	WHERE identity IS NOT NULL AND assigned.type = 'object'
	UNION ALL
	SELECT ` + valid + ` ->> '$.principalId', 'ServicePrincipal' FROM resources WHERE type = 'microsoft.managedidentity/userassignedidentities'
	UNION ALL
	SELECT policy.value ->> '$.objectId', '' FROM resources, json_each(` + valid + `, '$.accessPolicies') AS policy
	WHERE resources.type = 'microsoft.keyvault/vaults' AND policy.type = 'object'
	UNION ALL
	SELECT ` + valid + ` ->> '$.administrators.sid', ` + valid + ` ->> '$.administrators.principalType' FROM resources
	WHERE type IN ('microsoft.sql/servers', 'microsoft.sql/managedinstances') AND ` + valid + ` ->> '$.administrators.principalType' IN ('User', 'Group')
	UNION ALL
	SELECT profile.value ->> '$.objectId', 'ServicePrincipal' FROM resources, json_each(` + valid + `, '$.identityProfile') AS profile
	WHERE resources.type = 'microsoft.containerservice/managedclusters' AND profile.type = 'object'
	UNION ALL
	SELECT admin.value, 'Group' FROM resources, json_each(` + valid + `, '$.aadProfile.adminGroupObjectIDs') AS admin
	WHERE resources.type = 'microsoft.containerservice/managedclusters' AND admin.type = 'text'
) WHERE principal_id <> '' GROUP BY 1 ORDER BY 1`

// Principals yields the object ids, each once and in order, that the rows added so far name, with the kind of principal that one
// of those rows says: User, Group, ServicePrincipal, or empty. They are of role assignments, of managed identities, of access
// policies of key vaults, of users and groups that administer SQL servers and clusters, and of the nodes of clusters. What yield answers ends it.
func (w *Writer) Principals(ctx context.Context, yield func(id, kind string) error) error {
	return w.do(func() error {
		rows, err := w.conn.QueryContext(ctx, principals)
		if err != nil {
			return err
		}
		defer discard(rows)
		for rows.Next() {
			var id, kind string
			if err := rows.Scan(&id, &kind); err != nil {
				return err
			}
			if err := yield(id, kind); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// Identities yields the identities in the order of their ids; none where the scan read none, or was of format 1 or 2.
func (r *Reader) Identities(ctx context.Context, yield func(Identity) error) error {
	if r.snapshot.SchemaVersion < firstWithIdentities {
		return nil
	}
	rows, err := r.db.QueryContext(ctx, `SELECT object_id, kind, state, name, login, app_id, resource_id, enabled, raw FROM identities ORDER BY object_id`)
	if err != nil {
		return readFault(r.path, err)
	}
	defer discard(rows)
	for rows.Next() {
		var i Identity
		if err := rows.Scan(&i.ObjectID, &i.Kind, &i.State, &i.Name, &i.Login, &i.AppID, &i.ResourceID, &i.Enabled, &i.Raw); err != nil {
			return readFault(r.path, err)
		}
		if err := yield(i); err != nil {
			return err
		}
	}
	return readFault(r.path, rows.Err())
}

// Memberships yields the members of groups, in the order of groups and members.
func (r *Reader) Memberships(ctx context.Context, yield func(Membership) error) error {
	if r.snapshot.SchemaVersion < firstWithIdentities {
		return nil
	}
	rows, err := r.db.QueryContext(ctx, `SELECT group_id, member_id FROM memberships ORDER BY group_id, member_id`)
	if err != nil {
		return readFault(r.path, err)
	}
	defer discard(rows)
	for rows.Next() {
		var m Membership
		if err := rows.Scan(&m.GroupID, &m.MemberID); err != nil {
			return readFault(r.path, err)
		}
		if err := yield(m); err != nil {
			return err
		}
	}
	return readFault(r.path, rows.Err())
}

// firstWithIdentities is the first format that holds identities and edges.
const firstWithIdentities = 3
