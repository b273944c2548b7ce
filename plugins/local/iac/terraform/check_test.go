//go:build unix

package terraform_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/check"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/terraform"
)

// pretend is a program named terraform, which answers what its environment says, and leaves something behind, as terraform does.
const pretend = `#!/bin/sh
[ -z "${RECORD-}" ] || echo "$*" >> "$RECORD"
[ "$1" != init ] || : > .terraform.lock.hcl
eval "says=\${SAYS_$1-}"
code=0
case $says in
[0-9]*\|*) code=${says%%|*} says=${says#*|} ;;
esac
case $says in
stderr:*) printf %s "${says#stderr:}" >&2 ;;
*) printf %s "$says" ;;
esac
exit "$code"
`

// pretended is an environment with that program.
func pretended(t *testing.T, says ...string) []string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "terraform"), []byte(pretend), 0o700); err != nil {
		t.Fatal(err)
	}
	return append(says, "PATH="+dir, `SAYS_version={"terraform_version": "1.99.0"}`)
}

func TestCheck(t *testing.T) {
	formatted := check.Result{Tool: "terraform fmt", Version: "1.99.0", State: check.Passed, Message: "Every file is formatted as terraform fmt does it."}
	valid := check.Result{Tool: "terraform validate", Version: "1.99.0", State: check.Passed, Message: "terraform validate found nothing wrong."}
	const ok = `SAYS_validate={"valid": true, "diagnostics": []}`
	for name, test := range map[string]struct {
		says []string
		want []check.Result
	}{
		"all is well": {[]string{ok}, []check.Result{formatted, valid}},
		"a file is formatted otherwise": {
			[]string{"SAYS_fmt=3|main.tf\nmodules/a/main.tf\n", ok},
			[]check.Result{{
				Tool: "terraform fmt", Version: "1.99.0", State: check.Failed, Message: "terraform fmt would write some files otherwise.",
				Findings: []check.Finding{
					{Severity: check.Error, File: "main.tf", Message: "terraform fmt would write this file otherwise"},
					{Severity: check.Error, File: "modules/a/main.tf", Message: "terraform fmt would write this file otherwise"},
				},
			}, valid},
		},
		"a file cannot be read": {
			[]string{"SAYS_fmt=2|stderr:╷\n│ Error: Invalid expression\n╵\n", ok},
			[]check.Result{{
				Tool: "terraform fmt", Version: "1.99.0", State: check.Failed, Message: "terraform fmt failed.",
				Findings: []check.Finding{{Severity: check.Error, Message: "Error: Invalid expression"}},
			}, valid},
		},
		"the provider cannot be had": {
			[]string{`SAYS_init=1|{"@level": "info"}` + "\n" + `{"diagnostic": {"severity": "error", "summary": "Failed to query available provider packages", "detail": "Could not connect.\n\nTo see which"}}` + "\n"},
			[]check.Result{formatted, {
				Tool: "terraform validate", Version: "1.99.0", State: check.Skipped,
				Message: "terraform init cannot have the azapi provider, so terraform has validated nothing: Could not connect.",
			}},
		},
		"terraform init refuses the code": {
			[]string{`SAYS_init=1|{"diagnostic": {"severity": "error", "summary": "Unsupported Terraform Core version", "range": {"filename": "versions.tf", "start": {"line": 4}}}}`},
			[]check.Result{formatted, {
				Tool: "terraform validate", Version: "1.99.0", State: check.Failed, Message: "terraform init failed.",
				Findings: []check.Finding{{Severity: check.Error, File: "versions.tf", Line: 4, Message: "Unsupported Terraform Core version"}},
			}},
		},
		"terraform init breaks": {
			[]string{"SAYS_init=7|stderr:no space\n"},
			[]check.Result{formatted, {
				Tool: "terraform validate", Version: "1.99.0", State: check.Failed, Message: "terraform init failed.",
				Findings: []check.Finding{{Severity: check.Error, Message: "no space"}},
			}},
		},
		"terraform validate breaks": {
			[]string{"SAYS_validate=1|stderr:panic\n"},
			[]check.Result{formatted, {
				Tool: "terraform validate", Version: "1.99.0", State: check.Failed, Message: "terraform validate failed.",
				Findings: []check.Finding{{Severity: check.Error, Message: "panic"}},
			}},
		},
		"errors and warnings": {
			[]string{`SAYS_validate=1|{"valid": false, "diagnostics": [
				{"severity": "error", "summary": "Invalid", "detail": "wrong\nbody", "range": {"filename": "modules/rg-web/main.tf", "start": {"line": 7}}, "snippet": {"context": "resource \"azapi_resource\" \"vm\""}},
				{"severity": "warning", "summary": "Old", "address": "azapi_resource.x", "range": {"filename": "modules/rg-web/main.tf", "start": {"line": 3}}},
				{"severity": "error", "summary": "No such thing", "range": {"filename": "existing.tf", "start": {"line": 1}}, "snippet": {"context": "data \"azapi_resource\" \"existing_x\""}},
				{"severity": "error", "summary": "Somewhere", "snippet": {"context": null}}]}`},
			[]check.Result{formatted, {
				Tool: "terraform validate", Version: "1.99.0", State: check.Failed, Message: "terraform validate found errors.",
				Findings: []check.Finding{
					{Severity: check.Error, Message: "Somewhere"},
					{Severity: check.Error, Resource: "data.azapi_resource.existing_x", File: "existing.tf", Line: 1, Message: "No such thing"},
					{Severity: check.Warning, Resource: "azapi_resource.x", File: "modules/rg-web/main.tf", Line: 3, Message: "Old"},
					{Severity: check.Error, Resource: "module.rg_web.azapi_resource.vm", File: "modules/rg-web/main.tf", Line: 7, Message: "Invalid: wrong body"},
				},
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "main.tf"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := terraform.Check(t.Context(), dir, pretended(t, test.says...))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if files := tree(t, dir); len(files) != 1 {
				t.Errorf("something was left in the folder: %v", files)
			}
		})
	}
}

func TestCheckWithoutTerraform(t *testing.T) {
	for name, env := range map[string][]string{"an empty PATH": {"PATH=" + t.TempDir()}, "no PATH": {}, "a relative PATH": {"PATH=."}} {
		t.Run(name, func(t *testing.T) {
			got, err := terraform.Check(t.Context(), t.TempDir(), env)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range got {
				if r.State != check.Skipped || r.Message != "terraform is not installed, so it has checked nothing." || r.Tool == "" {
					t.Errorf("got %+v", r)
				}
			}
			if len(got) != 2 {
				t.Errorf("%d results", len(got))
			}
		})
	}
}

func TestCheckIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	if _, err := terraform.Check(ctx, t.TempDir(), pretended(t)); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}

func TestCheckCannotCopy(t *testing.T) {
	if _, err := terraform.Check(t.Context(), filepath.Join(t.TempDir(), "nothing"), pretended(t)); err == nil {
		t.Error("a folder that is not there was checked")
	}
}
