package azuresim

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// set changes the settings in force.
func (c *caller) set(change func(*Settings)) {
	c.t.Helper()
	settings := c.server.Settings()
	change(&settings)
	if err := c.server.SetSettings(settings); err != nil {
		c.t.Fatal(err)
	}
}

func TestGraphPermissions(t *testing.T) {
	c := startGraph(t, Config{})
	const group = "/groups/77388ead-38d0-5b59-957e-c91023e517ac"
	paths := []string{"/organization", "/users", "/groups", "/servicePrincipals", "/applications", "/directoryObjects/" + userObject, "/users/" + userObject, group + "/members"}
	for name, test := range map[string]struct {
		permissions []string
		allowed     []string
	}{
		"none":         {[]string{}, nil},
		"users":        {[]string{"User.Read.All"}, []string{"/users", "/users/" + userObject}},
		"members":      {[]string{"GroupMember.Read.All"}, []string{"/groups", group + "/members"}},
		"groups":       {[]string{"Group.Read.All"}, []string{"/groups", group + "/members"}},
		"applications": {[]string{"Application.Read.All"}, []string{"/servicePrincipals", "/applications"}},
		"organization": {[]string{"Organization.Read.All"}, []string{"/organization"}},
		"everything":   {[]string{"Directory.Read.All"}, paths},
	} {
		t.Run(name, func(t *testing.T) {
			c.set(func(s *Settings) { s.MSGraphPermissions = test.permissions })
			var allowed []string
			for _, path := range paths {
				a := c.read(path)
				switch {
				case a.status == http.StatusOK:
					allowed = append(allowed, path)
				case a.status != http.StatusForbidden || a.text("error", "code") != "Authorization_RequestDenied" || a.text("error", "message") != "Insufficient privileges to complete the operation.":
					t.Errorf("%s: %d: %s", path, a.status, a.body)
				}
			}
			if diff := cmp.Diff(test.allowed, allowed); diff != "" {
				t.Error(diff)
			}
		})
	}
	c.set(func(s *Settings) { s.MSGraphPermissions = []string{"GroupMember.Read.All"} })
	a := c.read(group + "/members?$select=id,displayName,appId&$top=1&$count=true")
	if diff := cmp.Diff(map[string]any{"@odata.type": "#microsoft.graph.user", "id": a.list("value")[0].(map[string]any)["id"], "displayName": nil}, a.list("value")[0]); diff != "" {
		t.Error(diff)
	}
	if a := c.read(group + "?$expand=members"); strings.Contains(string(a.body), "Miriam") || !strings.Contains(string(a.body), `"displayName":null`) {
		t.Errorf("%s", a.body)
	}
	if a := c.write(http.MethodPost, "/directoryObjects/getByIds", `{"ids":["`+userObject+`"]}`); a.status != http.StatusForbidden {
		t.Errorf("%d: %s", a.status, a.body)
	}
}

func TestGraphCosts(t *testing.T) {
	c := startGraph(t, Config{})
	for path, cost := range map[string]string{
		"/users": "2", "/users?$select=id": "1", "/users?$top=5": "1", "/users?$top=5&$select=id": "1", "/users?$top=20": "2", "/users?$select=id&$expand=owners": "2",
		"/users/" + userObject: "1", "/groups": "1", "/groups?$expand=members": "2", "/applications": "2", "/servicePrincipals": "1",
		"/groups/x/members": "3", "/groups/x/members?$select=id": "2", "/groups/x/transitiveMembers": "5",
	} {
		if a := c.read(path); a.header.Get("x-ms-resource-unit") != cost {
			t.Errorf("%s costs %s", path, a.header.Get("x-ms-resource-unit"))
		}
	}
	if a := c.write(http.MethodPost, "/directoryObjects/getByIds", "{}"); a.header.Get("x-ms-resource-unit") != "3" {
		t.Errorf("getByIds costs %s", a.header.Get("x-ms-resource-unit"))
	}
}

func TestGraphThrottling(t *testing.T) {
	clock := newClock()
	c := startGraph(t, Config{Now: clock.Now, MSGraphUnits: 20})
	for i := range 10 {
		a := c.read("/users")
		percentage := ""
		if i > 7 {
			percentage = fmt.Sprintf("%.2f", float64(i+1)/10)
		}
		if a.status != http.StatusOK || a.header.Get("x-ms-throttle-limit-percentage") != percentage {
			t.Fatalf("%d: %d %v", i, a.status, a.header)
		}
	}
	a := c.read("/users")
	want := []string{"1", "Tenant_Application/ReadWrite/" + DefaultClientID + "/" + c.server.Tenant().ID, "ResourceUnitLimitExceeded", "1.10", "TooManyRequests"}
	got := []string{a.header.Get("Retry-After"), a.header.Get("x-ms-throttle-scope"), a.header.Get("x-ms-throttle-information"), a.header.Get("x-ms-throttle-limit-percentage"), a.text("error", "code")}
	if diff := cmp.Diff(want, got); diff != "" || a.status != http.StatusTooManyRequests {
		t.Errorf("%d %s", a.status, diff)
	}
	clock.advance(time.Second) // refills two units
	if a := c.read("/users"); a.status != http.StatusOK {
		t.Errorf("%d: %s", a.status, a.body)
	}
	a = c.batch(`{"id":"1","method":"GET","url":"/users?$top=1"}`, `{"id":"2","method":"GET","url":"/groups/x/members"}`)
	clock.advance(500 * time.Millisecond)
	if diff := cmp.Diff([]int{429, 429}, statuses(a)); diff != "" || a.status != http.StatusOK {
		t.Errorf("%d %s: %s", a.status, diff, a.body)
	}
	a = c.batch(`{"id":"1","method":"GET","url":"/users?$top=1"}`, `{"id":"2","method":"GET","url":"/users"}`)
	second := a.list("responses")[1].(map[string]any)
	if diff := cmp.Diff([]int{200, 429}, statuses(a)); diff != "" || second["headers"].(map[string]any)["Retry-After"] == nil {
		t.Errorf("%s: %s", diff, a.body)
	}
	c.set(func(s *Settings) { s.MSGraphLimits = false })
	for range 30 {
		if a := c.read("/users"); a.status != http.StatusOK {
			t.Fatalf("%d: %s", a.status, a.body)
		}
	}
}

// batch sends requests together.
func (c graphCaller) batch(items ...string) *answer {
	c.t.Helper()
	return c.write(http.MethodPost, "/$batch", `{"requests":[`+strings.Join(items, ",")+`]}`)
}

// statuses are those of the requests in a batch, in the order of its answer.
func statuses(a *answer) []int {
	a.t.Helper()
	var list []int
	for _, item := range a.list("responses") {
		list = append(list, int(item.(map[string]any)["status"].(float64)))
	}
	return list
}

func TestGraphBatches(t *testing.T) {
	c := startGraph(t, Config{})
	item := func(id, rest string) string {
		return `{"id":"` + id + `","method":"GET","url":"/users/` + userObject + `"` + rest + `}`
	}
	many := func(n int) (items []string) {
		for i := range n {
			items = append(items, item(fmt.Sprint(i), ""))
		}
		return items
	}
	for name, test := range map[string]struct {
		items  []string
		status int
		want   any // statuses, or what the body contains
	}{
		"several": {[]string{
			item("a", ""), `{"id":"b","method":"GET","url":"users?$select=displayName&$filter=accountEnabled eq false"}`, `{"id":"c","method":"GET","url":"/users/none"}`,
			`{"id":"d","method":"POST","url":"/directoryObjects/getByIds","body":{"ids":["` + userObject + `"]},"headers":{"content-type":"application/json"}}`,
			`{"id":"e","method":"GET","url":"/users/$count","headers":{"ConsistencyLevel":"eventual"}}`, `{"id":"f","method":"GET","url":"/$batch"}`,
		}, 200, []int{200, 200, 404, 200, 200, 400}},
		"in order":       {[]string{item("1", `,"dependsOn":["2"]`), item("2", `,"dependsOn":["3"]`), item("3", "")}, 200, []int{200, 200, 200}},
		"a failure":      {[]string{`{"id":"1","method":"GET","url":"/users/none"}`, item("2", `,"dependsOn":["1"]`), item("3", `,"dependsOn":["2"]`), item("4", "")}, 200, []int{404, 424, 424, 200}},
		"twenty":         {many(20), 200, "responses"},
		"twenty-one":     {many(21), 400, "Number of batch request steps exceeds the maximum value of 20."},
		"the same id":    {[]string{item("a", ""), item("A", "")}, 400, "has to be unique in a batch"},
		"no id":          {[]string{item("", "")}, 400, "Invalid batch payload format."},
		"a circle":       {[]string{item("1", `,"dependsOn":["2"]`), item("2", `,"dependsOn":["1"]`)}, 400, "cycle"},
		"nothing there":  {[]string{item("1", `,"dependsOn":["7"]`)}, 400, "Invalid dependsOn"},
		"no type":        {[]string{`{"id":"d","method":"POST","url":"/directoryObjects/getByIds","body":{}}`}, 400, "does not contain Content-Type header"},
		"nothing":        {[]string{`[]`}, 400, "Invalid batch payload format."},
		"an empty batch": {nil, 200, `{"responses":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.batch(test.items...)
			a.t = t
			if a.status != test.status {
				t.Fatalf("%d: %s", a.status, a.body)
			}
			if want, ok := test.want.([]int); ok {
				if diff := cmp.Diff(want, statuses(a)); diff != "" {
					t.Error(diff)
				}
			} else if !strings.Contains(string(a.body), test.want.(string)) {
				t.Errorf("%s", a.body)
			}
		})
	}
	a := c.batch(item("x", ""))
	first := a.list("responses")[0].(map[string]any)
	if body := first["body"].(map[string]any); first["id"] != "x" || body["displayName"] != "Adele Vance" || first["headers"].(map[string]any)["x-ms-resource-unit"] != "1" {
		t.Errorf("%s", a.body)
	}
	if a := c.read("/$batch"); a.status != http.StatusMethodNotAllowed {
		t.Errorf("%d: %s", a.status, a.body)
	}
}

// TestGraphFaults: faults strike the calls of Microsoft Graph, and those within a batch.
func TestGraphFaults(t *testing.T) {
	c := startGraph(t, Config{})
	inject := func(rule Fault) {
		t.Helper()
		c.server.ClearFaults()
		if _, err := c.server.Inject(Faults{Rules: []Fault{rule}}); err != nil {
			t.Fatal(err)
		}
	}
	inject(Fault{Path: "^/v1.0/users$", Times: 1, Status: 429, RetryAfter: 3})
	if a := c.read("/users"); a.status != 429 || a.header.Get("Retry-After") != "3" || a.text("error", "code") != "TooManyRequests" || a.text("error", "innerError", "request-id") == "" {
		t.Errorf("%d: %s", a.status, a.body)
	}
	inject(Fault{Path: "^/v1.0/users/none", Status: 503})
	if a := c.batch(`{"id":"1","method":"GET","url":"/users/none"}`, `{"id":"2","method":"GET","url":"/users"}`); !cmp.Equal([]int{503, 200}, statuses(a)) {
		t.Errorf("%s", a.body)
	}
	inject(Fault{Path: "^/v1.0/users$", Cut: true})
	if a := c.read("/users"); a.status != 200 || strings.HasSuffix(string(a.body), "}") {
		t.Errorf("%d: %s", a.status, a.body)
	}
	inject(Fault{Path: "^/v1.0/users$", Status: 403, Code: "Authorization_IdentityNotFound", Message: "m"})
	if a := c.read("/users"); a.status != 403 || a.text("error", "code") != "Authorization_IdentityNotFound" || a.text("error", "message") != "m" {
		t.Errorf("%d: %s", a.status, a.body)
	}
}
