package tenant_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/build"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// TestExamples: the specifications to start from have no problems, all of each is deployed, and each comes back from its own snapshot.
func TestExamples(t *testing.T) {
	examples, err := filepath.Glob("../../../examples/specs/*.md")
	if err != nil || len(examples) < 3 {
		t.Fatal(examples, err)
	}
	for _, file := range examples {
		t.Run(filepath.Base(file), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := parsed(t, string(content))
			r := snapshot(t, s)
			plan, err := build.Build(t.Context(), r, build.Options{Split: template.SplitGroup}, report.New())
			if err != nil {
				t.Fatal(err)
			}
			if want := int64(len(s.Resources) + len(s.Groups) + len(s.Assignments)); plan.Generated != want {
				t.Errorf("%d of %d are deployed", plan.Generated, want)
			}
			text, result, _ := generate(t, r, backend.SpecGenerationRequest{})
			if !result.Complete {
				t.Errorf("%+v", result)
			}
			for _, secret := range []string{"${secret:sql-admin-password}", "$${name}"} {
				if strings.Contains(string(content), secret) && !strings.Contains(text, secret) {
					t.Errorf("%s has got lost:\n%s", secret, text)
				}
			}
			round(t, r)
		})
	}
}
