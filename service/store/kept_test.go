package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := storeOn(t, dir)
	other := neighbour(t, s)
	old := jobs.Key{ID: "k1", Name: "ci", Hash: "abc", Scopes: []string{"scan"}, Tenants: []string{"*"}, CreatedAt: epoch}
	young := jobs.Key{ID: "k2", Name: "laptop", Hash: "def", Scopes: []string{}, Tenants: []string{"t"}, CreatedAt: epoch.Add(time.Hour)}
	for _, k := range []jobs.Key{young, old} {
		if err := s.PutKey(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		if got, err := s.GetKey(t.Context(), k.ID); err != nil || !cmp.Equal(k, got) {
			t.Errorf("at once: %+v: %v", got, err)
		}
	}
	eventually(t, "the other process never heard of the keys", func() bool {
		keys, err := other.ListKeys(t.Context())
		return err == nil && cmp.Equal([]jobs.Key{old, young}, keys)
	})
	if _, err := s.GetKey(t.Context(), "k3"); !errors.Is(err, jobs.ErrNotFound) {
		t.Errorf("no key: %v", err)
	}
	changed, forget := other.KeyChanged("k1")
	defer forget()
	another, forgetAnother := other.KeyChanged("k2")
	defer forgetAnother()
	revoked := epoch.Add(2 * time.Hour)
	old.RevokedAt = &revoked
	if err := s.PutKey(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	<-changed
	if got, err := other.GetKey(t.Context(), "k1"); err != nil || !cmp.Equal(old, got) {
		t.Errorf("when it was told of: %+v: %v", got, err)
	}
	select {
	case <-another:
		t.Error("told of a key that did not change")
	default:
	}
	closeStore(t, s)
	s = storeOn(t, dir)
	if keys, err := s.ListKeys(t.Context()); err != nil || !cmp.Equal([]jobs.Key{old, young}, keys) {
		t.Errorf("after a restart: %+v: %v", keys, err)
	}
}

func snapshot(i int, tenant string) backend.SnapshotDetail {
	return backend.SnapshotDetail{
		Snapshot: backend.Snapshot{ID: fmt.Sprintf("s%02d", i), TenantID: tenant, CreatedAt: epoch.Add(time.Duration(i/2) * time.Hour), Resources: int64(i)},
		Request:  &backend.ScanRequest{TenantID: tenant}, ByType: []backend.Count{{Key: "vm", Count: int64(i)}},
	}
}

func TestSnapshots(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := storeOn(t, dir)
	other := neighbour(t, s)
	for i := range 10 {
		if err := s.PutSnapshot(t.Context(), snapshot(i, fmt.Sprintf("tenant-%d", i%3))); err != nil {
			t.Fatal(err)
		}
	}
	got, err := other.GetSnapshot(t.Context(), "s07")
	if diff := cmp.Diff(snapshot(7, "tenant-1"), got); err != nil || diff != "" {
		t.Errorf("at once, elsewhere: %v %s", err, diff)
	}
	list := func(s *Store, tenants []string, f backend.SnapshotFilter) []string {
		t.Helper()
		found := []string{}
		for {
			page, err := s.ListSnapshots(t.Context(), tenants, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range page.Snapshots {
				found = append(found, d.ID)
			}
			if f.Cursor = page.Cursor; f.Cursor == "" {
				return found
			}
		}
	}
	cases := map[string]struct {
		tenants []string
		filter  backend.SnapshotFilter
		want    []string
	}{
		"every one":          {[]string{"*"}, backend.SnapshotFilter{}, []string{"s09", "s08", "s07", "s06", "s05", "s04", "s03", "s02", "s01", "s00"}},
		"page by page":       {[]string{"*"}, backend.SnapshotFilter{Limit: 3}, []string{"s09", "s08", "s07", "s06", "s05", "s04", "s03", "s02", "s01", "s00"}},
		"of two tenants":     {[]string{"tenant-0", "tenant-2"}, backend.SnapshotFilter{Limit: 2}, []string{"s09", "s08", "s06", "s05", "s03", "s02", "s00"}},
		"of one of them":     {[]string{"tenant-0", "tenant-2"}, backend.SnapshotFilter{TenantID: "tenant-2"}, []string{"s08", "s05", "s02"}},
		"of somebody else's": {[]string{"tenant-0"}, backend.SnapshotFilter{TenantID: "tenant-1"}, []string{}},
		"of no tenant":       {nil, backend.SnapshotFilter{}, []string{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, list(s, c.tenants, c.filter)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := s.ListSnapshots(t.Context(), []string{"*"}, backend.SnapshotFilter{Cursor: "?"}); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("a wrong cursor: %v", err)
	}
	for i, want := range []error{nil, jobs.ErrNotFound} {
		if err := s.DeleteSnapshot(t.Context(), "s09"); !errors.Is(err, want) {
			t.Errorf("deleted for the %d. time: %v", i+1, err)
		}
	}
	if _, err := other.GetSnapshot(t.Context(), "s09"); !errors.Is(err, jobs.ErrNotFound) {
		t.Errorf("after it was deleted: %v", err)
	}
	eventually(t, "the other process never heard of the removal", func() bool {
		return cmp.Equal([]string{"s08", "s07"}, list(other, []string{"*"}, backend.SnapshotFilter{})[:2])
	})
	closeStore(t, s)
	s = storeOn(t, dir)
	if all := list(s, []string{"*"}, backend.SnapshotFilter{}); len(all) != 9 || all[0] != "s08" {
		t.Errorf("after a restart: %v", all)
	}
}
