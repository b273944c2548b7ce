package tenant

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/kql"
)

const writtenGroup = "/subscriptions/c0175050-0000-4000-8000-000000000001/resourceGroups/rg-new"

func put(t *testing.T, in *Tenant, id string, members map[string]any) *Tenant {
	t.Helper()
	next, err := in.Put(Resource{ID: id, Members: members})
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func idsIn(t *testing.T, of *Tenant, group string) []string {
	t.Helper()
	var ids []string
	for row := range of.Rows("c0175050-0000-4000-8000-000000000001", group) {
		ids = append(ids, row.ID())
	}
	slices.Sort(ids)
	return ids
}

func TestWritten(t *testing.T) {
	before, err := Contoso()
	if err != nil {
		t.Fatal(err)
	}
	disk := writtenGroup + "/providers/Microsoft.Compute/disks/d"
	after := put(t, before, writtenGroup, map[string]any{"location": "westeurope"})
	after = put(t, after, disk, map[string]any{"location": "westeurope", "etag": "1", "properties": map[string]any{"diskSizeGB": 1}})
	after = put(t, after, disk, map[string]any{"location": "northeurope", "etag": "2", "properties": map[string]any{"diskSizeGB": 2}})
	after = put(t, after, disk+"/providers/Microsoft.Authorization/locks/l", map[string]any{"properties": map[string]any{"level": "ReadOnly"}})

	if _, ok := before.Find(disk); ok {
		t.Error("the tenant before has changed")
	}
	row, ok := after.Find(disk)
	if !ok || row.Text("location") != "northeurope" || string(row.Extra()["etag"]) != `"2"` || string(row.JSON("properties")) != `{"diskSizeGB":2}` {
		t.Errorf("the disk is %s %s %s", row.Text("location"), row.Extra(), row.JSON("properties"))
	}
	want := []string{disk, disk + "/providers/Microsoft.Authorization/locks/l"}
	if diff := cmp.Diff(want, idsIn(t, after, "rg-new")); diff != "" {
		t.Error(diff)
	}
	gone, deleted, err := after.Delete(writtenGroup)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(deleted)
	if diff := cmp.Diff(append([]string{writtenGroup}, want...), deleted); diff != "" {
		t.Error(diff)
	}
	if _, ok := gone.Group("c0175050-0000-4000-8000-000000000001", "rg-new"); ok || len(idsIn(t, gone, "rg-new")) != 0 {
		t.Error("the group is still there")
	}
	if _, ok := after.Find(disk); !ok {
		t.Error("what is deleted is gone from the tenant before, too")
	}
	back := put(t, gone, disk, map[string]any{"location": "eastus"})
	if row, ok := back.Find(disk); !ok || row.Text("location") != "eastus" {
		t.Error("what was deleted cannot be made again")
	}
}

// TestWrittenInQueries sees to it that queries have what was written in the order of ids, once.
func TestWrittenInQueries(t *testing.T) {
	made, err := Contoso()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	view, _ := made.View("resources", Scope{Whole: true, Subscriptions: ids(made)})
	for row := range uint32(view.Table.Len()) {
		want = append(want, view.Table.Text(row, idColumn))
	}
	for _, name := range []string{"z", "a", "m", "a", "z"} {
		id := "/subscriptions/c0175050-0000-4000-8000-000000000001/resourceGroups/rg-hub-network/providers/Microsoft.Compute/disks/" + name
		made = put(t, made, id, map[string]any{"location": "westeurope"})
		if !slices.Contains(want, id) {
			want = append(want, id)
		}
	}
	made, deleted, err := made.Delete(want[0])
	if err != nil || len(deleted) == 0 {
		t.Fatal(deleted, err)
	}
	want = slices.DeleteFunc(want, func(id string) bool { return slices.Contains(deleted, id) })
	slices.Sort(want)
	view, _ = made.View("resources", Scope{Whole: true, Subscriptions: ids(made)})
	query, err := kql.Parse("resources | project id | order by id asc")
	if err != nil {
		t.Fatal(err)
	}
	result, err := query.Run(func(string) (kql.View, bool) { return view, true })
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range result.Len() {
		got = append(got, string(result.AppendArray(nil, i)))
	}
	for i := range want {
		want[i] = `["` + want[i] + `"]`
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func ids(t *Tenant) []string {
	var ids []string
	for _, s := range t.Subscriptions {
		ids = append(ids, s.ID)
	}
	return ids
}

func TestEmptied(t *testing.T) {
	contoso, err := Contoso()
	if err != nil {
		t.Fatal(err)
	}
	emptied, err := contoso.Emptied()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(contoso.Subscriptions, emptied.Subscriptions); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(contoso.ManagementGroups, emptied.ManagementGroups); diff != "" {
		t.Error(diff)
	}
	for _, s := range emptied.Subscriptions {
		if n := len(emptied.Groups(s.ID)); n != 0 {
			t.Errorf("%s has %d groups", s.ID, n)
		}
	}
	if _, ok := emptied.Find("/providers/Microsoft.Authorization/RoleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"); !ok {
		t.Error("the built-in role Reader is gone")
	}
	three, err := EmptyWith(3, 1)
	if err != nil || len(three.Subscriptions) != 3 || three.Resources().Len() != 0 {
		t.Errorf("%d subscriptions with %d resources: %v", len(three.Subscriptions), three.Resources().Len(), err)
	}
}
