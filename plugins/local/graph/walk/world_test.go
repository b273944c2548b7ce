package walk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
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
	w.resource(data, "Microsoft.KeyVault/vaults/safe/secrets/password", `{}`)
	w.resource(data, "Microsoft.KeyVault/vaults/safe/keys/sign", `{}`)
	w.role("Secrets Writer", "Microsoft.KeyVault/vaults/secrets/write")
	w.assign(w.identity(4, graph.KindUser, "dan"), "Secrets Writer", data)
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
