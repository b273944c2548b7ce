package bicep_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/bicep"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/check"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
)

// sampleFolder is a folder with the sample in it.
func sampleFolder(t *testing.T) string {
	t.Helper()
	return folder(t, templatetest.Sample(template.SplitDeployment))
}

// folder is a folder with what a template becomes.
func folder(t *testing.T, tpl *template.Template) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	files, err := output.New(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	if err := bicep.Write(t.Context(), tpl, files, bicep.Options{}); err != nil {
		t.Fatal(err)
	}
	return dir
}

const (
	versionSaid = "SAYS_version=0|Bicep CLI version 0.30.23 (ab1c2d3e4f)\n|"
	secretsSet  = "ATG_SECRET_VM_WEB_TAG_TOKEN=x ATG_SECRET_VM_WEB_ADMIN_PASSWORD=y"
)

func TestCheck(t *testing.T) {
	built := check.Result{Tool: "bicep build", Version: "0.30.23", State: check.Passed, Message: "Bicep compiles every file."}
	whatIf := func(state check.State, message string, findings ...check.Finding) check.Result {
		return check.Result{Tool: "az deployment what-if", Version: "2.60.0", State: state, Message: message, Findings: findings}
	}
	const azVersion = `SAYS_version=0|{"azure-cli": "2.60.0"}|`
	for name, test := range map[string]struct {
		programs []string
		says     []string
		whatIf   bool
		want     []check.Result
	}{
		"nothing is installed": {
			whatIf: true,
			want: []check.Result{
				{Tool: "bicep build", State: check.Skipped, Message: "Bicep is not installed, so it has checked nothing."},
				{Tool: "az deployment what-if", State: check.Skipped, Message: "The Azure CLI is not installed, so nobody has asked Azure what would change."},
			},
		},
		"az has no Bicep": {
			programs: []string{"az"}, says: []string{"SAYS_version=1||ERROR: Bicep CLI not found."},
			want: []check.Result{{Tool: "bicep build", State: check.Skipped, Message: "Bicep is not installed, so it has checked nothing."}},
		},
		"all is well": {programs: []string{"bicep"}, says: []string{versionSaid}, want: []check.Result{built}},
		"az compiles": {programs: []string{"az"}, says: []string{versionSaid}, want: []check.Result{built}},
		"a warning": {
			programs: []string{"bicep"}, says: []string{versionSaid, "SAYS_build=0||DIR/modules/rg-web.bicep(31,12) : Warning BCP081: Resource type \"x\" has no types. [https://aka.ms/x]\n"},
			want: []check.Result{{Tool: "bicep build", Version: "0.30.23", State: check.Passed, Message: "Bicep compiles every file.", Findings: []check.Finding{
				{Severity: check.Warning, Resource: "virtualMachineVmWeb", File: "modules/rg-web.bicep", Line: 31, Message: `BCP081: Resource type "x" has no types.`},
			}}},
		},
		"errors as az says them, and a place that is in no file": {
			programs: []string{"az"}, says: []string{versionSaid, "SAYS_build=1||ERROR: DIR/main.bicep(40,1) : Error BCP018: Expected something\r\nERROR: DIR/main.bicep(9999,1) : Error BCP019: Expected more\n/elsewhere.bicep(1,1) : Warning no-x: odd\n"},
			want: []check.Result{{Tool: "bicep build", Version: "0.30.23", State: check.Failed, Message: "Bicep found errors.", Findings: []check.Finding{
				{Severity: check.Warning, File: "/elsewhere.bicep", Line: 1, Message: "no-x: odd"},
				{Severity: check.Error, Resource: "resourceGroupRgHub", File: "main.bicep", Line: 40, Message: "BCP018: Expected something"},
				{Severity: check.Error, Resource: "rgWeb", File: "main.bicep", Line: 9999, Message: "BCP019: Expected more"},
			}}},
		},
		"it fails without a word": {
			programs: []string{"bicep"}, says: []string{versionSaid, "SAYS_build_params=3||no  such\nthing"},
			want: []check.Result{{Tool: "bicep build", Version: "0.30.23", State: check.Failed, Message: "Bicep found errors.", Findings: []check.Finding{
				{Severity: check.Error, File: "main.bicepparam", Message: "no such thing"},
			}}},
		},
		"more than Azure takes": {
			programs: []string{"bicep"}, says: []string{versionSaid, "SIZE=4194305"},
			want: []check.Result{{Tool: "bicep build", Version: "0.30.23", State: check.Failed, Message: "Bicep found errors.", Findings: []check.Finding{
				{Severity: check.Error, File: "main.bicep", Message: "it compiles to 4194305 bytes, and Azure takes 4194304"},
				{Severity: check.Error, File: "main.bicepparam", Message: "it compiles to 4194305 bytes, and Azure takes 4194304"},
			}}},
		},
		"what would change": {
			programs: []string{"az"}, whatIf: true,
			says: append(strings.Fields(secretsSet), azVersion, `SAYS_what_if=0|{"status": "Succeeded", "error": null, "changes": [
				{"resourceId": "/a", "changeType": "Create"}, {"resourceId": "/b", "changeType": "NoChange"}, {"resourceId": "/c", "changeType": "Delete"},
				{"resourceId": "/d", "changeType": "Unsupported", "unsupportedReason": "it is odd"}, {"resourceId": "/e", "changeType": "Ignore"}, {"resourceId": "/g", "changeType": "Deploy"},
				{"resourceId": "/f", "changeType": "Modify", "delta": [
					{"path": "properties.a", "propertyChangeType": "Modify"}, {"path": "properties.none", "propertyChangeType": "NoEffect"},
					{"path": "properties.list", "propertyChangeType": "Array", "children": [{"path": "0.x", "propertyChangeType": "Delete"}]}]}]}|`),
			want: []check.Result{
				{Tool: "bicep build", Version: "2.60.0", State: check.Passed, Message: "Bicep compiles every file."},
				whatIf(check.Passed, "Azure would create 1 resources, change 1, delete 1 and leave 2 as they are; it cannot say of 2.",
					check.Finding{Severity: check.Warning, Resource: "/c", Message: "would be deleted"},
					check.Finding{Severity: check.Warning, Resource: "/d", Message: "Azure cannot say what changes: it is odd"},
					check.Finding{Severity: check.Warning, Resource: "/g", Message: "would be deployed; Azure cannot say what changes"},
					check.Finding{Severity: check.Warning, Resource: "/f", Message: "would change: properties.a, properties.list.0.x"}),
			},
		},
		"what-if with an error in its answer": {
			programs: []string{"az"}, whatIf: true, says: append(strings.Fields(secretsSet), azVersion, `SAYS_what_if=0|{"error": {"code": "Bad"}}|`),
			want: []check.Result{
				{Tool: "bicep build", Version: "2.60.0", State: check.Passed, Message: "Bicep compiles every file."},
				whatIf(check.Failed, "Azure would create 0 resources, change 0, delete 0 and leave 0 as they are; it cannot say of 0.", check.Finding{Severity: check.Error, Message: `{"code": "Bad"}`}),
			},
		},
		"secrets are missing": {
			programs: []string{"az"}, whatIf: true, says: []string{azVersion},
			want: []check.Result{
				{Tool: "bicep build", Version: "2.60.0", State: check.Passed, Message: "Bicep compiles every file."},
				whatIf(check.Skipped, "Nobody has asked Azure what would change: deploy.sh: set these environment variables first: ATG_SECRET_VM_WEB_TAG_TOKEN ATG_SECRET_VM_WEB_ADMIN_PASSWORD"),
			},
		},
		"nobody is logged in": {
			programs: []string{"az"}, whatIf: true, says: append(strings.Fields(secretsSet), azVersion, "SAYS_what_if=1||ERROR: Please run 'az login' to setup account."),
			want: []check.Result{
				{Tool: "bicep build", Version: "2.60.0", State: check.Passed, Message: "Bicep compiles every file."},
				whatIf(check.Skipped, "The Azure CLI is not logged in, so nobody has asked Azure what would change. Run: az login"),
			},
		},
		"Azure refuses": {
			programs: []string{"az"}, whatIf: true, says: append(strings.Fields(secretsSet), azVersion, "SAYS_what_if=1||ERROR: InvalidTemplate\n"),
			want: []check.Result{
				{Tool: "bicep build", Version: "2.60.0", State: check.Passed, Message: "Bicep compiles every file."},
				whatIf(check.Failed, "Azure refuses a deployment, or what-if failed.",
					check.Finding{Severity: check.Error, Message: "ERROR: InvalidTemplate deploy.sh: no preview of: atg-production (it may need what is deployed before it)"}),
			},
		},
		"Azure refuses one of several": {
			programs: []string{"az"}, whatIf: true, says: append(strings.Fields(secretsSet), azVersion, `SAYS_what_if=1|{"changes": [{"resourceId": "/c", "changeType": "Delete"}]}|no`+"\n"),
			want: []check.Result{
				{Tool: "bicep build", Version: "2.60.0", State: check.Passed, Message: "Bicep compiles every file."},
				whatIf(check.Failed, "Azure refuses a deployment, or what-if failed. Azure would create 0 resources, change 0, delete 1 and leave 0 as they are; it cannot say of 0.",
					check.Finding{Severity: check.Error, Message: "no deploy.sh: no preview of: atg-production (it may need what is deployed before it)"},
					check.Finding{Severity: check.Warning, Resource: "/c", Message: "would be deleted"}),
			},
		},
		"what-if answers no JSON": {
			programs: []string{"az"}, whatIf: true, says: append(strings.Fields(secretsSet), azVersion, "SAYS_what_if=0|{odd|"),
			want: []check.Result{
				{Tool: "bicep build", Version: "2.60.0", State: check.Passed, Message: "Bicep compiles every file."},
				whatIf(check.Failed, "The answer of what-if cannot be read.", check.Finding{Severity: check.Error, Message: "invalid character 'o' looking for beginning of object key string"}),
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := sampleFolder(t)
			before := read(t, dir)
			env, _ := pretended(t, test.programs, test.says...)
			for i := range env {
				env[i] = strings.ReplaceAll(env[i], "DIR", dir)
			}
			got, err := bicep.Check(t.Context(), dir, env, test.whatIf)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(before, read(t, dir)); diff != "" {
				t.Errorf("it left something behind:\n%s", diff)
			}
		})
	}
}

func TestCheckCalls(t *testing.T) {
	dir := sampleFolder(t)
	for name, test := range map[string]struct {
		programs, want []string
	}{
		"bicep": {[]string{"bicep"}, []string{"bicep --version", "bicep build DIR/main.bicep --outfile OUT", "bicep build-params DIR/main.bicepparam --outfile OUT"}},
		"az":    {[]string{"az"}, []string{"az bicep build --file DIR/main.bicep --outfile OUT", "az bicep build-params --file DIR/main.bicepparam --outfile OUT", "az bicep version"}},
	} {
		t.Run(name, func(t *testing.T) {
			env, log := pretended(t, test.programs, versionSaid)
			if _, err := bicep.Check(t.Context(), dir, env, false); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, line := range strings.Split(strings.TrimSpace(calls(t, log)), "\n") {
				if head, _, ok := strings.Cut(line, "--outfile "); ok {
					line = head + "--outfile OUT"
				}
				got = append(got, strings.ReplaceAll(line, dir, "DIR"))
			}
			slices.Sort(got) // they run at the same time
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestCheckIsNoWhatIf: nobody asks Azure without consent.
func TestCheckIsNoWhatIf(t *testing.T) {
	env, log := pretended(t, []string{"az", "bicep"}, append(strings.Fields(secretsSet), versionSaid)...)
	if _, err := bicep.Check(t.Context(), sampleFolder(t), env, false); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(calls(t, log), "what-if") {
		t.Errorf("it asked Azure:\n%s", calls(t, log))
	}
}

func TestCheckEnds(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	over := errors.New("it is over")
	cancel(over)
	env, _ := pretended(t, []string{"bicep"}, versionSaid)
	if _, err := bicep.Check(ctx, sampleFolder(t), env, true); !errors.Is(err, over) {
		t.Errorf("got %v, want %v", err, over)
	}
}

func TestCheckOfNoFolder(t *testing.T) {
	if _, err := bicep.Check(t.Context(), filepath.Join(t.TempDir(), "none"), nil, false); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	env, _ := pretended(t, []string{"bicep"}, versionSaid)
	got, err := bicep.Check(t.Context(), t.TempDir(), slices.Concat(env, []string{"X=y"}), false)
	if err != nil || got[0].State != check.Skipped || got[0].Message != "There are no Bicep files to check." {
		t.Errorf("got %v, %v", got, err)
	}
}
