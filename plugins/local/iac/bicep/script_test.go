package bicep_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
)

func TestDeployScript(t *testing.T) {
	const (
		preview = "az deployment sub what-if --name atg-production --location westeurope --subscription 11111111-1111-4111-8111-111111111111 --parameters main.bicepparam\n"
		create  = "az deployment sub create --name atg-production --location westeurope --subscription 11111111-1111-4111-8111-111111111111 --parameters main.bicepparam\n"
	)
	for name, test := range map[string]struct {
		arguments []string
		says      []string
		input     string
		code      int
		calls     string
	}{
		"asks, and deploys":            {input: "y\n", calls: preview + create},
		"asks, and stops":              {input: "n\n", code: 1, calls: preview},
		"asks, and nobody answers":     {code: 1, calls: preview},
		"does not ask":                 {arguments: []string{"--yes"}, calls: preview + create},
		"only previews":                {arguments: []string{"--preview"}, calls: preview},
		"previews for programs":        {arguments: []string{"--preview", "--json"}, calls: strings.Replace(preview, "westeurope --", "westeurope --no-pretty-print --output json --", 1)},
		"in another region":            {arguments: []string{"--yes", "--location", "eastus"}, calls: strings.ReplaceAll(preview+create, "westeurope", "eastus")},
		"what-if fails":                {arguments: []string{"--yes"}, says: []string{"SAYS_what_if=7||bad"}, code: 7, calls: preview},
		"a preview fails":              {arguments: []string{"--preview"}, says: []string{"SAYS_what_if=7||bad"}, code: 1, calls: preview},
		"an unknown flag":              {arguments: []string{"--force"}, code: 2},
		"JSON without a preview":       {arguments: []string{"--json"}, code: 2},
		"help":                         {arguments: []string{"--help"}},
		"a secret is missing":          {says: []string{"ATG_SECRET_VM_WEB_TAG_TOKEN="}, arguments: []string{"--yes"}, code: 2},
		"a location that is not there": {arguments: []string{"--location"}, code: 1},
	} {
		t.Run(name, func(t *testing.T) {
			env, log := pretended(t, []string{"az"}, append(strings.Fields(secretsSet), test.says...)...)
			command := exec.CommandContext(t.Context(), filepath.Join(sampleFolder(t), "deploy.sh"), test.arguments...)
			command.Env, command.Stdin = env, strings.NewReader(test.input)
			said, err := command.CombinedOutput()
			code := 0
			if exited, ok := errors.AsType[*exec.ExitError](err); ok {
				code = exited.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if code != test.code {
				t.Errorf("it ended with %d, want %d:\n%s", code, test.code, said)
			}
			if diff := cmp.Diff(test.calls, calls(t, log)); diff != "" {
				t.Errorf("calls of az (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPreviewOfSeveralStages goes on after a stage that has no preview before those before it are deployed.
func TestPreviewOfSeveralStages(t *testing.T) {
	dir := folder(t, templatetest.Stages())
	env, log := pretended(t, []string{"az"}, "ATG_SECRET_PRODUCTION__SQL_PASSWORD=x", "ATG_SECRET_TEST__SQL_PASSWORD=y", "ATG_SUBSCRIPTION_ID_TEST=44444444-4444-4444-8444-444444444444", "SAYS_what_if=1||no")
	command := exec.CommandContext(t.Context(), filepath.Join(dir, "deploy.sh"), "--preview")
	command.Env = env
	if said, err := command.CombinedOutput(); err == nil || !strings.Contains(string(said), "no preview of: atg-tenant atg-mg-root atg-production atg-test") {
		t.Errorf("got %v:\n%s", err, said)
	}
	const want = `az deployment tenant what-if --name atg-tenant --location northeurope --parameters tenant.bicepparam
az deployment mg what-if --name atg-mg-root --location northeurope --management-group-id mg-root --parameters mg-root.bicepparam
az deployment sub what-if --name atg-production --location northeurope --subscription 11111111-1111-4111-8111-111111111111 --parameters production.bicepparam
az deployment sub what-if --name atg-test --location northeurope --subscription 44444444-4444-4444-8444-444444444444 --parameters test.bicepparam
`
	if diff := cmp.Diff(want, calls(t, log)); diff != "" {
		t.Errorf("calls of az (-want +got):\n%s", diff)
	}
}
