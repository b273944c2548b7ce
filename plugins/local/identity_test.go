package local_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestIdentities(t *testing.T) {
	sim, settings := withDirectory(t, azuresim.Config{})
	b := start(t, settings)
	contoso := sim.Tenant()
	all := append([]string{""}, subscriptionsOf(contoso)...)
	one := contoso.Subscriptions[1].ID
	whole := everybody(sim.Directory())
	for id := range namedBy(t, contoso, all...) {
		if whole.Identities[id] == "" {
			whole.Identities[id] = "deleted"
		}
	}
	for name, c := range map[string]struct {
		request backend.ScanRequest
		want    people
	}{
		"referenced":                 {backend.ScanRequest{Identities: backend.IdentitiesReferenced}, closure(sim.Directory(), contoso.ID, namedBy(t, contoso, all...))},
		"without a choice":           {backend.ScanRequest{}, closure(sim.Directory(), contoso.ID, namedBy(t, contoso, all...))},
		"referenced by subscription": {backend.ScanRequest{Filter: backend.Filter{Subscriptions: []string{one}}}, closure(sim.Directory(), contoso.ID, namedBy(t, contoso, one))},
		"all":                        {backend.ScanRequest{Identities: backend.IdentitiesAll}, whole},
		"none":                       {backend.ScanRequest{Identities: backend.IdentitiesNone}, people{map[string]string{}, map[string][]string{}}},
	} {
		t.Run(name, func(t *testing.T) {
			sim.ResetRequests()
			o := mustScan(t, b, c.request)
			if d := cmp.Diff(c.want, peopleOf(t, settings, o).withoutKinds()); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if !o.result.Complete {
				t.Errorf("gaps: %+v", o.result.Coverage.Gaps())
			}
			states := map[string]int{}
			for _, is := range c.want.Identities {
				states[is]++
			}
			members := 0
			for _, m := range c.want.Members {
				members += len(m)
			}
			lines := map[string]string{
				"users": fmt.Sprintf("listed %d", states["present user"]), "groups": fmt.Sprintf("listed %d", states["present group"]), "memberships": fmt.Sprintf("listed %d", members),
				"service principals": fmt.Sprintf("listed %d", states["present service_principal"]+states["present managed_identity"]),
				"applications":       fmt.Sprintf("listed %d", states["present application"]),
			}
			if c.request.Identities == backend.IdentitiesNone {
				lines = map[string]string{}
				for _, r := range sim.Requests() {
					if strings.HasPrefix(r.Path, "/v1.0/") {
						t.Errorf("Microsoft Graph was asked: %s %s", r.Method, r.Path)
					}
				}
			}
			if d := cmp.Diff(lines, directoryLines(o)); d != "" {
				t.Errorf("ledger (-want +got):\n%s", d)
			}
			unlisted := slices.ContainsFunc(o.result.Coverage.Entries, func(e backend.CoverageEntry) bool {
				return e.Kind == "devices" && e.State == backend.CoverageSkipped && e.Fault != nil
			})
			if unlisted != (c.request.Identities == backend.IdentitiesAll) {
				t.Errorf("the ledger says that devices are not listed: %v", unlisted)
			}
		})
	}
}

// TestIdentitiesAreTheSameEitherWay compares what is kept of those that are both referred to and in the lists.
func TestIdentitiesAreTheSameEitherWay(t *testing.T) {
	_, settings := withDirectory(t, azuresim.Config{})
	b := start(t, settings)
	kept := map[backend.Identities]map[string]graph.Identity{}
	for _, which := range []backend.Identities{backend.IdentitiesAll, backend.IdentitiesReferenced} {
		kept[which] = map[string]graph.Identity{}
		r := openSnapshot(t, settings, mustScan(t, b, backend.ScanRequest{Identities: which}))
		if err := r.Identities(t.Context(), func(i graph.Identity) error { kept[which][i.ObjectID] = i; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	managed, expiring := 0, 0
	for id, i := range kept[backend.IdentitiesReferenced] {
		if d := cmp.Diff(kept[backend.IdentitiesAll][id], i); d != "" {
			t.Errorf("%s (-all +referenced):\n%s", id, d)
		}
		if i.Kind == graph.KindManagedIdentity && strings.HasPrefix(i.ResourceID, "/subscriptions/") && i.AppID != "" {
			managed++
		}
		if i.Kind == graph.KindApplication && strings.Contains(string(i.Raw), `"endDateTime"`) {
			expiring++
		}
		if i.State == graph.IdentityPresent && (i.Name == "" || !json.Valid(i.Raw) || i.Kind == graph.KindUser && (i.Login == "" || i.Enabled == nil)) {
			t.Errorf("%+v with %s", i, i.Raw)
		}
	}
	if managed == 0 || expiring == 0 {
		t.Errorf("%d managed identities and %d applications with credentials", managed, expiring)
	}
}

func TestPermissionsOfIdentities(t *testing.T) {
	const least = "User.Read.All GroupMember.Read.All Application.Read.All"
	skipped := map[string]string{}
	denied := map[string]string{}
	for _, kind := range directoryKinds {
		skipped[kind], denied[kind] = "skipped 0", "denied 0"
	}
	sim, settings := withDirectory(t, azuresim.Config{})
	b := start(t, settings)
	full := directoryLines(mustScan(t, b, backend.ScanRequest{}))
	fullAll := directoryLines(mustScan(t, b, backend.ScanRequest{Identities: backend.IdentitiesAll}))
	but := func(lines map[string]string, changed ...string) map[string]string {
		lines = maps.Clone(lines)
		for i := 0; i < len(changed); i += 2 {
			lines[changed[i]] = changed[i+1]
		}
		return lines
	}
	const referenced, all = backend.IdentitiesReferenced, backend.IdentitiesAll
	for name, c := range map[string]struct {
		permissions string
		which       backend.Identities
		want        map[string]string
		names       []string // permissions that messages name
	}{
		"none, without a choice":       {"", "", skipped, []string{"Directory.Read.All"}},
		"none, referenced":             {"", referenced, denied, []string{"User.Read.All", "GroupMember.Read.All", "Application.Read.All"}},
		"none, all":                    {"", all, denied, []string{"User.Read.All", "GroupMember.Read.All", "Application.Read.All"}},
		"the least, without a choice":  {least, "", full, nil},
		"the least, all":               {least, all, fullAll, nil},
		"the directory":                {"Directory.Read.All", referenced, full, nil},
		"users alone, all":             {"User.Read.All", all, but(denied, "users", fullAll["users"]), []string{"GroupMember.Read.All", "Application.Read.All"}},
		"no users, without a choice":   {"GroupMember.Read.All Application.Read.All", "", but(full, "users", "denied 0"), []string{"User.Read.All"}},
		"no users, all":                {"GroupMember.Read.All Application.Read.All", all, but(fullAll, "users", "denied 0"), []string{"User.Read.All"}},
		"no applications, for a named": {"User.Read.All GroupMember.Read.All", referenced, but(full, "applications", "denied 0", "service principals", "denied 0"), []string{"Application.Read.All"}},
	} {
		t.Run(name, func(t *testing.T) {
			granted := sim.Settings()
			granted.MSGraphPermissions = strings.Fields(c.permissions)
			if err := sim.SetSettings(granted); err != nil {
				t.Fatal(err)
			}
			o := mustScan(t, b, backend.ScanRequest{Identities: c.which})
			if d := cmp.Diff(c.want, directoryLines(o)); d != "" {
				t.Errorf("ledger (-want +got):\n%s", d)
			}
			if gap := strings.Contains(fmt.Sprint(c.want), "denied"); o.result.Complete == gap {
				t.Errorf("complete is %v with gaps %+v", o.result.Complete, o.result.Coverage.Gaps())
			}
			p := peopleOf(t, settings, o)
			unreadable := slices.ContainsFunc(slices.Collect(maps.Values(p.Identities)), func(is string) bool { return strings.HasPrefix(is, "unreadable") })
			if want := strings.Contains(fmt.Sprint(c.want), "denied"); unreadable != want {
				t.Errorf("unreadable identities: %v, want %v", unreadable, want)
			}
			said := ""
			for _, e := range o.result.Coverage.Entries {
				if slices.Contains(directoryKinds, e.Kind) && e.Fault != nil {
					said += e.Fault.Message + "\n"
					if e.Fault.Code != fault.AzureForbidden || e.Fault.Hint == "" {
						t.Errorf("%s: %+v", e.Kind, e.Fault)
					}
				}
			}
			if c.which == "" && o.result.Complete {
				for _, e := range o.events {
					if e.Log != nil && e.Log.Level == backend.LevelWarn {
						said += e.Log.Message
					}
				}
			}
			for _, name := range c.names {
				if !strings.Contains(said, name) {
					t.Errorf("the permission %s is not named in:\n%s", name, said)
				}
			}
		})
	}
}

func TestTroubleWithIdentities(t *testing.T) {
	for name, c := range map[string]struct {
		faults   azuresim.Faults
		which    backend.Identities
		want     string // of the line of memberships; empty is what it is without trouble, and all the others
		complete bool
	}{
		"a token that is refused, without a choice": {azuresim.Faults{Rules: []azuresim.Fault{{Path: "^/v1.0/", Status: 401}}}, "", "skipped 0", true},
		"a token that is refused":                   {azuresim.Faults{Rules: []azuresim.Fault{{Path: "^/v1.0/", Status: 401}}}, backend.IdentitiesAll, "denied 0", false},
		"the connection breaks now and then":        {azuresim.Faults{Rules: []azuresim.Fault{{Path: "^/v1.0/", Reset: true, Every: 2}}}, "", "", true},
		"answers are cut off":                       {azuresim.Faults{Rules: []azuresim.Fault{{Path: "^/v1.0/", Truncate: true, Every: 3, Times: 4}}}, "", "", true},
		"batches are cut off":                       {azuresim.Faults{Rules: []azuresim.Fault{{Path: `^/v1.0/\$batch`, Truncate: true}}}, "", "failed 0", false},
		"it is down":                                {azuresim.Faults{Rules: []azuresim.Fault{{Path: "^/v1.0/", Status: 503}}}, "", "listed 0", false},
		"a batch's items fail now and then":         {azuresim.Faults{Rules: []azuresim.Fault{{Path: "/members", Status: 503, Every: 3}}}, "", "", true},
		"a batch's items are throttled once":        {azuresim.Faults{Rules: []azuresim.Fault{{Path: "/members", Status: 429, RetryAfter: 1, Times: 5}}}, "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contoso, err := tenant.Contoso()
			if err != nil {
				t.Fatal(err)
			}
			sim, settings := simulateQuietly(t, azuresim.Config{Tenant: contoso, NoARMLimits: true})
			settings["graph_endpoint"] = sim.URL()
			b := start(t, settings)
			want := directoryLines(mustScan(t, b, backend.ScanRequest{Identities: c.which}))
			if c.want != "" {
				want["memberships"] = c.want
			}
			inject(t, sim, c.faults)
			o := mustScan(t, b, backend.ScanRequest{Identities: c.which})
			if o.result.Complete != c.complete || directoryLines(o)["memberships"] != want["memberships"] {
				t.Errorf("complete %v, ledger %v", o.result.Complete, directoryLines(o))
			}
			if c.want == "" {
				if d := cmp.Diff(want, directoryLines(o)); d != "" {
					t.Errorf("ledger (-want +got):\n%s", d)
				}
			}
		})
	}
}

// TestIdentitiesWithinTheQuota reads more than the application's units allow at once, and says that it waits.
func TestIdentitiesWithinTheQuota(t *testing.T) {
	sim, settings := withDirectory(t, azuresim.Config{MSGraphUnits: 60})
	o := mustScan(t, start(t, settings), backend.ScanRequest{Identities: backend.IdentitiesAll})
	if !o.result.Complete {
		t.Errorf("gaps: %+v", o.result.Coverage.Gaps())
	}
	if d := cmp.Diff(everybody(sim.Directory()).Members, peopleOf(t, settings, o).Members); d != "" {
		t.Errorf("members (-want +got):\n%s", d)
	}
	waited := slices.ContainsFunc(o.events, func(e backend.Event) bool {
		return e.Progress != nil && slices.Contains([]string{"identities", "members of groups"}, e.Progress.Phase) && strings.Contains(e.Progress.Message, "throttled by Microsoft Graph, waiting")
	})
	if !waited {
		t.Error("nothing was said of a wait")
	}
}

func TestACloudWithoutDirectory(t *testing.T) {
	_, settings := simulate(t, azuresim.Config{})
	b := start(t, settings)
	if o := mustScan(t, b, backend.ScanRequest{}); len(directoryLines(o)) > 0 || !o.result.Complete {
		t.Errorf("without a choice: %+v", o.result)
	}
	o := mustScan(t, b, backend.ScanRequest{Identities: backend.IdentitiesReferenced})
	for _, kind := range directoryKinds {
		if directoryLines(o)[kind] != "unsupported 0" {
			t.Errorf("ledger: %v", directoryLines(o))
		}
	}
	for _, gap := range o.result.Coverage.Gaps() {
		if gap.Fault == nil || !strings.Contains(gap.Fault.Hint, "graph_endpoint") {
			t.Errorf("gap = %+v", gap)
		}
	}
}

// TestLargeGroups have several pages of members, who are read in several calls.
func TestLargeGroups(t *testing.T) {
	made, err := tenant.Synthetic(tenant.SyntheticOptions{Resources: 200, Subscriptions: 1, Seed: 3, Users: 4000, Members: 3500})
	if err != nil {
		t.Fatal(err)
	}
	sim, settings := withDirectory(t, azuresim.Config{Tenant: made})
	b := start(t, settings)
	for which, want := range map[backend.Identities]people{
		backend.IdentitiesReferenced: closure(sim.Directory(), made.ID, namedBy(t, made, "", made.Subscriptions[0].ID)),
		backend.IdentitiesAll:        everybody(sim.Directory()),
	} {
		got := peopleOf(t, settings, mustScan(t, b, backend.ScanRequest{Identities: which})).withoutKinds()
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", which, d)
		}
		largest := 0
		for _, members := range got.Members {
			largest = max(largest, len(members))
		}
		if least := map[backend.Identities]int{backend.IdentitiesReferenced: 1000, backend.IdentitiesAll: 3500}[which]; largest < least {
			t.Errorf("%s: the largest group has %d members", which, largest)
		}
	}
}

func TestHealthOfTheDirectory(t *testing.T) {
	for name, c := range map[string]struct {
		permissions []string
		healthy     bool
		says        string
	}{
		"all":  {[]string{"Directory.Read.All"}, true, "can be read"},
		"none": {[]string{}, false, "the permissions User.Read.All, GroupMember.Read.All, Application.Read.All are missing"},
		"some": {[]string{"User.Read.All", "Application.Read.All"}, false, "the permission GroupMember.Read.All is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			_, settings := withDirectory(t, azuresim.Config{MSGraphPermissions: c.permissions})
			h := start(t, settings).CheckHealth(t.Context())
			at := slices.IndexFunc(h.Dependencies, func(d backend.Dependency) bool { return d.Name == "Microsoft Graph" })
			if !h.Healthy || at < 0 {
				t.Fatalf("health = %+v", h)
			}
			if d := h.Dependencies[at]; !d.Optional || d.Healthy != c.healthy || !strings.Contains(d.Message, c.says) {
				t.Errorf("Microsoft Graph = %+v", d)
			}
		})
	}
}
