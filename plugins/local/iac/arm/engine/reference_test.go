package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm/engine"
)

// deploy evaluates a template of a resource group in a tenant where g is deployed: a with an identity, and what is given.
func deploy(t *testing.T, tenant *engine.Tenant, more string) (*engine.Template, string) {
	t.Helper()
	text := `{` + header + `, "parameters": {"p": {"type": "string", "defaultValue": "a"}}, "variables": {"x": "[reference('/x', '1').principalId]"},
		"resources": [{"type": "A/b", "apiVersion": "1", "name": "a", "tags": {"used": "[parameters('p')]"}}, ` + more + `]}`
	found := tenant.Deploy([]byte(text), engine.Scope{Subscription: "s", ResourceGroup: "rg"}, nil)
	var problems []string
	for _, p := range found.Problems {
		if !strings.HasSuffix(p.Message, "is not used") {
			problems = append(problems, p.Resource+": "+p.Message)
		}
	}
	return found, strings.Join(problems, "; ")
}

func resource(name, members string) string {
	return fmt.Sprintf(`{"type": "A/b", "apiVersion": "1", "name": "%s", %s}`, name, members)
}

// nested is a nested deployment to the same resource group.
func nested(name, resources, more string) string {
	return `{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "` + name + `", "resourceGroup": "rg"` + more + `,
		"properties": {"expressionEvaluationOptions": {"scope": "inner"}, "mode": "Incremental", "template": {` + header + `, "resources": [` + resources + `]}}}`
}

const (
	ofA      = `"[reference(resourceId('A/b', 'a'), '1', 'Full').identity.principalId]"`
	idA      = group + "/providers/A/b/a"
	afterA   = `, "dependsOn": ["[resourceId('A/b', 'a')]"]`
	deployed = "/subscriptions/s/resourceGroups/old/providers/A/b/x"
)

func after(kind, name string) string {
	return `, "dependsOn": ["[resourceId('` + kind + `', '` + name + `')]"]`
}

func TestAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		in   string // the properties of r, which waits for a
		want any
		refs []engine.Reference
	}{
		"identity":           {ofA, engine.Answer(idA, "identity.principalId"), []engine.Reference{{To: idA, APIVersion: "1", Property: "identity.principalId"}}},
		"in any case":        {`"[REFERENCE(resourceId('a/B', 'A'), '1', 'full').Identity.PrincipalId]"`, engine.Answer(idA, "identity.principalId"), []engine.Reference{{To: group + "/providers/a/B/A", APIVersion: "1", Property: "identity.principalId"}}},
		"properties":         {`"[reference(resourceId('A/b', 'a')).clientId]"`, engine.Answer(idA, "properties.clientId"), []engine.Reference{{To: idA, Property: "properties.clientId"}}},
		"properties of full": {`"[reference(resourceId('A/b', 'a'), '2', 'Full')['properties'].principalId]"`, engine.Answer(idA, "properties.principalId"), []engine.Reference{{To: idA, APIVersion: "2", Property: "properties.principalId"}}},
		"in a text":          {`{"k": ["[concat('a ', reference(resourceId('A/b', 'a')).clientId)]"]}`, map[string]any{"k": []any{"a " + engine.Answer(idA, "properties.clientId")}}, []engine.Reference{{To: idA, Property: "properties.clientId"}}},
		"of an earlier deployment": {`"[reference('` + deployed + `', '1').principalId]"`, engine.Answer(deployed, "properties.principalId"),
			[]engine.Reference{{To: deployed, APIVersion: "1", Property: "properties.principalId"}}},
	} {
		t.Run(name, func(t *testing.T) {
			var tenant engine.Tenant
			tenant.Deploy([]byte(`{`+header+`, "resources": [`+resource("x", `"properties": {}`)+`]}`), engine.Scope{Subscription: "s", ResourceGroup: "OLD"}, nil)
			found, problem := deploy(t, &tenant, resource("r", `"properties": `+test.in+afterA))
			if problem != "" {
				t.Fatal(problem)
			}
			r := found.Resources[1]
			if diff := cmp.Diff(test.want, r.Members["properties"]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.refs, r.References); diff != "" {
				t.Errorf("references (-want +got):\n%s", diff)
			}
		})
	}
}

// An answer may be had by whatever waits for what is asked, or for what that is deployed by.
func TestAnswersInOrder(t *testing.T) {
	deployment := func(name string) string { return after("Microsoft.Resources/deployments", name) }
	const (
		late  = "does not wait for it"
		given = `{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "g", "resourceGroup": "rg",
			"properties": {"expressionEvaluationOptions": {"scope": "inner"}, "mode": "Incremental", "parameters": {"q": {"value": ` + ofA + `}},
				"template": {` + header + `, "parameters": {"q": {"type": "string"}}, "resources": [{"type": "A/b", "apiVersion": "1", "name": "i", "tags": {"q": "[parameters('q')]"}}]}}`
	)
	for name, test := range map[string]struct{ text, want string }{
		"through another":                {resource("m", `"x": 1`+afterA) + `,` + resource("r", `"properties": `+ofA+after("A/b", "m")), ""},
		"by a deployment":                {nested("d", resource("r", `"properties": `+ofA), afterA), ""},
		"of a deployment":                {nested("d", resource("c", `"x": 1`), "") + `,` + resource("r", `"properties": "[reference(resourceId('A/b', 'c'), '1').clientId]"`+deployment("d")), ""},
		"of a deployment by another":     {nested("d", resource("c", `"x": 1`), "") + `,` + nested("e", resource("r", `"properties": "[reference(resourceId('A/b', 'c'), '1').clientId]"`), deployment("d")), ""},
		"within a deployment":            {nested("d", resource("c", `"x": 1`)+`,`+resource("r", `"properties": "[reference(resourceId('A/b', 'c')).clientId]"`+after("A/b", "c")), ""), ""},
		"a deployment's parameter":       {given + afterA + `},` + resource("r", `"x": 1`), ""},
		"a parameter too early":          {given + `},` + resource("r", `"x": 1`), "deployments/g: it needs what Azure answers of " + idA},
		"nobody waits":                   {resource("r", `"properties": `+ofA), "/r: it needs what Azure answers of " + idA + ", and " + late},
		"the other waits":                {resource("m", `"x": 1`+after("A/b", "r")) + `,` + resource("r", `"properties": "[reference(resourceId('A/b', 'm')).clientId]"`), late},
		"of itself":                      {resource("r", `"properties": "[reference(resourceId('A/b', 'r')).clientId]"`), late},
		"a deployment does not wait":     {nested("d", resource("r", `"properties": `+ofA), ""), late},
		"for another deployment":         {nested("d", resource("c", `"x": 1`), "") + `,` + nested("e", resource("z", `"x": 1`), "") + `,` + resource("r", `"properties": "[reference(resourceId('A/b', 'c'), '1').clientId]"`+deployment("e")), late},
		"within, nobody waits":           {nested("d", resource("c", `"x": 1`)+`,`+resource("r", `"properties": "[reference(resourceId('A/b', 'c')).clientId]"`), ""), late},
		"not deployed":                   {resource("r", `"properties": "[reference(resourceId('A/b', 'gone'), '1').clientId]"`), "A/b/gone, which is not deployed before"},
		"of a deployment, no apiVersion": {nested("d", resource("c", `"x": 1`), "") + `,` + resource("r", `"properties": "[reference(resourceId('A/b', 'c')).clientId]"`+deployment("d")), "reference needs an apiVersion"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problem := deploy(t, new(engine.Tenant), test.text)
			if (problem == "") != (test.want == "") || !strings.Contains(problem, test.want) {
				t.Errorf("got %q, want %q", problem, test.want)
			}
		})
	}
}

// Azure refuses reference in what it evaluates before it deploys anything, and answers no more than there is.
func TestAnswersThatNobodyGets(t *testing.T) {
	const start = "before it deploys anything"
	for in, want := range map[string]string{
		`"tags": {"t": ` + ofA + `}`:        start,
		`"location": ` + ofA:                start,
		`"sku": {"name": ` + ofA + `}`:      start,
		`"identity": {"type": ` + ofA + `}`: start,
		`"kind": ` + ofA:                    start,
		`"zones": [` + ofA + `]`:            start,
		`"scope": ` + ofA:                   start,
		`"dependsOn": [` + ofA + `]`:        start,
		`"properties": {` + ofA + `: 1}`:    start,
		`"properties": "[variables('x')]"`:  start,
		`"properties": "[reference(resourceId('A/b', 'a'), '1', 'Full').identity]"`:     "identity of " + idA + " is an object",
		`"properties": "[reference(resourceId('A/b', 'a'))]"`:                           "is an object",
		`"properties": "[concat(reference(resourceId('A/b', 'a')))]"`:                   "concat takes strings",
		`"properties": "[reference(resourceId('A/b', 'a')).identity.principalId]"`:      "nobody knows properties.identity",
		`"properties": "[reference(resourceId('A/b', 'a'), '1', 'Full').principalId]"`:  "nobody knows principalId",
		`"properties": "[reference('a').principalId]"`:                                  "reference takes an id here, and not a",
		`"properties": "[reference(resourceId('A/b', 'a'), '1', 'All').x.principalId]"`: "takes 'Full' or nothing",
		`"properties": "[reference()]"`:                                                 "reference takes an id, an apiVersion",
		`"properties": "[reference(resourceId('A/b', 'a')).principalId.x]"`:             "has no member x",
	} {
		if _, problem := deploy(t, new(engine.Tenant), resource("r", in)); !strings.Contains(problem, want) {
			t.Errorf("%s: got %q, want %q", in, problem, want)
		}
	}
	text := `{` + header + `, "parameters": {"p": {"type": "string", "defaultValue": "[reference('/x', '1').principalId]"}}, "resources": []}`
	found := engine.Deploy([]byte(text), engine.Scope{Subscription: "s", ResourceGroup: "rg"}, nil)
	if len(found.Problems) == 0 || !strings.Contains(found.Problems[0].Message, start) {
		t.Errorf("the default of a parameter: %v", found.Problems)
	}
}
