package msgraph

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
)

// newService serves a directory of one object of each kind, each with hostile names.
func newService(t testing.TB) *Service {
	t.Helper()
	list := directory.NewList()
	for i, kind := range directory.Kinds {
		properties := map[string]any{
			"displayName": "</script>\"'\n\u202e" + kind.String(), "userPrincipalName": "a@contoso.com", "appId": idAt(10 + i), "groupTypes": []any{"x"}, "accountEnabled": true,
		}
		if !list.Add(directory.Object{Kind: kind, ID: idAt(i), Properties: properties}, []string{idAt(0), idAt(1), idAt(2)}, []string{idAt(0)}) {
			t.Fatal(kind)
		}
	}
	d, n := directory.New(list, time.Now), 100
	return &Service{
		Directory: func() *directory.Directory { return d },
		Organization: func() Organization {
			return Organization{ID: idAt(99), Name: "Contoso", Domain: "contoso.onmicrosoft.com"}
		},
		Settings: func() Settings {
			return Settings{Permissions: AllPermissions(), Limits: true, Writes: WriteQuota, Window: 10 * time.Second}
		},
		Now:    time.Now,
		NewID:  func() string { n++; return idAt(n) },
		Strike: func(string, string, []byte) (Struck, bool) { return Struck{}, false },
	}
}

func idAt(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// FuzzAnswer: whatever is asked, there is an answer, and it is JSON.
func FuzzAnswer(f *testing.F) {
	for _, seed := range [][4]string{
		{"GET", "/users", "$filter=displayName eq 'a' or not(startswith(displayName,'b''c')) and id in ('x','y')&$select=id,displayName&$top=3&$count=true&$expand=owners($select=id)", ""},
		{"GET", "/groups", "$filter=groupTypes/any(c:startswith(c,'U'))&$count=true&$skiptoken=RFNwdAoAAQMQ", ""},
		{"GET", "/groups/" + idAt(1) + "/transitiveMembers/microsoft.graph.user", "$count=true&$filter=accountEnabled ne false", ""},
		{"GET", "/servicePrincipals(appId='" + idAt(12) + "')/owners/$ref", "", ""},
		{"POST", "/users", "", `{"accountEnabled":true,"displayName":"n","mailNickname":"n","userPrincipalName":"n@contoso.com","passwordProfile":{"password":"xWwvJ]6NMw+bWH-d"}}`},
		{"POST", "/groups", "", `{"displayName":"n","mailEnabled":false,"mailNickname":"n","securityEnabled":true,"members@odata.bind":["https://x/` + idAt(0) + `"]}`},
		{"PATCH", "/applications/" + idAt(3), "", `{"displayName":["x"],"tags":[1,{"a":null}]}`},
		{"POST", "/groups/" + idAt(1) + "/owners/$ref", "", `{"@odata.id":"https://x/` + idAt(2) + `"}`},
		{"DELETE", "/groups/" + idAt(1) + "/members/" + idAt(0) + "/$ref", "", ""},
		{"POST", "/directoryObjects/getByIds", "$select=appId", `{"ids":["` + idAt(0) + `","` + idAt(2) + `"],"types":["user"]}`},
		{"POST", "/$batch", "", `{"requests":[{"id":"1","method":"GET","url":"/users?$filter=id eq 'x'"},{"id":"2","method":"POST","url":"/groups","body":{},"headers":{"Content-Type":"a"},"dependsOn":["1"]}]}`},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		s := newService(t)
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		a := s.Answer(&Request{
			Method: method, Base: "https://graph.microsoft.com/v1.0", Path: path, Query: values, Header: http.Header{"Consistencylevel": {"eventual"}}, Body: []byte(body),
			Caller: Caller{AppID: idAt(13), ObjectID: idAt(2), TenantID: idAt(99)},
		})
		if a.Status < 200 || a.Status > 599 {
			t.Errorf("status %d", a.Status)
		}
		if strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") && !json.Valid(a.Body) {
			t.Errorf("%d: %s", a.Status, a.Body)
		}
	})
}
