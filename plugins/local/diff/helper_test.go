package diff

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	tenantID = "11111111-1111-4111-8111-111111111111"
	subA     = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
	subB     = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
)

// scan is what a test makes a snapshot of. Without a ledger everything was read, of both subscriptions.
type scan struct {
	request     backend.ScanRequest
	ledger      []backend.CoverageEntry
	rows        []graph.Row
	identities  []graph.Identity
	memberships []graph.Membership
	tenant      string
	id          string
}

// whole is the ledger of a scan that has read everything.
func whole() []backend.CoverageEntry {
	var ledger []backend.CoverageEntry
	for _, scope := range []struct{ id, name string }{{"tenant", "Contoso"}, {subA, "Alpha"}, {subB, "Beta"}} {
		for _, kind := range []string{"resourcecontainers", "authorizationresources", "resources"} {
			if scope.id != "tenant" || kind != "resources" {
				ledger = append(ledger, backend.CoverageEntry{Scope: scope.id, Name: scope.name, Kind: kind, State: backend.CoverageListed, Expected: -1})
			}
		}
	}
	for _, kind := range []string{"policyresources", "networkresources", "dnsresources", "locks", "children"} {
		ledger = append(ledger, backend.CoverageEntry{Scope: "subscriptions", Name: "all 2 subscriptions", Kind: kind, State: backend.CoverageListed})
	}
	for _, kind := range []string{"users", "groups", "memberships", "service principals", "applications"} {
		ledger = append(ledger, backend.CoverageEntry{Scope: "tenant", Name: "Contoso", Kind: kind, State: backend.CoverageListed})
	}
	return ledger
}

// lacking is a ledger in which lines have another state, or stand in addition: "scope kind state". The state none takes a line away.
func ledgerWith(lines ...string) []backend.CoverageEntry {
	ledger := whole()
	for _, l := range lines {
		fields := strings.Fields(l)
		e := backend.CoverageEntry{Scope: fields[0], Name: map[string]string{subA: "Alpha", subB: "Beta"}[fields[0]], Kind: fields[1], State: backend.CoverageState(fields[2]), Expected: -1}
		if e.State.Gap() {
			e.Fault = fault.New(fault.AzureForbidden, "no access")
		}
		at := -1
		for i := range ledger {
			if ledger[i].Scope == e.Scope && ledger[i].Kind == e.Kind {
				at = i
			}
		}
		switch {
		case fields[2] == "none":
			ledger = append(ledger[:at], ledger[at+1:]...)
		case at >= 0:
			ledger[at] = e
		default:
			ledger = append(ledger, e)
		}
	}
	return ledger
}

// withoutOf is a ledger without the lines of a scope.
func withoutOf(scope string) (ledger []backend.CoverageEntry) {
	for _, e := range whole() {
		if e.Scope != scope {
			ledger = append(ledger, e)
		}
	}
	return ledger
}

// snapshot makes the snapshot of a scan.
func snapshot(t *testing.T, s scan) *graph.Reader {
	t.Helper()
	store, err := graph.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if s.tenant == "" {
		s.tenant = tenantID
	}
	w, err := store.NewWriter(t.Context(), graph.Meta{ID: s.id, TenantID: s.tenant, TenantName: "Contoso", Request: s.request, CreatedAt: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Abort)
	if s.ledger == nil {
		s.ledger = whole()
	}
	complete := true
	for _, e := range s.ledger {
		complete = complete && !e.State.Gap()
	}
	subscriptions := []graph.Subscription{{ID: subA, Name: "Alpha", State: "Enabled"}, {ID: subB, Name: "Beta", State: "Enabled"}}
	for _, err := range []error{w.AddSubscriptions(subscriptions), w.Add(s.rows), w.AddIdentities(s.identities), w.AddMemberships(s.memberships)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	made, err := w.Finish(t.Context(), backend.Coverage{Complete: complete, Entries: s.ledger})
	if err != nil {
		t.Fatal(err)
	}
	r, err := store.Open(t.Context(), made.ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// compared is what a comparison came to.
type compared struct {
	result  *backend.SnapshotDiffResult
	changes []Change
	text    string // of the file
}

func compare(t *testing.T, before, after *graph.Reader, request backend.SnapshotDiffRequest) compared {
	t.Helper()
	dir := t.TempDir()
	c := Comparer{Before: before, After: after, Dir: filepath.Join(dir, "out"), WorkDir: filepath.Join(dir, "work")}
	for _, d := range []string{c.Dir, c.WorkDir} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	result, err := c.Compare(t.Context(), &request)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(c.Dir, result.Changes))
	if err != nil {
		t.Fatal(err)
	}
	made := compared{result: result, text: string(content)}
	if files, err := os.ReadDir(c.Dir); err != nil || len(files) != 1 {
		t.Errorf("files: %v, %v", files, err)
	}
	if request.Format == FormatMarkdown {
		return made
	}
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	for d.More() {
		var change Change
		if err := d.Decode(&change); err != nil {
			t.Fatal(err)
		}
		made.changes = append(made.changes, change)
	}
	return made
}

// lines are changes in short: "added resource name", with what changed behind it.
func (c compared) lines() (lines []string) {
	for _, change := range c.changes {
		line := change.Change + " " + change.Kind + " " + change.Name
		for _, p := range change.Properties {
			line += "; " + propertyLine(p)
		}
		if change.Reason != "" {
			line += " # " + change.Reason
		}
		lines = append(lines, line)
	}
	return lines
}

func propertyLine(p Property) string {
	show := func(v json.RawMessage) string {
		if v == nil {
			return "none"
		}
		return string(v)
	}
	return fmt.Sprintf("%s: %s -> %s", p.Path, show(p.Before), show(p.After))
}

// resource is a row of a resource, whose id ends in TYPE/NAME behind the group.
func resource(sub, group, typ, name string) graph.Row {
	namespace, rest, _ := strings.Cut(typ, "/")
	id := "/subscriptions/" + sub + "/resourceGroups/" + group + "/providers/" + namespace
	types, names := strings.Split(rest, "/"), strings.Split(name, "/")
	for i := range types {
		id += "/" + types[i] + "/" + names[i]
	}
	return graph.Row{Table: graph.TableResources, ID: id, Name: names[len(names)-1], Type: typ, SubscriptionID: sub, ResourceGroup: group,
		Location: "westeurope", TenantID: tenantID, Properties: []byte(`{"a":1}`)}
}

func account(name string) graph.Row {
	return resource(subA, "web", "Microsoft.Storage/storageAccounts", name)
}

func with(r graph.Row, change func(*graph.Row)) graph.Row {
	change(&r)
	return r
}

// golden compares with testdata/name, or rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); go test -update rewrites it:\n%s", path, diff)
	}
}
