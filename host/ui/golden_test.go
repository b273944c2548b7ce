package ui

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with testdata/name, or rewrites it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); go test -update rewrites it:\n%s", path, diff)
	}
}

// fakeConsole writes to buffers that pass for terminals of the given width; 0 is no terminal.
func fakeConsole(width int, o Options) (c *Console, out, err *bytes.Buffer) {
	out, err = &bytes.Buffer{}, &bytes.Buffer{}
	c = New(Streams{In: &bytes.Buffer{}, Out: out, Err: err}, o)
	if width > 0 {
		for _, s := range []*screen{c.out, c.err} {
			s.terminal, s.width = true, func() int { return width }
			s.paint.on = colored(o.Color, true, c.options.Getenv)
		}
	}
	return c, out, err
}

var began = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

func scanSummary() ScanSummary {
	snapshot := backend.Snapshot{
		ID: "20260901T120000Z-1f2e3d4c", TenantID: "11111111-2222-3333-4444-555555555555", TenantName: "Contoso",
		CreatedAt: began, DurationSeconds: 12.34, Complete: false, Subscriptions: 4, Resources: 12345, Relationships: 23456,
		Identities: 78, RoleAssignments: 321, Size: 41_234_567, SHA256: "ab12", SchemaVersion: 1, Producer: "atg-backend-local v1.0.0",
	}
	denied := fault.New(fault.AzureForbidden, "the client has no right to read over scope /subscriptions/payments")
	coverage := backend.Coverage{Entries: []backend.CoverageEntry{
		{Scope: "s1", Name: "Production", Kind: "resources", State: backend.CoverageListed, Listed: 12000, Expected: 12000},
		{Scope: "s2", Name: "Payments", Kind: "resources", State: backend.CoverageDenied, Expected: -1, Fault: denied},
		{Scope: "s2", Name: "Payments", Kind: "authorizationresources", State: backend.CoverageDenied, Expected: -1, Fault: denied},
		{Scope: "s3", Name: "Lab \x1b[2J\u202eevil", Kind: "resources", State: backend.CoverageThrottled, Listed: 345, Expected: 1000},
		{Scope: "s4", Name: "Old", Kind: "resources", State: backend.CoverageSkipped, Expected: -1},
	}}
	return ScanSummary{
		Result: &backend.ScanResult{
			Success: true, Subscriptions: 4, Resources: 12345, Relationships: 23456, Identities: 78,
			DurationSeconds: 12.34, Snapshot: &snapshot, Coverage: coverage,
		},
		Detail: &backend.SnapshotDetail{
			Snapshot: snapshot, Coverage: coverage,
			ByType: []backend.Count{
				{Key: "microsoft.compute/virtualmachines", Count: 4000}, {Key: "microsoft.compute/disks", Count: 3999},
				{Key: "microsoft.network/networkinterfaces", Count: 2000}, {Key: "microsoft.storage/storageaccounts", Count: 1000},
				{Key: "microsoft.keyvault/vaults", Count: 500}, {Key: "microsoft.web/sites", Count: 400}, {Key: "microsoft.sql/servers", Count: 300},
				{Key: "microsoft.network/virtualnetworks", Count: 100}, {Key: "microsoft.network/publicipaddresses", Count: 46},
			},
			BySubscription:  []backend.Count{{Key: "s1", Name: "Production", Count: 12000}, {Key: "s3", Name: "Lab", Count: 345}},
			ByLocation:      []backend.Count{{Key: "westeurope", Count: 12000}, {Key: "", Count: 340}, {Key: "northeurope", Count: 5}},
			ByResourceGroup: []backend.Count{{Key: "/subscriptions/s1/resourcegroups/web", Name: "Web", Count: 300}, {Key: "/subscriptions/s1/resourcegroups/evil\x1b[2j", Name: "evil\x1b[2J", Count: 20}},
			ByRelationship:  []backend.Count{{Key: "CONTAINS", Count: 20000}, {Key: "USES_SUBNET", Count: 3456}},
			ByIdentity:      []backend.Count{{Key: "user", Count: 78}},
			Exposure: []backend.Count{
				{Key: "public-ips", Name: "public IP addresses in use", Count: 46}, {Key: "public-storage", Name: "storage accounts open to the internet"},
				{Key: "untagged", Name: "resources and resource groups without tags", Count: 1234},
			},
		},
		Next: "atg snapshot show 20260901T120000Z-1f2e3d4c",
	}
}

func TestPages(t *testing.T) {
	summary := scanSummary()
	pages := map[string]func(*Page){
		"scan":     func(p *Page) { p.Scan(summary) },
		"snapshot": func(p *Page) { p.Snapshot(*summary.Detail) },
		"plan": func(p *Page) {
			p.Scan(ScanSummary{Result: &backend.ScanResult{Plan: &backend.ScanPlan{
				Rows: 1234, Calls: 1, DurationSeconds: 65, Parts: []backend.PlannedPart{{Key: "s1/resources/0", Rows: 1234, Calls: 2}},
			}}})
		},
		"long-plan":     func(p *Page) { p.Scan(ScanSummary{Result: &backend.ScanResult{Plan: longPlan()}}) },
		"gaps":          func(p *Page) { p.Gaps(manyGaps()) },
		"tenant-plan":   func(p *Page) { p.Tenant(tenantPlan()) },
		"tenant-failed": func(p *Page) { p.Tenant(tenantFailed()) },
		"tenant-done": func(p *Page) {
			p.Tenant(&backend.TenantCreationResult{Success: true, Complete: true, ResourcesCreated: 1, DurationSeconds: 61})
		},
		"code": func(p *Page) { p.Code(codeSummary()) },
		"code-whole": func(p *Page) {
			p.Code(CodeSummary{Result: &backend.IaCGenerationResult{
				Success: true, Complete: true, OutputFormat: "bicep", ResourcesIncluded: 1, FilesGenerated: []string{"main.bicep"}, DurationSeconds: 0.2, Snapshot: "s1",
			}, Next: "atg --remote job download job-1 --output-dir DIR"})
		},
		"health": func(p *Page) {
			p.Health("local", backend.Health{Message: "1 of 2 works", Dependencies: []backend.Dependency{
				{Name: "store", Healthy: true, Message: "12 snapshots", LatencySeconds: 0.0012},
				{Name: "credential", Fault: fault.New(fault.AzureAuthRequired, "no credential for Azure", fault.Hint("run az login"))},
			}})
		},
	}
	looks := map[string]struct {
		width   int
		options Options
	}{
		"plain":   {0, Options{}},
		"color80": {80, Options{}},
		"narrow":  {50, Options{Color: ColorNever}},
	}
	for page, show := range pages {
		for look, l := range looks {
			t.Run(page+"-"+look, func(t *testing.T) {
				c, out, _ := fakeConsole(l.width, l.options)
				if err := c.Print(Document{Page: show}); err != nil {
					t.Fatal(err)
				}
				golden(t, page+"-"+look+".txt", out.Bytes())
			})
		}
	}
}

func TestFormats(t *testing.T) {
	result := scanSummary().Result
	for _, format := range []Format{FormatJSON, FormatYAML, FormatNDJSON} {
		t.Run(string(format), func(t *testing.T) {
			c, out, _ := fakeConsole(80, Options{Format: format})
			if err := c.Print(Document{Data: result, Page: func(*Page) { t.Error("the page was asked for") }}); err != nil {
				t.Fatal(err)
			}
			golden(t, "scan."+string(format), out.Bytes())
		})
	}
}

func TestItems(t *testing.T) {
	list := struct {
		Snapshots []backend.BrokenSnapshot `json:"snapshots"`
	}{[]backend.BrokenSnapshot{{ID: "a", Reason: "true"}, {ID: "b", Reason: "007"}}}
	for _, tc := range []struct {
		name   string
		format Format
		items  []any
		want   string
	}{
		{"lines", FormatNDJSON, Items(list.Snapshots), `{"schema_version":1,"id":"a","reason":"true"}` + "\n" + `{"schema_version":1,"id":"b","reason":"007"}` + "\n"},
		{"no lines", FormatNDJSON, Items([]int{}), ""},
		{"yaml quotes what is no text", FormatYAML, Items(list.Snapshots), "schema_version: 1\nsnapshots:\n  - id: a\n    reason: \"true\"\n  - id: b\n    reason: \"007\"\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, out, _ := fakeConsole(0, Options{Format: tc.format})
			if err := c.Print(Document{Data: list, Items: tc.items}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, out.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	faults := map[string]*fault.Fault{
		"settings": fault.New(fault.ConfigInvalid, "the configuration is wrong", fault.On("/home/me/config.yaml"), fault.From(fault.OriginHost),
			fault.Problems(
				fault.Problem{Key: "backends.local.settings.cloud", Message: `"pubic" is none of public, usgovernment`, Hint: "did you mean public?", Line: 3, Column: 14},
				fault.Problem{Key: "tenant", Message: "unknown key", Hint: "did you mean tenant_id?"},
			), fault.Hint("atg config validate checks the file\natg config init writes a commented one")),
		"crash": fault.New(fault.BackendCrashed, "the backend acme ended in the middle of its work",
			fault.Because(fault.Newf(fault.Internal, "exit status 2\npanic: oh\tno\n\x1b[31mred"))),
		"incomplete": fault.New(fault.Incomplete, "2 of 12 parts could not be read", fault.Retryable()),
	}
	looks := map[string]struct {
		width   int
		options Options
	}{
		"plain":   {0, Options{}},
		"color":   {80, Options{}},
		"narrow":  {60, Options{Color: ColorNever}},
		"verbose": {0, Options{Verbose: true}},
	}
	for name, f := range faults {
		for look, l := range looks {
			t.Run(name+"-"+look, func(t *testing.T) {
				c, out, err := fakeConsole(l.width, l.options)
				c.Fault(f)
				golden(t, "fault-"+name+"-"+look+".txt", err.Bytes())
				if out.Len() > 0 {
					t.Errorf("a fault appeared on stdout: %q", out)
				}
			})
		}
	}
}
