package tenant

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestChange changes tables of both kinds over and over, and compares what they show with what
// Change has told.
func TestChange(t *testing.T) {
	contoso, err := Contoso()
	if err != nil {
		t.Fatal(err)
	}
	synthetic, err := Synthetic(SyntheticOptions{Resources: 450, Subscriptions: 3, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, made := range map[string]*Tenant{"contoso": contoso, "synthetic": synthetic} {
		for _, table := range []string{tableResources, tableAuthorization} {
			t.Run(name+"/"+table, func(t *testing.T) {
				const seed = 5
				random := rand.New(rand.NewPCG(seed, 0))
				now := made
				want := idsOf(t, now, table)
				first := slices.Clone(want)
				for range 20 {
					next, added, removed, err := now.Change(table, 4, 3, random)
					if err != nil {
						t.Fatal(err)
					}
					want = slices.DeleteFunc(append(want, added...), func(id string) bool { return slices.Contains(removed, id) })
					for _, id := range added {
						if _, ok := next.Find(id); !ok {
							t.Errorf("seed %d: %s was added but is not found", seed, id)
						}
					}
					for _, id := range removed {
						if _, ok := next.Find(id); ok {
							t.Errorf("seed %d: %s was removed but is found", seed, id)
						}
					}
					now = next
				}
				slices.Sort(want)
				if diff := cmp.Diff(want, idsOf(t, now, table)); diff != "" {
					t.Errorf("seed %d: ids (-want +got):\n%s", seed, diff)
				}
				if diff := cmp.Diff(first, idsOf(t, made, table)); diff != "" {
					t.Errorf("the tenant before has changed:\n%s", diff)
				}
				if len(now.Providers()) != len(made.Providers()) {
					t.Errorf("%d providers, were %d", len(now.Providers()), len(made.Providers()))
				}
			})
		}
	}
	t.Run("what cannot change", func(t *testing.T) {
		for _, table := range []string{tableContainers, tableARM, "nothing"} {
			if _, _, _, err := contoso.Change(table, 1, 1, rand.New(rand.NewPCG(1, 1))); err == nil {
				t.Errorf("%s has changed", table)
			}
		}
	})
}

// idsOf are the ids that a table shows to the whole tenant, in its own order by id.
func idsOf(t *testing.T, tenant *Tenant, name string) []string {
	t.Helper()
	scope := Scope{Whole: true}
	for _, s := range tenant.Subscriptions {
		scope.Subscriptions = append(scope.Subscriptions, s.ID)
	}
	view, ok := tenant.View(name, scope)
	if !ok {
		t.Fatalf("no table %s", name)
	}
	var ids []string
	for _, row := range view.Table.ByID() {
		if view.Rows == nil || slices.Contains(view.Rows, row) {
			ids = append(ids, view.Table.Text(row, idColumn))
		}
	}
	return ids
}
