package azure

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// intoIDs reads the ids of objects.
func intoIDs(ids *[]string) Reader[string] {
	return Reader[string]{
		New: func(context.Context) (*Page[string], error) { return new(Page[string]), nil },
		Set: func(id *string, c Column) error {
			if string(c.Name) == "id" {
				*id = c.Text()
			}
			return nil
		},
		Take: func(p *Page[string]) error { *ids = append(*ids, p.Rows...); return nil },
	}
}

// TestADirectory reads the simulator's over the network, which takes several pages.
func TestADirectory(t *testing.T) {
	made, err := tenant.Synthetic(tenant.SyntheticOptions{Resources: 10, Subscriptions: 1, Seed: 5, Users: 2500, Members: 2100})
	if err != nil {
		t.Fatal(err)
	}
	sim, s := simulated(t, azuresim.Config{Tenant: made, NoMSGraphLimits: true}, nil)
	ctx, d := t.Context(), sim.Directory()
	var users []string
	for _, o := range d.All(directory.User, 0) {
		users = append(users, o.ID)
	}
	slices.Sort(users)
	same := func(t *testing.T, what string, want, got []string) {
		t.Helper()
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}

	var listed []string
	if err := ReadDirectory(ctx, s, DirectoryQuery{Path: "/users", Select: []string{"id"}, Permission: PermissionUsers}, intoIDs(&listed)); err != nil {
		t.Fatal(err)
	}
	same(t, "the list", users, listed)

	var found []string
	asked := append(slices.Clone(users[:MaxObjects-1]), "00000000-0000-4000-8000-00000000dead")
	if err := ReadObjects(ctx, s, asked, []string{"id"}, intoIDs(&found)); err != nil {
		t.Fatal(err)
	}
	same(t, "by their ids", users[:MaxObjects-1], found)

	if n, err := s.CountDirectory(ctx, "/users", PermissionUsers); err != nil || n != int64(len(users)) {
		t.Errorf("there are %d users, %v", n, err)
	}
	var queries []DirectoryQuery
	want := map[int][]string{}
	for _, group := range d.All(directory.Group, 0) {
		list := DirectoryQuery{Path: fmt.Sprintf("/groups/%s/members", group.ID), Select: []string{"id"}}
		cast := DirectoryQuery{Path: list.Path + "/microsoft.graph.servicePrincipal", Select: []string{"id"}, Cast: true}
		at := len(queries)
		for _, member := range d.Linked(group.ID, directory.Members, 0) {
			of := at
			if member.Kind == directory.ServicePrincipal { // which the list leaves out
				of = at + 1
			}
			want[of] = append(want[of], member.ID)
		}
		slices.Sort(want[at])
		slices.Sort(want[at+1])
		queries = append(queries, list, cast)
	}
	got, err := readIDs(ctx, s, queries)
	if err != nil || len(got.Failed) > 0 {
		t.Fatal(err, got.Failed)
	}
	for query := range queries {
		same(t, queries[query].Path, want[query], got.IDs[query])
	}
	if missing, err := s.TryDirectory(ctx); err != nil || len(missing) > 0 {
		t.Errorf("missing %v, %v", missing, err)
	}
}
