package local_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

const rowsByType = `SELECT type, count(*) FROM resources GROUP BY type`

// TestEachDepthReadsMore scans the same tenant at each depth.
func TestEachDepthReadsMore(t *testing.T) {
	_, settings := simulate(t, azuresim.Config{Tenant: contoso(t), PageSize: 3, NoARMLimits: true})
	b := start(t, settings)
	found := map[backend.Depth]map[string]string{}
	for _, depth := range []backend.Depth{backend.DepthResources, backend.DepthChildren, backend.DepthExtensions} {
		o := mustScan(t, b, backend.ScanRequest{Depth: depth})
		if !o.result.Complete {
			t.Errorf("%s: gaps %+v", depth, o.result.Coverage.Gaps())
		}
		found[depth] = query(t, settings, o, rowsByType)
	}
	for typ, depth := range map[string]backend.Depth{
		"microsoft.authorization/locks":                             backend.DepthResources,
		"microsoft.authorization/policyassignments":                 backend.DepthResources,
		"microsoft.network/virtualnetworks/subnets":                 backend.DepthChildren,
		"microsoft.storage/storageaccounts/blobservices":            backend.DepthChildren,
		"microsoft.storage/storageaccounts/blobservices/containers": backend.DepthChildren,
		"microsoft.sql/servers/firewallrules":                       backend.DepthChildren,
		"microsoft.keyvault/vaults/secrets":                         backend.DepthChildren,
		"microsoft.insights/diagnosticsettings":                     backend.DepthExtensions,
	} {
		for at, rows := range found {
			if _, ok := rows[typ]; ok != (deep[at] >= deep[depth]) {
				t.Errorf("depth %s has %s: %v", at, typ, ok)
			}
		}
	}
	for typ, rows := range found[backend.DepthResources] {
		if found[backend.DepthExtensions][typ] < rows {
			t.Errorf("depth extensions has %s of %s, depth resources %s", found[backend.DepthExtensions][typ], typ, rows)
		}
	}
	if d := cmp.Diff(found[backend.DepthChildren], query(t, settings, mustScan(t, b, backend.ScanRequest{Depth: "children"}), rowsByType)); d != "" {
		t.Errorf("children is not the same twice:\n%s", d)
	}
}

var deep = map[backend.Depth]int{backend.DepthResources: 0, backend.DepthChildren: 1, backend.DepthExtensions: 2}

// TestChildrenBelongToTheirParents follows the edges of containment down to what Resource Manager lists.
func TestChildrenBelongToTheirParents(t *testing.T) {
	_, settings := simulate(t, azuresim.Config{Tenant: contoso(t), NoARMLimits: true})
	o := mustScan(t, start(t, settings), backend.ScanRequest{Depth: backend.DepthExtensions})
	orphans := query(t, settings, o, `SELECT r.id, r.type FROM resources r WHERE r.source = 'arm'
		AND NOT EXISTS (SELECT 1 FROM relationships e WHERE e.kind = 'CONTAINS' AND e.target_key = r.id_key)`)
	if len(orphans) > 0 {
		t.Errorf("nothing contains %v", orphans)
	}
	strange := query(t, settings, o, `SELECT id, type FROM resources WHERE source = 'arm' AND (subscription_id = '' OR tenant_id = '' OR name = '' OR name LIKE '%/%')`)
	if len(strange) > 0 {
		t.Errorf("rows without what their ids tell: %v", strange)
	}
}

func TestAFilterByAChildsTypeBringsWhatLeadsToIt(t *testing.T) {
	_, settings := simulate(t, azuresim.Config{Tenant: contoso(t), NoARMLimits: true})
	b := start(t, settings)
	for name, c := range map[string]struct {
		filter backend.Filter
		want   []string
	}{
		"a child": {backend.Filter{ResourceTypes: []string{"Microsoft.Storage/storageAccounts/blobServices/containers"}},
			[]string{"microsoft.storage/storageaccounts", "microsoft.storage/storageaccounts/blobservices", "microsoft.storage/storageaccounts/blobservices/containers"}},
		"a parent alone": {backend.Filter{ResourceTypes: []string{"Microsoft.Network/virtualNetworks"}}, []string{"microsoft.network/virtualnetworks"}},
	} {
		t.Run(name, func(t *testing.T) {
			rows := query(t, settings, mustScan(t, b, backend.ScanRequest{Depth: backend.DepthChildren, Filter: c.filter}), rowsByType)
			got := slices.DeleteFunc(slices.Sorted(maps.Keys(rows)), func(typ string) bool { return strings.HasPrefix(typ, "microsoft.authorization/") })
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("types (-want +got):\n%s", d)
			}
		})
	}
}

// TestWhatCannotBeListedIsAGap has lists of children fail in every way.
func TestWhatCannotBeListedIsAGap(t *testing.T) {
	sim, settings := simulate(t, azuresim.Config{Tenant: contoso(t), NoARMLimits: true})
	settings["throttle_patience"] = 2
	const typ = "microsoft.sql/servers/firewallrules"
	for name, c := range map[string]struct {
		fault azuresim.Fault
		want  backend.CoverageState // empty is no gap
	}{
		"refused":            {azuresim.Fault{Status: 403}, backend.CoverageDenied},
		"throttled":          {azuresim.Fault{Status: 429, RetryAfter: 30}, backend.CoverageThrottled},
		"failing":            {azuresim.Fault{Status: 500}, backend.CoverageFailed},
		"no such thing here": {azuresim.Fault{Status: 400, Code: "FeatureNotSupportedForAccount", Message: "no"}, ""},
		"the parent is gone": {azuresim.Fault{Status: 404, Code: "ParentResourceNotFound", Message: "gone"}, ""},
		"cut off once":       {azuresim.Fault{Truncate: true, Times: 1}, ""},
		"reset once":         {azuresim.Fault{Reset: true, Times: 1}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.fault.Path = `/microsoft\.sql/servers/[^/]+/firewallrules$`
			remove, err := sim.Inject(azuresim.Faults{Rules: []azuresim.Fault{c.fault}})
			if err != nil {
				t.Fatal(err)
			}
			defer remove()
			b := start(t, settings) // of its own: it remembers limits
			o := mustScan(t, b, backend.ScanRequest{Depth: backend.DepthChildren, Filter: backend.Filter{ResourceTypes: []string{typ}}})
			var states []backend.CoverageState
			for _, e := range o.result.Coverage.Gaps() {
				if e.Kind != typ || e.Fault == nil || e.Fault.Message == "" {
					t.Errorf("gap %+v", e)
				}
				states = append(states, e.State)
			}
			if c.want == "" && len(states) > 0 || c.want != "" && (len(states) == 0 || states[0] != c.want) {
				t.Errorf("states = %v, want %q", states, c.want)
			}
		})
	}
}

func TestADryRunPredictsTheScan(t *testing.T) {
	sim, settings := simulate(t, azuresim.Config{Tenant: manyParts(t, 2_600), NoARMLimits: true})
	b := start(t, settings)
	request := backend.ScanRequest{Depth: backend.DepthResources}
	real := mustScan(t, b, request)
	sim.ResetRequests()
	request.DryRun = true
	dry := mustScan(t, b, request)
	if dry.result.Plan == nil || dry.result.Snapshot != nil {
		t.Fatalf("result = %+v", dry.result)
	}
	for _, r := range sim.Requests() {
		if strings.Contains(r.Body, "order by id asc") {
			t.Errorf("a dry run asked for rows: %s", r.Body)
		}
	}
	var planned []string
	for _, p := range dry.result.Plan.Parts {
		planned = append(planned, p.Key)
	}
	slices.Sort(planned)
	if d := cmp.Diff(keysOf(partsOf(real)), planned); d != "" {
		t.Errorf("parts (-scanned +predicted):\n%s", d)
	}
	var rows int64
	for _, e := range real.result.Coverage.Entries {
		if e.Kind != "locks" { // which nobody counts
			rows += e.Listed
		}
	}
	if p := dry.result.Plan; p.Rows < rows*99/100 || p.Rows > rows || p.Calls < int64(len(planned)) || p.DurationSeconds <= 0 {
		t.Errorf("%d rows of %d, %d calls for %d parts, %v s", p.Rows, rows, p.Calls, len(planned), p.DurationSeconds)
	}
}

// TestATypeIsLeftOutWithItsChildren: databases are resources to Resource Graph, and firewall rules are what Resource Manager lists.
func TestATypeIsLeftOutWithItsChildren(t *testing.T) {
	_, settings := simulate(t, azuresim.Config{Tenant: contoso(t), NoARMLimits: true})
	b := start(t, settings)
	count := func(filter backend.Filter) (children, others int) {
		o := mustScan(t, b, backend.ScanRequest{Depth: backend.DepthChildren, Filter: filter})
		for typ := range query(t, settings, o, rowsByType) {
			if strings.HasPrefix(typ, "microsoft.sql/servers") {
				children++
			} else {
				others++
			}
		}
		return children, others
	}
	all, others := count(backend.Filter{})
	if left, same := count(backend.Filter{ExcludeTypes: []string{"Microsoft.Sql/servers"}}); all < 3 || left != 0 || same != others {
		t.Errorf("of %d types of servers and their children %d are there, and of %d others %d", all, left, others, same)
	}
}
