package arm_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/check"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// answer is what Azure answers of the first resource of one.
func answer(property string) template.Part {
	return template.Part{Ref: &template.Ref{Node: 0, Property: property, Type: "Contoso.Strange/things", APIVersion: "2024-01-01",
		ID: []template.Part{{Literal: "/subscriptions/"}, {Parameter: subscription}, {Literal: "/resourceGroups/rg/providers/Contoso.Strange/things/thing-a"}}}}
}

func text(parts ...template.Part) template.Value {
	return template.Value{Kind: template.String, Text: parts}
}

func TestAnswersAreReferences(t *testing.T) {
	const id = "reference(resourceId('Contoso.Strange/things', 'thing-a'), '2024-01-01'"
	for property, want := range map[string]string{
		"identity.principalId":   id + ", 'Full').identity.principalId",
		"properties.principalId": id + ").principalId",
		"properties.clientId":    id + ").clientId",
	} {
		tmpl := one(properties(), properties(field("x", text(answer(property))), field("y", text(template.Part{Literal: "{}"}, answer(property)))))
		_, files := write(t, tmpl)
		verify(t, tmpl, files)
		for _, line := range []string{`"x": "[` + want + `]"`, `"y": "[format('{{}}{0}', ` + want + `)]"`} {
			if !strings.Contains(files["azuredeploy.json"], line) {
				t.Errorf("no %s in %s", line, files["azuredeploy.json"])
			}
		}
	}
}

// A text that is too long for one expression is put together of variables, which cannot have what Azure answers.
func TestAnswersInLongTexts(t *testing.T) {
	var parts []template.Part
	for range 40 {
		parts = append(parts, template.Part{Literal: strings.Repeat("x", 900)}, template.Part{Parameter: subscription})
		if len(parts)%20 == 0 {
			parts = append(parts, answer("identity.principalId"))
		}
	}
	tmpl := one(properties(), properties(field("x", text(parts...))))
	_, files := write(t, tmpl)
	if !strings.Contains(files["azuredeploy.json"], `"variables"`) {
		t.Error("there are no variables")
	}
	verify(t, tmpl, files)
}

// What Azure evaluates before it deploys anything cannot have an answer: better no template than one that Azure refuses.
func TestAnswersWhereAzureTakesNone(t *testing.T) {
	for member, change := range map[string]func(*template.Resource, template.Value){
		"tags":     func(r *template.Resource, v template.Value) { r.Tags = templatetest.Map("owner", v) },
		"location": func(r *template.Resource, v template.Value) { r.Location = v.Text },
		"identity": func(r *template.Resource, v template.Value) { r.Identity = templatetest.Map("type", v) },
		"plan": func(r *template.Resource, v template.Value) {
			r.Body = append(r.Body, field("plan", templatetest.Map("name", v)))
		},
	} {
		t.Run(member, func(t *testing.T) {
			r := named("/subscriptions/1/named")
			change(r, text(answer("identity.principalId")))
			files, err := output.New(t.TempDir(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = files.Close() }()
			err = arm.Write(t.Context(), one(properties(), r), files, arm.Options{})
			if want := "the member " + member + " of the resource /subscriptions/1/named cannot be"; !errors.Is(err, fault.New(fault.Internal, "")) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

// A check finds an answer that is asked for before there is one.
func TestCheckFindsAnswersThatAreNotThere(t *testing.T) {
	const (
		production = "/subscriptions/11111111-1111-4111-8111-111111111111"
		far        = "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/rg-far/providers/Microsoft.Authorization/roleAssignments/aaaaaaaa-0000-4000-8000-000000000007"
	)
	for name, test := range map[string]struct{ file, old, replacement, resource, want string }{
		"a unit that does not wait": {"production.json", "parameters('resource_group_prefix')), 'Microsoft.Resources/deployments', 'rg-app')]\",\n        \"[subscriptionResourceId(",
			"parameters('resource_group_prefix')), 'Microsoft.Resources/deployments', 'rg-shared')]\",\n        \"[subscriptionResourceId(",
			production + "/resourceGroups/rg-shared/providers/Microsoft.KeyVault/vaults/kv-contoso", "does not wait for it"},
		"nothing deployed before": {"test.json", "policyAssignments/tags'", "policyAssignments/other'", far, "policyAssignments/other, which is not deployed before"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, files := write(t, templatetest.Properties(template.SplitDeployment))
			changed := strings.Replace(files[test.file], test.old, test.replacement, 1)
			if changed == files[test.file] {
				t.Fatalf("no %s", test.old)
			}
			if err := os.WriteFile(filepath.Join(dir, test.file), []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := arm.Check(t.Context(), dir, nil, false)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range got[0].Findings {
				if f.Severity == check.Error && f.File == test.file && f.Resource == test.resource && strings.Contains(f.Message, test.want) {
					return
				}
			}
			t.Errorf("not found: %s: %s\nin %+v", test.resource, test.want, got[0].Findings)
		})
	}
}
