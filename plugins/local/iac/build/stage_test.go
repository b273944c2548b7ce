package build

import (
	"fmt"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// inGroup is a resource of a group of a subscription, that refers to others by their ids.
func inGroup(sub, group, name string, others ...string) graph.Row {
	row := raw(sub+"/resourceGroups/"+group+"/providers/"+ownType+"/"+name, ownType, `{"to":["`+strings.Join(others, `","`)+`"]}`)
	row.APIVersion = "2024-01-01"
	return row
}

// layout is how a template for deployment is cut: its stages in order, with their units, each with its nodes.
func layout(b *built) string {
	name := func(n template.Node) string {
		id := ""
		for _, r := range b.resources {
			if r.Node == n {
				id = r.ID
			}
		}
		return id[strings.LastIndexByte(id, '/')+1:]
	}
	var lines []string
	for _, s := range b.Stages {
		line := s.Name + ":"
		for _, u := range append(s.Units[:len(s.Units):len(s.Units)], s.Main) {
			if u == nil {
				continue
			}
			line += " " + u.Name + "("
			for i, n := range u.Nodes {
				if i > 0 {
					line += " "
				}
				line += name(n)
			}
			line += ")"
			for _, a := range u.After {
				line += "<" + b.Units[a].Name
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestLayouts(t *testing.T) {
	t.Parallel()
	id := func(sub, group, name string) string { return inGroup(sub, group, name).ID }
	cases := map[string]struct {
		rows   []graph.Row
		limits Limits
		want   string
	}{
		"a unit for each group, in a stage for each subscription": {
			rows: []graph.Row{group(groupID("a"), ``), inGroup(inSub1, "a", "x"), inGroup(inSub1, "b", "y"), inGroup(inSub2, "a", "z")},
			want: "production: a(x) b(y) production-scope(a)\ntest: a-test(z)",
		},
		"what is needed comes first": {
			rows: []graph.Row{inGroup(inSub1, "a", "x", id(inSub1, "b", "y")), inGroup(inSub1, "b", "y")},
			want: "production: b(y) a(x)<b",
		},
		"groups that need each other are cut into levels": {
			rows: []graph.Row{inGroup(inSub1, "a", "x1", id(inSub1, "b", "y")), inGroup(inSub1, "a", "x2"), inGroup(inSub1, "b", "y", id(inSub1, "a", "x2"))},
			want: "production: a(x2) b(y)<a a-2(x1)<b",
		},
		"so are subscriptions": {
			rows: []graph.Row{inGroup(inSub1, "a", "x", id(inSub2, "c", "z")), inGroup(inSub1, "b", "y"), inGroup(inSub2, "c", "z", id(inSub1, "b", "y"))},
			want: "production: b(y)\ntest: c(z)\nproduction-2: a(x)",
		},
		"a group is cut where it has too many resources": {
			rows: []graph.Row{inGroup(inSub1, "a", "1"), inGroup(inSub1, "a", "2"), inGroup(inSub1, "a", "3", id(inSub1, "a", "1"))}, limits: Limits{Resources: 2, Bytes: 1 << 20, Parameters: 100, StageBytes: 1 << 20, StageUnits: 100},
			want: "production: a(1 2) a-2(3)<a",
		},
		"and where they are too large": {
			rows: []graph.Row{inGroup(inSub1, "a", "1"), inGroup(inSub1, "a", "2")}, limits: Limits{Resources: 100, Bytes: 500, Parameters: 100, StageBytes: 1 << 20, StageUnits: 100},
			want: "production: a(1) a-2(2)",
		},
		"a stage is cut where it has too many units": {
			rows: []graph.Row{inGroup(inSub1, "a", "1"), inGroup(inSub1, "b", "2"), inGroup(inSub1, "c", "3")}, limits: Limits{Resources: 100, Bytes: 1 << 20, Parameters: 100, StageBytes: 1 << 20, StageUnits: 2},
			want: "production: a(1) b(2)\nproduction-2: c(3)",
		},
		"a management group and the tenant have stages": {
			rows: []graph.Row{resource("/providers/Microsoft.Management/managementGroups/mg/providers/Microsoft.Authorization/roleAssignments/"+guid(1), `"properties":{"principalId":"x"}`),
				resource("/providers/Microsoft.Authorization/roleAssignments/"+guid(2), `"properties":{"principalId":"x"}`), resource(inSub1+"/providers/Microsoft.Authorization/locks/l", `"properties":{"level":"ReadOnly"}`)},
			want: "tenant: x-tenant-scope(" + guid(2) + ")",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := layout(build(t, open(t, append(c.rows, subscription(inSub1), subscription(inSub2))...), Options{Split: template.SplitDeployment, Limits: c.limits}))
			if strings.HasPrefix(name, "a management") {
				if strings.Count(got, "\n") != 2 {
					t.Errorf("got %s", got)
				}
				return
			}
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestGroupsElsewhere: where the group itself is deployed in an earlier stage than a unit of it, the unit says that it has to exist.
func TestGroupsElsewhere(t *testing.T) {
	id := func(sub, group, name string) string { return inGroup(sub, group, name).ID }
	b := build(t, open(t, group(groupID("a"), ``), inGroup(inSub1, "a", "x", id(inSub2, "c", "z")), inGroup(inSub1, "a", "y"), inGroup(inSub2, "c", "z", id(inSub1, "a", "y"))), Options{Split: template.SplitDeployment})
	if len(b.Stages) != 3 || b.Stages[0].Units[0].Scope.Group == template.NoNode || b.Stages[2].Units[0].Scope.Group != template.NoNode {
		t.Errorf("the stages are\n%s", layout(b))
	}
	if got := words(b.Stages[2].Units[0].Scope.ResourceGroup); got != "{resource_group_prefix}a" {
		t.Errorf("the group is called %s", got)
	}
}

// TestMainAndUnits wait for each other where they have to.
func TestMainAndUnits(t *testing.T) {
	shop := inGroup(inSub1, "a", "shop")
	policy := resource(inSub1+"/providers/Microsoft.Authorization/policyAssignments/p", `"properties":{"displayName":"`+"x"+`","metadata":{"to":"`+shop.ID+`"}}`)
	role := resource(inSub1+"/providers/Microsoft.Authorization/roleDefinitions/"+guid(1), `"properties":{"roleName":"r","type":"CustomRole"}`)
	later := inGroup(inSub1, "b", "later", role.ID, policy.ID)
	b := build(t, open(t, group(groupID("a"), ``), group(groupID("b"), ``), shop, policy, role, later), Options{Split: template.SplitDeployment})
	s := b.Stages[0]
	if len(b.Stages) != 1 || s.Main == nil || len(s.Main.Nodes) != 4 {
		t.Fatalf("the stages are\n%s", layout(b))
	}
	unit := func(id string) int { return b.Ref(b.of(t, id).Node).Unit }
	if got := fmt.Sprint(s.MainAfter[b.of(t, policy.ID).Node]); got != fmt.Sprint([]int{unit(shop.ID)}) {
		t.Errorf("the policy waits for %s", got)
	}
	if got := s.UnitAfter[unit(later.ID)]; len(got) != 2 {
		t.Errorf("the unit waits for %v", got)
	}
}
