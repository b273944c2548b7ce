package arm_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
)

// A document is what the files of its stage are, but for the names of nested deployments; its secrets are those that the template declares.
func TestDocuments(t *testing.T) {
	for name, tmpl := range map[string]*template.Template{
		"sample": templatetest.Sample(template.SplitDeployment),
		"stages": templatetest.Stages(),
	} {
		t.Run(name, func(t *testing.T) {
			_, files := write(t, tmpl)
			for _, stage := range tmpl.Stages {
				d, err := arm.Make(t.Context(), tmpl, stage, "")
				if err != nil {
					t.Fatal(err)
				}
				file := stage.Name + ".json"
				if len(tmpl.Stages) == 1 {
					file = "azuredeploy.json"
				}
				var want, got bytes.Buffer // spaces apart
				for into, text := range map[*bytes.Buffer]string{&want: files[file], &got: string(bytes.Join(d.Template, nil))} {
					if err := json.Compact(into, []byte(text)); err != nil {
						t.Fatal(err)
					}
				}
				if got.String() != want.String() {
					t.Errorf("the document of %s is not its file", stage.Name)
				}
				var declared struct {
					Parameters map[string]struct{ Type string }
					Resources  []struct{ Type, Name string }
				}
				if err := json.Unmarshal(bytes.Join(d.Template, nil), &declared); err != nil {
					t.Fatal(err)
				}
				secure := 0
				for _, p := range declared.Parameters {
					if strings.HasPrefix(p.Type, "secure") {
						secure++
					}
				}
				for _, s := range d.Secrets {
					if declared.Parameters[s.Name].Type != "secureString" || s.Group != "" || !s.Parameter.Secret {
						t.Errorf("%s has the secret %+v, and declares %+v", stage.Name, s, declared.Parameters)
					}
				}
				if secure != len(d.Secrets) || len(declared.Parameters) != secure+len(d.Parameters) {
					t.Errorf("%s declares %+v, and has %d secrets and %d others", stage.Name, declared.Parameters, len(d.Secrets), len(d.Parameters))
				}
				named, err := arm.Make(t.Context(), tmpl, stage, "atg-1-", arm.Group{Name: "a", Location: "westeurope"}, arm.Group{Name: "b", Location: "westeurope"})
				if err != nil {
					t.Fatal(err)
				}
				before := len(declared.Resources)
				if err := json.Unmarshal(bytes.Join(named.Template, nil), &declared); err != nil {
					t.Fatal(err)
				}
				if len(declared.Resources) != before+2 || declared.Resources[1].Name != "b" {
					t.Errorf("with two groups there are %d resources instead of %d", len(declared.Resources), before)
				}
				for _, r := range declared.Resources {
					if r.Type == "Microsoft.Resources/deployments" && !strings.HasPrefix(r.Name, "atg-1-") {
						t.Errorf("a nested deployment is named %s", r.Name)
					}
				}
			}
		})
	}
}
