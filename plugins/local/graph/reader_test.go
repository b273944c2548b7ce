package graph

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// openRows opens a snapshot of rows.
func openRows(t *testing.T, rows ...Row) *Reader {
	t.Helper()
	s := newStore(t)
	return openID(t, s, write(t, s, Meta{}, rows...).ID)
}

func openID(t *testing.T, s *Store, id string) *Reader {
	t.Helper()
	r, err := s.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func heads(t *testing.T, read func(context.Context, func(Head) error) error) (all []Head) {
	t.Helper()
	if err := read(t.Context(), func(h Head) error {
		h.Tags = slices.Clone(h.Tags)
		all = append(all, h)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// resourceOf is a row of a table.
func resourceOf(table, typ, id string) Row {
	return Row{Table: table, ID: id, Type: typ, Name: lastSegment(id), Properties: []byte(`{}`)}
}

const inGroup = "/subscriptions/" + subscription + "/resourceGroups/web/providers/"

func TestHeadsAreInTheOrderOfIDsOverAllTables(t *testing.T) {
	r := openRows(t,
		resourceOf(TableResources, "Microsoft.Web/sites", inGroup+"Microsoft.Web/sites/B"),
		resourceOf(TableAuthorization, "Microsoft.Authorization/roleAssignments", inGroup+"Microsoft.Web/sites/a/providers/Microsoft.Authorization/roleAssignments/x"),
		resourceOf(TableAuthorization, "Microsoft.Authorization/roleDefinitions", "/providers/Microsoft.Authorization/roleDefinitions/r"),
		resourceOf(TableAuthorization, "Microsoft.Authorization/classicAdministrators", "/providers/Microsoft.Authorization/classicAdministrators/c"),
		resourceOf(TableContainers, "microsoft.resources/subscriptions", "/subscriptions/"+subscription),
		resourceOf(TableResources, "Microsoft.Web/sites", inGroup+"Microsoft.Web/sites/a"),
		resourceOf(TableResources, "Microsoft.Web/sites", inGroup+"Microsoft.Web/sites/a-b"),
		resourceOf(TableResources, "Microsoft.Web/sites", inGroup+"Microsoft.Web/sites/É"),
		Row{Table: "advisorresources", Name: "without id"},
	)
	var got []string
	for _, h := range heads(t, r.Heads) {
		if h.Key != strings.ToLower(h.ID) {
			t.Errorf("the key of %s is %s", h.ID, h.Key)
		}
		got = append(got, h.Table.String()+" "+strings.TrimPrefix(h.ID, inGroup))
	}
	want := []string{
		"other_rows /providers/Microsoft.Authorization/classicAdministrators/c", "role_definitions /providers/Microsoft.Authorization/roleDefinitions/r",
		"containers /subscriptions/" + subscription, "resources Microsoft.Web/sites/a", "resources Microsoft.Web/sites/a-b",
		"role_assignments Microsoft.Web/sites/a/providers/Microsoft.Authorization/roleAssignments/x", "resources Microsoft.Web/sites/B", "resources Microsoft.Web/sites/É",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Two tables may have the same id; a table has it once.
func TestHeadsOfOneIDComeInTheOrderOfTables(t *testing.T) {
	const id = inGroup + "Microsoft.Authorization/roleAssignments/x"
	r := openRows(t,
		resourceOf("advisorresources", "Microsoft.Web/sites", inGroup+"Microsoft.Web/sites/z"),
		resourceOf(TableAuthorization, "Microsoft.Authorization/other", strings.ToUpper(id)),
		resourceOf(TableAuthorization, "Microsoft.Authorization/roleAssignments", id),
		resourceOf(TableContainers, "microsoft.resources/links", id),
		resourceOf("policyresources", "Microsoft.Authorization/roleAssignments", id),
		resourceOf(SourceARM, "Microsoft.Authorization/roleAssignments", strings.ToLower(id)),
	)
	var got []string
	for _, h := range heads(t, r.Heads) {
		got = append(got, fmt.Sprint(h.Table, " ", h.ID))
	}
	want := []string{"resources " + strings.ToLower(id), "containers " + id, "role_assignments " + id, "other_rows " + strings.ToUpper(id), "resources " + inGroup + "Microsoft.Web/sites/z"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestHeadsHaveWhatDecides(t *testing.T) {
	interfaceOf := func(name, properties string) Row {
		r := resourceOf(TableResources, "Microsoft.Network/networkInterfaces", inGroup+"Microsoft.Network/networkInterfaces/"+name)
		r.Properties = []byte(properties)
		return r
	}
	deep := `{"a":` + strings.Repeat("[", 3000) + strings.Repeat("]", 3000) + `,"privateEndpoint":{"id":"/x"}}`
	full := resourceOf(TableResources, "Microsoft.Compute/disks", inGroup+"Microsoft.Compute/disks/full")
	full.Kind, full.Location, full.ResourceGroup, full.SubscriptionID, full.ManagedBy, full.APIVersion = "k", "West Europe", "WEB", strings.ToUpper(subscription), "/M", "2024-01-01"
	full.Tags, full.SKU, full.Identity, full.Extra, full.Properties = []byte(`{"a":"b"}`), []byte(`{}`), []byte(`{}`), []byte(`{}`), []byte(`{"creationData":{"createOption":"FromImage"}}`)
	policy := resourceOf("policyresources", "Microsoft.Authorization/policyDefinitions", "/providers/Microsoft.Authorization/policyDefinitions/p")
	policy.Properties = []byte(`{"policyType":"BuiltIn"}`)
	r := openRows(t, full, policy, interfaceOf("endpoint", `{"privateEndpoint":{"id":"/e"}}`), interfaceOf("service", `{"privateLinkService":{"id":"/s"}}`), interfaceOf("plain", `{"privateEndpoint":null}`),
		interfaceOf("deep", deep), interfaceOf("list", `[1]`), Row{Table: TableResources, ID: inGroup + "Microsoft.Network/networkInterfaces/none", Type: "Microsoft.Network/networkInterfaces"})
	facts := map[string]string{}
	for _, h := range heads(t, r.Heads) {
		facts[lastSegment(h.ID)] = h.Fact
		if h.ID == full.ID {
			h.Place = Place{}
			want := Head{Key: strings.ToLower(full.ID), ID: full.ID, Name: "full", Type: "microsoft.compute/disks", Kind: "k", Location: "West Europe", ResourceGroup: "web", SubscriptionID: subscription,
				ManagedBy: "/M", APIVersion: "2024-01-01", Tags: full.Tags, Fact: "FromImage", Size: 9 + 6 + len(full.Properties)}
			if diff := cmp.Diff(want, h); diff != "" {
				t.Error(diff)
			}
		}
	}
	if diff := cmp.Diff(map[string]string{"full": "FromImage", "p": "BuiltIn", "endpoint": "/e", "service": "/s", "plain": "", "deep": "", "list": "", "none": ""}, facts); diff != "" {
		t.Error(diff)
	}
}

func TestRowsWithoutIDs(t *testing.T) {
	rows := []Row{{Table: "a", Name: "2", Type: "T"}, {Table: "b", Name: "1", Type: "T"}, {Table: "a", Name: "3", Type: "S", Properties: []byte(`{"long":"est"}`)}}
	names := func(rows []Row) (all []string) {
		for _, h := range heads(t, openRows(t, rows...).Nameless) {
			if h.Key != "" || h.ID != "" || h.Table != OtherRows {
				t.Errorf("%+v", h)
			}
			all = append(all, h.Type+h.Name)
		}
		return all
	}
	first := names(rows)
	slices.Reverse(rows)
	if diff := cmp.Diff([]string{"s3", "t1", "t2"}, first); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(first, names(rows)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatYieldAnswersEndsTheReading(t *testing.T) {
	r := openRows(t, append(synthetic(20), Row{Table: "a", Name: "x"}, Row{Table: "a", Name: "y"})...)
	enough := errors.New("enough")
	for name, read := range map[string]func(context.Context, func(Head) error) error{"Heads": r.Heads, "Nameless": r.Nameless} {
		calls := 0
		err := read(t.Context(), func(Head) error { calls++; return enough })
		if !errors.Is(err, enough) || calls != 1 {
			t.Errorf("%s: %v after %d calls", name, err, calls)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := read(ctx, func(Head) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLookupReadsRowsOfEachTable(t *testing.T) {
	rows := []Row{
		fullRow(TableResources, "microsoft.web/sites", "A"), fullRow(TableContainers, "microsoft.resources/subscriptions/resourcegroups", "B"),
		fullRow(TableAuthorization, "microsoft.authorization/roleassignments", "C"), fullRow(TableAuthorization, "microsoft.authorization/roledefinitions", "D"),
		fullRow(TableAuthorization, "microsoft.authorization/other", "E"),
	}
	r := openRows(t, rows...)
	lookup, err := r.Lookup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lookup.Close()
	tables := map[string]bool{}
	for range 2 { // with statements that are there already as well
		for _, h := range heads(t, r.Heads) {
			row, err := lookup.Row(t.Context(), h.Place)
			if err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(rows, func(want Row) bool { return want.ID == h.ID })
			want := rows[at]
			want.Table, want.ResourceGroup, want.SubscriptionID, want.TenantID = h.Table.String(), strings.ToLower(want.ResourceGroup), strings.ToLower(want.SubscriptionID), strings.ToLower(want.TenantID)
			if diff := cmp.Diff(want, row); diff != "" {
				t.Error(diff)
			}
			tables[row.Table] = true
		}
	}
	if len(tables) != len(Tables()) {
		t.Errorf("rows are of %v", tables)
	}
	if _, err := lookup.Row(t.Context(), Place{Table: Resources, Row: 99}); fault.CodeOf(err) != fault.Integrity || !strings.Contains(err.Error(), "resources has no row 99") {
		t.Errorf("a row that is not there: %v", err)
	}
}

func TestSubscriptionsByID(t *testing.T) {
	s := newStore(t)
	w := newWriter(t, s, Meta{})
	err := w.AddSubscriptions([]Subscription{{ID: "ABC", Name: "Old"}, {ID: "abc", Name: "New", State: "Warned", TenantID: "T"}, {ID: "2"}})
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := w.Finish(t.Context(), backend.Coverage{Complete: true, Entries: []backend.CoverageEntry{{Scope: "abc", Kind: "children", State: backend.CoverageDenied}}})
	if err != nil {
		t.Fatal(err)
	}
	r := openID(t, s, snapshot.ID)
	got, err := r.Subscriptions(t.Context())
	if diff := cmp.Diff(map[string]Subscription{"abc": {ID: "abc", Name: "New", State: "Warned", TenantID: "t"}, "2": {ID: "2"}}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if r.Snapshot().ID != snapshot.ID || r.Snapshot().Complete != snapshot.Complete || len(r.Coverage().Gaps()) != 1 {
		t.Errorf("the snapshot is %+v with %+v", r.Snapshot(), r.Coverage())
	}
}

func TestReadersOfEarlierFormats(t *testing.T) {
	cases := map[string]struct {
		id            string
		version, rows int
	}{"1": {firstSnapshot, 1, 5}, "2": {secondSnapshot, 2, 7}}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r, err := OpenFile(t.Context(), filepath.Join("testdata", c.id+fileSuffix))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(r.Close)
			lookup, err := r.Lookup(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer lookup.Close()
			all := heads(t, r.Heads)
			for _, h := range all {
				if row, err := lookup.Row(t.Context(), h.Place); err != nil || row.ID != h.ID {
					t.Errorf("%s: %v", h.ID, err)
				}
			}
			if len(all) != c.rows || r.Snapshot().SchemaVersion != c.version || r.Snapshot().TenantName != "Contoso" {
				t.Errorf("%d rows of %+v", len(all), r.Snapshot())
			}
		})
	}
}

func TestFilesThatAreNoSnapshots(t *testing.T) {
	cases := map[string]struct {
		change func([]byte) []byte
		code   fault.Code
		says   string
	}{
		"empty":          {func([]byte) []byte { return nil }, fault.Integrity, "cut off"},
		"cut off":        {func(b []byte) []byte { return b[:len(b)-5000] }, fault.Integrity, "cut off"},
		"foreign":        {func([]byte) []byte { return []byte(strings.Repeat("not a database ", 20)) }, fault.Integrity, "no snapshot"},
		"newer":          {version(7), fault.Unsupported, "newer atg"},
		"damaged inside": {func(b []byte) []byte { clear(b[100:8000]); return b }, fault.Integrity, "damaged"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			good := write(t, s, Meta{}, synthetic(3)...)
			path := s.file(good.ID)
			rewrite(t, path, c.change)
			for how, open := range map[string]func() (*Reader, error){
				"OpenFile": func() (*Reader, error) { return OpenFile(t.Context(), path) }, "Open": func() (*Reader, error) { return s.Open(t.Context(), good.ID) },
			} {
				_, err := open()
				if f := fault.As(err); f == nil || f.Code != c.code || f.Hint == "" || how == "OpenFile" && !strings.Contains(f.Error(), c.says) {
					t.Errorf("%s: %v", how, err)
				}
			}
		})
	}
	if _, err := OpenFile(t.Context(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := newStore(t).Open(t.Context(), NewID(began)); fault.CodeOf(err) != fault.SnapshotNotFound {
		t.Errorf("no snapshot: %v", err)
	}
}

// A file that was changed behind the store's back is no longer the snapshot.
func TestOpenRefusesWhatTheScanDidNotSeal(t *testing.T) {
	s := newStore(t)
	good := write(t, s, Meta{}, synthetic(3)...)
	rewrite(t, s.file(good.ID), func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
	if _, err := s.Open(t.Context(), good.ID); fault.CodeOf(err) != fault.Integrity {
		t.Errorf("Open: %v", err)
	}
}

func TestReadersMayBeManyAtOnce(t *testing.T) {
	r := openRows(t, synthetic(200)...)
	want := heads(t, r.Heads)
	var g errgroup.Group
	for range 8 {
		g.Go(func() error {
			lookup, err := r.Lookup(t.Context())
			if err != nil {
				return err
			}
			defer lookup.Close()
			at := 0
			return r.Heads(t.Context(), func(h Head) error {
				row, err := lookup.Row(t.Context(), h.Place)
				if err == nil && (row.ID != want[at].ID || h.ID != want[at].ID) {
					err = fmt.Errorf("row %d is %s", at, row.ID)
				}
				at++
				return err
			})
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}
