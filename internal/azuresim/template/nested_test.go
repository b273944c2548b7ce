package template

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// nestedOf is a nested deployment of a template with the given members.
func nestedOf(more, properties, members string) string {
	return res("Microsoft.Resources/deployments", "n", more+`,"properties":{"mode":"Incremental"`+properties+
		`,"template":{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","contentVersion":"1.0.0.0",`+members+`}}`)
}

const inner = `,"expressionEvaluationOptions":{"scope":"inner"}`

func TestNestedScopes(t *testing.T) {
	other := "22222222-0000-4000-8000-000000000002"
	tests := map[string]struct {
		scope Scope
		more  string
		want  Scope
	}{
		"the same":              {inGroup, "", inGroup},
		"another group":         {inGroup, `,"resourceGroup":"other"`, Scope{Subscription: subscriptionID, Group: "other"}},
		"another subscription":  {inGroup, `,"subscriptionId":"` + other + `","resourceGroup":"g"`, Scope{Subscription: other, Group: "g"}},
		"up to a subscription":  {inGroup, `,"subscriptionId":"` + other + `","location":"westeurope"`, Scope{Subscription: other}},
		"down to a group":       {Scope{Subscription: subscriptionID}, `,"resourceGroup":"g"`, Scope{Subscription: subscriptionID, Group: "g"}},
		"to the tenant":         {Scope{ManagementGroup: "mg"}, `,"scope":"/","location":"westeurope"`, Scope{}},
		"to a management group": {Scope{}, `,"scope":"Microsoft.Management/managementGroups/mg","location":"westeurope"`, Scope{ManagementGroup: "mg"}},
		"to a subscription":     {Scope{ManagementGroup: "mg"}, `,"subscriptionId":"` + other + `","location":"westeurope"`, Scope{Subscription: other}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			loaded := mustLoad(t, test.scope, resources(nestedOf(test.more, inner, `"resources":[]`)), "")
			r := loaded.Resources[0]
			if diff := cmp.Diff(test.want, r.Target); diff != "" {
				t.Error(diff)
			}
			if want := test.want.ID() + "/providers/Microsoft.Resources/deployments/n"; r.ID != want {
				t.Errorf("its id is %s", r.ID)
			}
		})
	}
}

// TestNestedEvaluation has the documentation's example: which exampleVar a nested template sees.
// https://learn.microsoft.com/azure/azure-resource-manager/templates/linked-templates#expression-evaluation-scope-in-nested-templates
func TestNestedEvaluation(t *testing.T) {
	members := `"variables":{"exampleVar":"from nested template"},"resources":[],"outputs":{"testVar":{"type":"string","value":"[variables('exampleVar')]"},"literal":{"type":"string","value":"[[x]"}}`
	for options, want := range map[string]string{inner: "from nested template", `,"expressionEvaluationOptions":{"scope":"outer"}`: "from parent template", "": "from parent template"} {
		loaded := mustLoad(t, inGroup, `"variables":{"exampleVar":"from parent template"},`+resources(nestedOf("", options, members)), "")
		nested, err := loaded.Resources[0].Nested(true)
		if err != nil {
			t.Fatal(err)
		}
		child, err := Load(nested, fakeHost{})
		if err != nil {
			t.Fatal(err)
		}
		outputs, err := child.Outputs()
		if err != nil {
			t.Fatal(err)
		}
		if got := outputs["testVar"].(map[string]any)["value"]; got != want {
			t.Errorf("%s: %v", options, got)
		}
		if got := outputs["literal"].(map[string]any)["value"]; got != "[x]" {
			t.Errorf("%s: the literal is %v", options, got)
		}
	}
}

// TestNestedParameters gives a nested template values, some of which are known only at run time.
func TestNestedParameters(t *testing.T) {
	members := `"parameters":{"p":{"type":"string"}},"resources":[],"outputs":{"o":{"type":"string","value":"[parameters('p')]"}}`
	loaded := mustLoad(t, inGroup, resources(nestedOf("", inner+`,"parameters":{"p":{"value":"[reference(resourceId('Microsoft.A/as','there'),'2024-01-01').url]"}}`, members)), "")
	if _, err := loaded.Resources[0].Nested(false); !Waits(err) {
		t.Errorf("before the deployment: %v", err)
	}
	nested, err := loaded.Resources[0].Nested(true)
	if err != nil {
		t.Fatal(err)
	}
	if got := asJSON(t, nested.Parameters); got != `{"p":{"value":"https://there"}}` {
		t.Error(got)
	}
}

// TestParameterIsNoExpression sees to it that a value which looks like an expression is none in the
// nested template that it is given to.
func TestParameterIsNoExpression(t *testing.T) {
	members := `"parameters":{"p":{"type":"string"}},"resources":[],"outputs":{"o":{"type":"string","value":"[parameters('p')]"}}`
	loaded := mustLoad(t, inGroup, `"parameters":{"q":{"type":"string"}},`+resources(nestedOf("", inner+`,"parameters":{"p":{"value":"[parameters('q')]"}}`, members)), `{"q":{"value":"[evil()]"}}`)
	nested, err := loaded.Resources[0].Nested(true)
	if err != nil {
		t.Fatal(err)
	}
	child, err := Load(nested, fakeHost{})
	if err != nil {
		t.Fatal(err)
	}
	outputs, err := child.Outputs()
	if err != nil || outputs["o"].(map[string]any)["value"] != "[evil()]" {
		t.Errorf("%v, %v", outputs, err)
	}
}

func TestNestedRefused(t *testing.T) {
	tests := map[string]struct {
		scope            Scope
		resource         string
		code, want       string
		hasTargetOfChild bool
	}{
		"no location":        {inGroup, nestedOf(`,"subscriptionId":"`+subscriptionID+`"`, inner, `"resources":[]`), "LocationRequired", "needs a location", true},
		"location in group":  {inGroup, nestedOf(`,"location":"westeurope"`, inner, `"resources":[]`), "InvalidDeployment", "'location' property is not allowed", true},
		"complete above":     {inGroup, strings.Replace(nestedOf(`,"subscriptionId":"`+subscriptionID+`","location":"x"`, inner, `"resources":[]`), "Incremental", "Complete", 1), "InvalidTemplate", "cannot have", false},
		"no mode":            {inGroup, res("Microsoft.Resources/deployments", "n", `,"properties":{}`), "InvalidTemplate", "its mode '' is neither", false},
		"no template":        {inGroup, res("Microsoft.Resources/deployments", "n", `,"properties":{"mode":"Incremental"}`), "InvalidTemplate", "has no template", true},
		"a link":             {inGroup, res("Microsoft.Resources/deployments", "n", `,"properties":{"mode":"Incremental","templateLink":{"uri":"https://x"}}`), "InvalidTemplateLink", "no linked templates", true},
		"group of nothing":   {Scope{}, nestedOf(`,"resourceGroup":"g"`, inner, `"resources":[]`), "InvalidTemplate", "needs a subscriptionId", false},
		"both":               {inGroup, nestedOf(`,"scope":"/","resourceGroup":"g"`, inner, `"resources":[]`), "InvalidTemplate", "neither a resourceGroup nor a subscriptionId", false},
		"wrong evaluation":   {inGroup, nestedOf("", `,"expressionEvaluationOptions":{"scope":"middle"}`, `"resources":[]`), "InvalidTemplate", "neither inner nor outer", false},
		"wrong within":       {inGroup, nestedOf("", inner, resources(res("Microsoft.A/as/bs", "x", ""))), "InvalidTemplate", "has incorrect segment lengths", true},
		"parameter missing":  {inGroup, nestedOf("", inner, `"parameters":{"p":{"type":"string"}},"resources":[]`), "InvalidTemplate", "'p' is not provided", true},
		"variable of parent": {inGroup, nestedOf("", inner, `"resources":[],"outputs":{"o":{"type":"string","value":"[variables('v')]"}}`), "InvalidTemplate", "'v' is not found", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, test.scope, `"variables":{"v":"x"},`+resources(test.resource), "")
			var refusal *Error
			if !errors.As(err, &refusal) || refusal.Code != test.code || !strings.Contains(refusal.Message, test.want) {
				t.Fatalf("%v", err)
			}
			if (refusal.Target != "") != test.hasTargetOfChild {
				t.Errorf("its target is %q", refusal.Target)
			}
		})
	}
}

// TestNestedTooDeep nests deployments beyond what anybody needs.
func TestNestedTooDeep(t *testing.T) {
	members := `"resources":[]`
	for range maxDepth + 1 {
		members = resources(nestedOf("", inner, members))
	}
	if _, err := load(t, inGroup, members, ""); err == nil || !strings.Contains(err.Error(), "exceeds the maximum depth of '20'") {
		t.Errorf("%.200v", err)
	}
}

// TestNestedLoops has more nested deployments than can be checked beforehand: it must end soon.
func TestNestedLoops(t *testing.T) {
	members := `"resources":[]`
	for range 4 {
		loop := strings.Replace(nestedOf("", inner, members), `"name":"n"`, `"name":"[concat('n',copyIndex())]","copy":{"name":"l","count":700}`, 1)
		members = resources(loop)
	}
	if _, err := load(t, inGroup, members, ""); err != nil {
		t.Error(err)
	}
}
