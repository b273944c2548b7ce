package build

import (
	"slices"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// TestReadOnlyLocks: what a lock of the level ReadOnly would stop is deployed before it, and any other lock may come when it likes.
func TestReadOnlyLocks(t *testing.T) {
	zone := in("dns", "Microsoft.Network/dnsZones/contoso.com")
	lock := func(on, name string) string { return on + "/providers/Microsoft.Authorization/locks/" + name }
	onZone, onGroup, second, harmless := lock(zone, "zone"), lock(groupID("dns"), "group"), lock(groupID("dns"), "second"), lock(groupID("dns"), "keep")
	record := zone + "/A/www"
	other := storage("dns", "shop")
	r := open(t, group(groupID("dns"), ``), resource(zone, `"location":"global"`), resource(record, `"properties":{"TTL":60}`), account(other),
		resource(onZone, `"properties":{"level":"ReadOnly"}`), resource(onGroup, `"properties":{"level":"ReadOnly"}`),
		resource(second, `"properties":{"level":"ReadOnly"}`), resource(harmless, `"properties":{"level":"CanNotDelete"}`))
	b := build(t, r, Options{Split: template.SplitDeployment})
	before := func(id string) (symbols []string) {
		for _, ref := range b.of(t, id).DependsOn {
			symbols = append(symbols, ref.Symbol)
		}
		slices.Sort(symbols)
		return symbols
	}
	symbol := func(ids ...string) (symbols []string) {
		for _, id := range ids {
			symbols = append(symbols, b.of(t, id).Symbol)
		}
		slices.Sort(symbols)
		return symbols
	}
	for id, want := range map[string][]string{
		onZone:   symbol(record),
		onGroup:  symbol(zone, record, other, onZone, harmless),
		second:   symbol(zone, record, other, onZone, harmless, onGroup),
		harmless: nil,
		record:   nil,
	} {
		if got := before(id); !slices.Equal(got, want) {
			t.Errorf("%s waits for %q, want %q", id, got, want)
		}
	}
	if b := build(t, r, Options{Split: template.SplitGroup}); !slices.ContainsFunc(b.report.Notes(), func(n string) bool { return len(n) > 6 && n[:6] == "A lock" }) {
		t.Errorf("for Terraform nothing warns of the locks: %q", b.report.Notes())
	}
}
