package graph

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"
)

// common are the columns that every table of Azure's rows has, but for the numbers of rows.
const common = "id, id_key, name, type, kind, location, resource_group, subscription_id, tenant_id, managed_by, api_version, " +
	"sku, plan, tags, identity, zones, extended_location, extra, properties"

// digested are the parts of a snapshot that follow from what Azure returned alone, each in an order
// of its own. Left out are meta and coverage, which tell of one scan: its ids, times and attempts; the
// source of a resource, for it is the same resource whoever told of it; and what is derived of the rest,
// such as relationships. All formats have these columns.
var digested = []struct{ table, columns, order string }{
	{"resources", common, "id_key"},
	{"containers", common + ", parent_key", "id_key"},
	{"role_assignments", common + ", principal_id, principal_type, role_definition_id, role_definition_name, scope, scope_key", "id_key"},
	{"role_definitions", common + ", role_name, role_type", "id_key"},
	{"other_rows", common + ", table_name", "table_name, id_key, id, name, type, properties, extra"},
	{"subscriptions", "subscription_id, name, state, tenant_id, raw", "subscription_id"},
}

// digestedIdentities are those of formats that hold identities, where there are any: else a scan without identities would differ from
// the same scan in an older format.
var digestedIdentities = []struct{ table, columns, order string }{
	{tableIdentities, "object_id, kind, state, name, login, app_id, resource_id, CAST(enabled AS TEXT), raw", "object_id"},
	{tableMemberships, "group_id, member_id", "group_id, member_id"},
}

// Digest is a SHA-256 over the content of a snapshot: equal for two scans that found the same, in
// whatever order the rows came, whoever scanned and when. The bytes of two such files differ. It
// reads the whole snapshot.
func (s *Store) Digest(ctx context.Context, id string) (string, error) {
	id, err := s.resolve(id)
	if err != nil {
		return "", err
	}
	path := s.file(id)
	snapshot, err := s.verified(ctx, id)
	switch {
	case errors.Is(err, fs.ErrNotExist): // deleted a moment ago
		return "", notFound(id, nil)
	case err != nil:
		return "", err
	}
	db := openFinished(path)
	defer discard(db)
	sum := sha256.New()
	parts := digested
	if snapshot.Identities > 0 {
		parts = slices.Concat(digested, digestedIdentities)
	}
	for _, d := range parts {
		if err := digestTable(ctx, sum, db, d.table, d.columns, d.order); err != nil {
			return "", readFault(path, err)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// digestTable hashes the rows of a table, so that no two different tables give the same bytes: each
// value with its length before it, NULL with a length of its own.
func digestTable(ctx context.Context, sum hash.Hash, db *sql.DB, table, columns, order string) error {
	rows, err := db.QueryContext(ctx, "SELECT "+columns+" FROM "+table+" ORDER BY "+order) //nolint:gosec // all are of digested
	if err != nil {
		return err
	}
	defer discard(rows)
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	put := func(value string, size uint64) {
		sum.Write(binary.BigEndian.AppendUint64(nil, size))
		_, _ = io.WriteString(sum, value) // a hash never fails
	}
	header := table + "(" + strings.Join(names, ",") + ")"
	put(header, uint64(len(header)))
	values := make([]any, len(names))
	into := make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range values {
			switch v := v.(type) {
			case nil:
				put("", math.MaxUint64)
			case string:
				put(v, uint64(len(v)))
			default:
				return fmt.Errorf("%s.%s holds a %T", table, names[i], v)
			}
		}
	}
	return rows.Err()
}
