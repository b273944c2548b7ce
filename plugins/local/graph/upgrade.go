package graph

import (
	"context"
	"path/filepath"
)

// WithGraph answers a reader of the same snapshot that has nodes and edges: itself, or, if the snapshot is of a format before
// them, one of a copy in the present format, which it writes below dir. The copy goes with dir. Closing either closes both.
func (r *Reader) WithGraph(ctx context.Context, dir string) (*Reader, error) {
	if r.snapshot.SchemaVersion >= firstWithIdentities {
		return r, nil
	}
	store, err := OpenStore(filepath.Join(dir, "upgraded"))
	if err != nil {
		return nil, err
	}
	w, err := store.NewWriter(ctx, Meta{
		ID: r.snapshot.ID, TenantID: r.snapshot.TenantID, TenantName: r.snapshot.TenantName, JobID: r.snapshot.JobID,
		CreatedAt: r.snapshot.CreatedAt, Producer: r.snapshot.Producer,
	})
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	if err := r.copyTo(ctx, w); err != nil {
		return nil, err
	}
	if _, err := w.Finish(ctx, r.coverage); err != nil {
		return nil, err
	}
	upgraded, err := OpenFile(ctx, store.file(r.snapshot.ID))
	if err != nil {
		return nil, err
	}
	upgraded.snapshot.Size, upgraded.snapshot.SHA256 = r.snapshot.Size, r.snapshot.SHA256 // of what the user has
	upgraded.snapshot.DurationSeconds, upgraded.snapshot.Filtered = r.snapshot.DurationSeconds, r.snapshot.Filtered
	upgraded.original = r
	return upgraded, nil
}

// copyTo adds every row to a snapshot that is written.
func (r *Reader) copyTo(ctx context.Context, w *Writer) error {
	subscriptions, err := r.subscriptions(ctx)
	if err != nil {
		return err
	}
	if err := w.AddSubscriptions(subscriptions); err != nil {
		return err
	}
	for table, source := range map[Table]string{
		Resources: "source", Containers: "'" + TableContainers + "'", RoleAssignments: "'" + TableAuthorization + "'",
		RoleDefinitions: "'" + TableAuthorization + "'", OtherRows: "table_name",
	} {
		if table == Resources && r.snapshot.SchemaVersion < 2 {
			source = "'" + TableResources + "'"
		}
		if err := r.copyTable(ctx, w, table, source); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) copyTable(ctx context.Context, w *Writer, table Table, source string) error {
	rows, err := r.db.QueryContext(ctx, "SELECT "+source+", "+rowColumns+" FROM "+table.String()+" ORDER BY rowid") //nolint:gosec // both are this file's
	if err != nil {
		return readFault(r.path, err)
	}
	defer discard(rows)
	batch := make([]Row, 0, 256)
	for rows.Next() {
		var row Row
		if err := rows.Scan(&row.Table, &row.ID, &row.Name, &row.Type, &row.Kind, &row.Location, &row.ResourceGroup, &row.SubscriptionID, &row.TenantID,
			&row.ManagedBy, &row.APIVersion, &row.SKU, &row.Plan, &row.Tags, &row.Identity, &row.Zones, &row.ExtendedLocation, &row.Extra, &row.Properties); err != nil {
			return readFault(r.path, err)
		}
		if batch = append(batch, row); len(batch) == cap(batch) {
			if err := w.Add(batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if err := rows.Err(); err != nil {
		return readFault(r.path, err)
	}
	return w.Add(batch)
}

// subscriptions are those that ARM listed, whole.
func (r *Reader) subscriptions(ctx context.Context) (all []Subscription, err error) {
	rows, err := r.db.QueryContext(ctx, `SELECT subscription_id, name, state, tenant_id, raw FROM subscriptions ORDER BY 1`)
	if err != nil {
		return nil, readFault(r.path, err)
	}
	defer discard(rows)
	for rows.Next() {
		var s Subscription
		if err := rows.Scan(&s.ID, &s.Name, &s.State, &s.TenantID, &s.Raw); err != nil {
			return nil, readFault(r.path, err)
		}
		all = append(all, s)
	}
	return all, readFault(r.path, rows.Err())
}
