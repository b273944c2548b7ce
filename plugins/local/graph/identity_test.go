package graph

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

const guidTail = "-0000-4000-8000-000000000000"

func TestIdentitiesStayOnce(t *testing.T) {
	s := newStore(t)
	yes := true
	w := newWriter(t, s, Meta{})
	user := Identity{ObjectID: "AAAAAAAA" + guidTail, Kind: KindUser, State: IdentityPresent, Name: "Ada", Login: "ada@contoso.com", Enabled: &yes, Raw: []byte(`{"id":"x"}`)}
	err := errors.Join(
		w.AddIdentities([]Identity{user, {ObjectID: "aaaaaaaa" + guidTail, Kind: KindUser, State: IdentityDeleted}}),
		w.AddIdentities([]Identity{{ObjectID: "bbbbbbbb" + guidTail, Kind: KindOtherIdentity, State: IdentityDeleted}, {ObjectID: "BBBBBBBB" + guidTail, Kind: KindGroup, State: IdentityUnreadable}}),
		w.AddIdentities([]Identity{{ObjectID: "cccccccc" + guidTail, Kind: KindManagedIdentity, State: IdentityPresent, AppID: "DDDDDDDD" + guidTail, ResourceID: "/subscriptions/S"}}),
		w.AddMemberships([]Membership{{"BBBBBBBB" + guidTail, user.ObjectID}, {"bbbbbbbb" + guidTail, strings.ToLower(user.ObjectID)}}),
	)
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := w.Finish(t.Context(), backend.Coverage{Complete: true})
	if err != nil {
		t.Fatal(err)
	}
	if snapshot.Identities != 3 {
		t.Errorf("counted %d identities", snapshot.Identities)
	}
	r, err := s.Open(t.Context(), snapshot.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	user.ObjectID = strings.ToLower(user.ObjectID)
	want := []Identity{user,
		{ObjectID: "bbbbbbbb" + guidTail, Kind: KindGroup, State: IdentityUnreadable},
		{ObjectID: "cccccccc" + guidTail, Kind: KindManagedIdentity, State: IdentityPresent, AppID: "dddddddd" + guidTail, ResourceID: "/subscriptions/S"}}
	var got []Identity
	var members []Membership
	err = errors.Join(
		r.Identities(t.Context(), func(i Identity) error { got = append(got, i); return nil }),
		r.Memberships(t.Context(), func(m Membership) error { members = append(members, m); return nil }),
	)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Membership{{"bbbbbbbb" + guidTail, user.ObjectID}}, members); diff != "" {
		t.Error(diff)
	}
	if meta := query(t, s, snapshot.ID, "SELECT value FROM meta WHERE key = 'duplicates'"); meta[0][0] != "0" {
		t.Errorf("identities count among the duplicates of rows: %s", meta)
	}
}

func TestPrincipals(t *testing.T) {
	id := func(c string) string { return strings.Repeat(c, 8) + guidTail }
	s := newStore(t)
	w := newWriter(t, s, Meta{})
	rows := []Row{
		{Table: TableAuthorization, ID: "/a/1", Type: typeRoleAssignment, Properties: []byte(`{"principalId":"` + strings.ToUpper(id("a")) + `","principalType":"Group"}`)},
		{Table: TableAuthorization, ID: "/a/2", Type: typeRoleAssignment, Properties: []byte(`{"principalId":"` + id("a") + `","principalType":"Group"}`)},
		{Table: TableResources, ID: "/r/1", Identity: []byte(`{"type":"SystemAssigned, UserAssigned","principalId":"` + id("b") + `","userAssignedIdentities":{"/u/1":{"principalId":"` + id("c") + `"},"/u/2":null}}`)},
		{Table: TableResources, ID: "/r/2", Type: "Microsoft.ManagedIdentity/userAssignedIdentities", Properties: []byte(`{"principalId":"` + id("d") + `"}`)},
		{Table: TableResources, ID: "/r/3", Type: "Microsoft.KeyVault/vaults", Properties: []byte(`{"accessPolicies":[{"objectId":"` + id("e") + `"},7,{"objectId":""}]}`)},
		{Table: TableResources, ID: "/r/4", Identity: []byte(`{"type":"None"}`)},
		{Table: TableResources, ID: "/r/5", Type: "Microsoft.Sql/servers", Properties: []byte(`{"administrators":{"sid":"` + id("1") + `","principalType":"Group"}}`)},
		{Table: TableResources, ID: "/r/6", Type: "Microsoft.Sql/managedInstances", Properties: []byte(`{"administrators":{"sid":"` + id("2") + `","principalType":"User"}}`)},
		{Table: TableResources, ID: "/r/7", Type: "Microsoft.Sql/servers", Properties: []byte(`{"administrators":{"sid":"` + id("3") + `","principalType":"Application"}}`)},
		{Table: TableResources, ID: "/r/8", Type: "Microsoft.Sql/servers", Properties: []byte(`{"administrators":null}`)},
		{Table: TableResources, ID: "/r/9", Type: "Microsoft.ContainerService/managedClusters", Properties: []byte(`{"identityProfile":{"kubeletidentity":{"objectId":"` + id("4") + `"},"other":1},"aadProfile":{"adminGroupObjectIDs":["` + id("5") + `",null]}}`)},
		{Table: TableResources, ID: "/r/10", Type: "Microsoft.ContainerService/managedClusters", Properties: []byte(`{"identityProfile":"odd"}`)},
		{Table: "policyresources", ID: "/p/1", Type: "microsoft.authorization/policyassignments", Identity: []byte(`{"principalId":"` + id("f") + `"}`)},
	}
	if err := w.Add(rows); err != nil {
		t.Fatal(err)
	}
	var got [][2]string
	if err := w.Principals(t.Context(), func(id, kind string) error { got = append(got, [2]string{id, kind}); return nil }); err != nil {
		t.Fatal(err)
	}
	const service = "ServicePrincipal"
	want := [][2]string{{id("1"), "Group"}, {id("2"), "User"}, {id("4"), service}, {id("5"), "Group"}, {id("a"), "Group"}, {id("b"), service}, {id("c"), service}, {id("d"), service}, {id("e"), ""}, {id("f"), service}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := w.Finish(t.Context(), backend.Coverage{Complete: true}); err != nil {
		t.Fatal(err)
	}
}
