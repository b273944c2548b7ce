package local_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	kindContainers = "resourcecontainers"
	kindAssigned   = "authorizationresources"
	kindResources  = "resources"
)

func line(scope, name, kind string, state backend.CoverageState, listed, expected int64) backend.CoverageEntry {
	return backend.CoverageEntry{Scope: scope, Name: name, Kind: kind, State: state, Listed: listed, Expected: expected}
}

// whole is the ledger of a whole scan of the company, by place.
func whole() map[string]backend.CoverageEntry {
	const listed, skipped = backend.CoverageListed, backend.CoverageSkipped
	return byPlace([]backend.CoverageEntry{
		line("tenant", "Contoso", kindContainers, listed, 1, 1), line("tenant", "Contoso", kindAssigned, listed, 4, 4),
		line(subProd, "Production", kindContainers, listed, 3, 3), line(subProd, "Production", kindAssigned, listed, 3, 3), line(subProd, "Production", kindResources, listed, 8, 8),
		line(subTest, "Test", kindContainers, listed, 2, 2), line(subTest, "Test", kindAssigned, listed, 1, 1), line(subTest, "Test", kindResources, listed, 5, 5),
		line(subEmpty, "Sandbox", kindContainers, listed, 1, 1), line(subEmpty, "Sandbox", kindAssigned, listed, 0, 0), line(subEmpty, "Sandbox", kindResources, listed, 0, 0),
		line(subClosed, "Old", kindContainers, skipped, 0, 0), line(subClosed, "Old", kindAssigned, skipped, 0, 0), line(subClosed, "Old", kindResources, skipped, 0, 0),
	})
}

// byPlace leaves out the lines of tables that are empty in all subscriptions, or not asked for.
func byPlace(entries []backend.CoverageEntry) map[string]backend.CoverageEntry {
	places := map[string]backend.CoverageEntry{}
	for _, e := range entries {
		if e.Scope != "subscriptions" || e.State.Gap() {
			places[e.Scope+" "+e.Kind] = e
		}
	}
	return places
}

// diffCoverage compares ledgers without the texts of their faults.
func diffCoverage(want, got map[string]backend.CoverageEntry) string {
	return cmp.Diff(want, got, cmpopts.IgnoreFields(backend.CoverageEntry{}, "Fault"))
}

func mustScan(t *testing.T, b backend.Backend, request backend.ScanRequest) outcome {
	t.Helper()
	o := scan(t, b, request)
	if o.result == nil {
		t.Fatalf("the scan ended as %s: %v (problems %+v)", o.job.Status, o.job.Error, o.job.Fault.Problems)
	}
	return o
}

func TestAWholeTenant(t *testing.T) {
	sim, settings := simulate(t, azuresim.Config{PageSize: 2})
	b := start(t, settings)
	o := mustScan(t, b, backend.ScanRequest{})
	if d := diffCoverage(whole(), byPlace(o.result.Coverage.Entries)); d != "" {
		t.Errorf("ledger (-want +got):\n%s", d)
	}
	want := &backend.ScanResult{Success: true, Complete: true, Subscriptions: 4, Resources: 13}
	if d := cmp.Diff(want, o.result, cmpopts.IgnoreFields(backend.ScanResult{}, "Coverage", "Snapshot", "DurationSeconds", "Relationships")); d != "" {
		t.Errorf("result (-want +got):\n%s", d)
	}
	if o.result.Snapshot.RoleAssignments != 6 || o.result.Snapshot.TenantID != tenantID || o.result.Snapshot.Filtered {
		t.Errorf("snapshot = %+v", o.result.Snapshot)
	}
	seen := map[string]backend.Progress{}
	for _, e := range o.events {
		if e.Progress != nil {
			seen[e.Progress.Phase] = *e.Progress
		}
	}
	if d := cmp.Diff(backend.Progress{Phase: "resources", Done: 13, Total: 13, Unit: "rows"}, seen["resources"]); d != "" {
		t.Errorf("progress of resources (-want +got):\n%s", d)
	}
	tokens := 0
	for _, r := range sim.Requests() {
		if strings.HasSuffix(r.Path, "/token") {
			tokens++
			continue
		}
		if !strings.HasPrefix(r.Header.Get("User-Agent"), "atg/") {
			t.Errorf("%s has the user agent %q", r.Path, r.Header.Get("User-Agent"))
		}
	}
	if tokens != 1 {
		t.Errorf("%d tokens were asked for", tokens)
	}
	detail, err := b.(backend.SnapshotStore).GetSnapshot(t.Context(), o.result.Snapshot.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]backend.Count{{Key: "westeurope", Count: 10}, {Key: "northeurope", Count: 3}}, detail.ByLocation); d != "" {
		t.Errorf("locations (-want +got):\n%s", d)
	}
}

func TestFilters(t *testing.T) {
	_, settings := simulate(t, azuresim.Config{})
	b := start(t, settings)
	cases := map[string]struct {
		filter                            backend.Filter
		resources, containers, authorized int64
	}{
		"subscription by id":         {backend.Filter{Subscriptions: []string{strings.ToUpper(subTest)}}, 5, 2, 3},
		"subscription by name":       {backend.Filter{Subscriptions: []string{"production", "PRODUCTION"}}, 8, 3, 5},
		"group in two subscriptions": {backend.Filter{ResourceGroups: []string{"WEB"}}, 10, 5, 4},
		"group and subscription":     {backend.Filter{ResourceGroups: []string{"web"}, Subscriptions: []string{subProd}}, 5, 2, 4},
		"type":                       {backend.Filter{ResourceTypes: []string{"Microsoft.Compute/VirtualMachines"}}, 9, 7, 8},
		"two types":                  {backend.Filter{ResourceTypes: []string{"microsoft.storage/storageaccounts", "microsoft.network/virtualnetworks"}}, 4, 7, 8},
		"not a type":                 {backend.Filter{ExcludeTypes: []string{"microsoft.COMPUTE/virtualmachines"}}, 4, 7, 8},
		"location as the portal":     {backend.Filter{Locations: []string{"North Europe"}}, 3, 7, 8},
		"tag, any case":              {backend.Filter{Tags: map[string]string{"ENV": "PROD"}}, 5, 7, 8},
		"tag, any value":             {backend.Filter{Tags: map[string]string{"env": ""}}, 9, 7, 8},
		"two tags":                   {backend.Filter{Tags: map[string]string{"env": "prod", "n": "3"}}, 1, 7, 8},
		"tag with quotes":            {backend.Filter{Tags: map[string]string{"owner's": `it's "us" \ them`}}, 1, 7, 8},
		"hostile group":              {backend.Filter{ResourceGroups: []string{`x') or 1 == 1 or resourceGroup in~ ('`}}, 0, 3, 2},
		"hostile backslash":          {backend.Filter{Locations: []string{`\`, `') | take 1 //`}}, 0, 7, 8},
		"hostile tag":                {backend.Filter{Tags: map[string]string{`'] or true or tags['`: `' or '' == '`}}, 0, 7, 8},
		"hostile type":               {backend.Filter{ExcludeTypes: []string{`a/b\') or true //`}}, 13, 7, 8},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := mustScan(t, b, backend.ScanRequest{Filter: c.filter})
			got := map[string]int64{}
			for _, e := range byPlace(o.result.Coverage.Entries) {
				got[e.Kind] += e.Listed
			}
			want := map[string]int64{kindResources: c.resources, kindContainers: c.containers, kindAssigned: c.authorized}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("rows listed (-want +got):\n%s", d)
			}
			if o.result.Resources != c.resources || !o.result.Complete || !o.result.Snapshot.Filtered {
				t.Errorf("result = %+v", o.result)
			}
		})
	}
}

func TestALimitReadsTheSameResourcesEachTime(t *testing.T) {
	_, settings := simulate(t, azuresim.Config{})
	b := start(t, settings)
	cases := map[string]struct {
		limit, prod, test       int64
		stateOfProd, stateOfAll backend.CoverageState
	}{
		"within the first":  {3, 3, 0, backend.CoverageLimited, backend.CoverageLimited},
		"exactly the first": {8, 8, 0, backend.CoverageListed, backend.CoverageLimited},
		"within the second": {10, 8, 2, backend.CoverageListed, backend.CoverageLimited},
		"more than all":     {100, 8, 5, backend.CoverageListed, backend.CoverageListed},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := mustScan(t, b, backend.ScanRequest{ResourceLimit: c.limit})
			want := whole()
			want[subProd+" "+kindResources] = line(subProd, "Production", kindResources, c.stateOfProd, c.prod, 8)
			want[subTest+" "+kindResources] = line(subTest, "Test", kindResources, c.stateOfAll, c.test, 5)
			if d := diffCoverage(want, byPlace(o.result.Coverage.Entries)); d != "" {
				t.Errorf("ledger (-want +got):\n%s", d)
			}
			if !o.result.Complete || o.result.Resources != c.prod+c.test {
				t.Errorf("complete = %v, %d resources", o.result.Complete, o.result.Resources)
			}
		})
	}
}

func TestAnEmptyTenant(t *testing.T) {
	nothing, err := tenant.Empty()
	if err != nil {
		t.Fatal(err)
	}
	_, settings := simulate(t, azuresim.Config{Tenant: nothing})
	o := mustScan(t, start(t, settings), backend.ScanRequest{})
	if !o.result.Success || !o.result.Complete || o.result.Subscriptions+o.result.Resources != 0 {
		t.Errorf("result = %+v", o.result)
	}
	told := false
	for _, e := range o.events {
		told = told || e.Log != nil && e.Log.Level == backend.LevelWarn && strings.Contains(e.Log.Message, "sees no subscription")
	}
	if !told {
		t.Error("nothing says that the tenant is empty")
	}
}

func TestTenants(t *testing.T) {
	sim, settings := simulate(t, azuresim.Config{})
	delete(settings, "tenant_id")
	b := start(t, settings)
	cases := map[string]struct {
		tenant string
		want   fault.Code
	}{
		"its id":            {tenantID, ""},
		"its domain":        {sim.Tenant().Domain, ""},
		"a tenant of none":  {"99999999-2222-4333-8444-555555555555", fault.InvalidArgument},
		"none, no way":      {"", fault.AzureAuthRequired},
		"no form":           {"not a tenant", fault.InvalidArgument},
		"almost an id":      {tenantID + "0", fault.InvalidArgument},
		"a path":            {"../common", fault.InvalidArgument},
		"a word of Entra's": {"common", fault.InvalidArgument},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			before := sim.TotalRequests()
			job, err := b.Submit(t.Context(), backend.Submission{Request: &backend.ScanRequest{TenantID: c.tenant}})
			if err != nil {
				if fault.CodeOf(err) != c.want || fault.Of(err).Hint == "" {
					t.Errorf("Submit = %+v", fault.Of(err))
				}
				if sim.TotalRequests() != before {
					t.Error("it took a connection to see that")
				}
				return
			}
			o := finish(t, b, job.JobID)
			if c.want == "" && o.result == nil || c.want != "" && (o.job.Fault == nil || o.job.Fault.Code != c.want) {
				t.Errorf("fault = %+v, want %q", o.job.Fault, c.want)
			}
			if o.result != nil && o.result.Snapshot.TenantID != tenantID {
				t.Errorf("tenant = %s", o.result.Snapshot.TenantID)
			}
		})
	}
}

func TestAnUnknownSubscription(t *testing.T) {
	_, settings := simulate(t, azuresim.Config{})
	b := start(t, settings)
	cases := map[string]struct{ name, hint string }{
		"a typing error": {"Productiom", `did you mean "Production"?`},
		"something else": {"Marketing", "visible are Production (" + subProd + ")"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := scan(t, b, backend.ScanRequest{Filter: backend.Filter{Subscriptions: []string{"Test", c.name}}})
			if o.job.Fault == nil || o.job.Fault.Code != fault.InvalidArgument || !strings.Contains(o.job.Fault.Message, c.name) || !strings.Contains(o.job.Fault.Hint, c.hint) {
				t.Errorf("fault = %+v", o.job.Fault)
			}
		})
	}
}

func TestSubmitRefuses(t *testing.T) {
	_, settings := simulate(t, azuresim.Config{})
	b := start(t, settings)
	cases := map[string]struct {
		submission backend.Submission
		want       fault.Code
		says       string
	}{
		"identities":         {backend.Submission{Request: &backend.ScanRequest{Identities: "some"}}, fault.InvalidArgument, "no choice of identities"},
		"no discovery":       {backend.Submission{Request: &backend.ScanRequest{Discovery: "crystal ball"}}, fault.InvalidArgument, "crystal ball"},
		"no depth":           {backend.Submission{Request: &backend.ScanRequest{Depth: "deep"}}, fault.InvalidArgument, "deep"},
		"negative limit":     {backend.Submission{Request: &backend.ScanRequest{ResourceLimit: -1}}, fault.InvalidArgument, "-1"},
		"no type":            {backend.Submission{Request: &backend.ScanRequest{Filter: backend.Filter{ResourceTypes: []string{"vm"}}}}, fault.InvalidArgument, "filter"},
		"control character":  {backend.Submission{Request: &backend.ScanRequest{Filter: backend.Filter{Locations: []string{"a\nb"}}}}, fault.InvalidArgument, "filter"},
		"a shard of another": {backend.Submission{Request: &backend.SpecGenerationRequest{}, Shard: []string{"x"}}, fault.Unsupported, "shard"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := b.Submit(t.Context(), c.submission)
			if fault.CodeOf(err) != c.want || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Submit = %v, want %s that says %q", err, c.want, c.says)
			}
			if f := fault.As(err); f != nil && strings.Contains(f.Message, "cannot scan with") && f.Hint == "" {
				t.Errorf("%v has no hint", err)
			}
		})
	}
}

// leftovers are the files of a store that belong to no snapshot.
func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") && e.Name() != ".lock" {
			names = append(names, e.Name())
		}
	}
	return names
}
