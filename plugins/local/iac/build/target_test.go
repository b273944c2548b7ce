package build

import (
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const otherSub = "99999999-9999-4999-8999-999999999999"

// TestTarget: everything that says where is a parameter, with the target as its default.
func TestTarget(t *testing.T) {
	shop, gone := storage("web", "shop"), network("gone", "hub")
	to := own("to", `{"shop":"`+shop+`","text":"x `+shop+`","gone":"`+gone+`","group":"`+groupID("web")+`","missing":"`+groupID("gone")+`","tenant":"`+tenantID+`","location":"West Europe"}`)
	to.Location = "westeurope"
	child := resource(in("web", "Microsoft.Network/dnsZones/x.y/A/www"), `"properties":{"TTL":1}`) // its zone is not there
	other := account(storage("web", "other"))
	other.Location = "North Europe"
	rows := []graph.Row{group(groupID("web"), ``), account(shop), to, child, other}
	target := template.Target{TenantID: otherSub, SubscriptionID: otherSub, Location: "Sweden Central", GroupPrefix: "copy-"}
	b := build(t, open(t, rows...), Options{Target: target})
	values := map[string]string{}
	for _, p := range b.Parameters {
		values[p.Name] = p.Default
	}
	if want := (map[string]string{"tenant_id": otherSub, "subscription_id": otherSub, "location": "swedencentral", "resource_group_prefix": "copy-"}); len(values) != len(want) || values["location"] != want["location"] ||
		values["tenant_id"] != otherSub || values["subscription_id"] != otherSub || values["resource_group_prefix"] != "copy-" {
		t.Errorf("parameters are %v", values)
	}
	got := map[string]string{}
	for _, f := range b.of(t, to.ID).Body[0].Value.Fields {
		got[f.Name] = defaults(f.Value.Text)
	}
	const copied = "/subscriptions/" + otherSub + "/resourceGroups/copy-web"
	for name, want := range map[string]string{
		"shop": copied + "/providers/Microsoft.Storage/storageAccounts/shop", "text": "x " + copied + "/providers/Microsoft.Storage/storageAccounts/shop", "gone": gone, "group": copied,
		"missing": "/subscriptions/" + otherSub + "/resourceGroups/gone", "tenant": otherSub, "location": "swedencentral",
	} {
		if got[name] != want {
			t.Errorf("%s is %s, want %s", name, got[name], want)
		}
	}
	for _, row := range rows[1:3] {
		if r := b.of(t, row.ID); defaults(r.ParentID) != copied || defaults(r.Location) != "swedencentral" {
			t.Errorf("%s is in %s, in %s", row.ID, defaults(r.ParentID), defaults(r.Location))
		}
	}
	if r := b.of(t, child.ID); defaults(r.ParentID) != copied+"/providers/Microsoft.Network/dnsZones/x.y" || defaults(r.Parent.ID) != defaults(r.ParentID) {
		t.Errorf("a child of what is not generated hangs below %s, which is %s", defaults(r.ParentID), defaults(r.Parent.ID))
	}
	if r := b.of(t, groupID("web")); defaults(r.Name) != "copy-web" {
		t.Errorf("the group is called %s", defaults(r.Name))
	}
}

// TestTwoSubscriptionsIntoOne is possible as long as no two resources become the same.
func TestTwoSubscriptionsIntoOne(t *testing.T) {
	target := Options{Target: template.Target{SubscriptionID: otherSub}}
	rows := []graph.Row{group(groupID("a"), ``), account(storage("a", "x")), group(inSub2+"/resourceGroups/b", ``), account(inSub2 + "/resourceGroups/b/providers/Microsoft.Storage/storageAccounts/x")}
	b := build(t, open(t, rows...), target)
	for _, r := range b.resources {
		if !strings.HasPrefix(defaults(r.ParentID), "/subscriptions/"+otherSub) {
			t.Errorf("%s is in %s", r.ID, defaults(r.ParentID))
		}
	}
	_, err := tryBuild(t.Context(), open(t, append(rows, group(inSub2+"/resourceGroups/A", ``))...), target)
	if f := fault.As(err); f == nil || f.Code != fault.InvalidArgument || !strings.Contains(f.Message, groupID("a")) || !strings.Contains(f.Message, inSub2+"/resourceGroups/A") || f.Hint == "" {
		t.Errorf("the error is %v", err)
	}
	// The same two groups of one subscription are no problem where it stays.
	build(t, open(t, append(rows, group(inSub2+"/resourceGroups/A", ``))...), Options{})
}

// TestParameters: one for each subscription and region that anything generated is in, the most used first, and none for what is not.
func TestParameters(t *testing.T) {
	at := func(group, name, location string) graph.Row {
		return resource(in(group, "Microsoft.Compute/disks/"+name), `"location":"`+location+`","properties":{}`)
	}
	other := resource(inSub2+"/resourceGroups/x/providers/Microsoft.Compute/disks/d", `"location":"global","properties":{}`)
	b := buildRows(t, subscription(inSub1), subscription(inSub2), at("a", "1", "West Europe"), at("a", "2", "westeurope"), at("a", "3", "northeurope"), other)
	got := ""
	for _, p := range b.Parameters {
		got += p.Name + "=" + p.Default + "\n"
	}
	want := "location=westeurope\nlocation_northeurope=northeurope\nresource_group_prefix=\nsubscription_id_production=" + sub1 + "\nsubscription_id_test=" + sub2 + "\ntenant_id=" + tenantID + "\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := words(b.of(t, in("a", "Microsoft.Compute/disks/3")).Location) + words(b.of(t, other.ID).Location); got != "{location_northeurope}global" {
		t.Errorf("locations are %s", got)
	}
	odd := buildRows(t, at("a", "1", "日本"), at("a", "2", "中国"), at("a", "3", "日 本 東"))
	if len(odd.Parameters) < 5 {
		t.Errorf("parameters are %d", len(odd.Parameters))
	}
}
