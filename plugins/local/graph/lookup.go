package graph

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// IdentityOf is the identity with an object id; ok is false where the snapshot has none.
func (r *Reader) IdentityOf(ctx context.Context, objectID string) (i Identity, ok bool, err error) {
	if r.snapshot.SchemaVersion < firstWithIdentities {
		return i, false, nil
	}
	err = r.db.QueryRowContext(ctx, `SELECT object_id, kind, state, name, login, app_id, resource_id FROM identities WHERE object_id = ?`, strings.ToLower(objectID)).
		Scan(&i.ObjectID, &i.Kind, &i.State, &i.Name, &i.Login, &i.AppID, &i.ResourceID)
	if errors.Is(err, sql.ErrNoRows) {
		return i, false, nil
	}
	return i, err == nil, readFault(r.path, err)
}

// RoleName is the name of the role, such as Reader, whose definition has that name, a GUID; empty where the snapshot does not have it.
func (r *Reader) RoleName(ctx context.Context, definition string) (name string, err error) {
	err = r.db.QueryRowContext(ctx, `SELECT role_name FROM role_definitions WHERE lower(name) = ? ORDER BY id_key LIMIT 1`, strings.ToLower(definition)).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return name, readFault(r.path, err)
}
