package build

import (
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// filtered are the rows that filters are tried on.
func filtered() []graph.Row {
	at := func(id, location, tags string) graph.Row {
		return resource(id, `"location":"`+location+`","tags":`+tags+`,"properties":{"x":1}`)
	}
	shop, disk := storage("web", "shop"), in("db", "Microsoft.Compute/disks/disk")
	test := inSub2 + "/resourceGroups/web/providers/Microsoft.Storage/storageAccounts/test"
	return []graph.Row{
		subscription(inSub1), subscription(inSub2),
		group(groupID("web"), `"location":"northeurope","tags":{"env":"prod"}`), group(groupID("db"), ``), group(groupID("empty"), ``), group(inSub2+"/resourceGroups/web", ``),
		at(shop, "westeurope", `{"Env":"Prod","n":"1"}`), resource(shop+"/blobServices/default", `"properties":{"isVersioningEnabled":true}`), resource(shop+"/blobServices/default/containers/c1", `"properties":{"publicAccess":"None"}`),
		resource(shop+"/providers/Microsoft.Authorization/locks/lock", `"properties":{"level":"CanNotDelete"}`),
		at(disk, "West US", `{}`), at(test, "westeurope", `{"env":"test"}`), resource(inSub1+"/providers/Microsoft.Authorization/locks/onSub", `"properties":{"level":"ReadOnly"}`),
		{Table: "advisorresources", Name: "without id"},
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		filter backend.Filter
		want   string
	}{
		"none":                             {backend.Filter{}, "c1 db default disk empty lock onSub shop test web web"},
		"a subscription by id":             {backend.Filter{Subscriptions: []string{strings.ToUpper(sub2)}}, "test web"},
		"a subscription by name":           {backend.Filter{Subscriptions: []string{"TEST"}}, "test web"},
		"both":                             {backend.Filter{Subscriptions: []string{"Test", sub1}}, "c1 db default disk empty lock onSub shop test web web"},
		"a group":                          {backend.Filter{ResourceGroups: []string{"WEB"}}, "c1 default lock shop test web web"},
		"a group that holds nothing":       {backend.Filter{ResourceGroups: []string{"empty"}}, "empty"},
		"a group of a subscription":        {backend.Filter{ResourceGroups: []string{"web"}, Subscriptions: []string{"Production"}}, "c1 default lock shop web"},
		"a type":                           {backend.Filter{ResourceTypes: []string{"Microsoft.Compute/Disks"}}, "db disk"},
		"a type, without what is below":    {backend.Filter{ResourceTypes: []string{"microsoft.storage/storageaccounts"}}, "shop test web web"},
		"a child type, with what is above": {backend.Filter{ResourceTypes: []string{"microsoft.storage/storageaccounts/blobservices/containers"}}, "c1 default shop test web web"},
		"extensions alone":                 {backend.Filter{ResourceTypes: []string{"microsoft.authorization/locks"}}, "lock onSub web"},
		"without a type and what is below": {backend.Filter{ExcludeTypes: []string{"MICROSOFT.STORAGE/storageAccounts"}}, "db disk empty onSub web web"},
		"without a child type":             {backend.Filter{ExcludeTypes: []string{"microsoft.storage/storageaccounts/blobservices"}}, "db disk empty lock onSub shop test web web"},
		"a location, with children":        {backend.Filter{Locations: []string{"West Europe"}}, "c1 default lock shop test web web"},
		"a location in one word":           {backend.Filter{Locations: []string{"WESTUS"}}, "db disk"},
		"a tag of any value":               {backend.Filter{Tags: map[string]string{"ENV": ""}}, "c1 default lock shop test web web"},
		"a tag with a value":               {backend.Filter{Tags: map[string]string{"env": "PROD"}}, "c1 default lock shop web"},
		"all of two tags":                  {backend.Filter{Tags: map[string]string{"env": "", "n": "1"}}, "c1 default lock shop web"},
		"a location and a tag":             {backend.Filter{Locations: []string{"westus"}, Tags: map[string]string{"env": ""}}, ""},
		"a type and a location":            {backend.Filter{ResourceTypes: []string{"microsoft.storage/storageaccounts/blobservices"}, Locations: []string{"westeurope"}}, "default shop test web web"},
	}
	r := open(t, filtered()...)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(build(t, r, Options{Filter: c.filter}).names(), " "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestAFilterNamesSubscriptionsThatAreThere(t *testing.T) {
	_, err := tryBuild(t.Context(), open(t, filtered()...), Options{Filter: backend.Filter{Subscriptions: []string{"Prod"}}})
	if f := fault.As(err); f == nil || f.Code != fault.InvalidArgument || !strings.Contains(f.Message, `"Prod"`) || f.Hint == "" {
		t.Errorf("the error is %v", err)
	}
}

// TestFilteredReferences: what the filter leaves out has to exist.
func TestFilteredReferences(t *testing.T) {
	hub := network("net", "hub")
	from := own("from", `{"a":"`+hub+`","b":"`+hub+`/subnets/x","group":"`+groupID("net")+`"}`)
	rows := []graph.Row{group(groupID("net"), ``), group(groupID("web"), ``), resource(hub, `"location":"westeurope","properties":{"subnets":[{"name":"x"}]}`), resource(hub+"/subnets/x", `"properties":{}`), from}
	b := build(t, open(t, rows...), Options{Filter: backend.Filter{ResourceGroups: []string{"web"}}})
	if got := b.properties(t, from.ID); got != `{a:"<existing_virtual_network_hub>",b:"<existing_subnet_x>",group:"/subscriptions/{subscription_id}/resourceGroups/net"}` {
		t.Error(got)
	}
}

// TestRegionsAreThoseOfWhatIsGenerated: a group that a filter leaves out has no say in them.
func TestRegionsAreThoseOfWhatIsGenerated(t *testing.T) {
	rows := []graph.Row{resource(in("a", "Microsoft.Compute/disks/d"), `"location":"westus","properties":{}`), group(groupID("a"), `"location":"westus"`)}
	for _, name := range []string{"b", "c", "d", "e"} {
		rows = append(rows, group(groupID(name), `"location":"northeurope"`))
	}
	b := build(t, open(t, rows...), Options{Filter: backend.Filter{ResourceTypes: []string{"microsoft.compute/disks"}}})
	for _, p := range b.Parameters {
		if strings.HasPrefix(p.Name, "location") && (p.Name != "location" || p.Default != "westus") {
			t.Errorf("%s is %s", p.Name, p.Default)
		}
	}
}

// TestRowsWithoutIDsAreOfTheFilter: what a filter leaves out is not missing.
func TestRowsWithoutIDsAreOfTheFilter(t *testing.T) {
	rows := []graph.Row{account(storage("web", "shop")), {Table: "x", Name: "here", Type: "contoso.own/things", SubscriptionID: sub1}, {Table: "x", Name: "there", Type: "contoso.own/things", SubscriptionID: sub2}, {Table: "x", Name: "nowhere", Type: "contoso.own/things"}}
	r := open(t, rows...)
	for name, c := range map[string]struct {
		filter backend.Filter
		want   string
	}{
		"none": {backend.Filter{}, "here nowhere there"}, "a subscription": {backend.Filter{Subscriptions: []string{sub1}}, "here"},
		"a type": {backend.Filter{ResourceTypes: []string{"microsoft.storage/storageaccounts"}}, ""}, "without a type": {backend.Filter{ExcludeTypes: []string{"contoso.own/things"}}, ""},
	} {
		if got := strings.Join(build(t, r, Options{Filter: c.filter}).restIDs, " "); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
