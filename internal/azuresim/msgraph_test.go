package azuresim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// graphCaller is a caller of Microsoft Graph.
type graphCaller struct{ *caller }

const publicGraph = "https://graph.microsoft.com"

func startGraph(t *testing.T, config Config) graphCaller {
	t.Helper()
	c := graphCaller{start(t, config)}
	c.token = c.tokenFor(publicGraph + "/.default")
	return c
}

func (c *caller) tokenFor(scope string) string {
	c.t.Helper()
	answer := c.post("/"+c.server.Tenant().ID+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {c.server.ClientID()}, "client_secret": {c.server.ClientSecret()}, "scope": {scope},
	})
	if answer.status != http.StatusOK {
		c.t.Fatalf("sign-in answered %d: %s", answer.status, answer.body)
	}
	return answer.text("access_token")
}

// read is a GET with the header of advanced queries where the path asks for a count.
func (c graphCaller) read(path string) *answer {
	c.t.Helper()
	request := c.request(http.MethodGet, strings.ReplaceAll(publicGraph+"/v1.0"+path, " ", "%20"), nil)
	if strings.Contains(path, "$count") {
		request.Header.Set("ConsistencyLevel", "eventual")
	}
	return c.send(request)
}

func (c graphCaller) write(method, path, body string) *answer {
	c.t.Helper()
	request := c.request(method, publicGraph+"/v1.0"+path, []byte(body))
	request.Header.Set("Content-Type", "application/json")
	return c.send(request)
}

// names are the display names of the objects in an answer.
func (a *answer) names() []string {
	a.t.Helper()
	names := []string{}
	for _, item := range a.list("value") {
		names = append(names, fmt.Sprint(item.(map[string]any)["displayName"]))
	}
	return names
}

// all reads the pages of a collection.
func (c graphCaller) all(path string) (objects []map[string]any, pages int) {
	c.t.Helper()
	next := publicGraph + "/v1.0" + path
	for next != "" {
		request := c.request(http.MethodGet, next, nil)
		request.Header.Set("ConsistencyLevel", "eventual")
		a := c.send(request)
		if a.status != http.StatusOK {
			c.t.Fatalf("%s: %d: %s", next, a.status, a.body)
		}
		for _, item := range a.list("value") {
			objects = append(objects, item.(map[string]any))
		}
		next = a.text("@odata.nextLink")
		pages++
	}
	return objects, pages
}

func TestGraphReads(t *testing.T) {
	c := startGraph(t, Config{})
	const (
		data = "/groups/77388ead-38d0-5b59-957e-c91023e517ac"
		prod = "/groups/bc6d0f6c-ed62-5d74-828a-291f3510dbb0"
	)
	tests := map[string]struct {
		path   string
		status int
		want   any // display names, or what the body contains
	}{
		"organization":             {"/organization", 200, []string{"Contoso"}},
		"one organization":         {"/organization/" + tenant.ContosoID + "?$select=id", 200, `"id":"` + tenant.ContosoID + `"`},
		"another organization":     {"/organization/" + servicePrincipalObject, 404, "Request_ResourceNotFound"},
		"usual members of a user":  {"/users/" + userObject, 200, `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users/$entity","id":"` + userObject + `","businessPhones":[],"displayName":"Adele Vance","givenName":"Adele","jobTitle":"Retail Manager","mail":"adele@contoso.com","mobilePhone":null,"officeLocation":"Amsterdam","preferredLanguage":null,"surname":"Vance","userPrincipalName":"adele@contoso.onmicrosoft.com"}`},
		"a user by its name":       {"/users/Adele@contoso.onmicrosoft.com?$select=id", 200, `#users(id)/$entity","id":"` + userObject + `"}`},
		"a guest by its name":      {"/users/kim.akers_fabrikam.com%23EXT%23@contoso.onmicrosoft.com?$select=userType", 200, `"userType":"Guest"`},
		"a user in brackets":       {"/users('" + userObject + "')?$select=displayName,accountEnabled", 200, `"displayName":"Adele Vance","accountEnabled":true}`},
		"no such user":             {"/users/nobody@contoso.com", 404, "Resource 'nobody@contoso.com' does not exist or one of its queried reference-property objects are not present."},
		"a group is no user":       {"/users" + strings.TrimPrefix(data, "/groups"), 404, "Request_ResourceNotFound"},
		"no GUID":                  {"/groups/developers", 400, "Invalid object identifier 'developers'."},
		"unknown property":         {"/users?$select=id,shoeSize", 400, "Could not find a property named 'shoeSize' on type 'microsoft.graph.user'."},
		"page too large":           {"/users?$top=1000", 400, "Invalid page size specified: '1000'. Must be between 1 and 999 inclusive."},
		"no page":                  {"/users?$top=none", 400, "requires a non-negative integer value"},
		"skip":                     {"/users?$skip=10", 400, "Request_UnsupportedQuery"},
		"strange token":            {"/users?$skiptoken=abc", 400, "Directory_ExpiredPageToken"},
		"count":                    {"/users?$count=true&$top=1&$select=displayName", 200, `"@odata.count":30,`},
		"count alone":              {"/users/$count", 200, "30"},
		"count of a filter":        {"/users/$count?$filter=userType eq 'Guest'", 200, "2"},
		"by display name":          {"/users?$filter=displayName eq 'adele vance'", 200, []string{"Adele Vance"}},
		"quotes":                   {"/users?$filter=displayName eq 'Zoë O''Connor'", 200, []string{"Zoë O'Connor"}},
		"by user principal name":   {"/users?$filter=userPrincipalName eq 'li.na@contoso.onmicrosoft.com'", 200, []string{"李娜"}},
		"starts with":              {"/users?$filter=startswith(displayName,'M') and accountEnabled eq true", 200, []string{"Megan Bowen", "Miriam Graham", "Mallory \u202egnp.ecirp\u202c\nPrice\t& 'Co' {{7*7}}"}},
		"disabled":                 {"/users?$filter=accountEnabled eq false", 200, []string{"Allan Deyoung"}},
		"in":                       {"/groups?$filter=id in ('138C4FEB-539d-59ac-a4e1-53834791fa76','00000000-0000-0000-0000-000000000001','703ce808-29a1-5177-9d59-8dd6b7dd107c')", 200, []string{"Identity Administrators", "Platform Owners"}},
		"in, too many":             {"/users?$filter=id in (" + strings.Repeat("'a',", 15) + "'a')", 400, "Too many child clauses specified in search filter expression containing 'OR' operators: 16. Max allowed: 15."},
		"in, many, advanced":       {"/users?$count=true&$filter=id in (" + strings.Repeat("'a',", 15) + "'" + userObject + "')", 200, []string{"Adele Vance"}},
		"in, another kind":         {"/users?$filter=id in ('703ce808-29a1-5177-9d59-8dd6b7dd107c')", 200, []string{}},
		"dynamic groups":           {"/groups?$filter=groupTypes/any(c:c eq 'DynamicMembership')", 200, []string{"All Employees"}},
		"or":                       {"/groups?$filter=displayName eq 'sql-admins' or displayName eq 'pg-admins'", 200, []string{"sql-admins", "pg-admins"}},
		"not":                      {"/groups?$count=true&$filter=not(securityEnabled eq true)", 200, []string{"Marketing", "Book Club <img src=x onerror=\"alert(1)\"> & \u202eGroup"}},
		"not, not advanced":        {"/groups?$filter=not(securityEnabled eq true)", 400, "ConsistencyLevel:eventual"},
		"ne, not advanced":         {"/groups?$filter=displayName ne 'x'", 400, "Request_UnsupportedQuery"},
		"no filter":                {"/groups?$filter=displayName", 400, "Invalid filter clause: Syntax error"},
		"unterminated":             {"/groups?$filter=displayName eq 'x", 400, "unterminated string literal"},
		"unknown in a filter":      {"/groups?$filter=size eq 1", 400, "Could not find a property named 'size' on type 'microsoft.graph.group'."},
		"by application":           {"/servicePrincipals?$filter=appId eq '00000003-0000-0000-c000-000000000000'", 200, []string{"Microsoft Graph"}},
		"by application, as a key": {"/servicePrincipals(appId='2ff814a6-3304-4ab8-85cb-cd0e6f879c1d')", 200, `"appOwnerOrganizationId":"f8cdef31-a31e-4b4a-93e4-5f571e91255a"`},
		"managed identities":       {"/servicePrincipals/$count?$filter=servicePrincipalType eq 'ManagedIdentity'", 200, "23"},
		"a user-assigned identity": {"/servicePrincipals/ed33c76b-a44e-5a5a-b649-961b60792781", 200, `"alternativeNames":["isExplicit=True","/subscriptions/c0175050-0000-4000-8000-000000000002/resourcegroups/rg-security-prod/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-storefront-prod"]`},
		"an identity by its id":    {"/servicePrincipals?$filter=alternativeNames/any(n:startswith(n,'/subscriptions/c0175050-0000-4000-8000-000000000002/resourceGroups/rg-erp-prod/'))", 200, []string{"vm-erp-app-01", "vm-erp-app-02", "vm-erp-db-01", "vm-erp-print-01", "vmss-erp-batch"}},
		"who has signed in":        {"/servicePrincipals(appId='" + DefaultClientID + "')", 200, `"id":"` + servicePrincipalObject + `"`},
		"deleted":                  {"/servicePrincipals/f9f827c5-6ec0-553f-ad88-ce3d48e6fa3b", 404, "Request_ResourceNotFound"},
		"applications":             {"/applications?$filter=startswith(displayName,'contoso')", 200, []string{"Contoso Inventory", "Contoso Deploy Pipeline", "Contoso Profiles API", "Contoso Storefront"}},
		"any object":               {"/directoryObjects/" + servicePrincipalObject + "?$select=displayName", 200, `"@odata.type":"#microsoft.graph.servicePrincipal","displayName":"Contoso Inventory"}`},
		"no such object":           {"/directoryObjects/00000000-0000-0000-0000-000000000001", 404, "Request_ResourceNotFound"},
		"members":                  {data + "/members?$select=id,displayName", 200, []string{"Miriam Graham", "Patti Fernandez", "李娜", "Yara Haddad"}},
		"members, advanced":        {data + "/members?$count=true", 200, []string{"Miriam Graham", "Patti Fernandez", "李娜", "Yara Haddad", "Contoso Profiles API", "adf-contoso-prod"}},
		"members that are services": {data + "/members/microsoft.graph.servicePrincipal?$count=true", 200,
			[]string{"Contoso Profiles API", "adf-contoso-prod"}},
		"a cast, not advanced": {data + "/members/microsoft.graph.servicePrincipal", 400, "Request_UnsupportedQuery"},
		"a strange cast":       {data + "/members/microsoft.graph.team?$count=true", 400, "Request_UnsupportedQuery"},
		"members, counted":     {data + "/members/$count", 200, "6"},
		"members, addresses":   {data + "/members/$ref?$top=1", 200, `"value":[{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/`},
		"transitive":           {prod + "/transitiveMembers?$count=true", 200, []string{"Platform Engineers", "Storefront Engineers", "Ngozi Okafor", "Alex Wilber", "Lynne Robbins", "Allan Deyoung", "Production On-Call", "Diego Siciliani", "Henrietta Müller", "Johanna Lorenz", "Contoso Deploy Pipeline", "Isaiah Langer"}},
		"transitive groups":    {prod + "/transitiveMembers/microsoft.graph.group?$count=true", 200, []string{"Platform Engineers", "Storefront Engineers", "Production On-Call"}},
		"owners":               {data + "/owners", 200, []string{"Debra Berger"}},
		"owners of an app":     {"/applications(appId='" + DefaultClientID + "')/owners", 200, []string{"Megan Bowen"}},
		"members expanded":     {data + "?$select=displayName&$expand=members($select=id)", 200, `{"@odata.type":"#microsoft.graph.servicePrincipal","id":"ca3b9220-9552-55b8-962b-f3cd14a5e937"}]}`},
		"members of a user":    {"/users/" + userObject + "/members", 400, "Resource not found for the segment 'members'."},
		"what nobody has":      {"/unicorns", 400, "Resource not found for the segment 'unicorns'."},
		"wrong method":         {"/directoryObjects/getByIds", 405, "Specified HTTP method is not allowed for the request target."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := c.read(test.path)
			a.t = t
			if a.status != test.status {
				t.Fatalf("status %d: %s", a.status, a.body)
			}
			if names, ok := test.want.([]string); ok {
				if diff := cmp.Diff(names, a.names()); diff != "" {
					t.Error(diff)
				}
				return
			}
			if !strings.Contains(string(a.body), test.want.(string)) {
				t.Errorf("%s", a.body)
			}
		})
	}
}

// TestGraphExpandsTwenty: an expanded relation shows twenty objects and no way to the others.
func TestGraphExpandsTwenty(t *testing.T) {
	c := startGraph(t, Config{})
	a := c.read("/groups?$filter=displayName eq 'All Employees'&$expand=members")
	group := a.list("value")[0].(map[string]any)
	if members := group["members"].([]any); len(members) != 20 || group["members@odata.nextLink"] != nil {
		t.Errorf("%d members", len(members))
	}
	if all, _ := c.all("/groups/" + group["id"].(string) + "/members"); len(all) != 26 {
		t.Errorf("%d members in all", len(all))
	}
}

func TestGraphPages(t *testing.T) {
	made, err := tenant.Synthetic(tenant.SyntheticOptions{Resources: 100, Subscriptions: 1, Seed: 9, Users: 2500, Members: 2100})
	if err != nil {
		t.Fatal(err)
	}
	c := startGraph(t, Config{Tenant: made})
	for path, want := range map[string][2]int{ // objects, pages
		"/users?$select=id,userPrincipalName&$top=999":  {2500, 3},
		"/users?$filter=userType eq 'Guest'&$select=id": {125, 2},
		"/users?$top=250":            {2500, 10},
		"/groups":                    {120, 2},
		"/servicePrincipals?$top=20": {31, 2},
		"/applications":              {20, 1},
		"/groups/GROUP/members?$top=999&$select=id":  {2100, 3},
		"/groups/GROUP/transitiveMembers?$top=900":   {2100, 3},
		"/groups/GROUP/members?$top=700&$count=true": {2100, 3},
		"/groups?$filter=displayName eq 'none'":      {0, 1},
	} {
		path = strings.ReplaceAll(path, "GROUP", made.Directory.Object(directory.Group, 0).ID)
		objects, pages := c.all(strings.ReplaceAll(path, " ", "%20"))
		seen := map[any]bool{}
		for _, o := range objects {
			seen[o["id"]] = true
		}
		if len(objects) != want[0] || pages != want[1] || len(seen) != len(objects) {
			t.Errorf("%s: %d objects, %d different, on %d pages", path, len(objects), len(seen), pages)
		}
	}
}

func TestGraphByIDs(t *testing.T) {
	c := startGraph(t, Config{})
	ids := func(n int) string {
		list := []string{}
		for i := range n {
			list = append(list, fmt.Sprintf(`"00000000-0000-0000-0000-%012d"`, i))
		}
		return strings.Join(list, ",")
	}
	for name, test := range map[string]struct {
		body   string
		status int
		want   any
	}{
		"some exist": {`{"ids":["` + userObject + `",` + ids(3) + `,"` + strings.ToUpper(servicePrincipalObject) + `","` + userObject + `"]}`, 200, []string{"Adele Vance", "Contoso Inventory"}},
		"of a type":  {`{"ids":["` + userObject + `","` + servicePrincipalObject + `"],"types":["ServicePrincipal","device"]}`, 200, []string{"Contoso Inventory"}},
		"any type":   {`{"ids":["` + userObject + `"],"types":["directoryObject"]}`, 200, []string{"Adele Vance"}},
		"a thousand": {`{"ids":[` + ids(1000) + `]}`, 200, []string{}},
		"too many":   {`{"ids":[` + ids(1001) + `]}`, 400, "Request_BadRequest"},
		"no GUID":    {`{"ids":["adele"]}`, 400, "Invalid object identifier 'adele'."},
		"no ids":     {`{}`, 400, "'ids' is missing"},
		"no JSON":    {`{"ids":`, 400, "Unable to read JSON request payload."},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.write(http.MethodPost, "/directoryObjects/getByIds", test.body)
			a.t = t
			if a.status != test.status {
				t.Fatalf("status %d: %s", a.status, a.body)
			}
			if names, ok := test.want.([]string); ok {
				if diff := cmp.Diff(names, a.names()); diff != "" {
					t.Error(diff)
				}
			} else if !strings.Contains(string(a.body), test.want.(string)) {
				t.Errorf("%s", a.body)
			}
		})
	}
}

// TestGraphErrors: the error body and the headers that every answer has.
func TestGraphErrors(t *testing.T) {
	clock := newClock()
	c := startGraph(t, Config{Now: clock.Now})
	request := c.request(http.MethodGet, publicGraph+"/v1.0/users/none", nil)
	request.Header.Set("client-request-id", "mine")
	a := c.send(request)
	want := map[string]any{"error": map[string]any{
		"code": "Request_ResourceNotFound", "message": "Resource 'none' does not exist or one of its queried reference-property objects are not present.",
		"innerError": map[string]any{"date": clock.Now().UTC().Format("2006-01-02T15:04:05"), "request-id": a.header.Get("request-id"), "client-request-id": "mine"},
	}}
	var got map[string]any
	if err := json.Unmarshal(a.body, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || a.status != 404 || a.header.Get("request-id") == "" || a.header.Get("client-request-id") != "mine" {
		t.Errorf("%d %v %s", a.status, a.header, diff)
	}
}

func TestGraphTokens(t *testing.T) {
	clock := newClock()
	c := startGraph(t, Config{Now: clock.Now})
	arm, own := c.tokenFor("https://management.azure.com/.default"), c.tokenFor(c.server.URL()+"/.default")
	for name, test := range map[string]struct {
		token, path string
		status      int
		want        string
	}{
		"of Graph":                 {c.token, "/v1.0/users", 200, "Adele"},
		"of Graph, at ARM":         {c.token, "/subscriptions?api-version=2022-12-01", 401, "InvalidAuthenticationTokenAudience"},
		"of ARM":                   {arm, "/v1.0/users", 401, "Access token validation failure. Invalid audience."},
		"of the simulator":         {own, "/v1.0/users", 200, "Adele"},
		"of the simulator, at ARM": {own, "/subscriptions?api-version=2022-12-01", 200, "value"},
		"none":                     {"", "/v1.0/users", 401, "Access token is empty."},
		"rubbish":                  {"abc", "/v1.0/users", 401, "CompactToken parsing failed with error code: 80049217"},
		"the beta":                 {c.token, "/beta/users", 400, "Invalid version: beta"},
	} {
		t.Run(name, func(t *testing.T) {
			c := *c.caller
			c.t, c.token = t, test.token
			if a := c.get(test.path); a.status != test.status || !strings.Contains(string(a.body), test.want) {
				t.Errorf("%d: %s", a.status, a.body)
			}
		})
	}
	clock.advance(2 * time.Hour)
	if a := c.read("/users"); a.status != 401 || a.text("error", "message") != "Lifetime validation failed, the token is expired." || a.header.Get("WWW-Authenticate") == "" {
		t.Errorf("%d: %s", a.status, a.body)
	}
}
