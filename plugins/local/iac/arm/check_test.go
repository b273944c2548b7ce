package arm_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/check"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
)

// fakeAz is an az that keeps its arguments, and the parameter files that it was given, in the folder of CALLS. It answers ANSWER,
// or says WORDS and fails.
const fakeAz = `#!/bin/sh
if [ "$1" = version ]; then
  echo '{"azure-cli": "2.80.0"}'
  exit
fi
printf '%s\n' "$*" >>"$CALLS/calls"
for argument; do
  case $argument in
    @/*) cat "${argument#@}" >>"$CALLS/secrets"; echo >>"$CALLS/secrets"; ls -l "${argument#@}" | cut -c1-10 >>"$CALLS/modes" ;;
  esac
done
if [ -n "$WORDS" ]; then
  echo "$WORDS" >&2
  exit 1
fi
printf '%s\n' "$ANSWER"
`

// withAz makes an environment whose az is the fake one, and the folder of its calls.
func withAz(t *testing.T, variables ...string) (env []string, calls string) {
	t.Helper()
	bin, calls := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "az"), []byte(fakeAz), 0o700); err != nil {
		t.Fatal(err)
	}
	return append([]string{"PATH=" + bin + string(filepath.ListSeparator) + os.Getenv("PATH"), "CALLS=" + calls, "TMPDIR=" + t.TempDir()}, variables...), calls
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestCheckPasses(t *testing.T) {
	dir, _ := write(t, templatetest.Sample(template.SplitDeployment))
	got, err := arm.Check(t.Context(), dir, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	want := []check.Result{{Tool: "template structure", State: check.Passed,
		Message: "12 resources in 1 template evaluated: references, dependencies, parameters and Azure's limits hold."}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is changed in a template makes a check fail, for the resource that it is about.
func TestCheckFinds(t *testing.T) {
	const (
		group = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/"
		lock  = group + "rg-hub/providers/Microsoft.Network/virtualNetworks/vnet-hub/providers/Microsoft.Authorization/locks/keep"
		vm    = group + "rg-web/providers/Microsoft.Compute/virtualMachines/vm-web"
		web   = group + "rg-web/providers/Microsoft.Resources/deployments/rg-web"
		hub   = group + "rg-hub/providers/Microsoft.Resources/deployments/rg-hub"
	)
	for name, test := range map[string]struct {
		old, replacement string
		resource, want   string
	}{
		"a dependency that is not there": {"\"dependsOn\": [\n                \"[resourceId('Microsoft.Network/virtualNetworks', 'vnet-hub')]\"",
			"\"dependsOn\": [\n                \"[resourceId('Microsoft.Network/virtualNetworks', 'gone')]\"", lock, "virtualNetworks/gone, which is not in its template"},
		"an undeclared parameter":       {`"tenantId": "[parameters('tenant_id')]"`, `"tenantId": "[parameters('nobody')]"`, vm, "the parameter nobody is not declared"},
		"a parameter that nobody uses":  {`"tenantId": "[parameters('tenant_id')]"`, `"tenantId": "x"`, web, "the parameter tenant_id is not used"},
		"an unknown function":           {`"tenantId": "[parameters('tenant_id')]"`, `"tenantId": "[tenant().tenantId]"`, vm, "the function tenant is none"},
		"an unescaped string":           {`"[[resourceGroup().location]",`, `"[resourceGroup().location]",`, group + "rg-web/providers/Contoso.Strange/things/strange", "the function resourceGroup is none"},
		"names that are not the type's": {`"name": "vm-web/script"`, `"name": "script"`, web, "takes 2 names, not 1"},
		"expressions of the outside":    {`"scope": "inner"`, `"scope": "outer"`, hub, "with expressions of its own"},
		"a number of another kind":      {`"value": "[parameters('location')]"`, `"value": 1`, hub, "the value of the parameter location is no string"},
		"a member twice":                {`"adminUsername": "azureuser",`, `"adminUsername": "azureuser", "adminUsername": "x",`, "", "there twice"},
		"resources that wait for each other": {"\"name\": \"id-web\",\n              \"location\": \"[parameters('location')]\"",
			"\"name\": \"id-web\",\n\"dependsOn\": [\"[resourceId('Microsoft.Compute/virtualMachines', 'vm-web')]\"],\n\"location\": \"[parameters('location')]\"", vm, "it waits for itself"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, files := write(t, templatetest.Sample(template.SplitDeployment))
			text := strings.Replace(files["azuredeploy.json"], test.old, test.replacement, 1)
			if text == files["azuredeploy.json"] {
				t.Fatalf("no %s", test.old)
			}
			if err := os.WriteFile(filepath.Join(dir, "azuredeploy.json"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := arm.Check(t.Context(), dir, nil, false)
			if err != nil {
				t.Fatal(err)
			}
			if got[0].State != check.Failed {
				t.Fatalf("it is %s: %s", got[0].State, got[0].Message)
			}
			for _, f := range got[0].Findings {
				if f.Severity == check.Error && f.File == "azuredeploy.json" && f.Resource == test.resource && strings.Contains(f.Message, test.want) {
					return
				}
			}
			t.Errorf("not found: %s: %s\nin %+v", test.resource, test.want, got[0].Findings)
		})
	}
}

func TestWhatIf(t *testing.T) {
	const resource = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-web"
	for name, test := range map[string]struct {
		variable string
		want     check.Result
	}{
		"changes": {`ANSWER={"status":"Succeeded","changes":[{"resourceId":"` + resource + `","changeType":"Modify","delta":[{"path":"tags.env","propertyChangeType":"Modify"},{"path":"properties.x","propertyChangeType":"NoEffect"}]},{"resourceId":"x","changeType":"Create"},{"resourceId":"y","changeType":"Create"}]}`,
			check.Result{State: check.Passed, Message: "Azure would create 2 resources, change 1, delete 0 and leave 0 as they are; it cannot say of 0.",
				Findings: []check.Finding{{Severity: check.Warning, Resource: resource, File: "azuredeploy.json", Message: "would change: tags.env"}}}},
		"identities of others": {`ANSWER={"changes":[{"resourceId":"` + resource + `","changeType":"Modify","delta":[{"path":"properties.principalId","propertyChangeType":"Modify","before":"x","after":"[reference(y).principalId]"}]},` +
			`{"resourceId":"kv","changeType":"Modify","delta":[{"path":"properties.accessPolicies","propertyChangeType":"Array","children":[{"path":"1","propertyChangeType":"Modify","children":[{"path":"objectId","propertyChangeType":"Modify","after":"[reference(y).principalId]"}]}]},` +
			`{"path":"tags.env","propertyChangeType":"Modify","after":"x"},{"path":"properties.list","propertyChangeType":"Array","children":[{"path":"0","propertyChangeType":"Create","after":{"a":"b"}}]}]}]}`,
			check.Result{State: check.Passed, Message: "Azure would create 0 resources, change 1, delete 0 and leave 0 as they are; it cannot say of 1.",
				Findings: []check.Finding{
					{Severity: check.Warning, Resource: resource, File: "azuredeploy.json", Message: "Azure cannot say before the deployment whether these change, for they name the identity of another resource: properties.principalId"},
					{Severity: check.Warning, Resource: "kv", File: "azuredeploy.json", Message: "would change: tags.env, properties.list; Azure cannot say before the deployment whether these change, for they name the identity of another resource: properties.accessPolicies"},
				}}},
		"nothing": {`ANSWER={"changes":[]}`, check.Result{State: check.Passed, Message: "Azure would create 0 resources, change 0, delete 0 and leave 0 as they are; it cannot say of 0."}},
		"no login": {"WORDS=ERROR: Please run 'az login'", check.Result{State: check.Skipped,
			Message: "The Azure CLI is not logged in, so nobody has asked Azure what would change. Run: az login"}},
		"az fails": {"WORDS=ERROR: broken", check.Result{State: check.Failed, Message: "Azure refuses a deployment, or what-if failed.",
			Findings: []check.Finding{{Severity: check.Error, File: "azuredeploy.json", Message: "ERROR: broken"}}}},
		"Azure refuses": {`ANSWER={"error":{"code":"InvalidTemplate","message":"no"}}`, check.Result{State: check.Failed, Message: "Azure refuses a deployment, or what-if failed.",
			Findings: []check.Finding{{Severity: check.Error, File: "azuredeploy.json", Message: "InvalidTemplate: no"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := write(t, templatetest.Sample(template.SplitDeployment))
			env, calls := withAz(t, test.variable)
			got, err := arm.Check(t.Context(), dir, env, true)
			if err != nil {
				t.Fatal(err)
			}
			test.want.Tool, test.want.Version = "az deployment what-if", "2.80.0"
			if diff := cmp.Diff(test.want, got[1]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			call := read(t, filepath.Join(calls, "calls"))
			const want = "deployment sub what-if --name atg-production --location westeurope --template-file azuredeploy.json" +
				" --parameters @azuredeploy.parameters.json --no-pretty-print --only-show-errors --output json --subscription 11111111-1111-4111-8111-111111111111 --parameters @"
			if !strings.HasPrefix(call, want) || strings.Count(call, "\n") != 1 {
				t.Errorf("az was called with %s", call)
			}
			var file struct{ Parameters map[string]map[string]string }
			if err := json.Unmarshal([]byte(read(t, filepath.Join(calls, "secrets"))), &file); err != nil {
				t.Fatal(err)
			}
			if len(file.Parameters) != 2 || file.Parameters["vm_web_admin_password"]["value"] == "" {
				t.Errorf("the secrets are %v", file.Parameters)
			}
		})
	}
}

func TestWhatIfWithoutAz(t *testing.T) {
	dir, _ := write(t, templatetest.Sample(template.SplitDeployment))
	got, err := arm.Check(t.Context(), dir, []string{"PATH=" + t.TempDir()}, true)
	if err != nil {
		t.Fatal(err)
	}
	want := check.Result{Tool: "az deployment what-if", State: check.Skipped, Message: "The Azure CLI (az) is not installed, so nobody has asked Azure what would change."}
	if diff := cmp.Diff(want, got[1]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The script previews before it deploys, asks, and gives secrets to az in a file that only the user can read.
func TestScript(t *testing.T) {
	const (
		preview  = "deployment sub what-if"
		deployed = "deployment sub create"
		password = "p\"a\\s'$`s\nword"
	)
	secrets := []string{"ATG_SECRET_VM_WEB_ADMIN_PASSWORD=" + password, "ATG_SECRET_VM_WEB_TAG_TOKEN=[token]"}
	for name, test := range map[string]struct {
		arguments []string
		env       []string
		input     string
		want      []string // the beginnings of the calls
		fails     string
	}{
		"yes":             {[]string{"--yes"}, secrets, "", []string{preview, deployed}, ""},
		"asked, yes":      {nil, secrets, "y\n", []string{preview, deployed}, ""},
		"asked, no":       {nil, secrets, "n\n", []string{preview}, "not deployed: subscription Production"},
		"nobody to ask":   {nil, secrets, "", []string{preview}, "say --yes"},
		"preview":         {[]string{"--preview"}, secrets, "", []string{preview}, ""},
		"missing secrets": {[]string{"--yes"}, secrets[1:], "", nil, "set these environment variables first: ATG_SECRET_VM_WEB_ADMIN_PASSWORD"},
		"a wrong word":    {[]string{"--no"}, secrets, "", nil, "Usage"},
		"preview fails":   {[]string{"--preview"}, append([]string{"WORDS=no"}, secrets...), "", []string{preview}, "no preview of atg-production"},
		"az fails":        {[]string{"--yes"}, append([]string{"WORDS=no"}, secrets...), "", []string{preview}, "no"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := write(t, templatetest.Sample(template.SplitDeployment))
			env, calls := withAz(t, test.env...)
			cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "deploy.sh"), test.arguments...)
			cmd.Env, cmd.Stdin = env, strings.NewReader(test.input)
			said, err := cmd.CombinedOutput()
			if (err != nil) != (test.fails != "") || !strings.Contains(string(said), test.fails) {
				t.Fatalf("%v: %s", err, said)
			}
			if strings.Contains(string(said), "word") {
				t.Errorf("it says a secret: %s", said)
			}
			var made []string
			if text, err := os.ReadFile(filepath.Join(calls, "calls")); err == nil {
				made = strings.Split(strings.TrimSpace(string(text)), "\n")
			}
			if len(made) != len(test.want) {
				t.Fatalf("az was called with %q", made)
			}
			for i, call := range made {
				if !strings.HasPrefix(call, test.want[i]+" --subscription 11111111-1111-4111-8111-111111111111 --name atg-production --location westeurope --template-file azuredeploy.json") {
					t.Errorf("az was called with %s", call)
				}
				if strings.Contains(call, "token") {
					t.Errorf("a secret is an argument: %s", call)
				}
			}
			if len(made) > 0 {
				verifySecrets(t, calls, password)
			}
			for _, variable := range env {
				if folder, ok := strings.CutPrefix(variable, "TMPDIR="); ok {
					if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
						t.Errorf("it left %v, %v", left, err)
					}
				}
			}
		})
	}
}

func verifySecrets(t *testing.T, calls, password string) {
	t.Helper()
	var file struct {
		Parameters map[string]struct{ Value string }
	}
	if err := json.NewDecoder(strings.NewReader(read(t, filepath.Join(calls, "secrets")))).Decode(&file); err != nil {
		t.Fatal(err)
	}
	if file.Parameters["vm_web_admin_password"].Value != password || file.Parameters["vm_web_tag_token"].Value != "[token]" {
		t.Errorf("the secrets are %q", file.Parameters)
	}
	if modes := read(t, filepath.Join(calls, "modes")); strings.Trim(strings.ReplaceAll(modes, "-rw-------", ""), "\n") != "" {
		t.Errorf("others can read the secrets: %s", modes)
	}
}
