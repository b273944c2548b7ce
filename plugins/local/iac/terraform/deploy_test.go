//go:build unix

package terraform_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/terraform"
)

// TestDeploy runs the script with a program that pretends to be terraform, and sees what it was told.
func TestDeploy(t *testing.T) {
	const planned = "init -input=false\nplan -out=PLAN\n"
	for name, test := range map[string]struct {
		arguments []string
		answer    string
		says      []string
		want      string
		fails     bool
	}{
		"yes":                     {nil, "yes\n", nil, planned + "apply PLAN\n", false},
		"no":                      {nil, "no\n", nil, planned, true},
		"no answer":               {nil, "", nil, planned, true},
		"without a question":      {[]string{"--yes"}, "", nil, "init -input=false\nplan -input=false -out=PLAN\napply PLAN\n", false},
		"arguments of plan":       {[]string{"-var", "location=north europe", "--yes", "-refresh=false"}, "", nil, "init -input=false\nplan -input=false -out=PLAN -var location=north europe -refresh=false\napply PLAN\n", false},
		"what cannot be planned":  {[]string{"--yes"}, "", []string{"SAYS_plan=1|"}, "init -input=false\nplan -input=false -out=PLAN\n", true},
		"where init has no means": {[]string{"--yes"}, "", []string{"SAYS_init=1|"}, "init -input=false\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := generate(t, templatetest.Sample(template.SplitGroup), terraform.Options{})
			record, tmp := filepath.Join(t.TempDir(), "record"), t.TempDir()
			command := exec.CommandContext(t.Context(), "bash", append([]string{filepath.Join(dir, "deploy.sh")}, test.arguments...)...)
			command.Dir = t.TempDir()
			command.Stdin = strings.NewReader(test.answer)
			command.Env = pretended(t, append(test.says, "RECORD="+record, "TMPDIR="+tmp)...)
			for i, variable := range command.Env { // the script needs more than terraform
				if strings.HasPrefix(variable, "PATH=") {
					command.Env[i] = variable + string(os.PathListSeparator) + os.Getenv("PATH")
				}
			}
			if out, err := command.CombinedOutput(); (err != nil) != test.fails {
				t.Errorf("it ended with %v: %s", err, out)
			}
			told, err := os.ReadFile(record)
			if err != nil {
				t.Fatal(err)
			}
			plan := regexp.MustCompile(regexp.QuoteMeta(tmp) + `/[^ \n]+`)
			if diff := cmp.Diff(test.want, plan.ReplaceAllString(string(told), "PLAN")); diff != "" {
				t.Errorf("what terraform was told (-want +got):\n%s", diff)
			}
			if left := tree(t, tmp); len(left) > 0 {
				t.Errorf("the plan stays, with the secrets in it: %v", left)
			}
		})
	}
	for name, dir := range map[string]string{"deploy.sh": generate(t, templatetest.Sample(template.SplitNone), terraform.Options{})} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode()&0o100 == 0 {
			t.Errorf("%s cannot be run: %v %v", name, info, err)
		}
	}
}
