package tenant

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustContoso(t *testing.T) *Tenant {
	t.Helper()
	tenant, err := Contoso()
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

func TestContosoIsAWholeTenant(t *testing.T) {
	tenant := mustContoso(t)
	resources := tenant.Resources()
	types := map[string]bool{}
	for row := range uint32(resources.Len()) {
		types[resources.Text(row, typeColumn)] = true
	}
	var groups []string
	for _, g := range tenant.ManagementGroups {
		groups = append(groups, g.DisplayName)
	}
	slices.Sort(groups)
	if resources.Len() < 150 || len(types) < 40 {
		t.Errorf("%d resources of %d types", resources.Len(), len(types))
	}
	if diff := cmp.Diff([]string{"Contoso", "Landing zones", "Platform", "Sandboxes", "Tenant Root Group"}, groups); diff != "" {
		t.Error(diff)
	}
	if len(tenant.Subscriptions) != 4 || len(tenant.Under("MG-LandingZones")) != 3 {
		t.Errorf("%d subscriptions, landing zones %v", len(tenant.Subscriptions), tenant.Under("mg-landingzones"))
	}
}

// The forms in which Resource Graph returns rows.
func TestContosoRowsAreAsResourceGraphReturnsThem(t *testing.T) {
	tenant := mustContoso(t)
	for row := range uint32(tenant.Resources().Len()) {
		r := Row{tenant.Resources(), row}
		id, group := r.Text("id"), r.Text("resourceGroup")
		if typ := strings.ToLower(typeInID(id)); r.Text("type") != typ {
			t.Errorf("%s has type %s", id, r.Text("type"))
		}
		if group != strings.ToLower(groupOf(id)) {
			t.Errorf("%s has group %s", id, group)
		}
		if !strings.HasSuffix(id, "/"+r.Text("name")) || r.Text("tenantId") != ContosoID {
			t.Errorf("%s has name %s in tenant %s", id, r.Text("name"), r.Text("tenantId"))
		}
		if !json.Valid(r.JSON("properties")) || r.Text("location") == "" || r.Text("apiVersion") == "" {
			t.Errorf("%s is incomplete", id)
		}
		provider, ok := tenant.Provider(strings.Split(typeInID(id), "/")[0])
		if !ok || !slices.Contains(provider.Versions(), r.Text("apiVersion")) {
			t.Errorf("%s is of no provider's version %s", id, r.Text("apiVersion"))
		}
	}
}

// Whatever a resource refers to by its id exists too.
func TestContosoReferencesResolve(t *testing.T) {
	tenant := mustContoso(t)
	reference := regexp.MustCompile(`(?i)"(/subscriptions/[^/"]+/resourceGroups/[^/"]+/providers/[^/"]+/[^/"]+/[^/"\\]+)`)
	for row := range tenant.allRows() {
		for _, column := range []string{"properties", "identity", "managedBy"} {
			for _, match := range reference.FindAllStringSubmatch(string(row.JSON(column)), -1) {
				if _, ok := tenant.Find(match[1]); !ok {
					t.Errorf("%s refers to %s", row.Text("id"), match[1])
				}
			}
		}
	}
}

// Each row has the type and the scope that its id says, in whichever table it stands.
func TestContosoRowsAgreeWithTheirIDs(t *testing.T) {
	tenant := mustContoso(t)
	seen := map[string]bool{}
	for row := range tenant.allRows() {
		id := row.Text("id")
		if seen[strings.ToLower(id)] {
			t.Errorf("%s stands there twice", id)
		}
		seen[strings.ToLower(id)] = true
		if typ := strings.ToLower(typeInID(id)); row.Text("type") != typ {
			t.Errorf("%s has type %s", id, row.Text("type"))
		}
		group := groupOf(id)
		if row.Text("type") == "microsoft.authorization/roleassignments" {
			group = "" // Resource Graph says none of these
		}
		if !strings.EqualFold(row.Text("resourceGroup"), group) {
			t.Errorf("%s has group %q", id, row.Text("resourceGroup"))
		}
		if subscription := row.Text("subscriptionId"); subscription != "" && !strings.HasPrefix(id, "/subscriptions/"+subscription+"/") {
			t.Errorf("%s has subscription %s", id, subscription)
		}
		if !json.Valid(row.JSON("properties")) {
			t.Errorf("%s has no properties", id)
		}
	}
}

// A child's parent exists, and so does the resource that an extension hangs on.
func TestContosoChildrenHaveParents(t *testing.T) {
	tenant := mustContoso(t)
	unlisted := []string{"/backupFabrics/", "/policyStates/"} // no resources, but segments of an address
	for row := range tenant.allRows() {
		id := row.Text("id")
		if slices.ContainsFunc(unlisted, func(part string) bool { return strings.Contains(id, part) }) {
			continue
		}
		at := strings.LastIndex(id, "/providers/")
		parent := id[:at]
		if segments := strings.Split(id[at:], "/"); len(segments) > 5 {
			parent = strings.Join(strings.Split(id, "/")[:strings.Count(id, "/")-1], "/")
		}
		if _, ok := tenant.Find(parent); !ok && strings.Contains(parent, "/providers/") && !strings.Contains(parent, "/managementGroups/") {
			t.Errorf("%s has no parent", id)
		}
	}
}

// The tables beside the resources that a scanner should know have rows of the types documented in
// https://learn.microsoft.com/azure/governance/resource-graph/reference/supported-tables-resources
func TestContosoFillsTheTables(t *testing.T) {
	tenant := mustContoso(t)
	for name, types := range map[string][]string{
		"policyresources":                  {"microsoft.authorization/policyassignments", "microsoft.authorization/policydefinitions", "microsoft.authorization/policyexemptions", "microsoft.authorization/policysetdefinitions", "microsoft.policyinsights/policystates"},
		"dnsresources":                     {"microsoft.network/dnszones/a", "microsoft.network/dnszones/cname", "microsoft.network/dnszones/mx", "microsoft.network/dnszones/ns", "microsoft.network/dnszones/soa", "microsoft.network/dnszones/txt", "microsoft.network/privatednszones/a", "microsoft.network/privatednszones/soa"},
		"networkresources":                 {"microsoft.network/firewallpolicies/rulecollectiongroups"},
		"appserviceresources":              {"microsoft.web/sites/config"},
		"computeresources":                 {"microsoft.compute/virtualmachinescalesets/virtualmachines"},
		"recoveryservicesresources":        {"microsoft.recoveryservices/vaults/backupfabrics/protectioncontainers/protecteditems", "microsoft.recoveryservices/vaults/backupjobs", "microsoft.recoveryservices/vaults/backuppolicies"},
		"insightsresources":                {"microsoft.insights/datacollectionruleassociations"},
		"kubernetesconfigurationresources": {"microsoft.kubernetesconfiguration/extensions", "microsoft.kubernetesconfiguration/fluxconfigurations"},
		"deploymentresources":              {"microsoft.resources/deploymentstacks"},
		"managedserviceresources":          {"microsoft.managedservices/registrationassignments", "microsoft.managedservices/registrationdefinitions"},
	} {
		table, _ := tenant.Table(name)
		var got []string
		for row := range uint32(table.Len()) {
			got = append(got, table.Text(row, typeColumn))
		}
		slices.Sort(got)
		if diff := cmp.Diff(types, slices.Compact(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// allRows goes through all subscriptions and what stands outside of them.
func (t *Tenant) allRows() func(func(Row) bool) {
	return func(yield func(Row) bool) {
		for row := range t.Rows("", "") {
			if !yield(row) {
				return
			}
		}
		for _, s := range t.Subscriptions {
			for row := range t.Rows(s.ID, "") {
				if !yield(row) {
					return
				}
			}
		}
	}
}
