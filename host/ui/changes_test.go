package ui

import (
	"fmt"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const changedRows = `{"change":"changed","kind":"management_group","id":"/providers/Microsoft.Management/managementGroups/root","name":"root","type":"microsoft.management/managementgroups","properties":[{"path":"properties.displayName","before":"Root","after":"Top"}]}
{"change":"added","kind":"role_assignment","id":"/subscriptions/s1/providers/Microsoft.Authorization/roleAssignments/x","name":"x","subscription_id":"s1","subscription":"Production","role":"Owner","principal":"Alice","scope":"/subscriptions/s1"}
{"change":"removed","kind":"resource_group","id":"/subscriptions/s1/resourceGroups/old","name":"old","subscription_id":"s1","subscription":"Production","resource_group":"old"}
{"change":"changed","kind":"resource","id":"/subscriptions/s1/resourceGroups/web/providers/Microsoft.Storage/storageAccounts/data","name":"data","type":"microsoft.storage/storageaccounts","subscription_id":"s1","subscription":"Production","resource_group":"web","properties":[{"path":"properties.minimumTlsVersion","before":"TLS1_0","after":"TLS1_2"},{"path":"properties.networkAcls.ipRules[]","after":{"value":"1.1.1.1","action":"Allow"}},{"path":"tags.owner","before":"the whole department of things that nobody has ever heard of, and others","after":"\u001b[31mred"}]}
{"change":"added","kind":"resource","id":"/subscriptions/s1/resourceGroups/web/providers/Microsoft.Sql/servers/sql/firewallRules/all","name":"all","type":"microsoft.sql/servers/firewallrules","subscription_id":"s1","subscription":"Production","resource_group":"web"}
{"change":"unknown","kind":"resource","id":"/subscriptions/s2/resourceGroups/pay/providers/Microsoft.KeyVault/vaults/kv","name":"kv","type":"microsoft.keyvault/vaults","subscription_id":"s2","subscription":"Payments","resource_group":"pay","reason":"the scan after was denied to read resources of Payments: no right","in":"before"}
{"change":"unknown","kind":"gap","id":"s2","name":"Payments","type":"resources","subscription_id":"s2","reason":"the scan after was denied to read resources of Payments: no right"}
{"change":"removed","kind":"identity","id":"u2","name":"Bob","type":"managed_identity","reason":"one of the scans read those identities alone that something names"}
{"change":"added","kind":"membership","id":"g/u1","name":"Admins","principal":"Alice"}
`

func TestChanges(t *testing.T) {
	result := &backend.SnapshotDiffResult{Added: 3, Removed: 2, Changed: 2, Unknown: 2}
	for name, tc := range map[string]struct {
		width int
		color ColorMode
	}{"plain": {0, ColorNever}, "narrow": {72, ColorNever}, "color": {120, ColorAlways}} {
		t.Run(name, func(t *testing.T) {
			c, out, _ := fakeConsole(tc.width, Options{Color: tc.color})
			p := &Page{screen: c.out}
			if err := p.Changes(ChangesSummary{Result: result, Before: "20260901-a", After: "20260902-b"}, ReadRows(strings.NewReader(changedRows))); err != nil {
				t.Fatal(err)
			}
			if err := p.Flush(); err != nil {
				t.Fatal(err)
			}
			golden(t, "changes_"+name+".txt", out.Bytes())
		})
	}
	c, out, _ := fakeConsole(0, Options{})
	p := &Page{screen: c.out}
	if err := p.Changes(ChangesSummary{Result: &backend.SnapshotDiffResult{Complete: true}}, ReadRows(strings.NewReader(""))); err != nil || p.Flush() != nil || !strings.Contains(out.String(), "no differences") {
		t.Errorf("none: %q, %v", out, err)
	}
	if err := p.Changes(ChangesSummary{Result: result}, ReadRows(strings.NewReader(`{"change":1}`))); fault.CodeOf(err) != fault.Integrity {
		t.Errorf("what is no change: %v", err)
	}
}

// TestManyChanges: a terminal gets the first, a pipe all of them; both get all reasons of what is unknown, up to a number.
func TestManyChanges(t *testing.T) {
	var rows strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&rows, `{"change":"added","kind":"resource","id":"/subscriptions/s/resourceGroups/g/providers/a.b/c/n%d","name":"n%d","type":"a.b/c","subscription_id":"s","resource_group":"g"}`+"\n", i, i)
		fmt.Fprintf(&rows, `{"change":"unknown","kind":"resource","id":"/subscriptions/s/resourceGroups/g/providers/a.b/c/u%d","reason":"reason %d"}`+"\n", i, i%50)
	}
	for width, want := range map[int]struct {
		lines int
		more  string
	}{100: {200, "and 800 more changes; -o ndjson or --output FILE has them all"}, 0: {1000, "and 600 more for other reasons; -o ndjson has them all"}} {
		c, out, _ := fakeConsole(width, Options{Color: ColorNever})
		p := &Page{screen: c.out}
		if err := p.Changes(ChangesSummary{Result: &backend.SnapshotDiffResult{Added: 1000, Unknown: 1000}}, ReadRows(strings.NewReader(rows.String()))); err != nil {
			t.Fatal(err)
		}
		if err := p.Flush(); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(out.String(), "+ n"); n != want.lines || !strings.Contains(out.String(), want.more) || !strings.Contains(out.String(), "? 20  reason 19") {
			t.Errorf("width %d: %d changes: %s", width, n, out.String()[max(0, out.Len()-500):])
		}
	}
}
