package graph

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// defaultLimit is how many snapshots a page of List has where the caller does not care.
const defaultLimit = 100

// List answers the snapshots that filter chooses, newest first. A file that cannot be read as a
// snapshot is among the broken ones of its page, whichever tenant is asked for. It opens no snapshot
// that it has described before.
func (s *Store) List(ctx context.Context, filter backend.SnapshotFilter) (backend.SnapshotPage, error) {
	page := backend.SnapshotPage{Snapshots: []backend.Snapshot{}}
	ids, err := s.ids()
	if err != nil {
		return page, err
	}
	limit := filter.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	last := "" // the id behind which the next page begins
	for _, id := range ids {
		if filter.Cursor != "" && id >= filter.Cursor {
			continue
		}
		described, err := s.load(ctx, id)
		snapshot := described.Snapshot
		switch {
		case ctx.Err() != nil:
			return page, fault.Of(ctx.Err())
		case errors.Is(err, fs.ErrNotExist): // deleted a moment ago
		case err != nil:
			page.Broken = append(page.Broken, backend.BrokenSnapshot{ID: id, Reason: err.Error()})
		case filter.TenantID != "" && !strings.EqualFold(snapshot.TenantID, filter.TenantID):
		case len(page.Snapshots) == limit:
			page.Cursor = last
			return page, nil
		default:
			page.Snapshots = append(page.Snapshots, snapshot)
		}
		last = id
	}
	return page, nil
}

// Latest answers the newest complete snapshot of a tenant; fault.SnapshotNotFound if there is none.
// The empty tenant is any.
func (s *Store) Latest(ctx context.Context, tenant string) (backend.Snapshot, error) {
	filter := backend.SnapshotFilter{TenantID: tenant, Limit: 20}
	for {
		page, err := s.List(ctx, filter)
		if err != nil {
			return backend.Snapshot{}, err
		}
		for _, snapshot := range page.Snapshots {
			if snapshot.Complete {
				return snapshot, nil
			}
		}
		if filter.Cursor = page.Cursor; filter.Cursor == "" {
			break
		}
	}
	message := "there is no complete snapshot"
	if tenant != "" {
		message += " of tenant " + tenant
	}
	return backend.Snapshot{}, fault.New(fault.SnapshotNotFound, message, fault.On(tenant),
		fault.Hint("run `atg scan` first, or name one of `atg snapshot list`"))
}

// ids are the names of the snapshots in the store, without looking into them, newest first.
func (s *Store) ids() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, readFault(s.dir, err)
	}
	var ids []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), fileSuffix); ok && id != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	return ids, nil
}

// resolve answers the full id of a snapshot from its id or an unambiguous beginning of it. The path
// of a snapshot is only ever made of a name that was found in the folder, never of what was asked.
func (s *Store) resolve(wanted string) (string, error) {
	ids, err := s.ids()
	if err != nil {
		return "", err
	}
	if slices.Contains(ids, wanted) {
		return wanted, nil
	}
	var matches []string
	for _, id := range ids {
		if wanted != "" && strings.HasPrefix(id, strings.ToLower(wanted)) {
			matches = append(matches, id)
		}
	}
	switch len(matches) {
	case 1:
		return matches[0], nil
	case 0:
		return "", notFound(wanted, ids)
	}
	return "", fault.New(fault.InvalidArgument, fmt.Sprintf("%q begins the ids of %d snapshots", wanted, len(matches)),
		fault.On(wanted), fault.Hint("give more of the id: %s", strings.Join(matches[:min(len(matches), 5)], ", ")))
}

func notFound(wanted string, ids []string) error {
	hint := "`atg snapshot list` shows all"
	switch near := nearest(strings.ToLower(wanted), ids); {
	case len(ids) == 0:
		hint = "there is none yet: run `atg scan`"
	case near != "":
		hint = "did you mean " + near + "? " + hint
	}
	return fault.New(fault.SnapshotNotFound, fmt.Sprintf("there is no snapshot %q", wanted), fault.On(wanted),
		fault.Hint("%s", hint))
}

// readFault says why something of the store could not be read. Faults stay as they are, and so does
// the absence of the file.
func readFault(path string, err error) error {
	switch {
	case err == nil, fault.As(err) != nil, errors.Is(err, fs.ErrNotExist):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Of(err)
	case errors.As(err, new(*fs.PathError)):
		return fault.New(fault.ExecutionFailed, "cannot read "+path, fault.On(path), fault.Because(err),
			fault.Hint("it must be readable for the user who runs atg"))
	}
	return broken(path, "is damaged", err)
}
