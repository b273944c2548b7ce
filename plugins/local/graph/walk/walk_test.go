package walk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	tenant = "11111111-0000-4000-8000-000000000000"
	sub    = "22222222-0000-4000-8000-000000000000"
	other  = "33333333-0000-4000-8000-000000000000"
)

// guid is an id of an identity.
func guid(n int) string { return fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", n) }

// world is a tenant in the making.
type world struct {
	rows        []graph.Row
	identities  []graph.Identity
	memberships []graph.Membership
}

// group adds a resource group of a subscription, and answers its id.
func (w *world) group(subscription, name string) string {
	id := "/subscriptions/" + subscription + "/resourceGroups/" + name
	w.rows = append(w.rows, graph.Row{Table: graph.TableContainers, ID: id, Name: name, Type: "microsoft.resources/subscriptions/resourcegroups", SubscriptionID: subscription, ResourceGroup: name})
	return id
}

// resource adds a resource of a group: name is TYPE/NAME. It answers the id.
func (w *world) resource(group, name, properties string, principal ...string) string {
	id := group + "/providers/" + name
	parts := strings.Split(name, "/")
	typ := parts[0]
	for i := 1; i < len(parts); i += 2 {
		typ += "/" + parts[i]
	}
	row := graph.Row{Table: graph.TableResources, ID: id, Name: parts[len(parts)-1], Type: strings.ToLower(typ), Properties: []byte(properties)}
	if len(principal) > 0 {
		row.Identity = []byte(`{"type":"SystemAssigned","principalId":"` + principal[0] + `"}`)
		w.identities = append(w.identities, graph.Identity{ObjectID: principal[0], Kind: graph.KindManagedIdentity, State: graph.IdentityPresent, Name: parts[len(parts)-1], ResourceID: id})
	}
	w.rows = append(w.rows, row)
	return id
}

// role adds a role definition with actions.
func (w *world) role(name string, actions ...string) {
	list, _ := json.Marshal(actions)
	w.rows = append(w.rows, graph.Row{Table: graph.TableAuthorization, ID: "/providers/Microsoft.Authorization/roleDefinitions/" + name, Name: name, Type: "microsoft.authorization/roledefinitions",
		Properties: []byte(`{"roleName":"` + name + `","type":"CustomRole","permissions":[{"actions":` + string(list) + `,"notActions":["Microsoft.Authorization/*/Write"]}]}`)})
}

// assign gives a role.
func (w *world) assign(principal, role, scope string) {
	w.rows = append(w.rows, graph.Row{Table: graph.TableAuthorization, ID: fmt.Sprintf("%s/providers/Microsoft.Authorization/roleAssignments/%d", strings.TrimSuffix(scope, "/"), len(w.rows)), Type: "microsoft.authorization/roleassignments",
		Properties: []byte(`{"principalId":"` + principal + `","principalType":"User","roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/` + role + `","scope":"` + scope + `"}`)})
}

// identity adds one with a name.
func (w *world) identity(n int, kind graph.IdentityKind, name string) string {
	i := graph.Identity{ObjectID: guid(n), Kind: kind, State: graph.IdentityPresent, Name: name}
	switch kind {
	case graph.KindUser:
		i.Login = name + "@contoso.com"
	case graph.KindApplication, graph.KindServicePrincipal:
		i.AppID = guid(900)
	}
	w.identities = append(w.identities, i)
	return i.ObjectID
}

func (w *world) member(group, member string) {
	w.memberships = append(w.memberships, graph.Membership{GroupID: group, MemberID: member})
}

// open makes a snapshot of it.
func (w *world) open(t testing.TB) *graph.Reader {
	t.Helper()
	store, err := graph.OpenStore(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	writer, err := store.NewWriter(t.Context(), graph.Meta{TenantID: tenant, TenantName: "Contoso", CreatedAt: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(writer.Abort)
	rows := append([]graph.Row{
		{Table: graph.TableContainers, ID: "/subscriptions/" + sub, Name: "Production", Type: "microsoft.resources/subscriptions", SubscriptionID: sub},
		{Table: graph.TableContainers, ID: "/subscriptions/" + other, Name: "Test", Type: "microsoft.resources/subscriptions", SubscriptionID: other},
	}, w.rows...)
	for _, err := range []error{writer.Add(rows), writer.AddIdentities(w.identities), writer.AddMemberships(w.memberships)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	finished, err := writer.Finish(t.Context(), backend.Coverage{Complete: true})
	if err != nil {
		t.Fatal(err)
	}
	r, err := store.Open(t.Context(), finished.ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// arrows are paths as text: vm -HAS_DISK> disk, <CONTAINS- against the edge.
func arrows(r *backend.SnapshotPathResult) []string {
	all := []string{}
	for _, p := range r.Paths {
		text := p.Steps[0].FromName
		for _, s := range p.Steps {
			said := s.Relationship
			if s.Detail != "" {
				said += ":" + s.Detail
			}
			if s.Against {
				text += " <" + said + "- " + s.ToName
			} else {
				text += " -" + said + "> " + s.ToName
			}
		}
		all = append(all, text)
	}
	return all
}

// reached are the rows of a reach as text.
func reached(t testing.TB, r *graph.Reader, node string, hops int) (rows []string) {
	t.Helper()
	var b bytes.Buffer
	result, err := Reach(t.Context(), r, &backend.SnapshotReachRequest{Node: node, MaxHops: hops}, &b)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		var row Reached
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("%d %s %s by %s of %s", row.Hops, row.Access, row.Name, row.Relationship, row.ViaName)
		if row.Role != "" {
			text += " as " + row.Role
		}
		rows = append(rows, text)
	}
	if result.Reached != int64(len(rows)) || !result.Complete || result.Snapshot == "" {
		t.Errorf("%+v", result)
	}
	return rows
}

// town is a tenant with a little of everything.
func town() *world {
	w := &world{}
	web, data, test := w.group(sub, "rg-web"), w.group(sub, "rg-data"), w.group(other, "rg-test")
	subnet := web + "/providers/Microsoft.Network/virtualNetworks/hub/subnets/front"
	w.resource(web, "Microsoft.Network/virtualNetworks/hub", `{}`)
	w.resource(web, "Microsoft.Network/virtualNetworks/hub/subnets/front", `{}`)
	for _, vm := range []string{"one", "two"} {
		nic := w.resource(web, "Microsoft.Network/networkInterfaces/nic-"+vm, `{"ipConfigurations":[{"properties":{"subnet":{"id":"`+subnet+`"}}}]}`)
		w.resource(web, "Microsoft.Compute/virtualMachines/vm-"+vm, `{"networkProfile":{"networkInterfaces":[{"id":"`+nic+`"}]}}`, map[string]string{"one": guid(101), "two": guid(102)}[vm])
	}
	w.resource(web, "Microsoft.Compute/disks/loose", `{}`)
	w.resource(web, "Microsoft.Compute/disks/same", `{}`)
	w.resource(test, "Microsoft.Compute/disks/same", `{}`)
	w.resource(test, "Microsoft.Compute/disks/far", `{}`)
	ada, bob, eve := w.identity(1, graph.KindUser, "ada"), w.identity(2, graph.KindUser, "bob"), w.identity(3, graph.KindUser, "eve")
	admins, inner := w.identity(10, graph.KindGroup, "Admins"), w.identity(11, graph.KindGroup, "Inner")
	w.member(admins, ada)
	w.member(inner, admins)
	w.member(admins, inner) // a ring
	w.resource(data, "Microsoft.KeyVault/vaults/safe", `{"accessPolicies":[{"objectId":"`+guid(101)+`","permissions":{"secrets":["Get","list"]}},{"objectId":"`+eve+`","permissions":{"keys":["get","delete"]}}]}`)
	w.role("Reader", "*/read")
	w.role("Contributor", "*")
	w.role("VM Operator", "*/read", "Microsoft.Compute/virtualMachines/start/action")
	w.role("VM Runner", "Microsoft.Compute/virtualMachines/run*/action")
	w.assign(inner, "Contributor", web)
	w.assign(ada, "Reader", "/subscriptions/"+sub)
	w.assign(bob, "VM Operator", web)
	w.assign(eve, "VM Runner", web+"/providers/Microsoft.Compute/virtualMachines/vm-two")
	w.assign(guid(102), "Reader", data)
	w.identity(20, graph.KindApplication, "Shop")
	w.assign(w.identity(21, graph.KindServicePrincipal, "Shop"), "Reader", test)
	return w
}

func TestPaths(t *testing.T) {
	r := town().open(t)
	for _, tc := range []struct {
		from, to string
		hops     int
		want     []string
	}{
		{"ada", "rg-web", 0, []string{"ada -HAS_ROLE:Reader> Production -CONTAINS> rg-web"}}, // shorter than by the groups
		{"ada@CONTOSO.com", "Inner", 0, []string{"ada -MEMBER_OF> Admins -MEMBER_OF> Inner"}},
		{"vm-one", "safe", 0, []string{"vm-one -USES_IDENTITY> vm-one -HAS_ACCESS_POLICY:secrets: get, list> safe"}},
		{"rg-data", "bob", 0, []string{"rg-data <HAS_ROLE:Reader- vm-two <USES_IDENTITY- vm-two <CONTAINS- rg-web <HAS_ROLE:VM Operator- bob"}},
		{"vm-one", "bob", 0, []string{"vm-one <CONTAINS- rg-web <HAS_ROLE:VM Operator- bob"}}, // all against the edges
		{"vm-one", "vm-two", 0, []string{
			"vm-one -HAS_INTERFACE> nic-one -USES_SUBNET> front <USES_SUBNET- nic-two <HAS_INTERFACE- vm-two",
			"vm-one -USES_IDENTITY> vm-one -HAS_ACCESS_POLICY:secrets: get, list> safe <HAS_ACCESS_POLICY:keys: get, delete- eve -HAS_ROLE:VM Runner> vm-two",
		}},
		{"vm-one", "loose", 0, []string{"vm-one <CONTAINS- rg-web -CONTAINS> loose"}}, // nothing but their group
		{"loose", "far", 0, []string{"loose <CONTAINS- rg-web <CONTAINS- Production <CONTAINS- Contoso -CONTAINS> Test -CONTAINS> rg-test -CONTAINS> far"}},
		{"loose", "far", 5, []string{}},
		{"loose", "loose", 0, []string{}},
		{"front", "hub", 0, []string{"front <CONTAINS- hub"}},
	} {
		t.Run(fmt.Sprint(tc.from, " ", tc.to, tc.hops), func(t *testing.T) {
			got, err := Path(t.Context(), r, &backend.SnapshotPathRequest{From: tc.from, To: tc.to, MaxHops: tc.hops})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, arrows(got)); diff != "" {
				t.Error(diff)
			}
			if !got.Complete || got.From == "" || got.To == "" || got.Truncated {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestPathsOfOneLengthAreAFew(t *testing.T) {
	w := &world{}
	g := w.group(sub, "rg")
	ada := w.identity(1, graph.KindUser, "ada")
	w.role("Reader", "*/read")
	w.role("Writer", "*")
	for i := range 9 {
		group := w.identity(10+i, graph.KindGroup, fmt.Sprintf("g%d", i))
		w.member(group, ada)
		w.assign(group, "Reader", g)
		w.assign(group, "Writer", g) // the same step says both
	}
	got, err := Path(t.Context(), w.open(t), &backend.SnapshotPathRequest{From: "ada", To: "rg"})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range MaxPaths {
		want = append(want, fmt.Sprintf("ada -MEMBER_OF> g%d -HAS_ROLE:Reader, Writer> rg", i))
	}
	if diff := cmp.Diff(want, arrows(got)); diff != "" || !got.Truncated {
		t.Error(diff, got.Truncated)
	}
}

func TestNames(t *testing.T) {
	r := town().open(t)
	group := "/subscriptions/" + sub + "/resourceGroups/rg-web"
	for _, tc := range []struct{ name, want, hint string }{
		{"/SUBSCRIPTIONS/" + sub + "/RESOURCEGROUPS/RG-WEB/", group, ""},
		{sub, "/subscriptions/" + sub, ""},
		{strings.ToUpper(tenant), "/tenants/" + tenant, ""},
		{"Contoso", "/tenants/" + tenant, ""},
		{"production", "/subscriptions/" + sub, ""},
		{guid(1), guid(1), ""},
		{"Ada@Contoso.com", guid(1), ""},
		{guid(900), guid(21), ""}, // the application's id means its principal
		{"shop", guid(21), ""},
		{"application/shop", guid(20), ""},
		{"vm-one", group + "/providers/Microsoft.Compute/virtualMachines/vm-one", ""},
		{"managed_identity/vm-one", guid(101), ""},
		{"rg-test/same", "/subscriptions/" + other + "/resourceGroups/rg-test/providers/Microsoft.Compute/disks/same", ""},
		{"microsoft.compute/disks/loose", group + "/providers/Microsoft.Compute/disks/loose", ""},
		{"hub/front", group + "/providers/Microsoft.Network/virtualNetworks/hub/subnets/front", ""},
		{"same", "", group + "/providers/Microsoft.Compute/disks/same (microsoft.compute/disks), /subscriptions/" + other},
		{"disks/same", "", "GROUP/NAME"},
		{"vm-onne", "", "did you mean vm-one?"},
		{"rg-web/nothing-like-it", "", "atg snapshot show"},
		{"/subscriptions/" + sub + "/resourceGroups/none", "", "atg snapshot show"},
		{"disks/", "", ""}, {"/", "", ""}, {"//", "", ""}, {guid(77), "", ""}, {"%", "", ""}, {"' OR 1=1 --", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := find(t.Context(), r, tc.name)
			f := fault.As(err)
			if got.ID != tc.want || (tc.want == "") != (f != nil && f.Code == fault.InvalidArgument && strings.Contains(f.Hint, tc.hint)) {
				t.Errorf("%q, %v, %+v", got.ID, err, f)
			}
		})
	}
}

func TestReach(t *testing.T) {
	r := town().open(t)
	for _, tc := range []struct {
		node string
		hops int
		want []string
	}{
		// Who may run commands on a machine acts as it; who may start it does not.
		{"eve", 0, []string{
			"1 write safe by HAS_ACCESS_POLICY of eve as keys: get, delete", "1 write vm-two by HAS_ROLE of eve as VM Runner",
			"2 acts_as vm-two by USES_IDENTITY of vm-two", "3 read rg-data by HAS_ROLE of vm-two as Reader",
		}},
		{"bob", 1, []string{"1 write rg-web by HAS_ROLE of bob as VM Operator"}},
		{"shop", 0, []string{"1 read rg-test by HAS_ROLE of Shop as Reader", "2 read far by CONTAINS of rg-test as Reader", "2 read same by CONTAINS of rg-test as Reader"}},
		{"application/shop", 1, []string{"1 acts_as Shop by INSTANCE_OF of Shop"}},
		{"vm-one", 0, []string{
			"1 depends nic-one by HAS_INTERFACE of vm-one", "1 acts_as vm-one by USES_IDENTITY of vm-one",
			"2 read safe by HAS_ACCESS_POLICY of vm-one as secrets: get, list", "2 depends front by USES_SUBNET of nic-one",
		}},
		{"far", 0, nil},
	} {
		t.Run(fmt.Sprint(tc.node, tc.hops), func(t *testing.T) {
			if diff := cmp.Diff(tc.want, reached(t, r, tc.node, tc.hops)); diff != "" {
				t.Error(diff)
			}
		})
	}
	// By her groups, in a ring, she may change rg-web, and so act as its machines; of the rest she is a reader.
	ada := strings.Join(reached(t, r, "ada", 0), "\n") + "\n"
	for _, want := range []string{
		"1 read Production by HAS_ROLE of ada as Reader\n", "2 acts_as Inner by MEMBER_OF of Admins\n", "3 write rg-web by HAS_ROLE of Inner as Contributor\n",
		"4 write vm-one by CONTAINS of rg-web as Contributor\n", "5 acts_as vm-one by USES_IDENTITY of vm-one\n", "2 read rg-data by CONTAINS of Production as Reader\n",
	} {
		if !strings.Contains(ada, want) {
			t.Errorf("%q is not in\n%s", want, ada)
		}
	}
	if n := strings.Count(ada, " ada "); strings.Contains(ada, "acts_as ada") {
		t.Errorf("she reaches herself: %d\n%s", n, ada)
	}
	if bob := strings.Join(reached(t, r, "bob", 0), "\n"); strings.Contains(bob, "acts_as") {
		t.Errorf("who may start a machine acts as it:\n%s", bob)
	}
}

func TestRoles(t *testing.T) {
	for name, tc := range map[string]struct {
		properties string
		access     Access
		takes      string // of a machine, an application and an identity
	}{
		"reader":         {`{"permissions":[{"actions":["*/read"]}]}`, AccessRead, ""},
		"with support":   {`{"permissions":[{"actions":["*/read","Microsoft.Support/*"]}]}`, AccessRead, ""},
		"owner":          {`{"permissions":[{"actions":["*"]}]}`, AccessOwner, "vsi"},
		"contributor":    {`{"permissions":[{"actions":["*"],"notActions":["Microsoft.Authorization/*/Delete","Microsoft.Authorization/*/Write"]}]}`, AccessWrite, "vsi"},
		"gives roles":    {`{"permissions":[{"actions":["Microsoft.Authorization/roleAssignments/*"]}]}`, AccessOwner, "vsi"},
		"machines":       {`{"permissions":[{"actions":["Microsoft.Compute/virtualMachines/*"]}]}`, AccessWrite, "v"},
		"signs in":       {`{"permissions":[{"dataActions":["Microsoft.Compute/virtualMachines/login/action"]}]}`, AccessWrite, "v"},
		"reads data":     {`{"permissions":[{"dataActions":["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"]}]}`, AccessRead, ""},
		"not data":       {`{"permissions":[{"dataActions":["*"],"notDataActions":["*"]}]}`, AccessWrite, ""},
		"two parts":      {`{"permissions":[{"actions":["*"],"notActions":["*/write"]},{"actions":["microsoft.web/SITES/write"]}]}`, AccessWrite, "vsi"},
		"assigns":        {`{"permissions":[{"actions":["Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"]}]}`, AccessWrite, "i"},
		"nothing at all": {`{"permissions":[{"actions":[]}]}`, AccessRead, ""},
	} {
		t.Run(name, func(t *testing.T) {
			made, ok := parseRole([]byte(tc.properties))
			takes := ""
			for _, typ := range []string{"v microsoft.compute/virtualmachines", "s microsoft.web/sites", "i microsoft.managedidentity/userassignedidentities"} {
				if made.takes(typ[2:]) {
					takes += typ[:1]
				}
			}
			if !ok || made.access != tc.access || takes != tc.takes {
				t.Errorf("%s %q", made.access, takes)
			}
		})
	}
	for _, bad := range []string{``, `null`, `[]`, `{}`, `{"permissions":[]}`, `{"permissions":{}}`} {
		if _, ok := parseRole([]byte(bad)); ok {
			t.Errorf("%q says something", bad)
		}
	}
	for name, want := range map[string]Access{"Owner": AccessOwner, "acdd72a7-3385-48ef-bd42-f606fba81ae7": AccessRead, "Storage Blob Data Reader": AccessRead, "Something": AccessWrite, "": AccessWrite} {
		if got := roleNamed(nil, name); got.access != want {
			t.Errorf("%s is %s", name, got.access)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, tc := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true}, {"*", "a/b", true}, {"a", "a", true}, {"a", "ab", false}, {"a*", "ab", true}, {"*/read", "x/y/read", true}, {"*/read", "x/y/reader", false},
		{"a*b*c", "a-b-b-c", true}, {"a*b*c", "a-c-b", false}, {"a*a", "a", false}, {"", "", true}, {"", "a", false}, {"a**b", "ab", true},
	} {
		if got := glob(tc.pattern, tc.text); got != tc.want {
			t.Errorf("glob(%q, %q) = %v", tc.pattern, tc.text, got)
		}
	}
}
