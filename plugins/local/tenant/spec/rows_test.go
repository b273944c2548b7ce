package spec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
)

// TestRows compares the rows of the examples with testdata; -update writes them anew.
func TestRows(t *testing.T) {
	examples, err := filepath.Glob("../../../../examples/specs/*.md")
	if err != nil || len(examples) == 0 {
		t.Fatal(examples, err)
	}
	for _, file := range examples {
		t.Run(filepath.Base(file), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, problems := parse(t, string(content))
			if problems != nil {
				t.Fatal(problems)
			}
			got := rowsOf(t, s)
			golden := filepath.Join("testdata", "rows", strings.TrimSuffix(filepath.Base(file), ".md")+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// row is the row with an id.
func row(t *testing.T, s *spec.Spec, p spec.Places, id string) (found graph.Row, made *spec.Translation) {
	t.Helper()
	made, err := s.Rows(p, func(r graph.Row) error {
		if r.ID == id {
			found = r
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found.ID == "" {
		t.Fatalf("there is no %s", id)
	}
	return found, made
}

func TestPlaces(t *testing.T) {
	const sub, alice = "99999999-9999-4999-8999-999999999999", "88888888-8888-4888-8888-888888888888"
	s, problems := parse(t, yaml(`tenant: {name: T}
subscriptions:
  - name: Prod
    resource_groups:
      - name: RG-Web
        location: West Europe
        resources:
          - type: Contoso.Own/things
            name: a
            api_version: '2024-01-01'
            properties: {to: "${resource:B}/x", as: "${resource:rg-web/Contoso.Own/things/b}", sub: "in ${subscription:prod}", t: "${tenant}", who: "${user:alice}", s: "Password=${secret:db};User=$${x}", n: 1.50, big: 123456789012345678901234567890}
          - type: Contoso.Own/things
            name: b
            api_version: '2024-01-01'
          - {type: Contoso.Own/things, name: c, api_version: '2024-01-01', scope: "${resource:a}"}
users: [{name: Alice}, {name: Bob}]
relationships: [{source: "${resource:a}", target: "${resource:b}", type: depends_on}]`))
	if problems != nil {
		t.Fatal(problems)
	}
	const in = "/subscriptions/" + sub + "/resourceGroups/RG-Web/providers/"
	got, made := row(t, s, spec.Places{TenantID: "77777777-7777-4777-8777-777777777777", Subscriptions: map[string]string{"Prod": sub}, Principals: map[string]string{"user:Alice": alice}}, in+"Contoso.Own/things/a")
	want := `{"to":"` + in + `Contoso.Own/things/b/x","as":"/subscriptions/` + sub + `/resourceGroups/rg-web/providers/Contoso.Own/things/b","sub":"in ` + sub +
		`","t":"77777777-7777-4777-8777-777777777777","who":"` + alice + `","s":"` + "\uE000atg-secret:" + `Password=${secret:db};User=$${x}","n":1.50,"big":123456789012345678901234567890}`
	if diff := cmp.Diff(want, string(got.Properties)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"db"}, made.Secrets); diff != "" {
		t.Error(diff)
	}
	given := s.Given(spec.Places{Principals: map[string]string{"user:Alice": alice}})
	if len(given) != 2 || !given[0].Known || given[0].ObjectID != alice || given[1].Known || given[1].ObjectID == "" {
		t.Errorf("%+v", given)
	}
	if diff := cmp.Diff([][2]string{{in + "Contoso.Own/things/a", in + "Contoso.Own/things/b"}}, made.After); diff != "" {
		t.Error(diff)
	}
	if _, ok := made.Positions[strings.ToLower(strings.TrimSuffix(in, "/providers/"))]; !ok || made.Places["Prod"] != sub {
		t.Errorf("%v %v", made.Positions, made.Places)
	}
	extension, _ := row(t, s, spec.Places{Subscriptions: map[string]string{"Prod": sub}}, in+"Contoso.Own/things/a/providers/Contoso.Own/things/c")
	if extension.ResourceGroup != "RG-Web" || extension.SubscriptionID != sub {
		t.Errorf("%+v", extension)
	}
	if again, _ := row(t, s, spec.Places{}, "/subscriptions/"+spec.GUID("subscription:prod")); again.Name != "Prod" {
		t.Errorf("%+v", again)
	}
}
