package tenant

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func mustSynthetic(t *testing.T, resources, subscriptions int, seed uint64) *Tenant {
	t.Helper()
	tenant, err := Synthetic(SyntheticOptions{Resources: resources, Subscriptions: subscriptions, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

// rendered is the whole table of resources as text.
func rendered(tenant *Tenant) string {
	var b []byte
	table := tenant.Resources()
	for row := range uint32(table.Len()) {
		for column := range table.Columns() {
			b = append(table.AppendJSON(b, row, column), '\n')
		}
	}
	return string(b)
}

func TestSyntheticFollowsFromItsOptions(t *testing.T) {
	first, again := rendered(mustSynthetic(t, 700, 3, 7)), rendered(mustSynthetic(t, 700, 3, 7))
	if first != again {
		t.Error("the same options give different tenants")
	}
	if first == rendered(mustSynthetic(t, 700, 3, 8)) {
		t.Error("another seed gives the same tenant")
	}
	if longer := rendered(mustSynthetic(t, 700, 4, 7)); first == longer {
		t.Error("another number of subscriptions gives the same tenant")
	}
}

func TestSyntheticSizes(t *testing.T) {
	for _, test := range []struct{ resources, subscriptions int }{
		{0, 1}, {1, 1}, {1, 5}, {99, 2}, {100, 2}, {101, 2}, {1234, 4}, {1000, 40},
	} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			tenant := mustSynthetic(t, test.resources, test.subscriptions, 1)
			if len(tenant.Subscriptions) != test.subscriptions {
				t.Errorf("%d subscriptions", len(tenant.Subscriptions))
			}
			total, grouped := 0, 0
			for _, s := range tenant.Subscriptions {
				rows := tenant.Resources().InSubscription(strings.ToUpper(s.ID))
				total += len(rows)
				for _, group := range tenant.Groups(s.ID) {
					grouped += len(tenant.Resources().InGroup(s.ID, group.Text("name")))
				}
				for _, row := range rows {
					if got := (Row{tenant.Resources(), row}).Text("subscriptionId"); got != s.ID {
						t.Fatalf("row %d is in %s", row, got)
					}
				}
			}
			if total != test.resources || grouped != test.resources {
				t.Errorf("%d rows in subscriptions, %d in groups, want %d", total, grouped, test.resources)
			}
		})
	}
}

func TestSyntheticRefusesImpossibleSizes(t *testing.T) {
	for _, options := range []SyntheticOptions{{Resources: -1, Subscriptions: 1}, {Resources: 1}, {Resources: maxSynthetic + 1, Subscriptions: 1}} {
		if _, err := Synthetic(options); err == nil {
			t.Errorf("%+v is taken", options)
		}
	}
}

func TestSyntheticRows(t *testing.T) {
	tenant := mustSynthetic(t, 3000, 4, 1)
	table := tenant.Resources()
	ids, types := map[string]bool{}, map[string]int{}
	for row := range uint32(table.Len()) {
		r := Row{table, row}
		id := r.Text("id")
		ids[strings.ToLower(id)] = true
		types[r.Text("type")]++
		for column, c := range table.Columns() {
			raw := table.AppendJSON(nil, row, column)
			if !json.Valid(raw) || strings.Contains(string(raw), "${") {
				t.Fatalf("column %s of %s is %s", c.Name, id, raw)
			}
		}
		if strings.ToLower(typeInID(id)) != r.Text("type") || r.Text("resourceGroup") != strings.ToLower(groupOf(id)) {
			t.Fatalf("%s has type %s and group %s", id, r.Text("type"), r.Text("resourceGroup"))
		}
		if found, ok := table.Find(strings.ToUpper(id)); !ok || found != row {
			t.Fatalf("%s is found as %d, %v", id, found, ok)
		}
	}
	if len(ids) != table.Len() {
		t.Errorf("%d ids of %d rows", len(ids), table.Len())
	}
	if len(types) < 40 {
		t.Errorf("only %d types", len(types))
	}
	for typ, share := range map[string]int{"microsoft.network/networkinterfaces": 450, "microsoft.compute/disks": 360, "microsoft.compute/virtualmachines": 360} {
		if types[typ] != share {
			t.Errorf("%d of %s, want %d", types[typ], typ, share)
		}
	}
}

func TestSyntheticOrderByID(t *testing.T) {
	table := mustSynthetic(t, 2550, 5, 3).Resources()
	order := table.ByID()
	ids := make([]string, len(order))
	for i, row := range order {
		ids[i] = table.Text(row, idColumn)
	}
	if len(ids) != 2550 || !slices.IsSorted(ids) {
		t.Errorf("%d ids, sorted: %v", len(ids), slices.IsSorted(ids))
	}
}

// In whole groups, machines, their interfaces and disks point at each other.
func TestSyntheticReferencesResolve(t *testing.T) {
	tenant := mustSynthetic(t, 200, 1, 1)
	reference := regexp.MustCompile(`"(/subscriptions/[^/"]+/resourceGroups/[^/"]+/providers/Microsoft\.(?:Compute|Network)/(?:virtualMachines|disks|networkInterfaces|virtualNetworks|networkSecurityGroups|privateEndpoints)/[^/"]+)`)
	count := 0
	for row := range uint32(200) {
		r := Row{tenant.Resources(), row}
		for _, match := range reference.FindAllStringSubmatch(string(r.JSON("properties")), -1) {
			count++
			if _, ok := tenant.Find(match[1]); !ok {
				t.Errorf("%s refers to %s", r.Text("id"), match[1])
			}
		}
	}
	if count < 100 {
		t.Errorf("only %d references", count)
	}
}
