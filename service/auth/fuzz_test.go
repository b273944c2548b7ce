package auth

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/service/jobs/jobstest"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// asked remembers under which ids keys are looked up.
type asked struct {
	jobs.Keys
	ids []string
}

func (a *asked) GetKey(ctx context.Context, id string) (jobs.Key, error) {
	a.ids = append(a.ids, id)
	return a.Keys.GetKey(ctx, id)
}

// FuzzCheck: whatever stands in an Authorization header, only the whole key lets one in, whoever is refused learns nothing, and nothing but
// a key's id is looked up.
func FuzzCheck(f *testing.F) {
	store := jobstest.New()
	key, issued, err := Issue(f.Context(), store, NewKey{Name: "x", Scopes: []api.Scope{api.ScopeRead}, Tenants: []string{"t"}}, time.Now())
	if err != nil {
		f.Fatal(err)
	}
	good := key.Reveal()
	for _, header := range []string{
		"Bearer KEY", "bearer  KEY ", "Basic KEY", "Bearer KEYx", "Bearer KE", "KEY", "", " ", "Bearer", "Bearer atg_", "Bearer atg_" + issued.ID + "_", "Bearer atg_>.*_x", "Bearer KEY,Bearer KEY", "Bearer\tKEY", "Bearer \x00KEY", "Bearer " + strings.ToUpper("KEY"),
	} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		header = strings.ReplaceAll(header, "KEY", good)
		keys := &asked{Keys: store}
		granted, err := New(Options{Keys: keys, FailureRate: -1}).Check(t.Context(), header, "192.0.2.1:1")
		for _, id := range keys.ids {
			if len(id) != idLength {
				t.Errorf("%q is looked up", id)
			}
		}
		scheme, rest, _ := strings.Cut(header, " ")
		if whole := strings.EqualFold(scheme, "Bearer") && strings.TrimSpace(rest) == good; whole != (err == nil) {
			t.Errorf("%q: %+v, %v", header, granted, err)
		}
		if err == nil {
			return
		}
		f := fault.As(err)
		if f == nil || f.Code != fault.AuthRequired && f.Code != fault.AuthFailed || granted.Key != "" || len(granted.Scopes) > 0 {
			t.Fatalf("%q: %+v, %v", header, granted, err)
		}
		if text := f.Error() + f.Hint; strings.Contains(text, good) || strings.Contains(text, issued.ID) {
			t.Errorf("whoever is refused learns %q", text)
		}
	})
}
