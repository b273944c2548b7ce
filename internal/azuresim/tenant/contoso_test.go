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
