package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// The names that stand for snapshots of the tenant, besides ids and unambiguous beginnings of them. Both are of complete ones that were
// not filtered.
const (
	latestName   = "@latest"   // the newest
	previousName = "@previous" // the one before
)

// snapshotNames is a preparation of rows: it puts ids into the places of a request that name snapshots otherwise. An empty place is left to
// the backend, which takes the newest complete snapshot; and so is a name that is not in its list, of which it says what is wrong.
func (a *app) snapshotNames(places ...*string) func(context.Context, *dispatch.Session) error {
	return func(ctx context.Context, s *dispatch.Session) error {
		for _, place := range places {
			var err error
			switch *place {
			case "":
			case latestName:
				*place, err = a.newestSnapshot(ctx, s, 1)
			case previousName:
				*place, err = a.newestSnapshot(ctx, s, 2)
			default:
				*place, err = a.snapshotLike(ctx, s, *place)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// newestSnapshot is the nth newest snapshot of the tenant that is complete and not filtered.
func (a *app) newestSnapshot(ctx context.Context, s *dispatch.Session, nth int) (id string, err error) {
	found := 0
	err = eachSnapshot(ctx, s, backend.SnapshotFilter{TenantID: a.tenant()}, func(snapshot backend.Snapshot) bool {
		if snapshot.Complete && !snapshot.Filtered {
			found++
			id = snapshot.ID
		}
		return found < nth
	})
	if err == nil && found < nth {
		err = fault.New(fault.SnapshotNotFound, fmt.Sprintf("this needs %d snapshots of the tenant that are complete and not filtered, and there is %d", nth, found),
			fault.From(fault.OriginHost), fault.Hint("atg scan makes one; or name others of atg snapshot list"))
	}
	return id, err
}

// snapshotLike is the id of the snapshot whose id begins like that, or what was given where there is none.
func (a *app) snapshotLike(ctx context.Context, s *dispatch.Session, name string) (string, error) {
	var found []string
	err := eachSnapshot(ctx, s, backend.SnapshotFilter{}, func(snapshot backend.Snapshot) bool {
		if snapshot.ID == name { // the others only begin like it
			found = []string{name}
			return false
		}
		if strings.HasPrefix(snapshot.ID, strings.ToLower(name)) {
			found = append(found, snapshot.ID)
		}
		return true
	})
	switch {
	case err != nil:
		return "", err
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", fault.New(fault.InvalidArgument, fmt.Sprintf("%q begins the ids of %d snapshots", name, len(found)), fault.On(name),
			fault.From(fault.OriginHost), fault.Hint("give more of the id: %s", strings.Join(found[:min(len(found), 5)], ", ")))
	}
	return name, nil
}

// eachSnapshot calls take for the snapshots that a filter chooses, newest first, until it answers false.
func eachSnapshot(ctx context.Context, s *dispatch.Session, filter backend.SnapshotFilter, take func(backend.Snapshot) bool) error {
	store, err := s.Snapshots()
	if err != nil {
		return err
	}
	for {
		page, err := store.ListSnapshots(ctx, filter)
		if err != nil {
			return err
		}
		for _, snapshot := range page.Snapshots {
			if !take(snapshot) {
				return nil
			}
		}
		if page.Cursor == "" || page.Cursor == filter.Cursor {
			return nil
		}
		filter.Cursor = page.Cursor
	}
}
