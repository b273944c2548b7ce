package graph

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// fullRow has a value in every field, cased as Azure may, with text that is hard to keep.
func fullRow(table, typ, name string) Row {
	row := Row{
		Table: table, Name: name, Type: typ, Kind: "Kind ß\x00é", Location: "West Europe",
		ID:            "/subscriptions/" + subscription + "/resourceGroups/RG-Übung/providers/" + typ + "/" + name,
		ResourceGroup: "RG-Übung", SubscriptionID: strings.ToUpper(subscription), TenantID: tenant,
		ManagedBy: "/x", APIVersion: "2024-04-01",
		SKU: []byte(`{"name":"S1"}`), Plan: []byte(`{"plan":1}`), Tags: []byte(`{"A b":"c"}`),
		Identity: []byte(`{"type":"SystemAssigned"}`), Zones: []byte(`["1"]`),
		ExtendedLocation: []byte(`{"type":"EdgeZone"}`), Extra: []byte(`{"newColumn":[1, 2]}`),
		Properties: []byte(`{ "n": 1.10, "n": 12345678901234567890, "s": "\u0000 <é> '\"", "extended": {"x": null}}`),
	}
	if table == TableAuthorization {
		row.Properties = []byte(`{"principalId":"P","principalType":"User","scope":"/subscriptions/S",` +
			`"roleDefinitionId":"/providers/Microsoft.Authorization/RoleDefinitions/ABC","roleName":"Reader","type":"BuiltInRole"}`)
	}
	return row
}

func TestEveryColumnSurvives(t *testing.T) {
	row := fullRow(TableResources, "Microsoft.Web/sites", "App")
	for i := range reflect.TypeFor[Row]().NumField() {
		if reflect.ValueOf(row).Field(i).IsZero() {
			t.Fatalf("the test leaves %s empty", reflect.TypeFor[Row]().Field(i).Name)
		}
	}
	const group = "/subscriptions/" + subscription + "/resourcegroups/rg-übung"
	lower := func(typ, name string) string { return group + "/providers/" + typ + "/" + name }
	cases := map[string]struct {
		row  Row
		into string   // the table
		more []string // what it has beside the columns of all tables
	}{
		"resource": {row, "resources", []string{"resources", "75", group}},
		"container": {fullRow(TableContainers, "microsoft.management/managementgroups", "Mg"), "containers",
			[]string{"/tenants/" + tenant}},
		"role assignment": {fullRow(TableAuthorization, "microsoft.authorization/roleAssignments", "A"), "role_assignments",
			[]string{"P", "User", "/providers/Microsoft.Authorization/RoleDefinitions/ABC", "abc", "/subscriptions/S", "/subscriptions/s"}},
		"role definition": {fullRow(TableAuthorization, "microsoft.authorization/roledefinitions", "D"), "role_definitions",
			[]string{"Reader", "BuiltInRole"}},
		"other authorization": {fullRow(TableAuthorization, "microsoft.authorization/classicadministrators", "C"), "other_rows",
			[]string{"authorizationresources"}},
		"another table": {fullRow("PolicyResources", "microsoft.authorization/policyassignments", "P"), "resources",
			[]string{"policyresources", "75", group}},
		"read of ARM": {fullRow("ARM", "Microsoft.Authorization/locks", "L"), "resources", []string{"arm", "75", group}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			snapshot := write(t, s, Meta{}, c.row)
			typ := strings.ToLower(c.row.Type)
			id := lower(typ, strings.ToLower(c.row.Name))
			want := slices.Concat([]string{
				c.row.ID, id, id, c.row.Name, typ, "Kind ß\x00é", "West Europe", "rg-übung", subscription, tenant, "/x", "2024-04-01",
			}, c.more, []string{
				`{"name":"S1"}`, `{"plan":1}`, `{"A b":"c"}`, `{"type":"SystemAssigned"}`, `["1"]`, `{"type":"EdgeZone"}`,
				`{"newColumn":[1, 2]}`, string(c.row.Properties),
			})
			if diff := cmp.Diff([][]string{want}, query(t, s, snapshot.ID, "SELECT * FROM "+c.into)); diff != "" {
				t.Errorf("%s differs (-want +got):\n%s", c.into, diff)
			}
		})
	}
}

// Whatever Azure allows in a name comes back as it was, and joins in any case.
func TestStrangeIds(t *testing.T) {
	s := newStore(t)
	const group = "/subscriptions/s/resourceGroups/G"
	cases := map[string]struct{ name, key string }{
		"quotes":         {`it's "so"; DROP TABLE resources;--`, `it's "so"; drop table resources;--`},
		"lines":          {"Line 1\nLine\t2\r\n", "line 1\nline\t2\r\n"},
		"emoji":          {"A🚀\u200d🔥B", "a🚀\u200d🔥b"},
		"other letters":  {"ÄÖ-ΣΔ-ЖЯ-İ", "äö-σδ-жя-i"},
		"percent":        {"100%25_%", "100%25_%"},
		"mixed case":     {"MiXeD", "mixed"},
		"right to left":  {"\u202eABC", "\u202eabc"},
		"no UTF-8":       {"X\xffY", "x\ufffdy"},
		"ends in spaces": {"Name  ", "name  "},
	}
	var rows []Row
	for _, c := range cases {
		rows = append(rows, Row{Table: TableResources, ID: group + "/providers/N/T/" + c.name, Name: c.name, Type: "N/T"},
			Row{Table: TableResources, ID: strings.ToUpper(group) + "/PROVIDERS/n/t/" + c.name + "/C/Child", Type: "N/T/C"})
	}
	snapshot := write(t, s, Meta{}, rows...)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			id := group + "/providers/N/T/" + c.name
			lower := "/subscriptions/s/resourcegroups/g/providers/n/t/" + c.key
			got := queryWith(t, s, snapshot.ID, `SELECT r.id, r.id_key, r.parent_key, c.source_key FROM resources r
				JOIN relationships c ON c.source_key = r.id_key WHERE c.target_key = ?`, lower+"/c/child")
			if diff := cmp.Diff([][]string{{id, lower, "/subscriptions/s/resourcegroups/g", lower}}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if snapshot.Resources != int64(len(rows)) || snapshot.Relationships != int64(len(rows)) {
		t.Errorf("counts are %+v", snapshot)
	}
}

func TestLargeProperties(t *testing.T) {
	s := newStore(t)
	large := func(letter string) []byte { return []byte(`{"text":"` + strings.Repeat(letter, 2<<20) + `"}`) }
	rows := synthetic(20)
	for i := range rows[:5] {
		rows[i].Properties = large(string(rune('a' + i)))
	}
	snapshot := write(t, s, Meta{}, append(rows, rows[2])...)
	if snapshot.Resources != 20 {
		t.Errorf("%d resources", snapshot.Resources)
	}
	for i := range rows[:5] {
		got := queryWith(t, s, snapshot.ID, `SELECT properties FROM resources WHERE id_key = ?`, key(rows[i].ID))
		if len(got) != 1 || got[0][0] != string(rows[i].Properties) {
			t.Errorf("the large properties of %s do not come back", rows[i].ID)
		}
	}
}

// Sorting must not need room where the user has given none. The setting is the process's, so the test runs in one of its own.
func TestTemporaryFilesLieBesideTheSnapshots(t *testing.T) {
	s := otherStore(t)
	if s == nil {
		here := newStore(t)
		if err := os.MkdirAll(here.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if out, err := another(t, here).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	w := newWriter(t, s, Meta{})
	var dir string
	if err := w.conn.QueryRowContext(t.Context(), "PRAGMA temp_store_directory").Scan(&dir); err != nil || dir != s.dir || TemporaryDir() != s.dir {
		t.Errorf("they lie in %q and not in %q, %v", dir, s.dir, err)
	}
}

func TestNothingStaysNothing(t *testing.T) {
	s := newStore(t)
	snapshot := write(t, s, Meta{}, Row{Table: TableResources, ID: "/a/b", SKU: []byte("null"), Tags: []byte("{}")})
	want := [][]string{{"/a/b", "", "<null>", "<null>", "{}", "<null>"}}
	got := query(t, s, snapshot.ID, "SELECT id, name, sku, plan, tags, properties FROM resources")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheLastOfARowsIdStays(t *testing.T) {
	s := newStore(t)
	w := newWriter(t, s, Meta{})
	for _, row := range []Row{
		{Table: TableResources, ID: "/S/One", Name: "first"},
		{Table: TableResources, ID: "/s/two", Name: "only"},
		{Table: TableResources, Name: "no id"},
		{Table: TableResources, Name: "no id either"},
		{Table: TableResources, ID: "/s/one", Name: "second"},
		{Table: TableResources, ID: "/s/ONE", Name: "third"},
		{Table: "PolicyResources", ID: "/S/one", Name: "of another table"},
		{Table: "policyresources", ID: "/s/three", Name: "of one table"},
		{Table: "healthresources", ID: "/s/three", Name: "first of another"},
		{Table: "healthresources", ID: "/s/three", Name: "again of another"},
		{Table: "policyresources", ID: "/s/three", Name: "again of one"},
		{Table: SourceARM, ID: "/s/Four", Name: "first of ARM"},
		{Table: SourceARM, ID: "/s/four", Name: "last of ARM"},
		{Table: TableResources, ID: "/s/four", Name: "late"},
		{Table: TableContainers, ID: "/s/four", Name: "a container"},
		{Table: TableContainers, ID: "/S/four", Name: "the same container"},
	} {
		if err := w.Add([]Row{row}); err != nil {
			t.Fatal(err)
		}
	}
	snapshot, err := w.Finish(t.Context(), backend.Coverage{Complete: true})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Counts{Rows: 16, WithoutID: 2, Duplicates: 9}); w.Counts() != want {
		t.Errorf("counts are %+v, want %+v", w.Counts(), want)
	}
	want := [][]string{
		{"arm", "/s/four", "last of ARM"}, {"resources", "/s/ONE", "third"},
		{"healthresources", "/s/three", "again of another"}, {"resources", "/s/two", "only"},
		{"resources", "", "no id"}, {"resources", "", "no id either"},
		{"", "/S/four", "the same container"},
	}
	got := slices.Concat(query(t, s, snapshot.ID, "SELECT source, id, name FROM resources ORDER BY id_key"),
		query(t, s, snapshot.ID, "SELECT table_name, id, name FROM other_rows ORDER BY id_key, table_name, name"),
		query(t, s, snapshot.ID, "SELECT '', id, name FROM containers"))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	meta := query(t, s, snapshot.ID, "SELECT value FROM meta WHERE key IN ('duplicates', 'rows_without_id') ORDER BY key")
	if diff := cmp.Diff([][]string{{"9"}, {"2"}}, meta); diff != "" {
		t.Error(diff)
	}
	// What was counted while rows came is what there is without the duplicates.
	for i := range counted {
		if diff := cmp.Diff(query(t, s, snapshot.ID, counted[i]), query(t, s, snapshot.ID, sums[i])); diff != "" {
			t.Error(diff)
		}
	}
	numbers := query(t, s, snapshot.ID, "SELECT (SELECT count(*) FROM resources), (SELECT count(*) FROM relationships)")
	if diff := cmp.Diff([][]string{{fmt.Sprint(snapshot.Resources), fmt.Sprint(snapshot.Relationships)}}, numbers); diff != "" {
		t.Error(diff)
	}
}

func TestSchemaIsAsDocumented(t *testing.T) {
	s := newStore(t)
	snapshot := write(t, s, Meta{})
	var got strings.Builder
	for _, row := range query(t, s, snapshot.ID, `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name`) {
		got.WriteString(row[0] + ";\n")
	}
	for _, pragma := range []string{"application_id", "user_version", "page_size", "encoding"} {
		got.WriteString("PRAGMA " + pragma + " = " + query(t, s, snapshot.ID, "PRAGMA "+pragma)[0][0] + ";\n")
	}
	const golden = "testdata/schema-v3.sql"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("a change of the schema needs a new SchemaVersion (-want +got):\n%s", diff)
	}
	document, err := os.ReadFile("../../../docs/snapshot-format.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range query(t, s, snapshot.ID, `SELECT m.name, c.name FROM sqlite_schema m, pragma_table_xinfo(m.name) c WHERE m.type IN ('table', 'view')`) {
		if !strings.Contains(string(document), "`"+row[0]+"`") || !strings.Contains(string(document), "`"+row[1]+"`") {
			t.Errorf("docs/snapshot-format.md does not explain %s.%s", row[0], row[1])
		}
	}
}

func TestWriterEndsOnce(t *testing.T) {
	s := newStore(t)
	w := newWriter(t, s, Meta{})
	w.Abort()
	w.Abort()
	if err := w.Add([]Row{{ID: "/x"}}); !errors.Is(err, fault.New(fault.Conflict, "")) {
		t.Errorf("Add after Abort: %v", err)
	}
	if _, err := w.Finish(t.Context(), backend.Coverage{}); !errors.Is(err, fault.New(fault.Conflict, "")) {
		t.Errorf("Finish after Abort: %v", err)
	}
	if diff := cmp.Diff([]string{storeLock}, names(t, s.dir)); diff != "" {
		t.Errorf("Abort leaves something: %s", diff)
	}

	snapshot := write(t, s, Meta{ID: NewID(began)})
	if _, err := s.NewWriter(t.Context(), Meta{TenantID: tenant, ID: snapshot.ID}); !errors.Is(err, fault.New(fault.Conflict, "")) {
		t.Errorf("a second writer of one id: %v", err)
	}
	for _, meta := range []Meta{{}, {TenantID: tenant, ID: "../x"}, {TenantID: tenant, ID: "20260304"}} {
		if _, err := s.NewWriter(t.Context(), meta); !errors.Is(err, fault.New(fault.InvalidArgument, "")) {
			t.Errorf("NewWriter(%+v): %v", meta, err)
		}
	}
}

func TestCancelledFinishPublishesNothing(t *testing.T) {
	s := newStore(t)
	w := newWriter(t, s, Meta{})
	if err := w.Add(synthetic(100)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.Finish(ctx, backend.Coverage{Complete: true})
	if !errors.Is(err, context.Canceled) || fault.CodeOf(err) != fault.Interrupted {
		t.Errorf("Finish: %v", err)
	}
	w.Abort()
	if diff := cmp.Diff([]string{storeLock}, names(t, s.dir)); diff != "" {
		t.Error(diff)
	}
}

// Two scans that found the same have the same digest, whatever came first.
func TestDigestIsOfTheContent(t *testing.T) {
	s := newStore(t)
	rows := append(synthetic(50), fullRow(TableContainers, "microsoft.resources/subscriptions/resourcegroups", "Rg"),
		Row{Table: "x", Name: "without id"},
		Row{Table: SourceARM, ID: "/s/twice", Name: "of ARM"}, Row{Table: TableResources, ID: "/S/Twice", Name: "of Resource Graph"},
		Row{Table: "dnsresources", ID: "/s/other", Name: "of one table"}, Row{Table: "networkresources", ID: "/S/Other", Name: "of another"})
	reversed := make([]Row, len(rows))
	for i, row := range rows {
		reversed[len(rows)-1-i] = row
	}
	changed := append([]Row{}, rows...)
	changed[7].Tags = nil
	digest := func(meta Meta, rows []Row) string {
		t.Helper()
		sum, err := s.Digest(t.Context(), write(t, s, meta, rows...).ID)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	want := digest(Meta{JobID: "one"}, rows)
	if got := digest(Meta{JobID: "two", Producer: "other"}, append(reversed, rows[3])); got != want {
		t.Errorf("another order gives %s, not %s", got, want)
	}
	if got := digest(Meta{JobID: "one"}, changed); got == want {
		t.Error("other content gives the same digest")
	}
}
