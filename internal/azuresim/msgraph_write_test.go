package azuresim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	newUser  = `{"accountEnabled":true,"displayName":"New User","mailNickname":"new.user","userPrincipalName":"new.user@contoso.com","passwordProfile":{"forceChangePasswordNextSignIn":true,"password":"xWwvJ]6NMw+bWH-d"}}`
	newGroup = `{"displayName":"New Group","description":"d","mailEnabled":false,"mailNickname":"newgroup","securityEnabled":true}`
)

func TestGraphCreates(t *testing.T) {
	c := startGraph(t, Config{})
	change := func(body string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(body) }
	owner := `"https://graph.microsoft.com/v1.0/users/` + userObject + `"`
	tests := []struct {
		name, path, body string
		status           int
		want             string
	}{
		{"a user", "/users", newUser, 201, `"displayName":"New User","givenName":null,"jobTitle":null,"mail":null`},
		{"the same user", "/users", newUser, 400, `{"code":"ObjectConflict","message":"Another object with the same value for property userPrincipalName already exists.","target":"userPrincipalName"}`},
		{"the name of one there", "/users", change(newUser, "new.user@contoso.com", "ADELE@contoso.onmicrosoft.com"), 400, "ObjectConflict"},
		{"no password", "/users", change(newUser, "passwordProfile", "employeeOrgData"), 400, "A password must be specified to create a new user."},
		{"a simple password", "/users", change(newUser, "xWwvJ]6NMw+bWH-d", "password"), 400, "does not comply with password complexity requirements"},
		{"no nickname", "/users", change(newUser, `"mailNickname":"new.user",`, ""), 400, "Property mailNickname value is required but is empty or missing."},
		{"nobody knows whether enabled", "/users", change(newUser, `"accountEnabled":true,`, ""), 400, "Property accountEnabled value is required"},
		{"another domain", "/users", change(newUser, "@contoso.com", "@example.com"), 400, "You must use one of the verified domain names in your organization."},
		{"a strange name", "/users", change(newUser, "new.user@", "new user@"), 400, "Invalid value specified for property 'userPrincipalName' of resource 'User'."},
		{"a strange nickname", "/users", change(newUser, `"new.user"`, `"new user"`), 400, "Invalid value specified for property 'mailNickname' of resource 'User'."},
		{"a long name", "/users", change(newUser, "New User", strings.Repeat("x", 257)), 400, "Invalid value specified for property 'displayName'"},
		{"an unknown property", "/users", change(newUser, "{\"acc", `{"shoeSize":3,"acc`), 400, "The property 'shoeSize' does not exist on type 'microsoft.graph.user'."},
		{"one that cannot be set", "/users", change(newUser, "{\"acc", `{"id":"x","acc`), 400, "Property 'id' is read-only and cannot be set."},
		{"a text for a flag", "/users", change(newUser, "true,\"disp", `"yes","disp`), 400, "Edm.Boolean"},
		{"no JSON", "/users", `{`, 400, "Unable to read JSON request payload."},
		{"a group", "/groups", newGroup, 201, `"displayName":"New Group","expirationDateTime":null,"groupTypes":[]`},
		{"a group of the same name", "/groups", newGroup, 201, `"displayName":"New Group"`},
		{"with members", "/groups", change(newGroup, "{", `{"members@odata.bind":[`+owner+`],"owners@odata.bind":[`+owner+`],`), 201, "New Group"},
		{"with someone unknown", "/groups", change(newGroup, "{", `{"members@odata.bind":["https://graph.microsoft.com/v1.0/users/00000000-0000-0000-0000-000000000001"],`), 404, "00000000-0000-0000-0000-000000000001"},
		{"with a strange address", "/groups", change(newGroup, "{", `{"members@odata.bind":["adele"],`), 400, "Invalid URL format specified in @odata.bind for 'members'."},
		{"with too many", "/groups", change(newGroup, "{", `{"members@odata.bind":[`+strings.Repeat(owner+",", 20)+owner+`],`), 400, "exceeds the maximum of 20"},
		{"with the same twice", "/groups", change(newGroup, "{", `{"members@odata.bind":[`+owner+","+owner+`],`), 400, "Request contains a property with duplicate values."},
		{"mail alone", "/groups", change(newGroup, `"mailEnabled":false`, `"mailEnabled":true`), 400, "does not currently support writes of mail-enabled groups"},
		{"Microsoft 365", "/groups", change(newGroup, `"mailEnabled":false`, `"mailEnabled":true,"groupTypes":["Unified"]`), 201, `"mail":"newgroup@contoso.onmicrosoft.com"`},
		{"Microsoft 365 again", "/groups", change(newGroup, `"mailEnabled":false`, `"mailEnabled":true,"groupTypes":["Unified"]`), 400, "same value for property mailNickname already exists"},
		{"neither", "/groups", change(newGroup, `"securityEnabled":true`, `"securityEnabled":false`), 400, "securityEnabled"},
		{"a rule", "/groups", change(newGroup, "{", `{"groupTypes":["DynamicMembership"],"membershipRule":"user.accountEnabled -eq true",`), 201, `"membershipRule":"user.accountEnabled -eq true"`},
		{"no rule", "/groups", change(newGroup, "{", `{"groupTypes":["DynamicMembership"],`), 400, "Property membershipRule value is required"},
		{"a nickname of a group", "/groups", change(newGroup, `"newgroup"`, `"new@group"`), 400, "mailNickname"},
		{"an application", "/applications", `{"displayName":"New App","identifierUris":["api://new"]}`, 201, `"signInAudience":"AzureADandPersonalMicrosoftAccount"`},
		{"of the same address", "/applications", `{"displayName":"New App","identifierUris":["api://new"]}`, 400, "Another object with the same value for property identifierUris already exists."},
		{"of no name", "/applications", `{}`, 400, "Property displayName value is required"},
		{"of an id", "/applications", `{"displayName":"a","appId":"` + userObject + `"}`, 400, "read-only"},
		{"a service without an application", "/servicePrincipals", `{"appId":"` + userObject + `"}`, 400, "does not reference a valid application object."},
		{"a service that is there", "/servicePrincipals", `{"appId":"` + DefaultClientID + `"}`, 409, "Request_MultipleObjectsWithSameKeyValue"},
		{"a service of nothing", "/servicePrincipals", `{}`, 400, "Property appId value is required"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := c.write(http.MethodPost, test.path, test.body)
			a.t = t
			if a.status != test.status || !strings.Contains(string(a.body), test.want) {
				t.Fatalf("%d: %s", a.status, a.body)
			}
			if a.status != http.StatusCreated {
				return
			}
			if shown := c.read(test.path + "/" + a.text("id")); shown.status != http.StatusOK || shown.text("displayName") != a.text("displayName") {
				t.Errorf("%d: %s", shown.status, shown.body)
			}
			if !strings.HasSuffix(a.header.Get("Location"), a.text("id")) || strings.Contains(string(a.body), "xWwvJ") {
				t.Errorf("%s: %s", a.header.Get("Location"), a.body)
			}
		})
	}
}

// TestGraphObject follows an application and its service principal from their creation to their end.
func TestGraphObject(t *testing.T) {
	c := startGraph(t, Config{})
	app := c.write(http.MethodPost, "/applications", `{"displayName":"New App"}`)
	service := c.write(http.MethodPost, "/servicePrincipals", `{"appId":"`+app.text("appId")+`","tags":["x"]}`)
	if service.status != http.StatusCreated || service.text("displayName") != "New App" || service.text("servicePrincipalType") != "Application" || service.text("appOwnerOrganizationId") != c.server.Tenant().ID {
		t.Fatalf("%d %s", service.status, service.body)
	}
	for name, test := range map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"a name":          {http.MethodPatch, "/applications/" + app.text("id"), `{"displayName":"Newer App"}`, 204, ""},
		"an owner":        {http.MethodPost, "/applications/" + app.text("id") + "/owners/$ref", `{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/` + userObject + `"}`, 204, ""},
		"its id":          {http.MethodPatch, "/applications/" + app.text("id"), `{"appId":"` + userObject + `"}`, 400, "read-only"},
		"no name":         {http.MethodPatch, "/applications/" + app.text("id"), `{"displayName":""}`, 400, "required"},
		"nothing there":   {http.MethodPatch, "/applications/" + userObject, `{"displayName":"x"}`, 404, "Request_ResourceNotFound"},
		"a put":           {http.MethodPut, "/applications/" + app.text("id"), `{}`, 405, "not allowed"},
		"a user's name":   {http.MethodPatch, "/users/" + userObject, `{"userPrincipalName":"li.na@contoso.onmicrosoft.com"}`, 400, "userPrincipalName already exists"},
		"a user's domain": {http.MethodPatch, "/users/" + userObject, `{"userPrincipalName":"adele@example.com"}`, 400, "verified domain"},
		"a group's mail":  {http.MethodPatch, "/groups/77388ead-38d0-5b59-957e-c91023e517ac", `{"mailEnabled":true}`, 400, "read-only"},
	} {
		if a := c.write(test.method, test.path, test.body); a.status != test.status || !strings.Contains(string(a.body), test.want) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := c.read("/applications(appId='" + app.text("appId") + "')?$select=displayName&$expand=owners($select=displayName)"); a.text("displayName") != "Newer App" || !strings.Contains(string(a.body), "Adele Vance") {
		t.Errorf("%s", a.body)
	}
	if a := c.write(http.MethodDelete, "/applications/"+app.text("id"), ""); a.status != http.StatusNoContent {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, path := range []string{"/applications/" + app.text("id"), "/servicePrincipals/" + service.text("id"), "/servicePrincipals(appId='" + app.text("appId") + "')"} {
		if a := c.read(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := c.write(http.MethodPatch, "/users/"+userObject, `{"userPrincipalName":"adele.vance@contoso.com","jobTitle":null}`); a.status != http.StatusNoContent {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := c.read("/users/adele@contoso.onmicrosoft.com"); a.status != http.StatusNotFound {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := c.read("/users/adele.vance@contoso.com"); a.text("id") != userObject || a.get("jobTitle") != nil {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestGraphMembers(t *testing.T) {
	c := startGraph(t, Config{})
	const group, employees, marketing = "/groups/138c4feb-539d-59ac-a4e1-53834791fa76", "All Employees", "Marketing"
	byName := func(name string) string {
		return "/groups/" + c.read("/groups?$select=id&$filter=displayName eq '" + name + "'").list("value")[0].(map[string]any)["id"].(string)
	}
	ref := func(id string) string { return `{"@odata.id":"` + publicGraph + `/v1.0/directoryObjects/` + id + `"}` }
	app := c.read("/applications(appId='" + DefaultClientID + "')").text("id")
	for i, test := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{http.MethodPost, group + "/members/$ref", ref(userObject), 204, ""},
		{http.MethodPost, group + "/members/$ref", ref(strings.ToUpper(userObject)), 400, "One or more added object references already exist for the following modified properties: 'members'."},
		{http.MethodPost, group + "/members/$ref", ref(servicePrincipalObject), 204, ""},
		{http.MethodPost, group + "/members/$ref", ref("77388ead-38d0-5b59-957e-c91023e517ac"), 204, ""},
		{http.MethodPost, group + "/members/$ref", ref(app), 400, "of type 'Application' is invalid for the 'members' reference."},
		{http.MethodPost, group + "/members/$ref", ref("00000000-0000-0000-0000-000000000001"), 404, "Request_ResourceNotFound"},
		{http.MethodPost, group + "/members/$ref", `{"@odata.id":"adele"}`, 400, "Invalid URL format"},
		{http.MethodPost, "/groups/00000000-0000-0000-0000-000000000001/members/$ref", ref(userObject), 404, "Request_ResourceNotFound"},
		{http.MethodPost, group + "/transitiveMembers/$ref", ref(userObject), 405, "not allowed"},
		{http.MethodPost, byName(employees) + "/members/$ref", ref(servicePrincipalObject), 400, "dynamic membership"},
		{http.MethodPost, byName(marketing) + "/members/$ref", ref(servicePrincipalObject), 400, "is invalid for the 'members' reference."},
		{http.MethodPost, byName(marketing) + "/members/$ref", ref(userObject), 204, ""},
		{http.MethodDelete, group + "/members/" + userObject + "/$ref", "", 204, ""},
		{http.MethodDelete, group + "/members/" + userObject + "/$ref", "", 404, "Request_ResourceNotFound"},
		{http.MethodDelete, group + "/members/7d617a07-fc31-5714-8b9d-55b282a1e4a1/$ref", "", 204, ""},
		{http.MethodPost, group + "/owners/$ref", ref(app), 400, "of type 'Application' is invalid for the 'owners' reference."},
		{http.MethodDelete, group + "/owners/7d617a07-fc31-5714-8b9d-55b282a1e4a1/$ref", "", 400, "The group must have at least one owner, hence this owner cannot be removed."},
		{http.MethodPost, group + "/owners/$ref", ref(userObject), 204, ""},
		{http.MethodDelete, group + "/owners/7d617a07-fc31-5714-8b9d-55b282a1e4a1/$ref", "", 204, ""},
		{http.MethodDelete, group + "/members/$ref", "", 405, "not allowed"},
		{http.MethodPatch, group, `{"members@odata.bind":["` + publicGraph + `/v1.0/directoryObjects/7d617a07-fc31-5714-8b9d-55b282a1e4a1"]}`, 204, ""},
	} {
		if a := c.write(test.method, test.path, test.body); a.status != test.status || !strings.Contains(string(a.body), test.want) {
			t.Errorf("%d: %d %s", i, a.status, a.body)
		}
	}
	if a := c.write(http.MethodPatch, group, `{"description":"changed","members@odata.bind":["`+publicGraph+`/v1.0/users/7d617a07-fc31-5714-8b9d-55b282a1e4a1"]}`); a.status != 400 || c.read(group).text("description") == "changed" {
		t.Errorf("%d %s", a.status, a.body)
	}
	names := c.read(group + "/members?$count=true").names()
	if diff := cmp.Diff([]string{"Pradeep Gupta", "Contoso Inventory", "Data Platform Team", "Megan Bowen"}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Adele Vance"}, c.read(group+"/owners").names()); diff != "" {
		t.Error(diff)
	}
	c.write(http.MethodDelete, "/users/7d617a07-fc31-5714-8b9d-55b282a1e4a1", "")
	if names := c.read(group + "/members?$count=true").names(); slices.Contains(names, "Megan Bowen") {
		t.Errorf("%v", names)
	}
}

func TestGraphWritePermissions(t *testing.T) {
	c := startGraph(t, Config{})
	const group = "/groups/138c4feb-539d-59ac-a4e1-53834791fa76"
	calls := map[string][3]string{
		"user":    {http.MethodPost, "/users", newUser},
		"group":   {http.MethodPost, "/groups", newGroup},
		"member":  {http.MethodPost, group + "/members/$ref", `{"@odata.id":"` + publicGraph + `/v1.0/users/` + userObject + `"}`},
		"owner":   {http.MethodPost, group + "/owners/$ref", `{"@odata.id":"` + publicGraph + `/v1.0/users/` + userObject + `"}`},
		"app":     {http.MethodPost, "/applications", `{"displayName":"a"}`},
		"service": {http.MethodPatch, "/servicePrincipals/" + servicePrincipalObject, `{"notes":"n"}`},
		"delete":  {http.MethodDelete, "/users/7d617a07-fc31-5714-8b9d-55b282a1e4a1", ""},
	}
	for permission, want := range map[string][]string{
		"Directory.Read.All": nil, "User.Read.All": nil, "User.ReadWrite.All": {"delete", "user"}, "Group.ReadWrite.All": {"group", "member", "owner"},
		"GroupMember.ReadWrite.All": {"member"}, "Application.ReadWrite.All": {"app", "service"},
	} {
		c.server.SetTenant(c.server.Tenant()) // what was written is gone
		c.set(func(s *Settings) { s.MSGraphPermissions = []string{permission} })
		var allowed []string
		for name, call := range calls {
			switch a := c.write(call[0], call[1], call[2]); {
			case a.status < 300:
				allowed = append(allowed, name)
			case a.status != http.StatusForbidden || a.text("error", "code") != "Authorization_RequestDenied":
				t.Errorf("%s, %s: %d %s", permission, name, a.status, a.body)
			}
		}
		slices.Sort(allowed)
		if diff := cmp.Diff(want, allowed); diff != "" {
			t.Errorf("%s: %s", permission, diff)
		}
	}
	c.set(func(s *Settings) { s.MSGraphPermissions = []string{"Group.ReadWrite.All"} })
	if a := c.write(http.MethodPost, "/groups", strings.Replace(newGroup, "{", `{"isAssignableToRole":true,`, 1)); a.status != http.StatusForbidden {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestGraphWriteQuota: writes have a quota of their own.
func TestGraphWriteQuota(t *testing.T) {
	clock := newClock()
	c := startGraph(t, Config{Now: clock.Now})
	c.set(func(s *Settings) { s.MSGraphWrites = 2 })
	for i := range 3 {
		a := c.write(http.MethodPost, "/applications", fmt.Sprintf(`{"displayName":"a%d"}`, i))
		if limited := a.status == http.StatusTooManyRequests; limited != (i == 2) || limited && (a.header.Get("x-ms-throttle-information") != "WriteLimitExceeded" || a.header.Get("Retry-After") != "75") {
			t.Errorf("%d: %d %v", i, a.status, a.header)
		}
	}
	if a := c.read("/users"); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
}
