package azuresim

import (
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// BenchmarkGraphPages is the time that it takes to read all pages of a collection of a large
// directory, and the memory that the simulator keeps for it, without a network.
func BenchmarkGraphPages(b *testing.B) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	made, err := tenant.Synthetic(tenant.SyntheticOptions{Resources: 100, Subscriptions: 1, Seed: 1, Users: 100_000, Members: 100_000})
	if err != nil {
		b.Fatal(err)
	}
	s, err := New(Config{Tenant: made, NoMSGraphLimits: true})
	if err != nil {
		b.Fatal(err)
	}
	s.listener = benchListener(b)
	token, err := s.tokens.sign(claims{Audience: publicGraph, AppID: s.ClientID(), ObjectID: servicePrincipalObject, TenantID: made.ID}, time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	group := "/v1.0/groups/" + made.Directory.Object(directory.Group, 0).ID
	for name, first := range map[string]string{
		"users": "/v1.0/users?$top=999", "members": group + "/members?$top=999&$select=id", "transitive": group + "/transitiveMembers?$top=999&$select=id",
		"filter": "/v1.0/users?$top=999&$filter=userType%20eq%20'Guest'",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				objects := 0
				for next := first; next != ""; {
					recorder := httptest.NewRecorder()
					request := httptest.NewRequest(http.MethodGet, next, nil)
					request.Header.Set("Authorization", "Bearer "+token)
					s.ServeHTTP(recorder, request)
					body, err := io.ReadAll(recorder.Body)
					if err != nil || recorder.Code != http.StatusOK {
						b.Fatalf("%d %v: %.300s", recorder.Code, err, body)
					}
					objects += strings.Count(string(body), `"id":`)
					_, link, _ := strings.Cut(string(body), `"@odata.nextLink":"https://example.com`)
					next, _, _ = strings.Cut(link, `"`)
				}
				b.ReportMetric(float64(objects), "objects/op")
			}
		})
	}
	b.Run("kept", func(b *testing.B) {
		for b.Loop() {
			s.ResetRequests()
			runtime.GC()
			runtime.ReadMemStats(&after)
		}
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB")
	})
}
