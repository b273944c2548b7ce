package filter

import (
	"slices"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

func TestFilter(t *testing.T) {
	names := map[string]string{"sub-a": "Production", "sub-b": "Test"}
	const accounts, blobs, vm = "microsoft.storage/storageaccounts", "microsoft.storage/storageaccounts/blobservices", "microsoft.compute/virtualmachines"
	for name, c := range map[string]struct {
		filter                             backend.Filter
		subscription, group, typ, location string
		tags                               string
		want                               bool
	}{
		"nothing asked for":             {typ: vm, want: true},
		"a subscription by id":          {filter: backend.Filter{Subscriptions: []string{"SUB-A"}}, subscription: "sub-a", want: true},
		"by name":                       {filter: backend.Filter{Subscriptions: []string{"production"}}, subscription: "sub-a", want: true},
		"another one":                   {filter: backend.Filter{Subscriptions: []string{"production"}}, subscription: "sub-b"},
		"one of two":                    {filter: backend.Filter{Subscriptions: []string{"production", "sub-b"}}, subscription: "sub-b", want: true},
		"none":                          {filter: backend.Filter{Subscriptions: []string{"production"}}},
		"a group":                       {filter: backend.Filter{ResourceGroups: []string{"Web"}}, group: "web", want: true},
		"no group":                      {filter: backend.Filter{ResourceGroups: []string{"Web"}}},
		"a type":                        {filter: backend.Filter{ResourceTypes: []string{"Microsoft.Storage/storageAccounts"}}, typ: accounts, want: true},
		"a child of it":                 {filter: backend.Filter{ResourceTypes: []string{accounts}}, typ: blobs},
		"what is above a type":          {filter: backend.Filter{ResourceTypes: []string{blobs}}, typ: accounts, want: true},
		"a type that is left out":       {filter: backend.Filter{ExcludeTypes: []string{"Microsoft.Storage/storageAccounts"}}, typ: accounts},
		"a child of one":                {filter: backend.Filter{ExcludeTypes: []string{accounts}}, typ: blobs},
		"what is above one":             {filter: backend.Filter{ExcludeTypes: []string{blobs}}, typ: accounts, want: true},
		"a type that begins as one":     {filter: backend.Filter{ExcludeTypes: []string{accounts}}, typ: accounts + "x", want: true},
		"a region":                      {filter: backend.Filter{Locations: []string{"West Europe"}}, location: "westeurope", want: true},
		"a region, written otherwise":   {filter: backend.Filter{Locations: []string{"westeurope"}}, location: "West Europe", want: true},
		"no region":                     {filter: backend.Filter{Locations: []string{"westeurope"}}},
		"a tag":                         {filter: backend.Filter{Tags: map[string]string{"ENV": "Prod"}}, tags: `{"env":"prod"}`, want: true},
		"a tag of any value":            {filter: backend.Filter{Tags: map[string]string{"env": ""}}, tags: `{"Env":"x"}`, want: true},
		"another value":                 {filter: backend.Filter{Tags: map[string]string{"env": "prod"}}, tags: `{"env":"test"}`},
		"no tags":                       {filter: backend.Filter{Tags: map[string]string{"env": ""}}},
		"one part of two holds":         {filter: backend.Filter{Tags: map[string]string{"env": ""}, Locations: []string{"x"}}, tags: `{"env":"x"}`},
		"a type asked for and left out": {filter: backend.Filter{ResourceTypes: []string{accounts}, ExcludeTypes: []string{accounts}}, typ: accounts},
	} {
		f, unknown := Of(c.filter, names)
		got := f.Within(c.subscription, c.group) && f.Takes(c.typ, c.location, []byte(c.tags)) && !f.Excludes(c.typ)
		if got != c.want || len(unknown) > 0 {
			t.Errorf("%s: %v, with %q unknown", name, got, unknown)
		}
		if whole := name == "nothing asked for"; f.All() != whole {
			t.Errorf("%s: all pass: %v", name, f.All())
		}
	}
}

func TestSubscriptionsThatNobodyKnows(t *testing.T) {
	f, unknown := Of(backend.Filter{Subscriptions: []string{"Sub-C", "sub-a", "Prod"}}, map[string]string{"sub-a": "Production"})
	if !slices.Equal(unknown, []string{"Sub-C", "Prod"}) || !f.Subscription("sub-c") || !f.Subscription("sub-a") || f.Subscription("sub-b") {
		t.Error(unknown)
	}
}
