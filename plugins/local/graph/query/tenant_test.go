package query

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// line is a line of testdata/tenant.jsonl: a row of Azure, an identity, or a member of a group.
type line struct {
	Table, ID, Name, Type, Location string
	Subscription, Group, Member     string
	ManagedBy                       string `json:"managed_by"`
	Tags, Identity, Properties, Raw json.RawMessage
	Kind, State, Login              string
	AppID                           string `json:"app_id"`
	ResourceID                      string `json:"resource_id"`
	Enabled                         *bool
}

// contoso is a small tenant in which every named query finds something, and something beside it that it must not find.
func contoso(t *testing.T) *graph.Reader {
	t.Helper()
	f, err := os.Open("testdata/tenant.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return write(t, f)
}

// write makes a snapshot of lines.
func write(t testing.TB, f io.Reader) *graph.Reader {
	t.Helper()
	r, _ := writeFile(t, f)
	return r
}

// writeFile is write, with the path of the snapshot's file.
func writeFile(t testing.TB, f io.Reader) (*graph.Reader, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := graph.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.NewWriter(t.Context(), graph.Meta{
		ID: "20260304-050607891-tenant", TenantID: "11111111-1111-1111-1111-111111111111", TenantName: "Contoso", CreatedAt: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		switch l.Table {
		case "identity":
			state := graph.IdentityState(l.State)
			if state == "" {
				state = graph.IdentityPresent
			}
			err = w.AddIdentities([]graph.Identity{{ObjectID: l.ID, Kind: graph.IdentityKind(l.Kind), State: state, Name: l.Name, Login: l.Login, AppID: l.AppID, ResourceID: l.ResourceID, Enabled: l.Enabled, Raw: l.Raw}})
		case "member":
			err = w.AddMemberships([]graph.Membership{{GroupID: l.Group, MemberID: l.Member}})
		default:
			err = w.Add([]graph.Row{{
				Table: l.Table, ID: l.ID, Name: l.Name, Type: l.Type, Location: l.Location, ResourceGroup: l.Group, SubscriptionID: l.Subscription,
				ManagedBy: l.ManagedBy, Tags: l.Tags, Identity: l.Identity, Properties: l.Properties,
			}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	gap := backend.CoverageEntry{Scope: "22222222-0000-0000-0000-000000000002", Name: "development", Kind: "children", State: backend.CoverageDenied, Expected: -1, Fault: fault.New(fault.AzureForbidden, "no access")}
	listed := backend.CoverageEntry{Scope: "tenant", Kind: "resources", State: backend.CoverageListed, Listed: 50, Expected: 50}
	snapshot, err := w.Finish(t.Context(), backend.Coverage{Entries: []backend.CoverageEntry{listed, gap}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, snapshot.ID+".db")
	r, err := graph.OpenFile(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r, file
}
