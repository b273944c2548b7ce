package local_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// query reads the first two columns of a query's rows from the snapshot of a scan.
func query(t *testing.T, settings backend.Settings, o outcome, text string) map[string]string {
	t.Helper()
	if o.result == nil {
		t.Fatalf("the scan ended as %s: %v", o.job.Status, o.job.Error)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(settings["store_dir"].(string), o.result.Snapshot.ID+".db"))+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	found := map[string]string{}
	for rows.Next() {
		var key string
		var value sql.NullString
		if err := rows.Scan(&key, &value); err != nil {
			t.Fatal(err)
		}
		found[key] = value.String
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

func contoso(t *testing.T) *tenant.Tenant {
	t.Helper()
	made, err := tenant.Contoso()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// beside are the gaps of a scan beside what only Resource Graph lists.
func beside(o outcome) []backend.CoverageEntry {
	return slices.DeleteFunc(o.result.Coverage.Gaps(), func(e backend.CoverageEntry) bool {
		return e.State == backend.CoverageUnsupported && strings.Contains(e.Fault.Message, "only Resource Graph")
	})
}

// TestWithoutResourceGraph scans a tenant both ways. What Resource Graph lists, Resource Manager lists too.
func TestWithoutResourceGraph(t *testing.T) {
	sim, settings := simulate(t, azuresim.Config{Tenant: contoso(t), PageSize: 7, NoARMLimits: true})
	b := start(t, settings)
	byGraph := mustScan(t, b, backend.ScanRequest{Discovery: backend.DiscoveryGraph, Depth: backend.DepthChildren})
	const tracked = `SELECT lower(id), properties FROM resources WHERE source = 'resources'`
	want := query(t, settings, byGraph, tracked)

	byARM := mustScan(t, b, backend.ScanRequest{Discovery: backend.DiscoveryARM, Depth: backend.DepthChildren})
	got := query(t, settings, byARM, `SELECT lower(id), properties FROM resources WHERE source = 'arm'`)
	for id := range want {
		if _, ok := got[id]; !ok {
			t.Errorf("%s is missing", id)
		}
	}
	if gaps := beside(byARM); len(gaps) > 0 {
		t.Errorf("gaps: %+v", gaps)
	}
	want = query(t, settings, byGraph, `SELECT lower(id), type FROM resources WHERE type NOT IN ('microsoft.insights/datacollectionruleassociations',
		'microsoft.kubernetesconfiguration/extensions', 'microsoft.kubernetesconfiguration/fluxconfigurations')
		AND type NOT LIKE '%/protecteditems'`) // which the simulator has no list of
	if d := cmp.Diff(want, query(t, settings, byARM, `SELECT lower(id), type FROM resources`)); d != "" {
		t.Errorf("resources (-Resource Graph +Resource Manager):\n%s", d)
	}
	for what, text := range map[string]string{
		"containers":       `SELECT lower(id), lower(type) FROM containers`,
		"subscriptions":    `SELECT id, name FROM containers WHERE type = 'microsoft.resources/subscriptions'`,
		"role assignments": `SELECT lower(id), principal_id FROM role_assignments WHERE subscription_id <> ''`,
		"what contains":    `SELECT id_key, parent_key FROM containers`,
	} {
		if d := cmp.Diff(query(t, settings, byGraph, text), query(t, settings, byARM, text)); d != "" {
			t.Errorf("%s (-Resource Graph +Resource Manager):\n%s", what, d)
		}
	}

	t.Run("extensions", func(t *testing.T) {
		const extending = `SELECT lower(id), substr(id_key, 1, parent_length) FROM resources WHERE type = 'microsoft.insights/diagnosticsettings'`
		listed := mustScan(t, b, backend.ScanRequest{Discovery: backend.DiscoveryARM, Depth: backend.DepthExtensions})
		shown := mustScan(t, b, backend.ScanRequest{Discovery: backend.DiscoveryGraph, Depth: backend.DepthExtensions})
		want := query(t, settings, shown, extending)
		if d := cmp.Diff(want, query(t, settings, listed, extending)); d != "" {
			t.Errorf("extensions (-Resource Graph +Resource Manager):\n%s", d)
		}
		above := 0 // of subscriptions and groups
		for _, of := range want {
			if !strings.Contains(of, "/providers/") {
				above++
			}
		}
		if above == 0 || above == len(want) {
			t.Errorf("%d of %d extend what contains resources", above, len(want))
		}
	})

	t.Run("of itself", func(t *testing.T) {
		inject(t, sim, azuresim.Faults{Rules: []azuresim.Fault{{Path: graphPath, Status: 404, Code: "InvalidResourceNamespace", Message: "The resource namespace 'Microsoft.ResourceGraph' is invalid."}}})
		auto := mustScan(t, b, backend.ScanRequest{Depth: backend.DepthChildren})
		if d := cmp.Diff(digest(t, settings, byARM), digest(t, settings, auto)); d != "" {
			t.Errorf("digest (-asked for +of itself):\n%s", d)
		}
		o := scan(t, b, backend.ScanRequest{Discovery: backend.DiscoveryGraph})
		if o.job.Fault == nil || o.job.Fault.Hint == "" || !strings.Contains(o.job.Fault.Message, "Resource Graph") {
			t.Errorf("fault = %+v", o.job.Fault)
		}
	})
}

// TestWhatResourceGraphDropsIsListed hides a subscription from Resource Graph alone.
func TestWhatResourceGraphDropsIsListed(t *testing.T) {
	sim, settings := simulate(t, azuresim.Config{})
	b := start(t, settings)
	inject(t, sim, azuresim.Faults{Hide: []string{subTest}})
	o := mustScan(t, b, backend.ScanRequest{})
	got := byPlace(o.result.Coverage.Entries)
	if d := diffCoverage(map[string]backend.CoverageEntry{"x": line(subTest, "Test", "arm", backend.CoverageListed, 5, 5)},
		map[string]backend.CoverageEntry{"x": got[subTest+" arm"]}); d != "" {
		t.Errorf("ledger (-want +got):\n%s", d)
	}
	if gaps := beside(o); len(gaps) > 0 || o.result.Resources != 13 {
		t.Errorf("gaps = %+v, %d resources", gaps, o.result.Resources)
	}
}

// TestRoleAssignmentsWithoutTheirTable is of a cloud whose Resource Graph lacks tables, as Azure China's does.
func TestRoleAssignmentsWithoutTheirTable(t *testing.T) {
	sim, settings := simulate(t, azuresim.Config{Tenant: contoso(t), NoARMLimits: true})
	b := start(t, settings)
	const assigned = `SELECT lower(id), principal_id FROM role_assignments`
	want := query(t, settings, mustScan(t, b, backend.ScanRequest{}), assigned)
	var rules []azuresim.Fault
	for _, table := range []string{kindAssigned, "appserviceresources"} {
		rules = append(rules, azuresim.Fault{Path: graphPath, Body: `"` + table + ` `, Status: 400, Code: "DisallowedLogicalTableName", Message: "Table " + table + " is invalid, unsupported or disallowed"})
	}
	inject(t, sim, azuresim.Faults{Rules: rules})
	o := mustScan(t, b, backend.ScanRequest{})
	if d := cmp.Diff(want, query(t, settings, o, assigned)); d != "" {
		t.Errorf("role assignments (-Resource Graph +Resource Manager):\n%s", d)
	}
	gaps := o.result.Coverage.Gaps()
	if len(gaps) != 1 || gaps[0].Kind != "appserviceresources" || gaps[0].State != backend.CoverageUnsupported {
		t.Errorf("gaps = %+v", gaps)
	}
}

func TestResourcesThatCannotBeReadByTheirIDs(t *testing.T) {
	sim, settings := simulate(t, azuresim.Config{})
	settings["throttle_patience"] = 1
	b := start(t, settings)
	request := backend.ScanRequest{Discovery: backend.DiscoveryARM, Filter: backend.Filter{Subscriptions: []string{"Test"}}}
	for name, c := range map[string]struct {
		fault  azuresim.Fault
		state  backend.CoverageState // of the line for the type; empty is no gap
		listed int64
		kept   int64
	}{
		"refused":    {azuresim.Fault{Status: 403}, backend.CoverageDenied, 4, 5},
		"gone":       {azuresim.Fault{Status: 404, Code: "ResourceNotFound", Message: "gone"}, "", 4, 4},
		"unknown":    {azuresim.Fault{Status: 400, Code: "ResourceTypeNotSupported", Message: "no"}, backend.CoverageUnsupported, 4, 5},
		"in trouble": {azuresim.Fault{Status: 500}, backend.CoverageFailed, 4, 5},
	} {
		t.Run(name, func(t *testing.T) {
			whole := mustScan(t, b, request)
			var id string
			for found := range query(t, settings, whole, `SELECT id, type FROM resources LIMIT 1`) {
				id = found
			}
			c.fault.Path = id + "$"
			remove, err := sim.Inject(azuresim.Faults{Rules: []azuresim.Fault{c.fault}})
			if err != nil {
				t.Fatal(err)
			}
			defer remove()
			o := mustScan(t, b, request)
			gaps := beside(o)
			if c.state == "" && len(gaps) > 0 || c.state != "" && (len(gaps) != 1 || gaps[0].State != c.state || gaps[0].Fault == nil) {
				t.Errorf("gaps = %+v", gaps)
			}
			if o.result.Resources != c.kept {
				t.Errorf("%d resources", o.result.Resources)
			}
			if got := byPlace(o.result.Coverage.Entries)[subTest+" arm"]; got.Listed != c.listed {
				t.Errorf("%d of %d listed", got.Listed, got.Expected)
			}
		})
	}
}
