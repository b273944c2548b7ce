package diff

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func container(id, typ, properties string) graph.Row {
	r := graph.Row{Table: graph.TableContainers, ID: id, Name: id[strings.LastIndexByte(id, '/')+1:], Type: typ, TenantID: tenantID, Properties: []byte(properties)}
	if parts := strings.Split(id, "/"); parts[1] == "subscriptions" {
		r.SubscriptionID = parts[2]
	}
	return r
}

func assignment(scope, name, principal string) graph.Row {
	r := graph.Row{Table: graph.TableAuthorization, ID: scope + "/providers/Microsoft.Authorization/roleAssignments/" + name, Name: name, Type: "Microsoft.Authorization/roleAssignments", TenantID: tenantID,
		Properties: []byte(`{"roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/R1","principalId":"` + principal + `","principalType":"User","scope":"` + scope + `"}`)}
	if parts := strings.Split(scope, "/"); len(parts) > 2 && parts[1] == "subscriptions" {
		r.SubscriptionID = parts[2]
	}
	return r
}

func definition(name, typ, title string) graph.Row {
	return graph.Row{Table: graph.TableAuthorization, ID: "/providers/Microsoft.Authorization/roleDefinitions/" + name, Name: name, Type: "Microsoft.Authorization/roleDefinitions", TenantID: tenantID,
		Properties: []byte(`{"roleName":"` + title + `","type":"` + typ + `"}`)}
}

func user(id, name, raw string) graph.Identity {
	return graph.Identity{ObjectID: id, Kind: graph.KindUser, State: graph.IdentityPresent, Name: name, Raw: []byte(raw)}
}

// twoScans are two scans between which one of everything was added, removed and changed.
func twoScans(t *testing.T) (before, after *graph.Reader) {
	const group = "microsoft.resources/subscriptions/resourcegroups"
	common := []graph.Row{
		container("/subscriptions/"+subA, "microsoft.resources/subscriptions", `{}`), account("same"), definition("R1", "BuiltInRole", "Reader"),
		resource(subB, "data", "Microsoft.Sql/servers", "same"), assignment("/subscriptions/"+subA, "0same", "u1"),
	}
	before = snapshot(t, scan{id: "20260301-050607891-aaaaaa", rows: append(common,
		container("/subscriptions/"+subA+"/resourceGroups/old", group, `{}`), container("/providers/Microsoft.Management/managementGroups/root", "microsoft.management/managementgroups", `{"displayName":"Root"}`),
		account("gone"), with(account("changed"), func(r *graph.Row) {
			r.Tags, r.Properties = []byte(`{"env":"test"}`), []byte(`{"minimumTlsVersion":"TLS1_0","networkAcls":{"ipRules":[{"value":"1.1.1.1"}]}}`)
		}), with(account("ids"), func(r *graph.Row) { r.ID, r.APIVersion = strings.ToUpper(r.ID), "2020-01-01" }),
		definition("C1", "CustomRole", "Operator"), definition("R2", "BuiltInRole", "Old role of Azure"),
		resource(subB, "data", "Microsoft.Sql/servers/firewallRules", "same/gone"), assignment("/subscriptions/"+subA, "1gone", "u1"),
	), identities: []graph.Identity{
		user("u1", "Alice", `{"id":"u1","displayName":"Alice","accountEnabled":true}`), user("u2", "Bob", `{"id":"u2"}`), {ObjectID: "g1", Kind: graph.KindGroup, State: graph.IdentityPresent, Name: "Admins", Raw: []byte(`{}`)},
	}, memberships: []graph.Membership{{GroupID: "g1", MemberID: "u1"}, {GroupID: "g1", MemberID: "u2"}}})
	after = snapshot(t, scan{id: "20260302-050607891-bbbbbb", rows: append(common,
		container("/subscriptions/"+subA+"/resourceGroups/New", group, `{}`), container("/providers/Microsoft.Management/managementGroups/root", "microsoft.management/managementgroups", `{"displayName":"Top"}`),
		account("New"), with(account("changed"), func(r *graph.Row) {
			r.Kind, r.Tags, r.Properties = "StorageV2", []byte(`{"env":"prod"}`), []byte(`{"minimumTlsVersion":"TLS1_2","networkAcls":{"ipRules":[{"value":"1.1.1.1"},{"value":"2.2.2.2"}]},"etag":"x"}`)
		}), with(account("ids"), func(r *graph.Row) {
			r.ID, r.APIVersion, r.Location = strings.ToLower(r.ID), "2024-01-01", "West Europe"
		}),
		definition("C1", "CustomRole", "Operator 2"), resource(subB, "data", "Microsoft.Sql/servers/firewallRules", "same/new"), assignment("/subscriptions/"+subA, "2new", "u3"),
	), identities: []graph.Identity{
		user("u1", "Alice", `{"id":"u1","displayName":"Alice","accountEnabled":false}`), user("u3", "Carol", `{"id":"u3"}`), {ObjectID: "g1", Kind: graph.KindGroup, State: graph.IdentityPresent, Name: "Admins", Raw: []byte(`{}`)},
	}, memberships: []graph.Membership{{GroupID: "g1", MemberID: "u1"}, {GroupID: "g1", MemberID: "u3"}}})
	return before, after
}

func TestAllKinds(t *testing.T) {
	before, after := twoScans(t)
	got := compare(t, before, after, backend.SnapshotDiffRequest{})
	golden(t, "all.ndjson", got.text)
	want := &backend.SnapshotDiffResult{Complete: true, Added: 6, Removed: 6, Changed: 4, Changes: "changes.ndjson", DurationSeconds: got.result.DurationSeconds}
	if diff := cmp.Diff(want, got.result); diff != "" {
		t.Error(diff)
	}
	if again := compare(t, before, after, backend.SnapshotDiffRequest{}); again.text != got.text {
		t.Error("the same comparison gives other bytes")
	}
	back := compare(t, after, before, backend.SnapshotDiffRequest{})
	if r := back.result; r.Added != want.Removed || r.Removed != want.Added || r.Changed != want.Changed || !r.Complete {
		t.Errorf("the other way round: %+v", r)
	}
	if none := compare(t, after, after, backend.SnapshotDiffRequest{}); none.text != "" || none.result.Changed != 0 || !none.result.Complete {
		t.Errorf("with itself: %s", none.text)
	}
}

func TestFilterOfTheComparison(t *testing.T) {
	before, after := twoScans(t)
	for _, tc := range []struct {
		name   string
		filter backend.Filter
		want   []string
	}{
		{"a subscription by its name", backend.Filter{Subscriptions: []string{"beta"}}, []string{"removed resource gone", "added resource new"}},
		{"a group", backend.Filter{ResourceGroups: []string{"NEW"}}, []string{"added resource_group New"}},
		{"a type", backend.Filter{ResourceTypes: []string{"microsoft.sql/servers/firewallrules"}}, []string{"removed resource gone", "added resource new"}},
		{"a location", backend.Filter{Locations: []string{"North Europe"}}, nil},
		{"a tag that one of them has", backend.Filter{Tags: map[string]string{"ENV": "PROD"}}, []string{
			`changed resource changed; kind: none -> "StorageV2"; properties.minimumTlsVersion: "TLS1_0" -> "TLS1_2"; properties.networkAcls.ipRules[]: none -> {"value":"2.2.2.2"}; tags.env: "test" -> "prod"`}},
		{"not a type", backend.Filter{Subscriptions: []string{subB}, ExcludeTypes: []string{"Microsoft.Sql/servers"}}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := compare(t, before, after, backend.SnapshotDiffRequest{Filter: tc.filter})
			if diff := cmp.Diff(tc.want, got.lines()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheComparisonKnowsItsSubscriptions(t *testing.T) {
	before, after := twoScans(t)
	c := Comparer{Before: before, After: after, Dir: t.TempDir(), WorkDir: t.TempDir()}
	_, err := c.Compare(t.Context(), &backend.SnapshotDiffRequest{Filter: backend.Filter{Subscriptions: []string{subA, "Gamma"}}})
	if f := fault.As(err); f == nil || f.Code != fault.InvalidArgument || !strings.Contains(f.Message, `"Gamma"`) || f.Hint == "" {
		t.Errorf("%v", err)
	}
}

func TestTenantsMustBeTheSame(t *testing.T) {
	c := Comparer{Before: snapshot(t, scan{}), After: snapshot(t, scan{tenant: subA}), Dir: t.TempDir()}
	if _, err := c.Compare(t.Context(), &backend.SnapshotDiffRequest{}); fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(err.Error(), "different tenants") {
		t.Errorf("%v", err)
	}
}

func TestCheck(t *testing.T) {
	for name, tc := range map[string]struct {
		request backend.SnapshotDiffRequest
		ok      bool
	}{
		"nothing":  {backend.SnapshotDiffRequest{}, false},
		"half":     {backend.SnapshotDiffRequest{After: "a"}, false},
		"both":     {backend.SnapshotDiffRequest{Before: "b", After: "a"}, true},
		"format":   {backend.SnapshotDiffRequest{Before: "b", After: "a", Format: "xml"}, false},
		"markdown": {backend.SnapshotDiffRequest{Before: "b", After: "a", Format: "markdown"}, true},
	} {
		if err := Check(&tc.request); (err == nil) != tc.ok || err != nil && fault.CodeOf(err) != fault.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOlderFormats compares snapshots that earlier versions wrote with one of today.
func TestOlderFormats(t *testing.T) {
	open := func(name string) *graph.Reader {
		r, err := graph.OpenFile(t.Context(), filepath.Join("..", "graph", "testdata", name+".db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		return r
	}
	first, second := open("20260304-050607891-afirst"), open("20260304-050607891-second")
	got := compare(t, first, second, backend.SnapshotDiffRequest{})
	if got.result.Added == 0 || got.result.Unknown == 0 || got.result.Complete {
		t.Errorf("%+v: %s", got.result, strings.Join(got.lines(), "\n"))
	}
	for _, r := range []*graph.Reader{first, second} {
		if got := compare(t, r, r, backend.SnapshotDiffRequest{}); got.result.Added+got.result.Removed+got.result.Changed > 0 {
			t.Errorf("with itself: %s", strings.Join(got.lines(), "\n"))
		}
	}
}

// TestRowsMoveBetweenTables: what a snapshot of format 1 has in other_rows, later ones have in resources.
func TestRowsMoveBetweenTables(t *testing.T) {
	id := "/subscriptions/" + subA + "/providers/Microsoft.Authorization/classicAdministrators/x"
	row := graph.Row{Table: graph.TableAuthorization, ID: id, Name: "x", Type: "Microsoft.Authorization/classicAdministrators", SubscriptionID: subA, TenantID: tenantID, Properties: []byte(`{"a":1}`)}
	moved := row
	moved.Table = "policyresources"
	if got := compare(t, snapshot(t, scan{rows: []graph.Row{row}}), snapshot(t, scan{rows: []graph.Row{moved}}), backend.SnapshotDiffRequest{}); len(got.changes) > 0 {
		t.Errorf("%s", got.text)
	}
	moved.Properties = []byte(`{"a":2}`)
	both := compare(t, snapshot(t, scan{rows: []graph.Row{row, moved}}), snapshot(t, scan{rows: []graph.Row{moved, row}}), backend.SnapshotDiffRequest{})
	if len(both.changes) > 0 {
		t.Errorf("of two rows with one id each is compared with its own: %s", both.text)
	}
}

func TestRowsWithoutID(t *testing.T) {
	row := func(name, properties string) graph.Row {
		return graph.Row{Table: "securityresources", Name: name, Type: "a.b/c", SubscriptionID: subA, TenantID: tenantID, Properties: []byte(properties)}
	}
	ledger := ledgerWith("subscriptions securityresources listed")
	before := snapshot(t, scan{ledger: ledger, rows: []graph.Row{row("a", `{"x":1}`), row("b", `{}`), row("b", `{}`), row("c", `{}`)}})
	after := snapshot(t, scan{ledger: ledger, rows: []graph.Row{row("c", `{}`), row("a", `{"x":2}`), row("b", `{}`)}})
	got := compare(t, before, after, backend.SnapshotDiffRequest{})
	if diff := cmp.Diff([]string{"removed row a", "added row a", "removed row b"}, got.lines()); diff != "" {
		t.Error(diff)
	}
	if got := compare(t, before, before, backend.SnapshotDiffRequest{}); len(got.changes) > 0 {
		t.Errorf("%s", got.text)
	}
}

func TestTheEndOfTheWork(t *testing.T) {
	before, after := twoScans(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := Comparer{Before: before, After: after, Dir: t.TempDir()}
	if _, err := c.Compare(ctx, &backend.SnapshotDiffRequest{}); err == nil || !errors.Is(err, context.Canceled) && fault.CodeOf(err) != fault.Interrupted {
		t.Errorf("cancelled: %v", err)
	}
}

// TestDamagedSnapshots: what a file of which a part is gone or was overwritten has left is no snapshot, and nothing is said to be gone from it.
func TestDamagedSnapshots(t *testing.T) {
	var rows []graph.Row
	for i := range 2000 {
		rows = append(rows, account(fmt.Sprint("account", i)))
	}
	store, err := graph.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w, err := store.NewWriter(t.Context(), graph.Meta{TenantID: tenantID})
	if err == nil {
		err = w.Add(rows)
	}
	if err != nil {
		t.Fatal(err)
	}
	made, err := w.Finish(t.Context(), backend.Coverage{Complete: true, Entries: whole()})
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(store.Dir(), made.ID+".db"))
	if err != nil {
		t.Fatal(err)
	}
	whole := snapshot(t, scan{rows: rows})
	for name, damaged := range map[string][]byte{
		"truncated":   content[:len(content)/2],
		"overwritten": slices.Concat(content[:len(content)/3], bytes.Repeat([]byte("x"), 64<<10), content[len(content)/3+64<<10:]),
		"foreign":     []byte("SQLite format 3\x00 and nothing more"),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sent.db")
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := graph.OpenFile(t.Context(), path)
			if err == nil {
				defer r.Close()
				_, err = Comparer{Before: whole, After: r, Dir: t.TempDir()}.Compare(t.Context(), &backend.SnapshotDiffRequest{})
			}
			if fault.CodeOf(err) != fault.Integrity {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestADiskThatCannotBeWritten(t *testing.T) {
	before, after := twoScans(t)
	for _, format := range []string{FormatNDJSON, FormatMarkdown} {
		dir := t.TempDir()
		c := Comparer{Before: before, After: after, Dir: filepath.Join(dir, "none"), WorkDir: dir}
		if _, err := c.Compare(t.Context(), &backend.SnapshotDiffRequest{Format: format}); fault.CodeOf(err) != fault.ExecutionFailed {
			t.Errorf("%s: %v", format, err)
		}
	}
}

func TestMarkdown(t *testing.T) {
	before, after := twoScans(t)
	golden(t, "all.md", compare(t, before, after, backend.SnapshotDiffRequest{Format: FormatMarkdown}).text)
	golden(t, "none.md", compare(t, after, after, backend.SnapshotDiffRequest{Format: FormatMarkdown}).text)
	denied := snapshot(t, scan{id: "20260303-050607891-cccccc", ledger: ledgerWith(subB+" resources denied", subB+" resourcecontainers denied", subB+" authorizationresources denied")})
	golden(t, "denied.md", compare(t, before, denied, backend.SnapshotDiffRequest{Format: FormatMarkdown, Filter: backend.Filter{Subscriptions: []string{subB}}}).text)
}

// TestMarkdownIsSafe: names are data, and the page stays small.
func TestMarkdownIsSafe(t *testing.T) {
	hostile := []string{"`<script>alert(1)</script>`", "a\n# heading\n- item", "![x](http://evil)", "| a | b |", "\u202eevil\x1b[2J", "``` x", "@everyone #1"}
	var rows []graph.Row
	for i, name := range hostile {
		r := account("n" + string(rune('0'+i)))
		r.ID += name
		r.Name, r.Properties = name, []byte(`{"a":"`+strings.ReplaceAll(strings.ReplaceAll(name, "\n", `\n`), "\x1b", `\u001b`)+`"}`)
		rows = append(rows, r)
	}
	text := compare(t, snapshot(t, scan{id: "20260301-050607891-aaaaaa"}), snapshot(t, scan{id: "20260302-050607891-bbbbbb", rows: rows}), backend.SnapshotDiffRequest{Format: FormatMarkdown}).text
	golden(t, "hostile.md", text)
	for _, bad := range []string{"\x1b", "\u202e", "\n# heading", "\n- item"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q is in it", bad)
		}
	}
	var many []graph.Row
	for i := range 3000 {
		many = append(many, account("account"+strings.Repeat("x", i%20)+string(rune('a'+i%26))+strings.Repeat("y", i/26)))
	}
	text = compare(t, snapshot(t, scan{}), snapshot(t, scan{rows: many}), backend.SnapshotDiffRequest{Format: FormatMarkdown}).text
	if len(text) > 65_000 || !strings.Contains(text, " more changes") || !strings.Contains(text, "| resources | 3000 |") {
		t.Errorf("%d bytes: %s", len(text), text[max(0, len(text)-300):])
	}
}
