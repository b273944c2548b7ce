package diff

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// TestCoverage: what one snapshot alone has is claimed to be removed, or added, only where the other scan would have seen it. The cases are
// those of the other scan.
func TestCoverage(t *testing.T) {
	inB := resource(subB, "data", "Microsoft.Sql/servers", "s")
	child := with(resource(subA, "web", "Microsoft.Storage/storageAccounts/blobServices", "acc/default"), func(r *graph.Row) { r.Table, r.Location = graph.SourceARM, "" })
	lock := with(resource(subA, "web", "Microsoft.Authorization/locks", "l"), func(r *graph.Row) { r.Table = graph.SourceARM })
	zone := with(resource(subA, "web", "Microsoft.Network/dnsZones/A", "z/www"), func(r *graph.Row) { r.Table, r.Location = "dnsresources", "" })
	rule := with(resource(subA, "web", "Microsoft.Insights/dataCollectionRuleAssociations", "x"), func(r *graph.Row) { r.Table = "insightsresources" })
	policy := with(resource(subA, "web", "Microsoft.Authorization/policyAssignments", "p"), func(r *graph.Row) { r.Table, r.Location = "policyresources", "" })
	setting := with(account("x"), func(r *graph.Row) {
		r.Table, r.ID, r.Type, r.Name, r.Location = graph.SourceARM, r.ID+"/providers/Microsoft.Insights/diagnosticSettings/d", "Microsoft.Insights/diagnosticSettings", "d", ""
	})
	root := container("/providers/Microsoft.Management/managementGroups/root", "microsoft.management/managementgroups", `{}`)
	web := container("/subscriptions/"+subA+"/resourceGroups/web", "microsoft.resources/subscriptions/resourcegroups", `{}`)
	byARM := func(lines ...string) []backend.CoverageEntry {
		ledger := []backend.CoverageEntry{
			{Scope: "tenant", Kind: "scopes", State: backend.CoverageListed}, {Scope: subA, Name: "Alpha", Kind: "scopes", State: backend.CoverageListed},
			{Scope: subA, Name: "Alpha", Kind: "arm", State: backend.CoverageListed}, {Scope: "subscriptions", Kind: "children", State: backend.CoverageListed},
			{Scope: "subscriptions", Kind: "locks", State: backend.CoverageListed},
		}
		for _, l := range lines {
			f := strings.Fields(l)
			ledger = append(ledger, backend.CoverageEntry{Scope: f[0], Name: "Alpha", Kind: f[1], State: backend.CoverageState(f[2])})
		}
		return ledger
	}
	asked := func(f backend.Filter) backend.ScanRequest { return backend.ScanRequest{Filter: f} }
	cases := []struct {
		name    string
		row     graph.Row
		request backend.ScanRequest // of the scan that has not found the row
		before  backend.ScanRequest // of the one that has
		ledger  []backend.CoverageEntry
		why     string // empty is that it is known
	}{
		{name: "everything was read", row: account("x")},
		{name: "another subscription was denied", row: account("x"), ledger: ledgerWith(subB + " resources denied")},
		{name: "its subscription was denied", row: inB, ledger: ledgerWith(subB + " resources denied"), why: "was denied to read resources of Beta: no access"},
		{name: "of its subscription something else was denied", row: inB, ledger: ledgerWith(subB + " authorizationresources denied")},
		{name: "its subscription was throttled", row: inB, ledger: ledgerWith(subB + " resources throttled"), why: "was throttled when it read resources"},
		{name: "its subscription was dropped", row: inB, ledger: ledgerWith(subB + " resources dropped"), why: "was not shown resources"},
		{name: "its subscription failed", row: inB, ledger: ledgerWith(subB + " resources failed"), why: "failed to read resources"},
		{name: "its subscription is disabled", row: inB, ledger: ledgerWith(subB+" resources skipped", subB+" resourcecontainers skipped"), why: "left out resources of Beta"},
		{name: "its subscription is gone", row: inB, ledger: withoutOf(subB), why: "did not see this subscription"},
		{name: "there is no ledger", row: account("x"), ledger: []backend.CoverageEntry{}, why: "did not see this subscription"},
		{name: "its subscription was not asked for", row: inB, request: asked(backend.Filter{Subscriptions: []string{subA}}), ledger: withoutOf(subB), why: "was not asked for this subscription"},
		{name: "the limit was reached", row: account("x"), ledger: ledgerWith(subA + " resources limited"), why: "reached its limit"},
		{name: "the limit was reached elsewhere", row: inB, ledger: ledgerWith(subA + " resources limited")},

		{name: "a child", row: child},
		{name: "a child, and the depth was resources", row: child, request: backend.ScanRequest{Depth: backend.DepthResources}, ledger: ledgerWith("subscriptions children none"), why: "did not read child resources (--depth)"},
		{name: "a child, and its type could not be read of some", row: child, ledger: ledgerWith(subA + " microsoft.storage/storageaccounts/blobservices denied"), why: "was denied to read microsoft.storage/storageaccounts/blobservices of Alpha: no access"},
		{name: "a child, and a type beside could not", row: child, ledger: ledgerWith(subA + " microsoft.storage/storageaccounts/fileservices denied")},
		{name: "a child, and a type above could not", row: with(child, func(r *graph.Row) { r.Type += "/containers"; r.ID += "/containers/c" }), ledger: ledgerWith(subA + " microsoft.storage/storageaccounts/blobservices denied"), why: "was denied"},
		{name: "a child, and the resources were limited", row: child, ledger: ledgerWith(subA + " resources limited"), why: "reached its limit"},
		{name: "a child, and its subscription has a line", row: child, ledger: ledgerWith(subA + " children throttled"), why: "was throttled when it read children"},
		{name: "a child in a shut subscription", row: with(child, func(r *graph.Row) { r.ID = strings.Replace(r.ID, subA, subB, 1); r.SubscriptionID = subB }),
			ledger: ledgerWith(subB+" resources denied", subB+" resourcecontainers denied", subB+" authorizationresources denied"), why: "was denied to read resources"},
		{name: "an extension, and the depth was children", row: setting, why: "did not read extensions (--depth)"},
		{name: "an extension", row: setting, ledger: ledgerWith("subscriptions extensions listed")},

		{name: "a lock", row: lock},
		{name: "a lock that was not asked for", row: lock, ledger: ledgerWith("subscriptions locks none"), why: "did not read locks"},
		{name: "a lock in a shut subscription", row: with(lock, func(r *graph.Row) { r.ID = strings.Replace(r.ID, subA, subB, 1); r.SubscriptionID = subB }),
			ledger: ledgerWith(subB+" resources denied", subB+" resourcecontainers denied", subB+" authorizationresources denied"), why: "was denied"},
		{name: "a row of a smaller table", row: zone},
		{name: "a row of a smaller table that this cloud lacks", row: zone, ledger: ledgerWith("subscriptions dnsresources unsupported"), why: "could not ask for dnsresources"},
		{name: "a row of a smaller table that was cut", row: policy, ledger: ledgerWith("subscriptions policyresources limited"), why: "reached its limit before it had read policyresources"},
		{name: "a group", row: web},
		{name: "a group, and resources were denied", row: web, ledger: ledgerWith(subA + " resources denied")},
		{name: "a group, and containers were denied", row: web, ledger: ledgerWith(subA + " resourcecontainers denied"), why: "was denied to read resourcecontainers"},
		{name: "a role", row: assignment("/subscriptions/"+subA, "r", "u")},
		{name: "a role that was denied", row: assignment("/subscriptions/"+subA, "r", "u"), ledger: ledgerWith(subA + " authorizationresources denied"), why: "was denied to read authorizationresources"},
		{name: "a role in a cloud whose Resource Graph has none", row: assignment("/subscriptions/"+subA, "r", "u"), ledger: ledgerWith(subA+" authorizationresources none", subA+" scopes listed")},
		{name: "a management group", row: root},
		{name: "a management group, and only subscriptions were asked for", row: root, request: asked(backend.Filter{Subscriptions: []string{subA, subB}}), why: "was filtered"},
		{name: "a management group that could not be read", row: root, ledger: ledgerWith("tenant resourcecontainers denied"), why: "was denied to read resourcecontainers"},
		{name: "the last policy of a management group", row: with(policy, func(r *graph.Row) {
			r.ID, r.SubscriptionID, r.ResourceGroup = "/providers/Microsoft.Management/managementGroups/root/providers/Microsoft.Authorization/policyAssignments/p", "", ""
		})},
		{name: "a policy of a management group, and the table was cut", row: with(policy, func(r *graph.Row) {
			r.ID, r.SubscriptionID, r.ResourceGroup = "/providers/Microsoft.Management/managementGroups/root/providers/Microsoft.Authorization/policyAssignments/p", "", ""
		}), ledger: ledgerWith("subscriptions policyresources limited"), why: "reached its limit before it had read policyresources"},
		{name: "a role of the tenant", row: definition("C", "CustomRole", "Mine"), request: asked(backend.Filter{Subscriptions: []string{subA, subB}})},

		{name: "listed by Resource Manager", row: account("x"), ledger: byARM()},
		{name: "a group listed by Resource Manager", row: web, ledger: byARM()},
		{name: "a management group listed by Resource Manager", row: root, ledger: byARM()},
		{name: "a management group that it could not list", row: root, ledger: byARM("tenant microsoft.management/managementgroups denied"), why: "was denied"},
		{name: "a role listed by it", row: assignment("/subscriptions/"+subA, "r", "u"), ledger: byARM()},
		{name: "a child listed by it", row: child, ledger: byARM()},
		{name: "a record listed by it as a child", row: zone, ledger: byARM()},
		{name: "a policy listed by it", row: policy, ledger: byARM()},
		{name: "what only Resource Graph tells of", row: rule, ledger: byARM(), why: "only Resource Graph tells of these"},
		{name: "and of what Resource Manager alone told", row: with(policy, func(r *graph.Row) { r.Table, r.ID = graph.SourceARM, r.ID+"2" }), ledger: whole()},

		{name: "the group was asked for", row: account("x"), request: asked(backend.Filter{ResourceGroups: []string{"WEB"}})},
		{name: "another group was asked for", row: account("x"), request: asked(backend.Filter{ResourceGroups: []string{"other"}}), why: "was filtered"},
		{name: "another group, of a group", row: web, request: asked(backend.Filter{ResourceGroups: []string{"other"}}), why: "was filtered"},
		{name: "another group, of a role", row: assignment("/subscriptions/"+subA, "r", "u"), request: asked(backend.Filter{ResourceGroups: []string{"web"}}), why: "was filtered"},
		{name: "the type was asked for", row: account("x"), request: asked(backend.Filter{ResourceTypes: []string{"microsoft.storage/storageaccounts"}})},
		{name: "its children were", row: account("x"), request: asked(backend.Filter{ResourceTypes: []string{"microsoft.storage/storageaccounts/blobservices"}})},
		{name: "another type was", row: account("x"), request: asked(backend.Filter{ResourceTypes: []string{"microsoft.web/sites"}}), why: "was filtered"},
		{name: "another type, of a group", row: web, request: asked(backend.Filter{ResourceTypes: []string{"microsoft.web/sites"}})},
		{name: "the type was left out", row: child, request: asked(backend.Filter{ExcludeTypes: []string{"Microsoft.Storage/storageAccounts"}}), why: "was filtered"},
		{name: "the region was asked for", row: account("x"), request: asked(backend.Filter{Locations: []string{"West Europe"}})},
		{name: "another region was", row: account("x"), request: asked(backend.Filter{Locations: []string{"eastus"}}), why: "was filtered"},
		{name: "a policy has no region", row: policy, request: asked(backend.Filter{Locations: []string{"westeurope"}}), why: "was filtered"},
		{name: "a child of who knows which region", row: child, request: asked(backend.Filter{Locations: []string{"westeurope"}}), why: "was filtered"},
		{name: "a child, and both asked for the region", row: child, request: asked(backend.Filter{Locations: []string{"westeurope"}}), before: asked(backend.Filter{Locations: []string{"West Europe"}})},
		{name: "a tag may be lost", row: with(account("tagged"), func(r *graph.Row) { r.Tags = []byte(`{"env":"prod"}`) }), request: asked(backend.Filter{Tags: map[string]string{"env": "prod"}}),
			before: asked(backend.Filter{Tags: map[string]string{"env": "prod"}}), why: "asked for tags alone"},
	}
	var rows []graph.Row
	for _, tc := range cases {
		rows = append(rows, tc.row)
	}
	entries := map[string]*graph.Entry{}
	if err := snapshot(t, scan{rows: rows}).Entries(t.Context(), func(e *graph.Entry) error { entries[e.ID] = e; return nil }); err != nil {
		t.Fatal(err)
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if tc.ledger == nil {
				tc.ledger = whole()
			}
			s := newSeen("after", &tc.request, backend.Coverage{Entries: tc.ledger})
			s.alike = sameFilter(tc.request.Filter, tc.before.Filter)
			why := s.missed(entries[tc.row.ID])
			if (why == "") != (tc.why == "") || why != "" && (!strings.HasPrefix(why, "the scan after ") || !strings.Contains(why, tc.why)) {
				t.Errorf("it was missed because %q, want %q", why, tc.why)
			}
		})
	}
}

// TestUnknownBothWays: neither a removal nor an addition is claimed where the other scan was denied to read.
func TestUnknownBothWays(t *testing.T) {
	has := snapshot(t, scan{rows: []graph.Row{resource(subB, "data", "Microsoft.Sql/servers", "s")}})
	hasNot := snapshot(t, scan{ledger: ledgerWith(subB + " resources denied")})
	got := compare(t, has, hasNot, backend.SnapshotDiffRequest{})
	if c := got.changes[0]; c.Change != Unknown || c.In != "before" || !strings.HasPrefix(c.Reason, "the scan after was denied") || got.result.Complete || got.result.Removed > 0 || got.result.Unknown != 2 {
		t.Errorf("%+v: %s", got.result, got.text)
	}
	got = compare(t, hasNot, has, backend.SnapshotDiffRequest{})
	if c := got.changes[0]; c.Change != Unknown || c.In != "after" || !strings.HasPrefix(c.Reason, "the scan before was denied") || got.result.Complete || got.result.Added > 0 {
		t.Errorf("%+v: %s", got.result, got.text)
	}
}

// TestGapsAreTold: where something was not read, things may have changed, though neither snapshot shows it.
func TestGapsAreTold(t *testing.T) {
	denied := snapshot(t, scan{ledger: ledgerWith(subB+" resources denied", subA+" microsoft.sql/servers/databases failed", subA+" resources limited")})
	for _, tc := range []struct {
		name   string
		filter backend.Filter
		want   []string
	}{
		{"all", backend.Filter{}, []string{
			"unknown gap Beta # the scan before was denied to read resources of Beta: no access", "unknown gap Alpha # the scan before failed to read microsoft.sql/servers/databases of Alpha: no access",
			"unknown gap Beta # the scan after was denied to read resources of Beta: no access", "unknown gap Alpha # the scan after failed to read microsoft.sql/servers/databases of Alpha: no access",
		}},
		{"elsewhere", backend.Filter{Subscriptions: []string{"alpha"}, ExcludeTypes: []string{"Microsoft.Sql/servers/databases"}}, nil},
		{"another type", backend.Filter{Subscriptions: []string{subA}, ResourceTypes: []string{"microsoft.web/sites"}}, nil},
		{"the type", backend.Filter{Subscriptions: []string{subA}, ResourceTypes: []string{"microsoft.sql/servers/databases"}}, []string{
			"unknown gap Alpha # the scan before failed to read microsoft.sql/servers/databases of Alpha: no access", "unknown gap Alpha # the scan after failed to read microsoft.sql/servers/databases of Alpha: no access",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := compare(t, denied, denied, backend.SnapshotDiffRequest{Filter: tc.filter})
			if diff := cmp.Diff(tc.want, got.lines()); diff != "" || got.result.Complete != (tc.want == nil) || got.result.Unknown != int64(len(tc.want)) {
				t.Errorf("%+v\n%s", got.result, diff)
			}
		})
	}
}

// TestARMAndGraph: a resource that one scan has read of Resource Graph and the other of Resource Manager is the same.
func TestARMAndGraph(t *testing.T) {
	graphed := with(account("x"), func(r *graph.Row) {
		r.Properties, r.Location, r.APIVersion = []byte(`{"tier":"standard","n":1,"extended":{"a":1}}`), "westeurope", "2023-01-01"
	})
	read := with(graphed, func(r *graph.Row) {
		r.Table, r.Properties, r.Location, r.Extra, r.Kind, r.APIVersion = graph.SourceARM, []byte(`{"n":1,"tier":"Standard","more":[1]}`), "West Europe", []byte(`{"etag":"x","systemData":{}}`), "StorageV2", "2024-01-01"
	})
	before, after := snapshot(t, scan{rows: []graph.Row{graphed}}), snapshot(t, scan{rows: []graph.Row{read}})
	if got := compare(t, before, after, backend.SnapshotDiffRequest{}); len(got.changes) > 0 {
		t.Errorf("%s", got.text)
	}
	read.Properties = []byte(`{"n":2,"tier":"Standard"}`)
	got := compare(t, before, snapshot(t, scan{rows: []graph.Row{read}}), backend.SnapshotDiffRequest{})
	if diff := cmp.Diff([]string{"changed resource x; properties.n: 1 -> 2"}, got.lines()); diff != "" {
		t.Error(diff)
	}
}

// TestPropertiesThatWereNotRead: Resource Manager's list has a resource without them, and it could not be read itself.
func TestPropertiesThatWereNotRead(t *testing.T) {
	read := with(account("x"), func(r *graph.Row) { r.Table = graph.SourceARM })
	stub := with(read, func(r *graph.Row) { r.Properties = nil })
	ledger := ledgerWith(subA + " microsoft.storage/storageaccounts denied")
	got := compare(t, snapshot(t, scan{rows: []graph.Row{read}}), snapshot(t, scan{rows: []graph.Row{stub}, ledger: ledger}), backend.SnapshotDiffRequest{})
	if diff := cmp.Diff("unknown resource x # the scan after was denied to read microsoft.storage/storageaccounts of Alpha: no access", got.lines()[0]); diff != "" {
		t.Error(diff)
	}
	got = compare(t, snapshot(t, scan{rows: []graph.Row{read}}), snapshot(t, scan{rows: []graph.Row{stub}}), backend.SnapshotDiffRequest{})
	if diff := cmp.Diff([]string{"changed resource x; properties.a: 1 -> none"}, got.lines()); diff != "" {
		t.Error(diff)
	}
}

func TestIdentities(t *testing.T) {
	all := backend.ScanRequest{Identities: backend.IdentitiesAll}
	alice := []graph.Identity{user("u1", "Alice", `{"id":"u1"}`)}
	deleted := []graph.Identity{{ObjectID: "u1", Kind: graph.KindUser, State: graph.IdentityDeleted}}
	member := []graph.Membership{{GroupID: "g", MemberID: "u1"}}
	for _, tc := range []struct {
		name          string
		before, after scan
		want          []string
	}{
		{"gone", scan{request: all, identities: alice, memberships: member}, scan{request: all}, []string{"removed identity Alice", "removed membership g"}},
		{"not read at all", scan{request: all, identities: alice}, scan{request: backend.ScanRequest{Identities: backend.IdentitiesNone}}, []string{"unknown identity Alice # the scan after did not read identities (--identities)"}},
		{"of a scan that knew none", scan{identities: alice}, scan{ledger: ledgerWith("tenant users none", "tenant groups none")[:8]}, []string{"unknown identity Alice # the scan after did not read identities (--identities)"}},
		{"denied", scan{request: all, identities: alice, memberships: member}, scan{request: all, ledger: ledgerWith("tenant users denied")}, []string{
			"unknown identity Alice # the scan after was denied to read users: no access", "removed membership g", "unknown gap  # the scan after was denied to read users: no access"}},
		{"no longer named", scan{identities: alice}, scan{}, []string{"removed identity Alice # nothing names it in the other snapshot"}},
		{"who knows whether it is named", scan{identities: alice, memberships: member}, scan{ledger: ledgerWith(subB + " resources denied")}, []string{
			"unknown identity Alice # the scan after read those identities that something names, and has not read all that may name them",
			"unknown membership g # the scan after read those identities that something names, and has not read all that may name them",
			"unknown gap Beta # the scan after was denied to read resources of Beta: no access"}},
		{"not named by what was asked for", scan{identities: alice}, scan{request: backend.ScanRequest{Filter: backend.Filter{ResourceGroups: []string{"web"}}}}, []string{
			"unknown identity Alice # the scan after read those identities that something names, and has not read all that may name them"}},
		{"of all, whatever else was read", scan{request: all, identities: alice}, scan{request: all, ledger: ledgerWith(subB + " resources limited")}, []string{"removed identity Alice"}},
		{"deleted, and still named", scan{identities: alice}, scan{identities: deleted}, []string{"removed identity Alice # something in the other snapshot names it, but the directory does not have it"}},
		{"back again", scan{identities: deleted}, scan{identities: alice}, []string{"added identity Alice # something in the other snapshot names it, but the directory does not have it"}},
		{"deleted before", scan{identities: deleted}, scan{}, nil},
		{"deleted in both", scan{identities: deleted}, scan{identities: deleted}, nil},
		{"unreadable", scan{identities: alice}, scan{identities: []graph.Identity{{ObjectID: "u1", Kind: graph.KindOtherIdentity, State: graph.IdentityUnreadable}}}, []string{
			"unknown identity Alice # the scan after could not read it"}},
		{"readable now", scan{identities: []graph.Identity{{ObjectID: "u1", Kind: graph.KindOtherIdentity, State: graph.IdentityUnreadable}}}, scan{identities: alice}, []string{
			"unknown identity Alice # the scan before could not read it"}},
		{"noise", scan{identities: alice}, scan{identities: []graph.Identity{user("u1", "Alice", `{"id":"u1","signInActivity":{"x":1}}`)}}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := compare(t, snapshot(t, tc.before), snapshot(t, tc.after), backend.SnapshotDiffRequest{})
			if diff := cmp.Diff(tc.want, got.lines()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
