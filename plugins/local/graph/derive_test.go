package graph

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

const group = "/subscriptions/" + subscription + "/resourceGroups/App"

// at is the id of a resource of the group.
func at(path string) string { return group + "/providers/" + path }

func resource(path, typ, properties string) Row {
	return Row{Table: TableResources, ID: at(path), Type: typ, Name: lastSegment(path), Location: "westeurope", SubscriptionID: subscription, ResourceGroup: "App", Properties: []byte(properties)}
}

// graphOf writes rows and identities, and answers the relationships but containment: source, kind, target, property, detail, state
// of the target; the names are what stands behind the last two slashes.
func graphOf(t *testing.T, rows []Row, identities []Identity, memberships []Membership) [][]string {
	t.Helper()
	s := newStore(t)
	w := newWriter(t, s, Meta{TenantName: "Contoso"})
	if err := errors.Join(w.Add(rows), w.AddIdentities(identities), w.AddMemberships(memberships)); err != nil {
		t.Fatal(err)
	}
	snapshot, err := w.Finish(t.Context(), backend.Coverage{Complete: true})
	if err != nil {
		t.Fatal(err)
	}
	all := query(t, s, snapshot.ID, `SELECT source_key, kind, target_key, property, detail, source_state || ' ' || target_state FROM relationships WHERE kind <> 'CONTAINS'`)
	for _, row := range all {
		for _, i := range []int{0, 2} {
			if parts := strings.Split(row[i], "/"); len(parts) > 2 && !strings.HasPrefix(row[i], "https") {
				row[i] = strings.Join(parts[len(parts)-2:], "/")
			}
		}
	}
	slices.SortFunc(all, slices.Compare)
	return all
}

func TestRelationships(t *testing.T) {
	const (
		vnet = "Microsoft.Network/virtualNetworks/Hub"
		nic  = "Microsoft.Network/networkInterfaces/Nic"
		vm   = "Microsoft.Compute/virtualMachines/Vm"
		nsg  = "Microsoft.Network/networkSecurityGroups/Nsg"
		both = "present present"
	)
	ada, ops, app, spn := "aaaaaaaa"+guidTail, "bbbbbbbb"+guidTail, "cccccccc"+guidTail, "dddddddd"+guidTail
	cases := map[string]struct {
		rows        []Row
		identities  []Identity
		memberships []Membership
		want        [][]string
	}{
		"a machine in a network, told at both ends": {
			rows: []Row{
				resource(vm, "Microsoft.Compute/virtualMachines", `{"networkProfile":{"networkInterfaces":[{"id":"`+strings.ToUpper(at(nic))+`"}]}}`),
				resource(nic, "Microsoft.Network/networkInterfaces", `{"virtualMachine":{"id":"`+at(vm)+`"},"networkSecurityGroup":{"id":"`+at(nsg)+`"},
					"ipConfigurations":[{"id":"`+at(nic)+`/ipConfigurations/one","properties":{"subnet":{"id":"`+at(vnet)+`/subnets/web"}}}]}`),
				resource(vnet, "Microsoft.Network/virtualNetworks", `{"subnets":[{"properties":{"ipConfigurations":[{"id":"`+at(nic)+`/ipConfigurations/one"}]},"id":"`+at(vnet)+`/subnets/web"}]}`),
				resource(nsg, "Microsoft.Network/networkSecurityGroups", `{"networkInterfaces":[{"id":"`+at(nic)+`"}]}`),
			},
			want: [][]string{
				{"networkinterfaces/nic", "SECURED_BY", "networksecuritygroups/nsg", "properties.networkSecurityGroup.id", "", both},
				{"networkinterfaces/nic", "USES_SUBNET", "virtualnetworks/hub", "properties.ipConfigurations[].properties.subnet.id", "", both},
				{"virtualmachines/vm", "HAS_INTERFACE", "networkinterfaces/nic", "properties.networkProfile.networkInterfaces[].id", "", both},
			},
		},
		"what a child names is the child's, where it has a row": {
			rows: []Row{
				resource(vnet, "Microsoft.Network/virtualNetworks", `{"subnets":[{"id":"`+at(vnet)+`/subnets/web","properties":{"networkSecurityGroup":{"id":"`+at(nsg)+`"}}}]}`),
				resource(vnet+"/subnets/web", "Microsoft.Network/virtualNetworks/subnets", `{"networkSecurityGroup":{"id":"`+at(nsg)+`"}}`),
				resource(nsg, "Microsoft.Network/networkSecurityGroups", `{"subnets":[{"id":"`+at(vnet)+`/subnets/web"},{"id":"`+at(vnet)+`/subnets/gone"}]}`),
			},
			want: [][]string{
				{"subnets/gone", "SECURED_BY", "networksecuritygroups/nsg", "properties.subnets[].id", "", "missing present"},
				{"subnets/web", "SECURED_BY", "networksecuritygroups/nsg", "properties.networkSecurityGroup.id", "", both},
			},
		},
		"what is named and not there": {
			rows: []Row{{Table: SourceARM, ID: at(vm), Type: "Microsoft.Compute/virtualMachines", ManagedBy: at("Microsoft.X/ys/Boss"),
				Tags: []byte(`{"hidden-link:` + at("Microsoft.X/ys/Linked") + `":"Resource"}`), Properties: []byte(`{"disk":{"managedDisk":{"id":"` + at("Microsoft.Compute/disks/Gone") + `"}}}`)}},
			want: [][]string{
				{"virtualmachines/vm", "HAS_DISK", "disks/gone", "properties.disk.managedDisk.id", "", "present missing"},
				{"virtualmachines/vm", "REFERS_TO", "ys/linked", "tags", "", "present missing"},
				{"ys/boss", "MANAGES", "virtualmachines/vm", "managedBy", "", "missing present"},
			},
		},
		"addresses of accounts": {
			rows: []Row{
				resource("Microsoft.KeyVault/vaults/Safe", "Microsoft.KeyVault/vaults", `{"vaultUri":"https://safe.vault.azure.net/"}`),
				resource("Microsoft.Web/sites/Shop", "Microsoft.Web/sites", `{"a":"@Microsoft.KeyVault(SecretUri=https://SAFE.vault.azure.net/secrets/x)","b":"@Microsoft.KeyVault(VaultName=safe;SecretName=y)",
					"c":"https://gone.blob.core.windows.net/x","d":"https:\/\/safe.vault.azure.net\/keys\/k","e":"https://vault.azure.net/","f":"https://a.b.vault.azure.net/"}`),
			},
			want: [][]string{
				{"sites/shop", "USES_STORAGE", "https://gone.blob.core.windows.net", "properties.c", "", "present missing"},
				{"sites/shop", "USES_VAULT", "vaults/safe", "properties.a", "", both},
				{"sites/shop", "USES_VAULT", "vaults/safe", "properties.b", "", both},
				{"sites/shop", "USES_VAULT", "vaults/safe", "properties.d", "", both},
			},
		},
		"identities and roles": {
			rows: []Row{
				{Table: TableAuthorization, ID: group + "/providers/Microsoft.Authorization/roleAssignments/1", Type: typeRoleAssignment,
					Properties: []byte(`{"principalId":"` + strings.ToUpper(ops) + `","principalType":"Group","roleDefinitionId":"/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/R1","scope":"` + group + `"}`)},
				{Table: TableAuthorization, ID: "/providers/Microsoft.Authorization/roleAssignments/2", Type: typeRoleAssignment,
					Properties: []byte(`{"principalId":"eeeeeeee` + guidTail + `","principalType":"User","roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/r2","scope":"/"}`)},
				{Table: TableAuthorization, ID: "/providers/Microsoft.Authorization/roleDefinitions/r1", Name: "r1", Type: typeRoleDefinition, Properties: []byte(`{"roleName":"Owner"}`)},
				{Table: TableContainers, ID: group, Type: "microsoft.resources/subscriptions/resourcegroups"},
				{Table: TableResources, ID: at("Microsoft.Web/sites/Shop"), Type: "Microsoft.Web/sites",
					Identity: []byte(`{"type":"SystemAssigned, UserAssigned","principalId":"` + spn + `","userAssignedIdentities":{"` + at("Microsoft.ManagedIdentity/userAssignedIdentities/Me") + `":{"principalId":"x"}}}`)},
				resource("Microsoft.ManagedIdentity/userAssignedIdentities/Me", "Microsoft.ManagedIdentity/userAssignedIdentities", `{"principalId":"ffffffff`+guidTail+`"}`),
				resource("Microsoft.KeyVault/vaults/Safe", "Microsoft.KeyVault/vaults", `{"accessPolicies":[{"objectId":"`+ada+`","permissions":{"secrets":["Get","list"],"keys":["sign"]}}]}`),
			},
			identities: []Identity{
				{ObjectID: ada, Kind: KindUser, State: IdentityPresent}, {ObjectID: ops, Kind: KindGroup, State: IdentityPresent},
				{ObjectID: app, Kind: KindApplication, State: IdentityPresent, AppID: "1"}, {ObjectID: spn, Kind: KindManagedIdentity, State: IdentityPresent, AppID: "1", ResourceID: at("Microsoft.Web/sites/Shop")},
			},
			memberships: []Membership{{ops, ada}, {ops, ops}, {ops, "99999999" + guidTail}},
			want: [][]string{
				{"99999999" + guidTail, "MEMBER_OF", ops, "members", "", "missing present"},
				{ada, "HAS_ACCESS_POLICY", "vaults/safe", "properties.accessPolicies[].objectId", "keys: sign; secrets: get, list", both},
				{ada, "MEMBER_OF", ops, "members", "", both},
				{ops, "HAS_ROLE", "resourcegroups/app", "properties.scope", "Owner", both},
				{ops, "MEMBER_OF", ops, "members", "", both},
				{spn, "INSTANCE_OF", app, "appId", "", both},
				{"eeeeeeee" + guidTail, "HAS_ROLE", "/tenants/" + tenant, "properties.scope", "r2", "missing present"},
				{"sites/shop", "USES_IDENTITY", spn, "identity.principalId", "", both},
				{"sites/shop", "USES_IDENTITY", "userassignedidentities/me", "identity.userAssignedIdentities", "", both},
				{"userassignedidentities/me", "USES_IDENTITY", "ffffffff" + guidTail, "properties.principalId", "", "present missing"},
			},
		},
		"what Azure itself has, and what stands in what contains it": {
			rows: []Row{
				resource("A/b/One", "A/b", `{"policy":"/providers/Microsoft.Authorization/policyDefinitions/built-in","image":"/Subscriptions/x/Providers/Microsoft.Compute/Locations/eu/y/z"}`),
				resource("A/b/One/c/Two", "A/b/c", `{"rule":"`+at("A/b/One/rules/three")+`","deep":"`+at("A/b/Gone/rules/three")+`"}`),
				{Table: TableContainers, ID: "/providers/Microsoft.Management/managementGroups/m", Type: typeManagementGroup, Properties: []byte(`{"details":{"parent":{"id":"/providers/Microsoft.Management/managementGroups/n"}}}`)},
			},
			want: [][]string{
				{"b/one", "REFERS_TO", "policydefinitions/built-in", "properties.policy", "", "present platform"},
				{"b/one", "REFERS_TO", "y/z", "properties.image", "", "present platform"},
				{"c/two", "REFERS_TO", "rules/three", "properties.deep", "", "present missing"},
			},
		},
		"strange rows": {
			rows: []Row{
				{Table: TableResources, ID: "nonsense", Properties: []byte(`{"id":"/subscriptions/` + subscription + `"}`)},
				{Table: TableResources, ID: at("A/b/Ü"), Type: "A/b", Properties: []byte(`{"x":"` + at("A/b/ü") + `/c/d","y":"/subscriptions//x","z":"/subscriptions/a\nb"}`)},
				{Table: TableContainers, ID: at("A/b/Ü"), Type: "x"},
			},
			want: [][]string{{"nonsense", "REFERS_TO", "/subscriptions/" + subscription, "properties.id", "", "present missing"}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for i := range c.want {
				for _, j := range []int{0, 2} {
					if parts := strings.Split(c.want[i][j], "/"); len(parts) == 3 && !strings.HasPrefix(c.want[i][j], "https") {
						c.want[i][j] = strings.Join(parts[1:], "/")
					}
				}
			}
			slices.SortFunc(c.want, slices.Compare)
			if diff := cmp.Diff(c.want, graphOf(t, c.rows, c.identities, c.memberships)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestNodesAndEdgesDependOnContentAlone(t *testing.T) {
	rows := append(synthetic(50),
		resource("A/b/One", "A/b", `{"z":"`+at("A/b/two")+`","a":"`+at("A/b/TWO")+`","m":"`+at("A/b/gone")+`"}`), resource("A/b/Two", "A/b", `{}`))
	read := func(rows []Row) (nodes []Node, edges []Edge) {
		s := newStore(t)
		r, err := s.Open(t.Context(), write(t, s, Meta{}, rows...).ID)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		err = errors.Join(r.Nodes(t.Context(), func(n Node) error { nodes = append(nodes, n); return nil }),
			r.Edges(t.Context(), func(e Edge) error { edges = append(edges, e); return nil }))
		if err != nil {
			t.Fatal(err)
		}
		return nodes, edges
	}
	nodes, edges := read(rows)
	slices.Reverse(rows)
	others, ends := read(rows)
	if diff := cmp.Diff(nodes, others); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(edges, ends); diff != "" {
		t.Error(diff)
	}
	last := nodes[len(nodes)-1]
	want := Node{Number: last.Number, Key: key(at("A/b/gone")), ID: at("A/b/gone"), Kind: NodeResource, State: NodeMissing, Name: "gone", Type: "a/b", ResourceGroup: "app", SubscriptionID: subscription}
	found := slices.IndexFunc(nodes, func(n Node) bool { return n.Key == want.Key })
	want.Number = nodes[found].Number
	if diff := cmp.Diff(want, nodes[found]); diff != "" {
		t.Error(diff)
	}
	if !slices.IsSortedFunc(edges, compareEdges) || len(edges) < 50 {
		t.Errorf("%d edges, or out of order", len(edges))
	}
}

// A snapshot of an older format has the graph that it would have had.
func TestOlderSnapshotsGetAGraph(t *testing.T) {
	then, err := OpenStore("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{firstSnapshot, secondSnapshot} {
		t.Run(id, func(t *testing.T) {
			r, err := OpenFile(t.Context(), then.file(id))
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Nodes(t.Context(), func(Node) error { return nil }); err == nil {
				t.Error("it has nodes by itself")
			}
			want := r.Snapshot()
			r, err = r.WithGraph(t.Context(), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			var kinds []string
			if err := r.Edges(t.Context(), func(e Edge) error { kinds = append(kinds, e.Kind); return nil }); err != nil {
				t.Fatal(err)
			}
			if int64(len(kinds)) < want.Relationships || !slices.Contains(kinds, "CONTAINS") {
				t.Errorf("the edges are %v", kinds)
			}
			if got := r.Snapshot(); got.ID != want.ID || got.Resources < want.Resources || got.Complete != want.Complete || got.SHA256 != want.SHA256 || got.Filtered != want.Filtered {
				t.Errorf("it says that it is %+v, not %+v", got, want)
			}
			again, err := r.WithGraph(t.Context(), t.TempDir())
			if err != nil || again != r {
				t.Errorf("once more: %v, %v", again, err)
			}
		})
	}
}
