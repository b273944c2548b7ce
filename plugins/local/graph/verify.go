package graph

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// load answers the description of a snapshot: the one beside it, or else a new one, for which the
// whole file is read. It compares header and length, not every byte: verified does. It answers
// fs.ErrNotExist if there is no such snapshot.
func (s *Store) load(ctx context.Context, id string) (description, error) {
	path := s.file(id)
	if !idForm().MatchString(id) {
		return description{}, broken(path, "is not named as a snapshot", nil)
	}
	size, version, err := checkFile(path)
	if err != nil {
		return description{}, readFault(path, err)
	}
	if d, ok := readSidecar(s.sidecar(id), id); ok {
		if d.Size != size {
			return description{}, broken(path, fmt.Sprintf("was changed: it has %d bytes, not the %d of the scan", size, d.Size), nil)
		}
		return d, nil
	}
	d, err := describe(ctx, path)
	switch {
	case err != nil:
		return description{}, readFault(path, err)
	case d.ID != id:
		return description{}, broken(path, "holds the snapshot "+d.ID, nil)
	}
	d.Size, d.SchemaVersion = size, version
	s.keepSidecar(d)
	return d, nil
}

// describe makes the description of a file of which nothing is known, after SQLite has found nothing
// wrong with it.
func describe(ctx context.Context, path string) (d description, err error) {
	before, err := identify(path)
	if err != nil {
		return d, err
	}
	db := openFinished(path)
	defer discard(db)
	if d.Snapshot, _, err = readMeta(ctx, db); err != nil {
		return d, err
	}
	if err := quickCheck(ctx, db); err != nil {
		return d, err
	}
	d.SHA256, err = hashFile(ctx, path)
	d.Verified = &before
	return d, err
}

// quickCheck has SQLite look for damage.
func quickCheck(ctx context.Context, db *sql.DB) error {
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return errors.New(found)
	}
	return nil
}

// verified answers the description of a snapshot whose file is, byte for byte, what the scan sealed. It
// hashes the file if that is not the one whose checksum was right before: it was changed, copied, or
// brought back. The fault is fault.Integrity if the checksum is wrong.
func (s *Store) verified(ctx context.Context, id string) (backend.Snapshot, error) {
	path := s.file(id)
	d, err := s.load(ctx, id)
	if err != nil {
		return backend.Snapshot{}, err
	}
	now, err := identify(path)
	if err != nil {
		return backend.Snapshot{}, readFault(path, err)
	}
	if d.Verified != nil && d.Verified.is(now) {
		return d.Snapshot, nil
	}
	sum, err := hashFile(ctx, path)
	if err != nil {
		return backend.Snapshot{}, readFault(path, err)
	}
	if sum != d.SHA256 {
		return backend.Snapshot{}, damaged(path)
	}
	d.Verified = &now
	s.keepSidecar(d)
	return d.Snapshot, nil
}

// damaged says that a file is not what the scan sealed.
func damaged(path string) error {
	return broken(path, "is damaged: its checksum is no longer that of the scan", nil)
}
