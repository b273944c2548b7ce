package azure

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// simulated is a session with a simulator, over the network.
func simulated(t *testing.T, config azuresim.Config, change func(*Config)) (*azuresim.Server, *Session) {
	t.Helper()
	config.StateDir = t.TempDir()
	sim, err := azuresim.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	env := sim.Env()
	own := Config{Getenv: func(name string) string { return env[name] }}
	if change != nil {
		change(&own)
	}
	client, err := New(own)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return sim, client.Session("")
}

// ids reads the ids of a list.
func ids(ctx context.Context, s *Session, path, version string) ([]string, error) {
	return collect(ctx, s, List{Path: path, Version: version}, func(id *string, raw []byte) error {
		_, after, _ := strings.Cut(string(raw), `"id":"`)
		*id, _, _ = strings.Cut(after, `"`)
		return nil
	})
}

// TestATenantThroughResourceManager reads a tenant by lists alone, in small pages, and holds it
// against what Resource Graph says.
func TestATenantThroughResourceManager(t *testing.T) {
	sim, s := simulated(t, azuresim.Config{PageSize: 7, Quota: -1, NoARMLimits: true}, nil)
	ctx := t.Context()
	subscriptions, err := s.Subscriptions(ctx)
	if err != nil || len(subscriptions) == 0 {
		t.Fatal(subscriptions, err)
	}
	var listed []string
	for _, subscription := range subscriptions {
		path := "/subscriptions/" + subscription.ID
		resources, err := ids(ctx, s, path+"/resources", "2021-04-01")
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, resources...)
		providers, err := s.Providers(ctx, subscription.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range resources {
			version, ok := providers.Version(typeOfPath(id))
			if !ok {
				t.Errorf("no version for %s", typeOfPath(id))
			}
			for _, version := range []string{version, "1999-01-01"} { // the latter has to be mended
				var rows []named
				var totals []int64
				if err := ReadOne(ctx, s, id, version, reader(&rows, &totals)); err != nil || len(rows) != 1 || !strings.HasSuffix(strings.ToLower(id), "/"+strings.ToLower(rows[0].name)) {
					t.Errorf("%s: %v, %v", id, rows, err)
				}
			}
		}
	}
	var rows []string
	var page Page[string]
	if err := Read(ctx, s, Query{KQL: "resources | where isnotempty(subscriptionId) | project id | order by id asc"}, Reader[string]{
		New:  func(context.Context) (*Page[string], error) { return &page, nil },
		Set:  func(id *string, c Column) error { *id = c.Text(); return nil },
		Take: func(p *Page[string]) error { rows = append(rows, p.Rows...); return nil },
	}); err != nil {
		t.Fatal(err)
	}
	for _, all := range [][]string{listed, rows} {
		for i := range all {
			all[i] = strings.ToLower(all[i])
		}
		slices.Sort(all)
	}
	if d := cmp.Diff(rows, listed); d != "" || len(rows) == 0 {
		t.Errorf("%d resources in Resource Graph; (-Resource Graph +lists):\n%s", len(rows), d)
	}

	h, err := s.ManagementGroups(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Groups) != len(sim.Tenant().ManagementGroups) {
		t.Errorf("%d management groups, want %d", len(h.Groups), len(sim.Tenant().ManagementGroups))
	}
	for _, subscription := range subscriptions {
		known, _ := sim.Tenant().Subscription(subscription.ID)
		var above []string
		for _, a := range h.Above(strings.ToUpper(subscription.ID)) {
			above = append(above, a.Name)
		}
		if d := cmp.Diff(known.Ancestors, above); d != "" {
			t.Errorf("above %s (-want +got):\n%s", subscription.Name, d)
		}
	}
}

// TestWhatASimulatedAzureRefuses holds the simulator's refusals against what they are taken for.
func TestWhatASimulatedAzureRefuses(t *testing.T) {
	sim, s := simulated(t, azuresim.Config{Quota: -1, NoARMLimits: true}, nil)
	ctx, subscription := t.Context(), ""
	subscriptions, err := s.Subscriptions(ctx)
	if err != nil {
		t.Fatal(err)
	}
	subscription = "/subscriptions/" + subscriptions[0].ID
	denied := subscriptions[1].ID
	if _, err := sim.Inject(azuresim.Faults{Deny: []string{denied}}); err != nil {
		t.Fatal(err)
	}
	forbidden := func(err error) bool { return fault.CodeOf(err) == fault.AzureForbidden }
	cases := map[string]struct {
		path string
		is   func(error) bool
	}{
		"no group":        {subscription + "/resourceGroups/none/resources", IsNotFound},
		"no parent":       {subscription + "/resourceGroups/none/providers/Microsoft.Storage/storageAccounts/none/blobServices", IsNotFound},
		"no provider":     {subscription + "/providers/Microsoft.None/things", IsUnsupported},
		"no type":         {subscription + "/providers/Microsoft.Storage/none", IsUnsupported},
		"no rights":       {"/subscriptions/" + denied + "/resourceGroups", forbidden},
		"no subscription": {"/subscriptions/00000000-0000-4000-8000-00000000ffff/resourceGroups", func(err error) bool { return IsNotFound(err) || forbidden(err) }},
	}
	for name, c := range cases {
		if err := get(ctx, s, c.path); !c.is(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := read(ctx, s, Query{KQL: "appserviceresourcesx | project id"}); !IsNoTable(err) {
		t.Errorf("no table: %v", err)
	}
	if err := s.TrySubscription(ctx, denied); !forbidden(err) {
		t.Errorf("no rights to try: %v", err)
	}
}
