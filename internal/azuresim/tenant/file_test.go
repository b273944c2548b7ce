package tenant

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sub = "11111111-0000-4000-8000-000000000001"

func line(table, row string) string { return `{"table":"` + table + `","row":` + row + `}` }

func TestLoadRefusesBadLines(t *testing.T) {
	good := line("resources", `{"id":"/subscriptions/`+sub+`/resourceGroups/rg/providers/A.B/c/d","type":"a.b/c"}`)
	tests := map[string]struct{ line, want string }{
		"not JSON":         {"{", "line 3: not a JSON object"},
		"not an object":    {"[]", `line 3: not of the form {"table": …, "row": {…}}`},
		"unknown member":   {`{"table":"resources","rows":[]}`, `unknown field "rows"`},
		"unknown table":    {line("resourcez", "{}"), `line 3: unknown table "resourcez"`},
		"no id":            {line("resources", `{"type":"a.b/c"}`), "line 3: the row has no id"},
		"empty id":         {line("resources", `{"id":"","type":"a.b/c"}`), "line 3: the row has no id"},
		"id is no path":    {line("resources", `{"id":"vm","type":"a.b/c"}`), `line 3: "vm" is no resource id`},
		"no type":          {line("resources", `{"id":"/x"}`), "line 3: the row has no type"},
		"text is a number": {line("resources", `{"id":"/x","type":"a.b/c","location":7}`), "line 3: column location must be a string, not 7"},
		"two objects":      {good + good, "line 3: not a JSON object"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Load(strings.NewReader(good+"\n\n"+test.line+"\n"+good), ContosoID)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestLoadKeepsCellsAsTheyAre(t *testing.T) {
	row := `{"id":"/subscriptions/` + sub + `/resourceGroups/Rg/providers/A.B/c/D","name":"D","type":"a.b/c","tenantId":"t-1","resourceGroup":"rg","subscriptionId":"` + sub + `","properties":{ "n": 1.50, "s": "a\"b" },"tags":null,"extra":"x"}`
	tenant, err := Load(strings.NewReader(line("Resources", row)), ContosoID)
	if err != nil {
		t.Fatal(err)
	}
	found, ok := tenant.Find("/SUBSCRIPTIONS/" + sub + "/resourcegroups/rg/providers/a.b/c/d")
	if !ok {
		t.Fatal("the resource is not found by its id in another case")
	}
	got := []string{tenant.ID, string(found.JSON("properties")), string(found.JSON("tags")), string(found.JSON("kind")), found.Text("extra"), found.Text("name")}
	want := []string{"t-1", `{"n":1.50,"s":"a\"b"}`, "null", `""`, "x", "D"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadAddsTheContainersThatRowsImply(t *testing.T) {
	tenant, err := Load(strings.NewReader(line("resources", `{"id":"/subscriptions/`+sub+`/resourceGroups/Rg/providers/A.B/c/d","type":"a.b/c","location":"eastus","resourceGroup":"rg","subscriptionId":"`+sub+`"}`)), ContosoID)
	if err != nil {
		t.Fatal(err)
	}
	if len(tenant.Subscriptions) != 1 || tenant.Subscriptions[0].ID != sub || tenant.Subscriptions[0].State != "Enabled" {
		t.Errorf("subscriptions: %+v", tenant.Subscriptions)
	}
	group, ok := tenant.Group(sub, "RG")
	if !ok || group.Text("name") != "Rg" || group.Text("location") != "eastus" {
		t.Errorf("the group is %v, %v", ok, group)
	}
	if tenant.ID != ContosoID {
		t.Errorf("the tenant is %s", tenant.ID)
	}
}

func TestEmptyTenant(t *testing.T) {
	tenant, err := Empty()
	if err != nil {
		t.Fatal(err)
	}
	if tenant.Resources().Len() != 0 || len(tenant.Subscriptions) != 0 {
		t.Errorf("%d resources in %d subscriptions", tenant.Resources().Len(), len(tenant.Subscriptions))
	}
}
