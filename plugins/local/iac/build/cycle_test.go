package build

import (
	"fmt"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// to is a resource of an unknown type that refers to others of the group by their names.
func to(name string, others ...string) graph.Row {
	ids := make([]string, len(others))
	for i, o := range others {
		ids[i] = `"` + in("web", ownType+"/"+o) + `"`
	}
	row := own(name, `{"to":[`+strings.Join(ids, ",")+`]}`)
	return row
}

// part is a child of such a resource.
func part(of, name string, others ...string) graph.Row {
	row := to(of+"/parts/"+name, others...)
	row.Type = ownType + "/parts"
	return row
}

func ring(n int) []graph.Row {
	rows := make([]graph.Row, n)
	for i := range n {
		rows[i] = to(fmt.Sprintf("r%05d", i), fmt.Sprintf("r%05d", (i+1)%n))
	}
	return rows
}

// dense are resources of which each refers to all others.
func dense(n int) []graph.Row {
	names := make([]string, n)
	for i := range n {
		names[i] = fmt.Sprintf("r%05d", i)
	}
	rows := make([]graph.Row, n)
	for i := range n {
		rows[i] = to(names[i], names...)
	}
	return rows
}

// TestCycles are broken, as few times as can be, and told.
func TestCycles(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		rows []graph.Row
		want []string // from and to of each broken reference; nil is not compared
		most int
	}{
		"none":                          {rows: []graph.Row{to("a", "b", "c"), to("b", "c"), to("c")}, want: []string{}},
		"itself":                        {rows: []graph.Row{to("a", "a")}, want: []string{}},
		"two":                           {rows: []graph.Row{to("a", "b"), to("b", "a")}, want: []string{"b a"}},
		"three":                         {rows: []graph.Row{to("a", "b"), to("b", "c"), to("c", "a")}, want: []string{"c a"}},
		"two rings":                     {rows: []graph.Row{to("a", "b"), to("b", "a"), to("c", "d"), to("d", "c")}, want: []string{"b a", "d c"}},
		"an eight":                      {rows: []graph.Row{to("a", "b"), to("b", "a", "c"), to("c", "b")}, want: []string{"b a", "c b"}},
		"a child":                       {rows: []graph.Row{to("a", "a/parts/x"), part("a", "x")}, want: []string{"a a/parts/x"}},
		"through a child":               {rows: []graph.Row{to("a"), part("a", "x", "b"), to("b", "a/parts/x")}, want: []string{"b a/parts/x"}},
		"through a child and its owner": {rows: []graph.Row{to("a", "b"), part("a", "x"), to("b", "a/parts/x")}, want: []string{"b a/parts/x"}},
		"with what hangs off":           {rows: []graph.Row{to("a", "b"), to("b", "a"), to("c", "a", "b"), to("d"), to("e", "d")}, want: []string{"b a"}},
		"a ring of 5,000":               {rows: ring(5_000), most: 1},
		"100 that all refer to all":     {rows: dense(100), most: 100 * 99 / 2},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := open(t, c.rows...)
			for _, split := range splits[:2] {
				if len(c.rows) > 1000 && split != template.SplitDeployment {
					continue
				}
				b := build(t, r, Options{Split: split})
				changes, more := b.report.Changes()
				got := []string{}
				for _, e := range changes {
					if e.Reason != report.CycleBroken {
						t.Errorf("%+v", e)
					}
					got = append(got, strings.ReplaceAll(e.Resource+" "+e.Detail, in("web", ownType+"/"), ""))
				}
				if c.want != nil && strings.Join(got, ", ") != strings.Join(c.want, ", ") {
					t.Errorf("%s: broken are %q, want %q", split, got, c.want)
				}
				if c.want == nil && (len(got)+int(more) == 0 || len(got)+int(more) > c.most) {
					t.Errorf("%s: %d are broken", split, len(got)+int(more))
				}
				if noted := strings.Contains(strings.Join(b.report.Notes(), ""), "part of cycles"); noted != (len(got) > 0) {
					t.Errorf("notes are %q", b.report.Notes())
				}
			}
		})
	}
}

// TestBrokenReferencesStay: one that is broken still leads where it did, and its resource waits for nothing.
func TestBrokenReferencesStay(t *testing.T) {
	b := buildRows(t, group(groupID("web"), ``), to("a", "b"), to("b", "a"))
	if got := b.properties(t, in("web", ownType+"/a")); got != `{to:["<thing_b>"]}` {
		t.Error(got)
	}
	if got := b.properties(t, in("web", ownType+"/b")); got != `{to:["/subscriptions/{subscription_id}/resourceGroups/{resource_group_prefix}web/providers/Contoso.Own/things/a"]}` {
		t.Error(got)
	}
}

// TestIdentitiesInCycles: two resources that name each other's identities.
func TestIdentitiesInCycles(t *testing.T) {
	site := func(name string, own, other int) graph.Row {
		return resource(in("web", "Microsoft.Web/sites/"+name), fmt.Sprintf(`"location":"westeurope","identity":{"type":"SystemAssigned","principalId":%q},"properties":{"siteConfig":{"appSettings":[{"name":"PEER","value":%q}]}}`, guid(own), guid(other)))
	}
	for _, split := range splits {
		b := build(t, open(t, site("a", 1, 2), site("b", 2, 1)), Options{Split: split})
		if changes, _ := b.report.Changes(); len(changes) != 1 || changes[0].Reason != report.CycleBroken {
			t.Errorf("%s: %+v", split, changes)
		}
	}
}

// TestOrder: components and the order of a graph, by themselves.
func TestOrder(t *testing.T) {
	graphs := map[string]struct {
		after      [][]int32
		components int
		order      string
	}{
		"none":   {nil, 0, "[]"},
		"chain":  {[][]int32{{1}, {2}, {}}, 0, "[2 1 0]"},
		"apart":  {[][]int32{{}, {}, {}}, 0, "[0 1 2]"},
		"tree":   {[][]int32{{}, {0}, {0}, {1, 2}}, 0, "[0 1 2 3]"},
		"twice":  {[][]int32{{1, 1}, {}}, 0, "[1 0]"},
		"ring":   {[][]int32{{1}, {2}, {0}}, 1, "[]"},
		"rings":  {[][]int32{{1}, {0}, {3}, {2, 0}, {}}, 2, "[4]"},
		"itself": {[][]int32{{0}}, 0, "[]"},
	}
	for name, g := range graphs {
		after := func(v int32) []int32 { return g.after[v] }
		if got := components(len(g.after), after); len(got) != g.components {
			t.Errorf("%s: components are %v", name, got)
		}
		if got := fmt.Sprint(sorted(len(g.after), after)); got != g.order {
			t.Errorf("%s: the order is %s", name, got)
		}
	}
}
