package engine_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm/engine"
)

const (
	group  = "/subscriptions/s/resourceGroups/rg"
	header = `"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0"`
)

// evaluate gives what a JSON value becomes in a resource, or what is wrong with it.
func evaluate(t *testing.T, value string) (any, string) {
	t.Helper()
	text := `{` + header + `, "parameters": {"p": {"type": "string", "defaultValue": "v"}, "o": {"type": "object", "defaultValue": {"a": {"b": "c"}}}},
		"variables": {"x": "[[x]", "y": "[concat(variables('x'), parameters('p'))]", "loop": "[variables('loop')]"},
		"resources": [{"type": "A/b", "apiVersion": "1", "name": "n", "properties": ` + value + `}]}`
	found := engine.Deploy([]byte(text), engine.Scope{Subscription: "s", ResourceGroup: "rg"}, nil)
	var problems []string
	for _, p := range found.Problems {
		if !strings.HasSuffix(p.Message, "is not used") {
			problems = append(problems, p.Message)
		}
	}
	if len(problems) > 0 {
		return nil, strings.Join(problems, "; ")
	}
	return found.Resources[0].Members["properties"], ""
}

func TestValues(t *testing.T) {
	for in, want := range map[string]any{
		`"plain"`:                                "plain",
		`"[[x]"`:                                 "[x]",
		`"[[[x]]"`:                               "[[x]]",
		`"[[]"`:                                  "[]",
		`"[[x"`:                                  "[[x",
		`"[x] y"`:                                "[x] y",
		`"["`:                                    "[",
		`"[parameters('p')]"`:                    "v",
		`"[ PARAMETERS ( 'p' ) ]"`:               "v",
		`"['it''s']"`:                            "it's",
		`"[variables('y')]"`:                     "[x]v",
		`"[parameters('o').a.b]"`:                "c",
		`"[parameters('o')['a']['b']]"`:          "c",
		`"[format('{0}{{{1}}}', 'a', 'b')]"`:     "a{b}",
		`"[string('copy')]"`:                     "copy",
		`"[resourceId('A/b/c', 'x', 'y')]"`:      group + "/providers/A/b/x/c/y",
		`"[subscriptionResourceId('A/b', 'x')]"`: "/subscriptions/s/providers/A/b/x",
		`"[tenantResourceId('A/b', 'x')]"`:       "/providers/A/b/x",
		`"[extensionResourceId(resourceId('A/b', 'x'), 'C/d', 'y')]"`: group + "/providers/A/b/x/providers/C/d/y",
		`{"[parameters('p')]": 1.50, "[[k]": [null, true]}`:           map[string]any{"v": json.Number("1.50"), "[k]": []any{nil, true}},
	} {
		got, problem := evaluate(t, in)
		if diff := cmp.Diff(want, got); diff != "" || problem != "" {
			t.Errorf("%s: %s (-want +got):\n%s", in, problem, diff)
		}
	}
}

func TestProblems(t *testing.T) {
	for in, want := range map[string]string{
		`"[]"`:                            "no function",
		`"[x]"`:                           "no '('",
		`"[resourceGroup().location]"`:    "the function resourceGroup is none",
		`"[parameters('q')]"`:             "the parameter q is not declared",
		`"[variables('q')]"`:              "the variable q is not declared",
		`"[variables('loop')]"`:           "made of itself",
		`"[parameters('p').x]"`:           "has no member x",
		`"[parameters('o').x]"`:           "there is no member x",
		`"[concat('a'])]"`:                "no ','",
		`"[concat('a')) ]"`:               "after the end",
		`"['a]"`:                          "a string without an end",
		`"[format('{1}', 'a')]"`:          "{1} is no argument",
		`"[format('{', 'a')]"`:            "a brace without an end",
		`"[format('}', 'a')]"`:            "a single closing brace",
		`"[resourceId('A/b', 'x', 'y')]"`: "takes 1 names, not 2",
		`{"copy": []}`:                    "is a loop",
		`{"a": 1, "[string('a')]": 2}`:    "there twice",
		`{"a": 1, "a": 2}`:                "there twice",
		`"[concat('` + strings.Repeat("x", 24576) + `')]"`: "may have 24576",
	} {
		if _, problem := evaluate(t, in); !strings.Contains(problem, want) {
			t.Errorf("%.80s: got %q, want %q", in, problem, want)
		}
	}
}

func TestTemplates(t *testing.T) {
	resource := func(name, more string) string {
		return fmt.Sprintf(`{"type": "A/b", "apiVersion": "1", "name": "%s"%s}`, name, more)
	}
	after := func(name string) string { return `, "dependsOn": ["[resourceId('A/b', '` + name + `')]"]` }
	for name, test := range map[string]struct {
		text, want string
	}{
		"no JSON":                   {`{`, "not JSON"},
		"another schema":            {`{"$schema": "x", "contentVersion": "1.0.0.0", "resources": []}`, "the schema is x"},
		"no version":                {`{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "resources": []}`, "no contentVersion"},
		"an unused parameter":       {`{` + header + `, "parameters": {"p": {"type": "string", "defaultValue": ""}}, "resources": []}`, "the parameter p is not used"},
		"no value":                  {`{` + header + `, "parameters": {"p": {"type": "string"}}, "resources": []}`, "the parameter p has no value"},
		"a value of another kind":   {`{` + header + `, "parameters": {"p": {"type": "string", "defaultValue": 1}}, "resources": []}`, "is no string"},
		"twice":                     {`{` + header + `, "resources": [` + resource("a", "") + `,` + resource("A", "") + `]}`, "in the template twice"},
		"a circle":                  {`{` + header + `, "resources": [` + resource("a", after("b")) + `,` + resource("b", after("a")) + `]}`, "waits for itself"},
		"itself":                    {`{` + header + `, "resources": [` + resource("a", after("a")) + `]}`, "or on itself"},
		"gone":                      {`{` + header + `, "resources": [` + resource("a", after("b")) + `]}`, "which is not in its template"},
		"a type of an expression":   {`{` + header + `, "resources": [{"type": "[string('A/b')]", "apiVersion": "1", "name": "x"}]}`, "or they are expressions"},
		"more than 800 resources":   {`{` + header + `, "resources": [` + strings.TrimSuffix(strings.Repeat("{},", 801), ",") + `]}`, "there are 801 resources"},
		"a resource of over 1 MB":   {`{` + header + `, "resources": [` + resource("a", `, "x": "`+strings.Repeat("x", 1<<20)+`"`) + `]}`, "a resource has"},
		"a template of over 4 MB":   {`{` + header + `, "x": "` + strings.Repeat("x", 4<<20) + `", "resources": []}`, "the template has"},
		"a deployment without more": {`{` + header + `, "resources": [{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "x", "properties": {"mode": "Complete", "template": {}}}]}`, "has to be incremental"},
	} {
		t.Run(name, func(t *testing.T) {
			found := engine.Deploy([]byte(test.text), engine.Scope{Subscription: "s", ResourceGroup: "rg"}, nil)
			for _, p := range found.Problems {
				if strings.Contains(p.Message, test.want) {
					return
				}
			}
			t.Errorf("not found: %s in %.500v", test.want, found.Problems)
		})
	}
}

// Whatever stands in a template, evaluating it ends without a panic.
func FuzzDeploy(f *testing.F) {
	for _, value := range []string{`"[parameters('p')]"`, `"[variables('loop')]"`, `"[format('{0}', 'a')]"`, `{"[[a]": "["}`, `"[-"`, `"[a.b]"`} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		evaluate(t, value)
	})
}
