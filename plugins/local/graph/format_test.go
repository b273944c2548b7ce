package graph

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Snapshots that a version of this package wrote, one of each format. Every later version must read
// them as well as its own.
const (
	firstSnapshot  = "20260304-050607891-afirst"
	secondSnapshot = "20260304-050607891-second"
	thirdSnapshot  = "20260304-050607891-athird"
)

// writeThird writes the third snapshot into a store.
func writeThird(t *testing.T, s *Store) {
	t.Helper()
	const group = "/subscriptions/" + subscription + "/resourceGroups/RG-Übung"
	w := newWriter(t, s, Meta{
		ID: thirdSnapshot, TenantName: "Contoso", JobID: "job-3", CreatedAt: began, Producer: "atg 0.3",
		Request: backend.ScanRequest{TenantID: tenant},
	})
	row := func(table, id, typ string) Row {
		return Row{Table: table, ID: id, Type: typ, Name: lastSegment(id), Location: "westeurope", SubscriptionID: subscription,
			TenantID: tenant, Properties: []byte(`{"provisioningState":"Succeeded"}`)}
	}
	storage := group + "/providers/Microsoft.Storage/storageAccounts/Data"
	err := errors.Join(
		w.Add([]Row{
			row(TableResources, storage, "Microsoft.Storage/storageAccounts"),
			row(SourceARM, storage+"/blobServices/default", "Microsoft.Storage/storageAccounts/blobServices"),
			row("networkresources", storage+"/BlobServices/Default", "Microsoft.Storage/storageAccounts/blobServices"),
			row("policyresources", "/providers/Microsoft.Authorization/policyDefinitions/P", "Microsoft.Authorization/policyDefinitions"),
			row(TableContainers, "/subscriptions/"+subscription, "microsoft.resources/subscriptions"),
			row(TableContainers, group, "microsoft.resources/subscriptions/resourcegroups"),
			fullRow(TableAuthorization, "Microsoft.Authorization/roleAssignments", "A"),
			fullRow(TableAuthorization, "Microsoft.Authorization/roleDefinitions", "D"),
			{Table: "advisorresources", Name: "without id"},
			{Table: TableResources, ID: group + "/providers/Microsoft.Web/sites/Shop", Type: "Microsoft.Web/sites", Name: "Shop", ResourceGroup: "RG-Übung", SubscriptionID: subscription,
				Identity: []byte(`{"type":"SystemAssigned","principalId":"aaaaaaaa` + guidTail + `"}`), Properties: []byte(`{"content":"` + storage + `","logs":"` + group + `/providers/Microsoft.X/ys/gone"}`)},
		}),
		w.AddIdentities([]Identity{{ObjectID: "aaaaaaaa" + guidTail, Kind: KindManagedIdentity, State: IdentityPresent, Name: "Shop", Raw: []byte(`{"id":"aaaaaaaa` + guidTail + `"}`)}}),
		w.AddMemberships([]Membership{{"bbbbbbbb" + guidTail, "aaaaaaaa" + guidTail}}),
		w.AddSubscriptions([]Subscription{{ID: subscription, Name: "First", State: "Enabled", TenantID: tenant}}),
	)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Finish(t.Context(), backend.Coverage{Complete: true, Entries: []backend.CoverageEntry{
		{Scope: subscription, Kind: TableResources, State: backend.CoverageListed, Listed: 1, Expected: 1},
		{Scope: subscription, Kind: "children", State: backend.CoverageDenied, Expected: -1, Fault: fault.New(fault.AzureForbidden, "no access")},
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFormatsStayReadable(t *testing.T) {
	if *update {
		s := newStore(t)
		writeThird(t, s)
		content, err := os.ReadFile(s.file(thirdSnapshot))
		if err == nil {
			err = os.WriteFile(filepath.Join("testdata", thirdSnapshot+fileSuffix), content, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	first := backend.SnapshotDetail{
		Snapshot: backend.Snapshot{
			ID: firstSnapshot, TenantID: tenant, TenantName: "Contoso", JobID: "job-1", CreatedAt: began, Complete: true,
			Subscriptions: 1, Resources: 1, Relationships: 2, RoleAssignments: 1, SchemaVersion: 1, Producer: "atg 0.1",
		},
		Request: &backend.ScanRequest{TenantID: tenant},
		Coverage: backend.Coverage{Complete: true, Entries: []backend.CoverageEntry{
			{Scope: subscription, Kind: TableResources, State: backend.CoverageListed, Listed: 1, Expected: 1}}},
		BySubscription:  []backend.Count{{Key: subscription, Name: "First", Count: 1}},
		ByType:          []backend.Count{{Key: "microsoft.web/sites", Count: 1}},
		ByLocation:      []backend.Count{{Key: "West Europe", Count: 1}},
		ByResourceGroup: []backend.Count{}, ByIdentity: []backend.Count{}, ByRelationship: []backend.Count{},
	}
	second := backend.SnapshotDetail{
		Snapshot: backend.Snapshot{
			ID: secondSnapshot, TenantID: tenant, TenantName: "Contoso", JobID: "job-2", CreatedAt: began,
			Subscriptions: 1, Resources: 3, Relationships: 5, RoleAssignments: 1, SchemaVersion: 2, Producer: "atg 0.2",
		},
		Request: &backend.ScanRequest{TenantID: tenant},
		Coverage: backend.Coverage{Entries: []backend.CoverageEntry{
			{Scope: subscription, Kind: TableResources, State: backend.CoverageListed, Listed: 1, Expected: 1},
			{Scope: subscription, Kind: "children", State: backend.CoverageDenied, Expected: -1, Fault: fault.New(fault.AzureForbidden, "no access")}}},
		BySubscription: []backend.Count{{Key: subscription, Name: "First", Count: 3}},
		ByType: []backend.Count{{Key: "microsoft.authorization/policydefinitions", Count: 1},
			{Key: "microsoft.storage/storageaccounts", Count: 1}, {Key: "microsoft.storage/storageaccounts/blobservices", Count: 1}},
		ByLocation:      []backend.Count{{Key: "westeurope", Count: 3}},
		ByResourceGroup: []backend.Count{}, ByIdentity: []backend.Count{}, ByRelationship: []backend.Count{},
	}
	third := second
	third.Snapshot.ID, third.Snapshot.JobID, third.Snapshot.Producer, third.Snapshot.SchemaVersion = thirdSnapshot, "job-3", "atg 0.3", 3
	third.Snapshot.Resources, third.Snapshot.Relationships, third.Snapshot.Identities = 4, 11, 1
	third.BySubscription = []backend.Count{{Key: subscription, Name: "First", Count: 4}}
	third.ByType = append(slices.Clone(second.ByType), backend.Count{Key: "microsoft.web/sites", Count: 1})
	third.ByResourceGroup = []backend.Count{{Key: "/subscriptions/" + subscription + "/resourcegroups/rg-übung", Name: "RG-Übung", Count: 1}}
	third.ByIdentity = []backend.Count{{Key: "managed_identity", Count: 1}}
	third.ByRelationship = []backend.Count{{Key: "CONTAINS", Count: 6}, {Key: "REFERS_TO", Count: 2}, {Key: "HAS_ROLE", Count: 1}, {Key: "MEMBER_OF", Count: 1}, {Key: "USES_IDENTITY", Count: 1}}
	third.ByLocation = []backend.Count{{Key: "westeurope", Count: 3}, {Key: "", Count: 1}}
	cases := map[string]struct {
		want   backend.SnapshotDetail
		digest string
	}{
		"1": {first, "5a26f4b15b0d5234040e0934cb3317a01ed3b365a560fa9fad431142d8c969e6"},
		"2": {second, "64f3fe4dc8c3c4a9d762b0083efb42ddbbdca0052b11fe96b8e665f684f22fff"},
		"3": {third, "54b81497d795bc4f78b8b3713addce99c63be94d12b2d39b75d993b285f2b928"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			id := c.want.Snapshot.ID
			content, err := os.ReadFile(filepath.Join("testdata", id+fileSuffix))
			if err != nil {
				t.Fatal(err)
			}
			s := newStore(t)
			if err := os.MkdirAll(s.dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(s.file(id), content, 0o400); err != nil {
				t.Fatal(err)
			}
			got, err := s.Get(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if got.Snapshot.Size != int64(len(content)) || got.Snapshot.DurationSeconds <= 0 || len(got.Snapshot.SHA256) != 64 {
				t.Errorf("size %d, duration %v, checksum %q", got.Snapshot.Size, got.Snapshot.DurationSeconds, got.Snapshot.SHA256)
			}
			got.Snapshot.Size, got.Snapshot.DurationSeconds, got.Snapshot.SHA256 = 0, 0, ""
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if sum, err := s.Digest(t.Context(), id); err != nil || sum != c.digest {
				t.Errorf("Digest = %s, %v, want %s", sum, err, c.digest)
			}
		})
	}
}

// What the third format was, this version still writes; a later one writes another.
func TestTheThirdFormat(t *testing.T) {
	s := newStore(t)
	writeThird(t, s)
	then, err := OpenStore("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"resources", "containers", "role_assignments", "role_definitions", "other_rows", "subscriptions",
		"identities", "memberships", "nodes", "relationships", "coverage", "sums"} {
		all := "SELECT * FROM " + table
		got, kept := query(t, s, thirdSnapshot, all), query(t, then, thirdSnapshot, all)
		slices.SortFunc(got, slices.Compare)
		slices.SortFunc(kept, slices.Compare)
		if diff := cmp.Diff(kept, got); diff != "" || len(got) == 0 {
			t.Errorf("%s (-kept +written now):\n%s", table, diff)
		}
	}
}
