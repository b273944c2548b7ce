package template

import (
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

// FuzzLoad has templates that nobody would write: they are refused or evaluated, and never more.
func FuzzLoad(f *testing.F) {
	head := `{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","contentVersion":"1.0.0.0",`
	for _, members := range []string{
		`"resources":[]`,
		`"parameters":{"p":{"type":"string","defaultValue":"[parameters('q')]","allowedValues":["a"],"minLength":1},"q":{"type":"array","defaultValue":[]}},"resources":[]`,
		`"variables":{"copy":[{"name":"v","count":2,"input":"[copyIndex('v')]"}],"o":{"copy":[{"name":"x","count":1,"input":1}]}},"resources":[]`,
		resources(res("Microsoft.A/as", "[concat('x',copyIndex())]", `,"copy":{"name":"l","count":2,"mode":"serial","batchSize":1},"dependsOn":["y"],"properties":{"u":"[reference('y').u]"}`), res("Microsoft.A/as", "y", `,"condition":false`)),
		resources(nestedOf(`,"resourceGroup":"g"`, inner, resources(res("Microsoft.A/as/bs", "x/y", `,"scope":"/"`)))),
		`"functions":[{"namespace":"my","members":{"f":{"parameters":[{"name":"n","type":"int"}],"output":{"type":"int","value":"[parameters('n')]"}}}}],"resources":[],"outputs":{"o":{"type":"int","value":"[my.f(1)]","condition":true},"c":{"type":"array","copy":{"count":1,"input":"[copyIndex()]"}}}`,
		`"languageVersion":"2.0","resources":{"a":` + res("Microsoft.A/as", "x", `,"existing":true`) + `}`,
	} {
		f.Add(head + members + "}")
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := expression.Decode([]byte(text))
		template, ok := value.(map[string]any)
		if err != nil || !ok || strings.Count(text, "count") > 20 {
			return
		}
		loaded, err := Load(Deployment{Name: "d", Scope: inGroup, Mode: "Incremental", Template: template, Unique: "u"}, fakeHost{})
		if err != nil {
			return
		}
		for _, r := range loaded.Resources {
			if _, err := r.Body(); err != nil && err.Error() == "" {
				t.Error("an error without a message")
			}
			r.Preview()
			if r.IsDeployment() {
				if _, err := r.Nested(true); err != nil && err.Error() == "" {
					t.Error("an error without a message")
				}
			}
		}
		if _, err := loaded.Outputs(); err != nil && err.Error() == "" {
			t.Error("an error without a message")
		}
	})
}
