package local_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// directoryKinds are the kinds of the ledger's lines of Microsoft Graph.
var directoryKinds = []string{"users", "groups", "memberships", "service principals", "applications"}

// withDirectory is simulate for a tenant whose Microsoft Graph is used.
func withDirectory(t *testing.T, config azuresim.Config) (*azuresim.Server, backend.Settings) {
	t.Helper()
	if config.Tenant == nil {
		contoso, err := tenant.Contoso()
		if err != nil {
			t.Fatal(err)
		}
		config.Tenant = contoso
	}
	config.NoARMLimits = true
	sim, settings := simulate(t, config)
	settings["graph_endpoint"] = sim.URL()
	return sim, settings
}

// directoryLines are the ledger's lines of Microsoft Graph: state and rows, by kind.
func directoryLines(o outcome) map[string]string {
	lines := map[string]string{}
	for _, e := range o.result.Coverage.Entries {
		if slices.Contains(directoryKinds, e.Kind) {
			lines[e.Kind] = fmt.Sprintf("%s %d", e.State, e.Listed)
		}
	}
	return lines
}

// people is what a snapshot has of Microsoft Graph: state and kind of each identity by its id, and members by groups.
type people struct {
	Identities map[string]string
	Members    map[string][]string
}

func peopleOf(t *testing.T, settings backend.Settings, o outcome) people {
	t.Helper()
	p := people{map[string]string{}, map[string][]string{}}
	r := openSnapshot(t, settings, o)
	if err := r.Identities(t.Context(), func(i graph.Identity) error {
		p.Identities[i.ObjectID] = string(i.State) + " " + string(i.Kind)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := r.Memberships(t.Context(), func(m graph.Membership) error {
		p.Members[m.GroupID] = append(p.Members[m.GroupID], m.MemberID)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if int64(len(p.Identities)) != o.result.Identities || o.result.Identities != o.result.Snapshot.Identities {
		t.Errorf("the snapshot has %d identities, the result says %d, its snapshot %d", len(p.Identities), o.result.Identities, o.result.Snapshot.Identities)
	}
	return p
}

func openSnapshot(t *testing.T, settings backend.Settings, o outcome) *graph.Reader {
	t.Helper()
	store, err := graph.OpenStore(settings["store_dir"].(string))
	if err != nil {
		t.Fatal(err)
	}
	r, err := store.Open(t.Context(), o.result.Snapshot.ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// namedBy are the principals that rows of a tenant name, of some subscriptions.
func namedBy(t *testing.T, of *tenant.Tenant, subscriptions ...string) map[string]bool {
	t.Helper()
	named := map[string]bool{}
	add := func(id string) {
		if id != "" {
			named[strings.ToLower(id)] = true
		}
	}
	for _, subscription := range subscriptions {
		for row := range of.Rows(subscription, "") {
			var r struct {
				Identity struct {
					PrincipalID            string
					UserAssignedIdentities map[string]struct{ PrincipalID string }
				}
				Properties struct {
					PrincipalID     string
					AccessPolicies  []struct{ ObjectID string }
					Administrators  struct{ SID, PrincipalType string }
					IdentityProfile map[string]struct{ ObjectID string }
					AADProfile      struct{ AdminGroupObjectIDs []string }
				}
			}
			if err := json.Unmarshal(append(append(append(append([]byte(`{"identity":`), row.Append(nil, "identity")...), `,"properties":`...), row.Append(nil, "properties")...), `}`...), &r); err != nil {
				continue // properties of another form
			}
			add(r.Identity.PrincipalID)
			for _, assigned := range r.Identity.UserAssignedIdentities {
				add(assigned.PrincipalID)
			}
			switch row.Type() {
			case "microsoft.authorization/roleassignments", "microsoft.managedidentity/userassignedidentities":
				add(r.Properties.PrincipalID)
			case "microsoft.keyvault/vaults":
				for _, p := range r.Properties.AccessPolicies {
					add(p.ObjectID)
				}
			case "microsoft.sql/servers", "microsoft.sql/managedinstances":
				if r.Properties.Administrators.PrincipalType != "Application" {
					add(r.Properties.Administrators.SID)
				}
			case "microsoft.containerservice/managedclusters":
				for _, p := range r.Properties.IdentityProfile {
					add(p.ObjectID)
				}
				for _, id := range r.Properties.AADProfile.AdminGroupObjectIDs {
					add(id)
				}
			}
		}
	}
	return named
}

func identityOf(o directory.Object) string {
	kind := map[directory.Kind]string{directory.User: "user", directory.Group: "group", directory.ServicePrincipal: "service_principal", directory.Application: "application"}[o.Kind]
	if o.Text("servicePrincipalType") == "ManagedIdentity" {
		kind = "managed_identity"
	}
	return "present " + kind
}

// everybody is all that is in a directory.
func everybody(d *directory.Directory) people {
	p := people{map[string]string{}, map[string][]string{}}
	for _, kind := range directory.Kinds {
		for _, o := range d.All(kind, 0) {
			p.Identities[o.ID] = identityOf(o)
			p.join(d, o)
		}
	}
	return p
}

func (p people) join(d *directory.Directory, o directory.Object) {
	if o.Kind != directory.Group {
		return
	}
	for _, ref := range d.Linked(o.ID, directory.Members, 0) {
		p.Members[o.ID] = append(p.Members[o.ID], ref.ID)
	}
	slices.Sort(p.Members[o.ID])
}

// closure is what a directory has of some principals, of the members of those that are groups, and of the applications of the
// tenant's own service principals.
func closure(d *directory.Directory, tenantID string, named map[string]bool) people {
	p := people{map[string]string{}, map[string][]string{}}
	waiting := slices.Collect(maps.Keys(named))
	for len(waiting) > 0 {
		id := waiting[0]
		waiting = waiting[1:]
		if _, met := p.Identities[id]; met {
			continue
		}
		o, ok := d.Find(id)
		if !ok {
			p.Identities[id] = "deleted"
			continue
		}
		p.Identities[id] = identityOf(o)
		p.join(d, o)
		waiting = append(waiting, p.Members[id]...)
		if o.Kind == directory.ServicePrincipal && o.Text("appOwnerOrganizationId") == tenantID {
			if app, ok := d.Named(directory.Application, o.Text("appId")); ok {
				p.Identities[app.ID] = identityOf(app)
			}
		}
	}
	return p
}

// withoutKinds forgets of which kind deleted identities were said to be.
func (p people) withoutKinds() people {
	for id, is := range p.Identities {
		if strings.HasPrefix(is, "deleted") {
			p.Identities[id] = "deleted"
		}
	}
	return p
}

func subscriptionsOf(of *tenant.Tenant) (ids []string) {
	for _, s := range of.Subscriptions {
		ids = append(ids, s.ID)
	}
	return ids
}

// withAssignment is a tenant in which a group has a role more.
func withAssignment(t *testing.T, of *tenant.Tenant, group string) *tenant.Tenant {
	t.Helper()
	scope := "/subscriptions/" + of.Subscriptions[1].ID
	next, err := of.Put(tenant.Resource{ID: scope + "/providers/Microsoft.Authorization/roleAssignments/" + group, Members: map[string]any{
		"properties": map[string]any{"scope": scope, "principalId": group, "principalType": "Group",
			"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"}}})
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// TestAGroupThatHidesItsMembers leaves the others alone, and says what permission that takes.
func TestAGroupThatHidesItsMembers(t *testing.T) {
	sim, settings := withDirectory(t, azuresim.Config{})
	b := start(t, settings)
	open := peopleOf(t, settings, mustScan(t, b, backend.ScanRequest{Identities: backend.IdentitiesAll})).Members
	hides := slices.Max(slices.Collect(maps.Keys(open)))
	if err := sim.Directory().Update(hides, map[string]any{"visibility": "HiddenMembership"}); err != nil {
		t.Fatal(err)
	}
	inject(t, sim, azuresim.Faults{Rules: []azuresim.Fault{{Path: "/groups/" + hides + "/members", Status: 403}}})
	o := mustScan(t, b, backend.ScanRequest{Identities: backend.IdentitiesAll})
	delete(open, hides)
	if d := cmp.Diff(open, peopleOf(t, settings, o).Members); d != "" {
		t.Errorf("members (-want +got):\n%s", d)
	}
	gaps := o.result.Coverage.Gaps()
	if len(gaps) != 1 || gaps[0].Kind != "memberships" || gaps[0].State != backend.CoverageDenied || !strings.Contains(gaps[0].Fault.Message, "Member.Read.Hidden") {
		t.Errorf("gaps = %+v", gaps)
	}
}
