package graph

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParentOf(t *testing.T) {
	cases := map[string]struct {
		want string
		ok   bool
	}{
		"/subscriptions/s":                                                      {"", true},
		"/subscriptions/s/resourcegroups/g":                                     {"/subscriptions/s", true},
		"/subscriptions/s/resourcegroups/g/providers/n/t/r":                     {"/subscriptions/s/resourcegroups/g", true},
		"/subscriptions/s/resourcegroups/g/providers/n/t/r/c/k":                 {"/subscriptions/s/resourcegroups/g/providers/n/t/r", true},
		"/subscriptions/s/resourcegroups/g/providers/n/t/r/providers/m/u/e":     {"/subscriptions/s/resourcegroups/g/providers/n/t/r", true},
		"/subscriptions/s/resourcegroups/g/providers/n/t/r/providers/m/u/e/c/k": {"/subscriptions/s/resourcegroups/g/providers/n/t/r/providers/m/u/e", true},
		"/subscriptions/s/providers/n/t/r":                                      {"/subscriptions/s", true},
		"/providers/microsoft.management/managementgroups/m":                    {"", true},
		"/providers/microsoft.management/managementgroups/m/providers/n/t/r":    {"/providers/microsoft.management/managementgroups/m", true},
		"/subscriptions/s/resourcegroups/providers/providers/n/t/r":             {"/subscriptions/s/resourcegroups/providers", true},
		"/Subscriptions/S/ResourceGroups/Ü/Providers/N/T/R":                     {"/Subscriptions/S/ResourceGroups/Ü", true},
		"": {}, "/": {}, "/a": {}, "x": {}, "a/b/c": {}, "/subscriptions/": {}, "//": {},
	}
	for id, c := range cases {
		t.Run(id, func(t *testing.T) {
			if got, ok := parentOf(id); got != c.want && ok || ok != c.ok {
				t.Errorf("parentOf = %q, %v, want %q, %v", got, ok, c.want, c.ok)
			}
		})
	}
}

func TestContainment(t *testing.T) {
	const (
		mg    = "/providers/Microsoft.Management/managementGroups/"
		sub   = "/subscriptions/" + subscription
		group = sub + "/resourceGroups/App"
		site  = group + "/providers/Microsoft.Web/sites/Web"
	)
	container := func(id, typ, properties string) Row {
		return Row{Table: TableContainers, ID: id, Type: typ, Properties: []byte(properties)}
	}
	s := newStore(t)
	snapshot := write(t, s, Meta{},
		container(mg+tenant, "microsoft.management/managementgroups", `{"details":{"managementGroupAncestorsChain":[]}}`),
		container(mg+"Prod", "microsoft.management/managementgroups",
			`{"details":{"managementGroupAncestorsChain":[{"displayName":"Root","name":"`+tenant+`"}]}}`),
		container(sub, "microsoft.resources/subscriptions",
			`{"managementGroupAncestorsChain":[{"name":"Prod"},{"name":"`+tenant+`"}]}`),
		container("/subscriptions/alone", "microsoft.resources/subscriptions", `{"managementGroupAncestorsChain":null}`),
		container(group, "microsoft.resources/subscriptions/resourcegroups", `{}`),
		Row{Table: TableResources, ID: site},
		Row{Table: TableResources, ID: site + "/slots/Stage"},
		Row{Table: TableResources, ID: "/providers/Microsoft.X/y/z"},
		Row{Table: TableResources, ID: "nonsense"},
		Row{Table: TableResources, ID: site + "/no/Row/of/Its"},
		Row{Table: TableResources, ID: sub + "/resourceGroups/Hidden/providers/A/b/c"},
		Row{Table: "policyresources", ID: sub + "/providers/Microsoft.Authorization/policyAssignments/p"},
	)
	root := "/tenants/" + tenant
	want := [][]string{
		{root, key(mg + tenant)},
		{key(mg + tenant), key(mg + "prod")},
		{key(group), key(site)},
		{key(mg + "prod"), key(sub)},
		{key(site), key(site + "/slots/stage")},
		{key(sub), key(sub) + "/providers/microsoft.authorization/policyassignments/p"},
		{key(sub), key(group)},
		{key(site), key(site + "/no/row/of/its")},
		{key(sub + "/resourceGroups/Hidden"), key(sub + "/resourceGroups/Hidden/providers/A/b/c")},
		{root, "/providers/microsoft.x/y/z"},
		{root, "/subscriptions/alone"},
	}
	got := query(t, s, snapshot.ID, `SELECT source_key, target_key FROM relationships
		WHERE kind = 'CONTAINS' AND rule = 'containment' AND property = ''`)
	slices.SortFunc(want, slices.Compare)
	slices.SortFunc(got, slices.Compare)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if snapshot.Relationships != int64(len(want)) || snapshot.Resources != 7 || snapshot.Subscriptions != 2 {
		t.Errorf("counts are %+v", snapshot)
	}
}

// The document says which searches are quick.
func TestSearchesUseIndexes(t *testing.T) {
	s := newStore(t)
	snapshot := write(t, s, Meta{}, synthetic(10)...)
	cases := map[string]string{
		"SELECT id FROM resources WHERE id_key = 'x'":                       "USING INDEX resources_id",
		"SELECT id FROM resources WHERE id_key > 'x/' AND id_key < 'x0'":    "USING INDEX resources_id",
		"SELECT count(*) FROM resources WHERE type = 'x'":                   "USING COVERING INDEX resources_type",
		"SELECT source_key FROM relationships WHERE target_key = 'x'":       "USING INDEX nodes_key",
		"SELECT target_key FROM relationships WHERE source_key = 'x'":       "USING PRIMARY KEY",
		"SELECT group_id FROM memberships WHERE member_id = 'x'":            "USING COVERING INDEX memberships_member",
		"SELECT id FROM role_assignments WHERE scope_key = 'x'":             "USING INDEX role_assignments_scope",
		"SELECT id FROM role_definitions WHERE lower(name) = 'x'":           "USING INDEX role_definitions_name",
		"SELECT value, resources FROM sums WHERE dimension = 'type'":        "USING PRIMARY KEY",
		"SELECT id FROM resources WHERE type = 'x' AND location = 'europe'": "USING INDEX resources_type",
	}
	for search, want := range cases {
		t.Run(search, func(t *testing.T) {
			plan := ""
			for _, step := range query(t, s, snapshot.ID, "EXPLAIN QUERY PLAN "+search) {
				plan += step[3] + "\n"
			}
			if !strings.Contains(plan, want) || strings.Contains(plan, "SCAN resources") || strings.Contains(plan, "SCAN edges") {
				t.Errorf("the plan is\n%s", plan)
			}
		})
	}
}
