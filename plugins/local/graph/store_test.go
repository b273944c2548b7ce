package graph

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestSnapshotTellsAboutItsScan(t *testing.T) {
	s := newStore(t)
	request := backend.ScanRequest{TenantID: tenant, ResourceLimit: 5, Filter: backend.Filter{Locations: []string{"westeurope"}}}
	w := newWriter(t, s, Meta{TenantName: "Contoso", JobID: "job-1", CreatedAt: began, Request: request, Producer: "atg 1.2"})
	resource := func(id, typ, location, sub string) Row {
		return Row{Table: TableResources, ID: id, Type: typ, Location: location, SubscriptionID: sub}
	}
	err := errors.Join(
		w.Add([]Row{
			resource("/subscriptions/s1/providers/a/b/x", "A/b", "westeurope", "S1"), resource("/subscriptions/s1/providers/a/b/y", "a/B", "westeurope", "s1"),
			resource("/subscriptions/s2/providers/a/c/x", "a/c", "northeurope", "s2"), resource("/providers/d/e/x", "d/e", "", ""),
			{Table: TableContainers, ID: "/subscriptions/S2", Type: "Microsoft.Resources/subscriptions", Name: "Second", SubscriptionID: "S2"},
			fullRow(TableAuthorization, "microsoft.authorization/roleassignments", "A"),
		}),
		w.AddSubscriptions([]Subscription{{ID: "S1", Name: "old"}, {ID: "s1", Name: "First", State: "Enabled", TenantID: tenant, Raw: []byte(`{"x":1}`)}}),
	)
	if err != nil {
		t.Fatal(err)
	}
	denied := fault.New(fault.AzureForbidden, "no access", fault.Hint("ask"), fault.Because(errors.New("403")))
	coverage := backend.Coverage{Complete: false, Entries: []backend.CoverageEntry{
		{Scope: "s1", Name: "First", Kind: "resources", State: backend.CoverageListed, Listed: 2, Expected: 2},
		{Scope: "s2", Kind: "resources", State: backend.CoverageDenied, Expected: -1, Fault: denied},
	}}
	snapshot, err := w.Finish(t.Context(), coverage)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.file(snapshot.ID))
	if err != nil {
		t.Fatal(err)
	}
	want := backend.Snapshot{
		ID: snapshot.ID, TenantID: tenant, TenantName: "Contoso", JobID: "job-1", CreatedAt: began,
		DurationSeconds: snapshot.DurationSeconds, Filtered: true, Subscriptions: 2, Resources: 4, Relationships: 6,
		RoleAssignments: 1, Size: info.Size(), SHA256: snapshot.SHA256, SchemaVersion: 3, Producer: "atg 1.2",
	}
	if diff := cmp.Diff(want, snapshot); diff != "" {
		t.Errorf("Finish (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(snapshot.ID, "20260304-050607891-") || snapshot.DurationSeconds <= 0 {
		t.Errorf("id %s, duration %v", snapshot.ID, snapshot.DurationSeconds)
	}
	detail, err := s.Get(t.Context(), snapshot.ID)
	if err != nil {
		t.Fatal(err)
	}
	wantDetail := backend.SnapshotDetail{
		Snapshot: want, Request: &request, Coverage: coverage,
		BySubscription:  []backend.Count{{Key: "s1", Name: "First", Count: 2}, {Key: "s2", Name: "Second", Count: 1}, {Key: "tenant", Count: 1}},
		ByType:          []backend.Count{{Key: "a/b", Count: 2}, {Key: "a/c", Count: 1}, {Key: "d/e", Count: 1}},
		ByLocation:      []backend.Count{{Key: "westeurope", Count: 2}, {Key: "", Count: 1}, {Key: "northeurope", Count: 1}},
		ByResourceGroup: []backend.Count{}, ByIdentity: []backend.Count{}, ByRelationship: []backend.Count{{Key: "CONTAINS", Count: 5}, {Key: "HAS_ROLE", Count: 1}},
	}
	sameFault := cmp.Comparer(func(a, b *fault.Fault) bool {
		x, _ := encodeFault(a)
		y, _ := encodeFault(b)
		return string(x) == string(y)
	})
	if diff := cmp.Diff(wantDetail, detail, sameFault); diff != "" {
		t.Errorf("Get (-want +got):\n%s", diff)
	}
	subs := query(t, s, snapshot.ID, "SELECT * FROM subscriptions")
	if diff := cmp.Diff([][]string{{"s1", "First", "Enabled", tenant, `{"x":1}`}}, subs); diff != "" {
		t.Error(diff)
	}
}

// A ledger with a gap is never complete, whatever its sum says.
func TestGapsMakeASnapshotIncomplete(t *testing.T) {
	w := newWriter(t, newStore(t), Meta{})
	snapshot, err := w.Finish(t.Context(), backend.Coverage{Complete: true, Entries: []backend.CoverageEntry{{State: backend.CoverageDropped}}})
	if err != nil || snapshot.Complete {
		t.Errorf("complete: %v, %v", snapshot.Complete, err)
	}
}

func TestFilesAreForTheOwnerAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("Windows has no such modes")
		return
	}
	s := newStore(t)
	snapshot := write(t, s, Meta{})
	for path, want := range map[string]fs.FileMode{s.dir: 0o700, s.file(snapshot.ID): 0o400, s.sidecar(snapshot.ID): 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v (%v)", path, info.Mode().Perm(), want, err)
		}
	}
	db := openFinished(s.file(snapshot.ID))
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "DELETE FROM meta"); err == nil {
		t.Error("a finished snapshot can be written")
	}
}

func TestListPages(t *testing.T) {
	s := newStore(t)
	if page, err := s.List(t.Context(), backend.SnapshotFilter{}); err != nil || len(page.Snapshots) != 0 || page.Cursor != "" {
		t.Fatalf("an absent store lists %+v, %v", page, err)
	}
	var all []string // newest first
	for i := range 5 {
		meta := Meta{CreatedAt: began.Add(time.Duration(i) * time.Millisecond), TenantID: []string{"T-even", "t-odd"}[i%2]}
		all = append([]string{write(t, s, meta).ID}, all...)
	}
	cases := map[string]struct {
		filter backend.SnapshotFilter
		want   [][]string // pages
	}{
		"all":         {backend.SnapshotFilter{}, [][]string{all}},
		"twos":        {backend.SnapshotFilter{Limit: 2}, [][]string{all[:2], all[2:4], all[4:]}},
		"exactly all": {backend.SnapshotFilter{Limit: 5}, [][]string{all}},
		"one tenant":  {backend.SnapshotFilter{Limit: 2, TenantID: "t-EVEN"}, [][]string{{all[0], all[2]}, {all[4]}}},
		"no tenant":   {backend.SnapshotFilter{TenantID: "other"}, [][]string{nil}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got [][]string
			for {
				page, err := s.List(t.Context(), c.filter)
				if err != nil {
					t.Fatal(err)
				}
				var ids []string
				for _, snapshot := range page.Snapshots {
					ids = append(ids, snapshot.ID)
				}
				got = append(got, ids)
				if c.filter.Cursor = page.Cursor; page.Cursor == "" {
					break
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLatestIsTheNewestCompleteOne(t *testing.T) {
	s := newStore(t)
	if _, err := s.Latest(t.Context(), tenant); !errors.Is(err, fault.New(fault.SnapshotNotFound, "")) {
		t.Errorf("of nothing: %v", err)
	}
	write(t, s, Meta{CreatedAt: began})
	want := write(t, s, Meta{CreatedAt: began.Add(time.Second)})
	for i := range 25 { // more than a page
		w := newWriter(t, s, Meta{CreatedAt: began.Add(time.Minute + time.Duration(i)*time.Millisecond)})
		if _, err := w.Finish(t.Context(), backend.Coverage{}); err != nil {
			t.Fatal(err)
		}
	}
	write(t, s, Meta{CreatedAt: began.Add(time.Hour), TenantID: "other"})
	got, err := s.Latest(t.Context(), strings.ToUpper(tenant))
	if err != nil || got.ID != want.ID {
		t.Errorf("Latest = %s, %v, want %s", got.ID, err, want.ID)
	}
	_, err = s.Latest(t.Context(), "unknown")
	if f := fault.As(err); f == nil || f.Code != fault.SnapshotNotFound || !strings.Contains(f.Hint, "atg scan") {
		t.Errorf("of an unknown tenant: %v", err)
	}
}

func TestIdsAreUntrusted(t *testing.T) {
	s := newStore(t)
	one := write(t, s, Meta{ID: "20260304-050607891-aaaaaa"})
	two := write(t, s, Meta{ID: "20260304-050607999-bbbbbb"})
	outside := filepath.Join(filepath.Dir(s.dir), "outside.db")
	if err := os.WriteFile(outside, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		id   string
		want string // the id that is meant
		code fault.Code
		hint string // what the hint of the fault says
	}{
		"whole":             {id: one.ID, want: one.ID},
		"beginning":         {id: "20260304-0506079", want: two.ID},
		"upper case":        {id: "20260304-050607891-AAA", want: one.ID},
		"ambiguous":         {id: "2026", code: fault.InvalidArgument, hint: two.ID},
		"misspelt":          {id: "20260304-050607891-aaaaab", code: fault.SnapshotNotFound, hint: "did you mean " + one.ID},
		"empty":             {id: "", code: fault.SnapshotNotFound, hint: "atg snapshot list"},
		"path upwards":      {id: "../outside", code: fault.SnapshotNotFound},
		"absolute path":     {id: strings.TrimSuffix(outside, ".db"), code: fault.SnapshotNotFound},
		"path to itself":    {id: "./" + one.ID, code: fault.SnapshotNotFound},
		"name with NUL":     {id: one.ID + "\x00", code: fault.SnapshotNotFound},
		"pattern":           {id: "*", code: fault.SnapshotNotFound},
		"file in the store": {id: ".lock", code: fault.SnapshotNotFound},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			detail, err := s.Get(t.Context(), c.id)
			_, fetchErr := s.Fetch(t.Context(), c.id, t.TempDir(), nil)
			if fault.CodeOf(err) != c.code || fault.CodeOf(fetchErr) != c.code || detail.Snapshot.ID != c.want {
				t.Fatalf("Get = %q, %v; Fetch: %v", detail.Snapshot.ID, err, fetchErr)
			}
			if c.code != "" {
				if hint := fault.As(err).Hint; !strings.Contains(hint, c.hint) {
					t.Errorf("the hint is %q", hint)
				}
				if err := s.Delete(t.Context(), c.id); fault.CodeOf(err) != c.code {
					t.Errorf("Delete: %v", err)
				}
			}
		})
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error(err)
	}
}

func TestDelete(t *testing.T) {
	s := newStore(t)
	keep, gone := write(t, s, Meta{CreatedAt: began}), write(t, s, Meta{CreatedAt: began.Add(time.Hour)})
	if err := s.Delete(t.Context(), gone.ID[:13]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{storeLock, keep.ID + ".db", keep.ID + ".json"}, names(t, s.dir)); diff != "" {
		t.Error(diff)
	}
	if err := s.Delete(t.Context(), gone.ID); !errors.Is(err, fault.New(fault.SnapshotNotFound, "")) {
		t.Errorf("again: %v", err)
	}
}

func TestFetch(t *testing.T) {
	s := newStore(t)
	snapshot := write(t, s, Meta{}, synthetic(1000)...)
	dir := t.TempDir()
	var last backend.Progress
	calls := 0
	artifact, err := s.Fetch(t.Context(), snapshot.ID, dir, func(p backend.Progress) {
		if p.Done <= last.Done {
			t.Errorf("progress goes from %d to %d", last.Done, p.Done)
		}
		last = p
		calls++
	})
	if err != nil {
		t.Fatal(err)
	}
	want := backend.Artifact{Path: snapshot.ID + ".db", Size: snapshot.Size, SHA256: snapshot.SHA256}
	if artifact != want || last.Done != snapshot.Size || last.Total != snapshot.Size || calls < 2 {
		t.Errorf("artifact %+v, last of %d progress reports %+v", artifact, calls, last)
	}
	path := filepath.Join(dir, artifact.Path)
	if sum, err := hashFile(t.Context(), path); err != nil || sum != snapshot.SHA256 {
		t.Errorf("the copy has %s, %v", sum, err)
	}
	if info, _ := os.Stat(path); runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the copy has mode %v", info.Mode())
	}
	if diff := cmp.Diff([]string{artifact.Path}, names(t, dir)); diff != "" {
		t.Error(diff)
	}

	// The copy is a snapshot of any store that it is put into.
	other, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	page, err := other.List(t.Context(), backend.SnapshotFilter{})
	if diff := cmp.Diff([]backend.Snapshot{snapshot}, page.Snapshots); diff != "" || err != nil {
		t.Error(diff, err)
	}

	_, err = s.Fetch(t.Context(), snapshot.ID, filepath.Join(path, "below a file"), nil)
	if fault.CodeOf(err) != fault.ExecutionFailed {
		t.Errorf("into no folder: %v", err)
	}
}
