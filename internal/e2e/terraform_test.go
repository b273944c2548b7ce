//go:build unix && terraform

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/terraform/terraformtest"
)

// TestTerraform has the terraform that is installed check what is generated: make iac. The provider's schema is that of its stand-in.
func TestTerraform(t *testing.T) {
	environ, err := terraformtest.Provider(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	_, config, _ := strings.Cut(environ[0], "=")
	content, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	runScripts(t, "testdata/terraform", map[string]func(*testscript.TestScript, bool, []string){
		// provider is provider: terraform finds the stand-in, by a file in the user's home, where a backend's terraform looks too.
		"provider": func(ts *testscript.TestScript, _ bool, _ []string) {
			ts.Check(os.WriteFile(filepath.Join(stateOf(ts).home, ".terraformrc"), content, 0o600))
		},
	})
}
