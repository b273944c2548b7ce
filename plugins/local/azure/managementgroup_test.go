package azure

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// groupsOf serves a root R above A and B, and C in A, with a subscription in each.
func groupsOf(denied string) azureFunc {
	const of = "/providers/Microsoft.Management/managementGroups"
	group := func(name, children string) string {
		return `{"id":"` + of + "/" + name + `","name":"` + name + `","type":"Microsoft.Management/managementGroups","displayName":"Group ` + name + `","children":[` + children + `]}`
	}
	subscription := func(name string) string {
		return `{"id":"/subscriptions/` + name + `","name":"` + name + `","type":"/subscriptions","displayName":"Sub"}`
	}
	c := group("C", subscription("s3"))
	a := group("A", c+","+subscription("s1"))
	b := group("B", subscription("S2"))
	trees := map[string]string{"C": c, "A": a, "B": b, "R": group("R", a+","+b+","+subscription("s0"))}
	return func(r *http.Request) (*http.Response, error) {
		name := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, of), "/")
		if strings.Contains(denied, "all") || name != "" && strings.Contains(denied, name) {
			return respond(403, `{"error":{"code":"AuthorizationFailed","message":"No"}}`), nil
		}
		if name == "" {
			list := ""
			for _, name := range []string{"C", "A", "B", "R"} {
				list += `,{"id":"` + of + "/" + name + `","type":"Microsoft.Management/managementGroups","name":"` + name + `","properties":{"tenantId":"r","displayName":"Group ` + name + `"}}`
			}
			return respond(200, `{"value":[`+list[1:]+`]}`), nil
		}
		if r.URL.Query().Get("$expand") != "children" || r.URL.Query().Get("$recurse") != "true" {
			return respond(200, `{"id":"x","name":"x","properties":{}}`), nil
		}
		// A single group has its children in its properties.
		head, children, _ := strings.Cut(trees[name], `,"children":`)
		return respond(200, strings.Replace(head, `"displayName":`, `"properties":{"tenantId":"r","displayName":`, 1)+`,"children":`+children+"}"), nil
	}
}

func TestManagementGroups(t *testing.T) {
	cases := map[string]struct {
		denied string
		groups map[string]string // with the names above
		above  map[string]string // of subscriptions
	}{
		"all":               {"", map[string]string{"A": "R", "B": "R", "C": "A R", "R": ""}, map[string]string{"s0": "R", "s1": "A R", "s2": "B R", "s3": "C A R"}},
		"not the root":      {"R", map[string]string{"A": "", "B": "", "C": "A", "R": ""}, map[string]string{"s0": "", "s1": "A", "s2": "B", "s3": "C A"}},
		"one group alone":   {"RAB", map[string]string{"A": "", "B": "", "C": "", "R": ""}, map[string]string{"s0": "", "s1": "", "s2": "", "s3": "C"}},
		"nothing of a tree": {"RABC", map[string]string{"A": "", "B": "", "C": "", "R": ""}, map[string]string{"s3": ""}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h, err := sessionWith(t, Config{}, groupsOf(c.denied)).ManagementGroups(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			names := func(ancestors []Ancestor) string {
				var all []string
				for _, a := range ancestors {
					all = append(all, a.Name)
				}
				return strings.Join(all, " ")
			}
			groups := map[string]string{}
			for _, g := range h.Groups {
				groups[g.Name] = names(g.Ancestors)
			}
			if d := cmp.Diff(c.groups, groups); d != "" {
				t.Errorf("groups (-want +got):\n%s", d)
			}
			for subscription, want := range c.above {
				if got := names(h.Above(subscription)); got != want {
					t.Errorf("above %s: %q, want %q", subscription, got, want)
				}
			}
		})
	}
	h, err := sessionWith(t, Config{}, groupsOf("")).ManagementGroups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	row, err := h.Groups[0].Row()
	const want = `{"id":"/providers/Microsoft.Management/managementGroups/A","name":"A","type":"microsoft.management/managementgroups","tenantId":"r",` +
		`"properties":{"displayName":"Group A","tenantId":"r","details":{"parent":{"name":"R","displayName":"Group R"},"managementGroupAncestorsChain":[{"name":"R","displayName":"Group R"}]}}}`
	if d := cmp.Diff(want, string(row)); d != "" || err != nil {
		t.Errorf("row (-want +got):\n%s%v", d, err)
	}
	if _, err := sessionWith(t, Config{}, groupsOf("all")).ManagementGroups(t.Context()); fault.CodeOf(err) != fault.AzureForbidden {
		t.Errorf("error = %v", err)
	}
}
