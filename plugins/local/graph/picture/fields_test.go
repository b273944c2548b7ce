package picture

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestFields(t *testing.T) {
	for _, tc := range []struct {
		name string
		row  graph.Row
		want [][2]string
	}{
		{"nothing", graph.Row{}, [][2]string{}},
		{"what it is comes first", graph.Row{Kind: "StorageV2", SKU: []byte(`{"name":"Standard_LRS","tier":"Standard"}`), Properties: []byte(`{"b":{"deep":1},"a":true}`)},
			[][2]string{{"kind", "StorageV2"}, {"sku.name", "Standard_LRS"}, {"sku.tier", "Standard"}, {"a", "true"}, {"b.deep", "1"}}},
		{"noise, edges and what is empty are left out", graph.Row{Properties: []byte(`{"provisioningState":"Succeeded","etag":"x","subnet":{"id":"/subscriptions/s/x"},"empty":"","none":null,"list":[]}`)}, [][2]string{}},
		{"a failure is no noise", graph.Row{Properties: []byte(`{"provisioningState":"Failed"}`)}, [][2]string{{"provisioningState", "Failed"}}},
		{"numbers stay as they are", graph.Row{Properties: []byte(`{"n":12345678901234567890,"x":1.50}`)}, [][2]string{{"n", "12345678901234567890"}, {"x", "1.50"}}},
		{"arrays", graph.Row{Zones: []byte(`["1","2"]`), Properties: []byte(`{"rules":[{"name":"a"},{"name":"b"}],"parts":[{},{}],"refs":["/subscriptions/s/x"],"many":["1","2","3","4","5","6","7","8","9"]}`)},
			[][2]string{{"zones", "1, 2"}, {"many", "1, 2, 3, 4, 5, 6, 7, 8, … (9)"}, {"parts", "2 entries"}, {"refs", "1 entries"}, {"rules", "a, b"}}},
		{"what is no JSON", graph.Row{Properties: []byte(`{`)}, [][2]string{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, fieldsOf(&tc.row, newGuard())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFieldsHideSecrets(t *testing.T) {
	const key = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
	for name, row := range map[string]graph.Row{
		"by its name":             {Properties: []byte(`{"adminPassword":"` + key + `"}`)},
		"below such a name":       {Properties: []byte(`{"secrets":{"one":"` + key + `"}}`)},
		"in an array":             {Properties: []byte(`{"connectionStrings":["` + key + `"]}`)},
		"by its form":             {Properties: []byte(`{"note":"DefaultEndpointsProtocol=https;AccountKey=` + key + key + `=="}`)},
		"in a tag's form":         {Properties: []byte(`{"list":["AccountKey=` + key + `"]}`)},
		"a variable's value":      {Type: "microsoft.automation/automationaccounts/variables", Properties: []byte(`{"value":"` + key + `"}`)},
		"a setting of any name":   {Type: "microsoft.web/sites/config", Properties: []byte(`{"STRIPE":"` + key + `"}`)},
		"a setting that says key": {Properties: []byte(`{"environment":{"TRANSLATOR_KEY":"` + key + `"}}`)},
		"custom data":             {Properties: []byte(`{"osProfile":{"customData":"` + key + `"}}`)},
	} {
		t.Run(name, func(t *testing.T) {
			text := fmt.Sprint(fieldsOf(&row, newGuard()))
			if strings.Contains(text, key) || !strings.Contains(text, hidden) {
				t.Error(text)
			}
		})
	}
	for name, value := range map[string]string{"owner": "AccountKey=" + key, "password": key} {
		if tags := newGuard().tags([]Tag{{name, value}}); tags[0].Value != hidden {
			t.Errorf("the tag %s is %s", name, tags[0].Value)
		}
	}
	if tags := newGuard().tags([]Tag{{"env", "prod"}, {"secretName", "db"}}); tags[0].Value != "prod" || tags[1].Value != "db" {
		t.Errorf("%v", tags)
	}
}

// TestPageIsSearchedForSecrets: what nobody hid is found before the page is published.
func TestPageIsSearchedForSecrets(t *testing.T) {
	g := sample(10, 1)
	g.Nodes[len(g.Nodes)-2].Name = "AccountKey=c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
	err := Write(&strings.Builder{}, g, nil)
	if fault.CodeOf(err) != fault.ExecutionFailed || !strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "c2Vj") {
		t.Error(err)
	}
}

func TestFieldsAreBounded(t *testing.T) {
	many := map[string]any{"deep": map[string]any{"a": map[string]any{"b": map[string]any{"c": map[string]any{"d": 1}}}}}
	for i := range 1000 {
		many[fmt.Sprintf("n%04d", i)] = strings.Repeat("é", 1000)
	}
	text, err := json.Marshal(many)
	if err != nil {
		t.Fatal(err)
	}
	fields := fieldsOf(&graph.Row{Properties: text}, newGuard())
	if len(fields) != mostFields {
		t.Errorf("%d fields", len(fields))
	}
	for _, f := range fields {
		if len(f[1]) > longest+8 || strings.ContainsRune(f[1], '\uFFFD') {
			t.Errorf("%s has %d bytes: %q", f[0], len(f[1]), f[1])
		}
	}
	fieldsOf(&graph.Row{Properties: []byte(strings.Repeat("[", 20_000))}, newGuard())
}
