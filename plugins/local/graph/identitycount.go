package graph

import "context"

// IdentityCounts are how many identities there are of each kind and state, each counted once, and how many memberships.
type IdentityCounts struct {
	Memberships int64
	identities  map[IdentityKind]map[IdentityState]int64
}

// Of is how many identities of a kind are in a state. Managed identities count among the service principals, which they are.
func (c *IdentityCounts) Of(kind IdentityKind, state IdentityState) int64 {
	n := c.identities[kind][state]
	if kind == KindServicePrincipal {
		n += c.identities[KindManagedIdentity][state]
	}
	return n
}

// CountIdentities counts what has been added so far.
func (w *Writer) CountIdentities(ctx context.Context) (IdentityCounts, error) {
	counts := IdentityCounts{identities: map[IdentityKind]map[IdentityState]int64{}}
	err := w.do(func() error {
		if err := w.conn.QueryRowContext(ctx, `SELECT count(*) FROM memberships`).Scan(&counts.Memberships); err != nil {
			return err
		}
		rows, err := w.conn.QueryContext(ctx, `SELECT kind, state, count(*) FROM (SELECT kind, state, row_number() OVER (
			PARTITION BY object_id ORDER BY `+bestIdentity+`rowid DESC) AS place FROM identities) WHERE place = 1 GROUP BY kind, state`)
		if err != nil {
			return err
		}
		defer discard(rows)
		for rows.Next() {
			var kind IdentityKind
			var state IdentityState
			var n int64
			if err := rows.Scan(&kind, &state, &n); err != nil {
				return err
			}
			if counts.identities[kind] == nil {
				counts.identities[kind] = map[IdentityState]int64{}
			}
			counts.identities[kind][state] = n
		}
		return rows.Err()
	})
	return counts, err
}
