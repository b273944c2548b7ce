package graph

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// Get answers a snapshot, named by its id or an unambiguous beginning of it, with its contents
// summed up. It reads the whole file once if that has changed, or was copied, since it was last
// found to be as the scan left it; else milliseconds are enough.
// The faults are fault.SnapshotNotFound, fault.Integrity, and fault.Unsupported for a file of a newer
// format.
func (s *Store) Get(ctx context.Context, id string) (backend.SnapshotDetail, error) {
	id, err := s.resolve(id)
	if err != nil {
		return backend.SnapshotDetail{}, err
	}
	detail, err := s.detail(ctx, id)
	if errors.Is(err, fs.ErrNotExist) { // deleted a moment ago
		return backend.SnapshotDetail{}, notFound(id, nil)
	}
	return detail, err
}

func (s *Store) detail(ctx context.Context, id string) (detail backend.SnapshotDetail, err error) {
	if detail.Snapshot, err = s.verified(ctx, id); err != nil {
		return detail, err
	}
	path := s.file(id)
	db := openFinished(path)
	defer discard(db)
	if _, detail.Request, err = readMeta(ctx, db); err != nil {
		return detail, readFault(path, err)
	}
	if detail.Coverage, err = readCoverage(ctx, db); err != nil {
		return detail, readFault(path, err)
	}
	detail.Coverage.Complete = detail.Snapshot.Complete
	sums := sums[:]
	if detail.Snapshot.SchemaVersion < 2 {
		sums = counted[:]
	}
	into := []*[]backend.Count{&detail.BySubscription, &detail.ByType, &detail.ByLocation, &detail.ByResourceGroup, &detail.ByIdentity, &detail.ByRelationship}
	for _, counts := range into {
		*counts = []backend.Count{}
	}
	for i, into := range into[:len(sums)] {
		if *into, err = readCounts(ctx, db, sums[i]); err != nil {
			return detail, readFault(path, err)
		}
	}
	return detail, nil
}

// sums are the resources by subscription, type, location and resource group, the identities and the relationships, as Finish summed
// them up. Those of no subscription belong to the tenant. Format 2 has the first three.
var sums = [...]string{
	`SELECT CASE value WHEN '' THEN 'tenant' ELSE value END, name, resources FROM sums
		WHERE dimension = 'subscription' ORDER BY 3 DESC, 1`,
	`SELECT value, name, resources FROM sums WHERE dimension = 'type' ORDER BY 3 DESC, 1`,
	`SELECT value, name, resources FROM sums WHERE dimension = 'location' ORDER BY 3 DESC, 1`,
	`SELECT value, name, resources FROM sums WHERE dimension = 'resource_group' ORDER BY 3 DESC, 1`,
	`SELECT value, name, resources FROM sums WHERE dimension = 'identity' ORDER BY 3 DESC, 1`,
	`SELECT value, name, resources FROM sums WHERE dimension = 'relationship' ORDER BY 3 DESC, 1`,
}

// counted are the same of format 1, which has no sums.
var counted = [...]string{
	`SELECT CASE counted.id WHEN '' THEN 'tenant' ELSE counted.id END,
		COALESCE(NULLIF(listed.name, ''),
			(SELECT name FROM containers WHERE id_key = '/subscriptions/' || counted.id), ''),
		counted.n
	FROM (SELECT subscription_id AS id, count(*) AS n FROM resources GROUP BY subscription_id) AS counted
	LEFT JOIN subscriptions AS listed ON listed.subscription_id = counted.id
	ORDER BY 3 DESC, 1`,
	`SELECT type, '', count(*) FROM resources GROUP BY type ORDER BY 3 DESC, 1`,
	`SELECT location, '', count(*) FROM resources GROUP BY location ORDER BY 3 DESC, 1`,
}

func readCounts(ctx context.Context, db *sql.DB, query string) ([]backend.Count, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer discard(rows)
	counts := []backend.Count{}
	for rows.Next() {
		var c backend.Count
		if err := rows.Scan(&c.Key, &c.Name, &c.Count); err != nil {
			return nil, err
		}
		counts = append(counts, c)
	}
	return counts, rows.Err()
}

func readCoverage(ctx context.Context, db *sql.DB) (backend.Coverage, error) {
	var coverage backend.Coverage
	rows, err := db.QueryContext(ctx, `SELECT scope, name, kind, state, listed, expected, fault FROM coverage ORDER BY position`)
	if err != nil {
		return coverage, err
	}
	defer discard(rows)
	for rows.Next() {
		var e backend.CoverageEntry
		var reason []byte
		if err := rows.Scan(&e.Scope, &e.Name, &e.Kind, &e.State, &e.Listed, &e.Expected, &reason); err != nil {
			return coverage, err
		}
		if e.Fault, err = decodeFault(reason); err != nil {
			return coverage, err
		}
		coverage.Entries = append(coverage.Entries, e)
	}
	return coverage, rows.Err()
}

// hashFile is the SHA-256 of a file, in lower-case hexadecimal.
func hashFile(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer discard(f)
	hash := sha256.New()
	if _, err := io.CopyBuffer(hash, reader{ctx, f}, make([]byte, copyBuffer)); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// copyBuffer is how much of a file is read at once, in bytes.
const copyBuffer = 1 << 20

// reader reads until its context ends.
type reader struct {
	ctx  context.Context
	file io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.file.Read(p)
}
