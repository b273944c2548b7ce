package tenant_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/build/buildtest"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var update = flag.Bool("update", false, "write what is expected anew")

const (
	inSub1 = "/subscriptions/" + buildtest.Sub1
	inSub2 = "/subscriptions/" + buildtest.Sub2
	web    = inSub1 + "/resourceGroups/rg-web"
)

// small is a snapshot with one of everything that a specification tells in a way of its own.
func small() []graph.Row {
	r := buildtest.Resource
	return []graph.Row{
		buildtest.Subscription(inSub1), buildtest.Subscription(inSub2),
		buildtest.Group(web, `"tags":{"env":"prod","odd":"${not} a: reference"}`),
		buildtest.Group(inSub2+"/resourceGroups/RG-Web", `"location":"northeurope"`),
		r(web+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-web", `"location":"westeurope","properties":{"principalId":"`+buildtest.GUID(1)+`","clientId":"`+buildtest.GUID(2)+`"}`),
		r(web+"/providers/Microsoft.Network/virtualNetworks/vnet", `"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.1.0.0/16"]},"subnets":[{"name":"web","properties":{"addressPrefix":"10.1.1.0/24"}}]}`),
		r(web+"/providers/Microsoft.Network/networkInterfaces/nic", `"location":"westeurope","properties":{"ipConfigurations":[{"name":"ip","properties":{"subnet":{"id":"`+web+`/providers/Microsoft.Network/virtualNetworks/vnet/subnets/web"}}}]}`),
		r(web+"/providers/Microsoft.Web/sites/shop", `"location":"westeurope","kind":"app","identity":{"type":"SystemAssigned, UserAssigned","principalId":"`+buildtest.GUID(3)+`","userAssignedIdentities":{"`+web+`/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-web":{}}},
			"properties":{"httpsOnly":true,"siteConfig":{"appSettings":[{"name":"DB_PASSWORD","value":"hunter2hunter2"},{"name":"CLIENT","value":"`+buildtest.GUID(2)+`"},{"name":"HOST","value":"db.contoso.com"},{"name":"OWNER","value":"alice@contoso.com"},{"name":"DNS","value":"20.1.2.3"}]}}`),
		r(web+"/providers/Microsoft.Web/sites/shop/providers/Microsoft.Authorization/locks/keep", `"properties":{"level":"CanNotDelete","notes":"ask \"Alice\"\nfirst"}`),
		r(web+"/providers/Microsoft.Authorization/roleAssignments/"+buildtest.GUID(10), `"properties":{"roleDefinitionId":"`+inSub1+`/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7","principalId":"`+buildtest.GUID(3)+`","principalType":"ServicePrincipal","scope":"`+web+`"}`),
		r(inSub1+"/providers/Microsoft.Authorization/roleAssignments/"+buildtest.GUID(11), `"properties":{"roleDefinitionId":"`+inSub1+`/providers/Microsoft.Authorization/roleDefinitions/`+buildtest.GUID(40)+`","principalId":"`+buildtest.GUID(20)+`","principalType":"User","description":"on call"}`),
		r(inSub1+"/providers/Microsoft.Authorization/roleDefinitions/"+buildtest.GUID(40), `"properties":{"roleName":"Operator of Contoso","type":"CustomRole","assignableScopes":["`+inSub1+`"],"permissions":[{"actions":["*/read"],"notActions":[]}]}`),
		r("/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7", `"properties":{"roleName":"Reader","type":"BuiltInRole"}`),
		r(inSub2+"/resourceGroups/RG-Web/providers/Microsoft.Storage/storageAccounts/stcontoso", `"location":"northeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{"accessTier":"Hot","networkAcls":{"virtualNetworkRules":[{"id":"`+web+`/providers/Microsoft.Network/virtualNetworks/vnet/subnets/web"}]}}`),
		r(inSub2+"/resourceGroups/rg-elsewhere/providers/Contoso.Own/things/one", `"apiVersion":"2024-01-01","properties":{"n":12345678901234567890.10,"to":"`+inSub2+`/resourceGroups/rg-gone/providers/Contoso.Own/things/gone","text":"see `+inSub1+` now"}`),
		r(inSub2+"/resourceGroups/rg-elsewhere/providers/Contoso.Own/things/two", `"properties":{}`),
		r(web+"/providers/Microsoft.Resources/deployments/d", `"properties":{}`),
	}
}

// openSmall opens it, as of a scan that could not read everything.
func openSmall(t *testing.T) *graph.Reader {
	t.Helper()
	store, err := graph.OpenStore(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := store.NewWriter(t.Context(), graph.Meta{TenantID: buildtest.TenantID, TenantName: "Contoso | Ltd", CreatedAt: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Abort)
	if err := w.Add(small()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.AddIdentities(smallPeople), w.AddMemberships([]graph.Membership{
		{GroupID: buildtest.GUID(22), MemberID: buildtest.GUID(20)}, {GroupID: buildtest.GUID(22), MemberID: buildtest.GUID(3)}, {GroupID: buildtest.GUID(22), MemberID: buildtest.GUID(24)},
		{GroupID: buildtest.GUID(23), MemberID: buildtest.GUID(22)},
	})); err != nil {
		t.Fatal(err)
	}
	if err := w.AddSubscriptions([]graph.Subscription{{ID: buildtest.Sub1, Name: "Contoso: Production"}, {ID: buildtest.Sub2, Name: "Contoso/Test"}}); err != nil {
		t.Fatal(err)
	}
	s, err := w.Finish(t.Context(), backend.Coverage{Entries: []backend.CoverageEntry{{Scope: buildtest.Sub2, Name: "Contoso/Test", Kind: "policyresources", State: backend.CoverageDenied, Expected: -1}}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := store.Open(t.Context(), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// smallPeople are the identities of small: two users of one name, groups of groups, and service principals of which one is another organization's and
// unnamed; what is no user, group or service principal of the directory is in no specification.
var smallPeople = []graph.Identity{
	{ObjectID: buildtest.GUID(20), Kind: graph.KindUser, State: graph.IdentityPresent, Name: "Ada } Lovelace", Login: "ada@contoso.example", Raw: []byte(`{"mail":"ada.lovelace@contoso.example","jobTitle":"Analyst"}`)},
	{ObjectID: buildtest.GUID(21), Kind: graph.KindUser, State: graph.IdentityPresent, Name: "Ada } Lovelace", Login: "ada2@contoso.example", Raw: []byte(`{"mail":"ada2@contoso.example"}`)},
	{ObjectID: buildtest.GUID(22), Kind: graph.KindGroup, State: graph.IdentityPresent, Name: "On call", Raw: []byte(`{"description":"Who is called at night","groupTypes":["Unified"],"mail":"oncall@contoso.example"}`)},
	{ObjectID: buildtest.GUID(23), Kind: graph.KindGroup, State: graph.IdentityPresent, Name: "All", Raw: []byte(`{}`)},
	{ObjectID: buildtest.GUID(24), Kind: graph.KindServicePrincipal, State: graph.IdentityPresent, Name: "pipeline", AppID: buildtest.GUID(30), Raw: []byte(`{"appOwnerOrganizationId":"` + buildtest.TenantID + `"}`)},
	{ObjectID: buildtest.GUID(25), Kind: graph.KindServicePrincipal, State: graph.IdentityPresent, Name: "Of somebody else", AppID: buildtest.GUID(31), Raw: []byte(`{"appOwnerOrganizationId":"f8cdef31-a31e-4b4a-93e4-5f571e91255a"}`)},
	{ObjectID: buildtest.GUID(3), Kind: graph.KindManagedIdentity, State: graph.IdentityPresent, Name: "shop"},
	{ObjectID: buildtest.GUID(26), Kind: graph.KindUser, State: graph.IdentityDeleted},
	{ObjectID: buildtest.GUID(27), Kind: graph.KindApplication, State: graph.IdentityPresent, Name: "pipeline", AppID: buildtest.GUID(30)},
}

// TestGolden compares whole specifications with testdata; -update writes them anew.
func TestGolden(t *testing.T) {
	for name, request := range map[string]backend.SpecGenerationRequest{
		"whole": {}, "anonymous": {Anonymize: true}, "filtered": {Filter: backend.Filter{ResourceTypes: []string{"microsoft.storage/storageaccounts"}}},
	} {
		t.Run(name, func(t *testing.T) {
			text, result, dir := generate(t, openSmall(t), request)
			parsed(t, text)
			if result.Complete || result.Resources == 0 {
				t.Errorf("%+v", result)
			}
			compare(t, filepath.Join("testdata", name+".md"), text)
			if request.Anonymize {
				content, err := os.ReadFile(filepath.Join(dir, "spec.map.json"))
				if err != nil {
					t.Fatal(err)
				}
				compare(t, filepath.Join("testdata", name+".map.json"), string(content))
			}
		})
	}
}

func compare(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: %s", golden, diff)
	}
}

func TestRoundOfSmall(t *testing.T) { round(t, openSmall(t)) }

func TestNothingPasses(t *testing.T) {
	g := generator(openSmall(t), t.TempDir())
	_, err := g.Generate(t.Context(), &backend.SpecGenerationRequest{Filter: backend.Filter{ResourceTypes: []string{"a.b/c"}}})
	if fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("nothing passes the filter: %v", err)
	}
}
