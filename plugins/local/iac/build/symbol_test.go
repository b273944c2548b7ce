package build

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// TestSymbols: they can be read.
func TestSymbols(t *testing.T) {
	site := in("web", "Microsoft.Web/sites/shop")
	rows := []graph.Row{
		group(groupID("rg-web-prod"), ``), resource(site, `"properties":{}`), resource(site+"/slots/test", `"properties":{}`),
		resource(site+"/providers/Microsoft.Authorization/locks/keep", `"properties":{"level":"ReadOnly"}`),
		resource(in("web", "Microsoft.Network/publicIPAddresses/v4-1"), `"properties":{}`), resource(in("web", "Microsoft.Cache/redis/c"), `"properties":{}`),
		resource(groupID("web")+"/providers/Microsoft.Authorization/roleAssignments/3f2504e0-4f89-41d3-9a0c-0305e82c3301", `"properties":{"principalId":"x"}`),
		resource(in("web", "Microsoft.Network/dnsZones/contoso.com"), `"properties":{}`), resource(in("web", "Microsoft.Network/dnsZones/contoso.com/A/@"), `"properties":{"TTL":1}`),
	}
	var got []string
	for _, r := range buildRows(t, rows...).resources {
		got = append(got, r.Symbol)
	}
	slices.Sort(got)
	want := []string{"a_contoso_com", "dns_zone_contoso_com", "lock_shop_keep", "public_ip_address_v4_1", "redis_c", "resource_group_rg_web_prod", "role_assignment_3f2504e0", "site_shop", "slot_shop_test"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestSymbolsThatCollide: of names that are the same but for what symbols leave out, each has its own symbol, which does not change with others
// behind it.
func TestSymbolsThatCollide(t *testing.T) {
	var rows []graph.Row
	names := []string{"vm-1", "VM_1x", "vm1", "v-m-1", "vm.1", "日本", "中国", strings.Repeat("n", 200) + "1", strings.Repeat("n", 200) + "2"}
	for _, name := range names {
		rows = append(rows, resource(in("web", "Microsoft.Compute/disks/"+name), `"properties":{}`))
	}
	symbols := func(rows []graph.Row) map[string]string {
		all := map[string]string{}
		for id, r := range buildRows(t, rows...).resources {
			all[id[strings.LastIndexByte(id, '/')+1:]] = r.Symbol
		}
		return all
	}
	got := symbols(rows)
	first := map[string]bool{}
	for _, s := range got {
		if first[folded(s)] {
			t.Errorf("%s is there twice", s)
		}
		first[folded(s)] = true
	}
	for name, want := range map[string]string{"v-m-1": "disk_v_m_1", "VM_1x": "disk_vm_1x"} {
		if got[name] != want {
			t.Errorf("%s is %s, want %s", name, got[name], want)
		}
	}
	slices.Reverse(rows)
	if diff := cmp.Diff(got, symbols(rows)); diff != "" {
		t.Errorf("in another order: %s", diff)
	}
}

// TestSymbolsAreOfTheirUnit: two units may each have the same symbol; one unit has it once.
func TestSymbolsAreOfTheirUnit(t *testing.T) {
	rows := []graph.Row{account(storage("a", "shop")), account(storage("b", "shop")), account(inSub2 + "/resourceGroups/a/providers/Microsoft.Storage/storageAccounts/shop")}
	for split, want := range map[string]int{template.SplitDeployment: 1, template.SplitGroup: 1, template.SplitType: 3, template.SplitNone: 3} {
		different := map[string]bool{}
		for _, r := range build(t, open(t, rows...), Options{Split: split}).resources {
			different[r.Symbol] = true
		}
		if len(different) != want {
			t.Errorf("%s: the symbols are %v", split, different)
		}
	}
}

// TestUnitNames: no unit, and no stage, has the name of another, whatever groups and subscriptions are called.
func TestUnitNames(t *testing.T) {
	t.Parallel()
	rows := []graph.Row{subscription(inSub1), subscription(inSub2), resource("/providers/Microsoft.Authorization/roleAssignments/"+guid(1), `"properties":{"principalId":"x"}`),
		resource("/providers/Microsoft.Management/managementGroups/test/providers/Microsoft.Authorization/roleAssignments/"+guid(1), `"properties":{"principalId":"x"}`)}
	for _, sub := range []string{inSub1, inSub2} {
		for _, name := range []string{"production", "test", "production-scope", "production-2", "test-scope", "tenant", "tenant-scope", "mg-test", "main", "modules", "web", "web-test", "web-2", "CON", "com9", "é", "è", "1", "x-1"} {
			id := sub + "/resourceGroups/" + name
			rows = append(rows, group(id, ``), account(id+"/providers/Microsoft.Storage/storageAccounts/s"))
		}
	}
	r := open(t, rows...)
	for _, split := range splits {
		build(t, r, Options{Split: split})
		build(t, r, Options{Split: split, Limits: tiny})
	}
}
