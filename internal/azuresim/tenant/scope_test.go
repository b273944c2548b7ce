package tenant

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestViewShowsWhatIsInScope(t *testing.T) {
	const (
		rootGroup   = "/providers/Microsoft.Management/managementGroups/root"
		middleGroup = "/providers/Microsoft.Management/managementGroups/middle"
		other       = "22222222-0000-4000-8000-000000000002"
	)
	var lines []string
	add := func(table, id, typ, subscription, properties string) {
		lines = append(lines, line(table, fmt.Sprintf(`{"id":%q,"name":%q,"type":%q,"subscriptionId":%q,"properties":%s}`,
			id, id[strings.LastIndexByte(id, '/')+1:], typ, subscription, properties)))
	}
	add("resourcecontainers", rootGroup, typeManagementGroup, "", `{"details":{}}`)
	add("resourcecontainers", middleGroup, typeManagementGroup, "", `{"details":{"managementGroupAncestorsChain":[{"name":"root"}]}}`)
	add("resourcecontainers", "/subscriptions/"+sub, typeSubscription, sub, `{"managementGroupAncestorsChain":[{"name":"middle"},{"name":"root"}]}`)
	add("resourcecontainers", "/subscriptions/"+other, typeSubscription, other, `{"managementGroupAncestorsChain":[{"name":"root"}]}`)
	assignment := "/providers/Microsoft.Authorization/RoleAssignments/"
	for scope, subscription := range map[string]string{rootGroup: "", middleGroup: "", "/subscriptions/" + sub: sub, "/subscriptions/" + sub + "/resourceGroups/rg": sub, "/subscriptions/" + other: other} {
		name := map[string]string{rootGroup: "at-root", middleGroup: "at-middle", "/subscriptions/" + sub: "at-sub", "/subscriptions/" + other: "at-other"}[scope]
		if name == "" {
			name = "at-group"
		}
		add("authorizationresources", scope+assignment+name, "microsoft.authorization/roleassignments", subscription, "{}")
	}
	add("authorizationresources", "/providers/Microsoft.Authorization/RoleDefinitions/reader", "microsoft.authorization/roledefinitions", "", "{}")
	tenant, err := Load(strings.NewReader(strings.Join(lines, "\n")), ContosoID)
	if err != nil {
		t.Fatal(err)
	}

	everything := []string{sub, other}
	tests := map[string]struct {
		table string
		scope Scope
		want  string
	}{
		"whole tenant":                 {"authorizationresources", Scope{Subscriptions: everything, Whole: true}, "at-group at-middle at-other at-root at-sub reader"},
		"one subscription":             {"authorizationresources", Scope{Subscriptions: []string{sub}}, "at-group at-sub reader"},
		"subscription and above":       {"authorizationresources", Scope{Subscriptions: []string{sub}, Filter: "AtScopeAndAbove"}, "at-middle at-root at-sub reader"},
		"subscription, all around":     {"authorizationresources", Scope{Subscriptions: []string{sub}, Filter: "AtScopeAboveAndBelow"}, "at-group at-middle at-root at-sub reader"},
		"subscription exactly":         {"authorizationresources", Scope{Subscriptions: []string{sub}, Filter: "AtScopeExact"}, "at-sub reader"},
		"group":                        {"authorizationresources", Scope{Subscriptions: []string{sub}, Groups: []string{"middle"}}, "at-group at-middle at-sub reader"},
		"group and above":              {"authorizationresources", Scope{Subscriptions: []string{sub}, Groups: []string{"middle"}, Filter: "AtScopeAndAbove"}, "at-middle at-root reader"},
		"containers of all":            {"resourcecontainers", Scope{Subscriptions: everything, Whole: true}, sub + " " + other + " middle rg root"},
		"containers of a subscription": {"resourcecontainers", Scope{Subscriptions: []string{sub}}, sub + " rg"},
		"containers of a group":        {"resourcecontainers", Scope{Subscriptions: []string{sub}, Groups: []string{"middle"}}, sub + " middle rg"},
		"nothing":                      {"resourcecontainers", Scope{}, ""},
		"a table without rows":         {"dnsresources", Scope{Whole: true}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			view, ok := tenant.View(test.table, test.scope)
			if !ok {
				t.Fatal("no such table")
			}
			rows := view.Rows
			if rows == nil {
				rows = view.Table.ByID()
			}
			var names []string
			for _, row := range rows {
				names = append(names, view.Table.Text(row, 1))
			}
			slices.Sort(names)
			if diff := cmp.Diff(test.want, strings.Join(names, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, name := range []string{"arm", "nothing"} {
		if _, ok := tenant.View(name, Scope{Whole: true}); ok {
			t.Errorf("Resource Graph shows the table %s", name)
		}
	}
}
