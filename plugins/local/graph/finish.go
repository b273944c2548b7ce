package graph

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

//go:embed index.sql
var indexes string

// Finish completes the snapshot and publishes it: duplicates go, the graph, indexes and sums come,
// the ledger is written, and the file appears in the store, synced to disk. When ctx ends before
// that, the snapshot is not published. After any failure only Abort is left.
func (w *Writer) Finish(ctx context.Context, coverage backend.Coverage) (backend.Snapshot, error) {
	var snapshot backend.Snapshot
	err := w.do(func() (err error) {
		snapshot, err = w.finish(ctx, coverage)
		return err
	})
	if err != nil {
		return backend.Snapshot{}, err
	}
	w.staging = nil
	return snapshot, nil
}

// Relate makes the graph of the rows that were added, of which it first gives up duplicates. Nothing can be added behind it. Finish does
// it, if nobody has; to call it is to hear how far it is. progress may be nil; it counts rows whose edges are written, of so many.
func (w *Writer) Relate(ctx context.Context, progress func(done, total int64)) error {
	return w.do(func() error { return w.relate(ctx, progress) })
}

func (w *Writer) relate(ctx context.Context, progress func(done, total int64)) error {
	w.related = true
	if _, err := w.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return err
	}
	if _, err := w.conn.ExecContext(ctx, "CREATE TEMP TABLE duplicates (row INTEGER PRIMARY KEY)"); err != nil {
		return err
	}
	for _, t := range tables {
		if err := w.unique(ctx, t.name, "id_key", t.best); err != nil {
			return err
		}
	}
	duplicates := w.counts.Duplicates // of Azure's rows; that an identity is met twice is usual
	if err := w.unique(ctx, tableIdentities, "object_id", bestIdentity); err != nil {
		return err
	}
	w.counts.Duplicates = duplicates
	if _, err := w.conn.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	if w.meta.Scratch {
		return nil
	}
	if progress == nil {
		progress = func(int64, int64) {}
	}
	return w.derive(ctx, progress)
}

func (w *Writer) finish(ctx context.Context, coverage backend.Coverage) (backend.Snapshot, error) {
	if !w.related {
		if err := w.relate(ctx, nil); err != nil {
			return backend.Snapshot{}, err
		}
	}
	if err := w.ledger(coverage.Entries); err != nil {
		return backend.Snapshot{}, err
	}
	if _, err := w.conn.ExecContext(ctx, indexes); err != nil {
		return backend.Snapshot{}, err
	}
	snapshot, err := w.sumUp(ctx, coverage.Complete && len(coverage.Gaps()) == 0)
	if err != nil {
		return backend.Snapshot{}, err
	}
	if _, err := w.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return backend.Snapshot{}, err
	}
	if err := w.close(); err != nil {
		return backend.Snapshot{}, err
	}
	return w.publish(ctx, snapshot)
}

// unique makes the index that tells the rows of a table apart, and removes with its help all but the
// best of several. A unique index would find duplicates for nothing, but then must be built again
// behind them; and they are usual where ARM tells more of what Resource Graph has too.
func (w *Writer) unique(ctx context.Context, table, key, best string) error {
	found, err := w.conn.ExecContext(ctx, fmt.Sprintf(`
		CREATE INDEX %[1]s_id ON %[1]s (%[3]s);
		DELETE FROM duplicates;
		INSERT INTO duplicates SELECT row.rowid
		FROM (SELECT %[3]s AS twice FROM %[1]s WHERE %[3]s IS NOT NULL GROUP BY %[3]s HAVING count(*) > 1)
		CROSS JOIN %[1]s AS row ON row.%[3]s = twice
		WHERE row.rowid <> (SELECT rowid FROM %[1]s WHERE %[3]s = twice ORDER BY %[2]s rowid DESC LIMIT 1)`, table, best, key))
	if err != nil {
		return err
	}
	n, err := found.RowsAffected()
	if err != nil || n == 0 {
		return err
	}
	w.counts.Duplicates += n
	if table == "resources" {
		if err := w.untally(ctx); err != nil {
			return err
		}
	}
	_, err = w.conn.ExecContext(ctx, "DELETE FROM "+table+" WHERE rowid IN (SELECT row FROM duplicates)") //nolint:gosec // one of tables
	return err
}

// ledger writes what came of reading each part of the tenant.
func (w *Writer) ledger(entries []backend.CoverageEntry) error {
	stmt, err := w.conn.PrepareContext(w.ctx, `INSERT INTO coverage VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT))`)
	if err != nil {
		return err
	}
	defer discard(stmt)
	for i, e := range entries {
		reason, err := encodeFault(e.Fault)
		if err != nil {
			return err
		}
		_, err = stmt.ExecContext(w.ctx, i, e.Scope, e.Name, e.Kind, string(e.State), e.Listed, e.Expected, reason)
		if err != nil {
			return err
		}
	}
	return nil
}

// sumUp writes what the snapshot says about itself, and the marks of a finished one.
func (w *Writer) sumUp(ctx context.Context, complete bool) (backend.Snapshot, error) {
	snapshot := backend.Snapshot{
		ID: w.meta.ID, TenantID: strings.ToLower(w.meta.TenantID), TenantName: w.meta.TenantName,
		JobID: w.meta.JobID, CreatedAt: w.meta.CreatedAt.UTC().Round(0), Complete: complete,
		Filtered: filtered(w.meta.Request), Producer: w.meta.Producer, SchemaVersion: SchemaVersion,
	}
	if err := w.writeSums(ctx); err != nil {
		return snapshot, err
	}
	snapshot.Resources = w.tally.resources
	err := w.conn.QueryRowContext(ctx, count).Scan(&snapshot.Subscriptions, &snapshot.Relationships, &snapshot.RoleAssignments, &snapshot.Identities)
	if err != nil {
		return snapshot, err
	}
	// A quotient, as Seconds adds whole and part: 1.382 must be read back from the file as it is told here.
	snapshot.DurationSeconds = float64(time.Since(w.meta.CreatedAt).Round(time.Millisecond).Milliseconds()) / 1000
	entries, err := metaEntries(snapshot, w.meta.Request, w.counts)
	if err != nil {
		return snapshot, err
	}
	for key, value := range entries {
		if _, err := w.conn.ExecContext(ctx, `INSERT INTO meta VALUES (?, ?)`, key, value); err != nil {
			return snapshot, err
		}
	}
	_, err = w.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d",
		applicationID, SchemaVersion))
	return snapshot, err
}

// count sums up what the tally does not. A subscription may be known from ARM's list, from its
// container, or from both.
const count = `SELECT
	(SELECT count(*) FROM (SELECT subscription_id FROM subscriptions UNION
		SELECT substr(id_key, length('/subscriptions/') + 1) FROM containers WHERE type = '` + typeSubscription + `')),
	(SELECT coalesce(sum(resources), 0) FROM sums WHERE dimension = 'relationship'),
	(SELECT count(*) FROM role_assignments),
	(SELECT coalesce(sum(resources), 0) FROM sums WHERE dimension = 'identity')`

// publish syncs the finished file, describes it, and moves both into the store.
func (w *Writer) publish(ctx context.Context, snapshot backend.Snapshot) (backend.Snapshot, error) {
	path := filepath.Join(w.staging.dir, stagingFile)
	sum, size, err := seal(path, !w.meta.Scratch)
	if err != nil {
		return snapshot, err
	}
	snapshot.SHA256, snapshot.Size = sum, size
	if err := writeSidecar(filepath.Join(w.staging.dir, stagingSide), description{Snapshot: snapshot}); err != nil {
		return snapshot, err
	}
	if err := ctx.Err(); err != nil {
		return snapshot, err
	}
	return snapshot, w.staging.publish(snapshot)
}

// seal syncs a file to disk, if it is to be, while hashing it, and takes away the right to write it.
func seal(path string, sync bool) (sum string, size int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return "", 0, err
	}
	defer discard(f)
	synced := make(chan error, 1)
	if sync {
		go func() { synced <- f.Sync() }()
	} else {
		close(synced)
	}
	hash := sha256.New()
	size, err = io.Copy(hash, f)
	if err := errors.Join(err, <-synced, os.Chmod(path, 0o400)); err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(hash.Sum(nil)), size, nil
}

// filtered says that a request asks for less than the tenant.
func filtered(r backend.ScanRequest) bool {
	f := r.Filter
	return r.ResourceLimit > 0 || len(f.Subscriptions)+len(f.ResourceGroups)+len(f.ResourceTypes)+
		len(f.Locations)+len(f.Tags)+len(f.ExcludeTypes) > 0
}
