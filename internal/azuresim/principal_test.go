package azuresim

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
)

// TestPrincipals: a role is assigned to what is in the directory, or to what is said to be coming.
func TestPrincipals(t *testing.T) {
	c := writer(t, Config{})
	const group, nobody = "138c4feb-539d-59ac-a4e1-53834791fa76", "f9f827c5-6ec0-553f-ad88-ce3d48e6fa3b"
	app, _ := c.server.Directory().Named(directory.Application, DefaultClientID)
	for i, test := range []struct {
		name, principal, typ string
		status               int
		want                 string
	}{
		{"a group", group, "", 201, `"principalType":"Group"`},
		{"a group, in capitals", strings.ToUpper(group), "group", 201, `"principalType":"Group"`},
		{"an identity", "b70fc9ee-e347-5df1-84a1-9715788ea659", "ServicePrincipal", 201, `"principalType":"ServicePrincipal"`},
		{"nobody", nobody, "", 400, `"code":"PrincipalNotFound","message":"Principal f9f827c56ec0553fad88ce3d48e6fa3b does not exist in the directory c0175050-0000-4000-8000-0000000000c0.`},
		{"someone to come", nobody, "User", 201, `"principalType":"User"`},
		{"of another type", group, "User", 400, `"code":"UnmatchedPrincipalType","message":"The PrincipalId '138c4feb539d59aca4e153834791fa76' has type 'Group' , which is different from specified PrinciaplType 'User'."`},
		{"an application", app.ID, "", 400, "PrincipalTypeNotSupported"},
	} {
		t.Run(test.name, func(t *testing.T) {
			properties := fmt.Sprintf(`"roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae%d","principalId":%q`, i, test.principal)
			if test.typ != "" {
				properties += fmt.Sprintf(`,"principalType":%q`, test.typ)
			}
			a := c.do(http.MethodPut, fmt.Sprintf("%s/providers/Microsoft.Authorization/roleAssignments/aaaaaaaa-0000-4000-8000-00000000000%d?api-version=2022-04-01", writeGroup, i), `{"properties":{`+properties+`}}`)
			if a.status != test.status || !strings.Contains(string(a.body), test.want) {
				t.Errorf("%d: %s", a.status, a.body)
			}
		})
	}
}

// TestManagedIdentities come with their resources, and go with them.
func TestManagedIdentities(t *testing.T) {
	c := writer(t, Config{})
	graph := graphCaller{&caller{t: t, server: c.server, client: c.client}}
	graph.token = graph.tokenFor(publicGraph + "/.default")
	user, site := writeTo+"Microsoft.ManagedIdentity/userAssignedIdentities/id-new", writeTo+"Microsoft.Web/sites/site-new"
	made := c.do(http.MethodPut, user+"?api-version=2023-01-31", `{"location":"westeurope"}`)
	principal := made.text("properties", "principalId")
	shown := graph.read("/servicePrincipals/" + principal)
	if made.status != http.StatusCreated || shown.text("displayName") != "id-new" || shown.text("appId") != made.text("properties", "clientId") || shown.text("servicePrincipalType") != "ManagedIdentity" ||
		shown.list("alternativeNames")[0] != "isExplicit=True" || !strings.EqualFold(shown.list("alternativeNames")[1].(string), user) {
		t.Errorf("%d %s", shown.status, shown.body)
	}
	if a := graph.write(http.MethodDelete, "/servicePrincipals/"+principal, ""); a.status != http.StatusForbidden {
		t.Errorf("%d %s", a.status, a.body)
	}
	put := func(identity string) *answer {
		return c.do(http.MethodPut, site+"?api-version=2023-12-01", `{"location":"westeurope","kind":"app","properties":{}`+identity+`}`)
	}
	own := put(`,"identity":{"type":"SystemAssigned"}`).text("identity", "principalId")
	if again := put(`,"identity":{"type":"SystemAssigned"}`).text("identity", "principalId"); again != own {
		t.Errorf("%s and then %s", own, again)
	}
	shown = graph.read("/servicePrincipals/" + own)
	if shown.text("displayName") != "site-new" || shown.list("alternativeNames")[0] != "isExplicit=False" {
		t.Errorf("%d %s", shown.status, shown.body)
	}
	put("")
	if a := graph.read("/servicePrincipals/" + own); a.status != http.StatusNotFound {
		t.Errorf("%d %s", a.status, a.body)
	}
	put(`,"identity":{"type":"SystemAssigned"}`)
	c.do(http.MethodDelete, user+"?api-version=2023-01-31", "")
	c.do(http.MethodDelete, writeGroup+"?api-version=2021-04-01", "")
	for _, id := range []string{own, principal} {
		if a := graph.read("/servicePrincipals/" + id); a.status != http.StatusNotFound {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
}

// TestDirectoryLag: what is new is found late, by reads and by the check of role assignments.
func TestDirectoryLag(t *testing.T) {
	clock := newClock()
	c := startGraph(t, Config{Now: clock.Now})
	c.set(func(s *Settings) { s.DirectoryDelay, s.DirectoryMisses = Duration(time.Minute), 2 })
	made := c.write(http.MethodPost, "/groups", `{"displayName":"Later","mailEnabled":false,"mailNickname":"later","securityEnabled":true}`)
	id := made.text("id")
	found := func() (byID, listed bool) {
		t.Helper()
		return c.read("/groups/"+id).status == http.StatusOK, len(c.read("/groups?$filter=displayName eq 'Later'").list("value")) == 1
	}
	for i, want := range [][2]bool{{false, false}, {false, false}} {
		if byID, listed := found(); byID != want[0] || listed != want[1] {
			t.Errorf("%d: found %v, listed %v", i, byID, listed)
		}
	}
	clock.advance(time.Minute)
	for i, want := range [][2]bool{{false, false}, {false, true}, {true, true}} {
		if byID, listed := found(); byID != want[0] || listed != want[1] {
			t.Errorf("after a minute, %d: found %v, listed %v", i, byID, listed)
		}
	}
}

// TestPrincipalLag: an identity that has just been made is not there for the check of an assignment
// that does not say what it is.
func TestPrincipalLag(t *testing.T) {
	clock := newClock()
	c := writer(t, Config{Now: clock.Now})
	c.set(func(s *Settings) { s.DirectoryDelay = Duration(time.Minute) })
	made := c.do(http.MethodPut, writeTo+"Microsoft.ManagedIdentity/userAssignedIdentities/id-new?api-version=2023-01-31", `{"location":"westeurope"}`)
	assign := func(name, more string) *answer {
		return c.do(http.MethodPut, writeGroup+"/providers/Microsoft.Authorization/roleAssignments/aaaaaaaa-0000-4000-8000-00000000000"+name+"?api-version=2022-04-01",
			`{"properties":{"roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/`+name+`","principalId":"`+made.text("properties", "principalId")+`"`+more+`}}`)
	}
	if a := assign("1", ""); a.text("error", "code") != "PrincipalNotFound" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := assign("2", `,"principalType":"ServicePrincipal"`); a.status != http.StatusCreated {
		t.Errorf("%d %s", a.status, a.body)
	}
	clock.advance(time.Minute)
	if a := assign("1", ""); a.status != http.StatusCreated {
		t.Errorf("%d %s", a.status, a.body)
	}
}
