package ui

import (
	"fmt"
	"path/filepath"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// codeSummary is of code that lacks much, in ways that a page has to make short.
func codeSummary() CodeSummary {
	const group, dir = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/web/providers/", "/home/me/infra"
	r := &backend.IaCGenerationResult{
		Success: true, OutputFormat: "terraform", ResourcesIncluded: 1234, ResourcesTrimmed: 612, ResourcesOmitted: 17, DurationSeconds: 2.34,
		Snapshot: "20260901T120000Z-1f2e3d4c",
		Notes: []string{
			"The names of 3 storage accounts have to be unique in the world; terraform.tfvars has a variable for each.",
			"A secret is needed before you deploy: db_password\x1b[2J.",
		},
		Checks: []backend.Check{
			{Tool: "terraform", Version: "1.9.8", State: backend.CheckFailed, Findings: []backend.CheckFinding{
				{File: "web.tf", Line: 1204, Severity: backend.SeverityError, Message: `An argument named "enable_rbac" is not expected here. Did you mean "rbac_authorization_enabled"?`},
				{Resource: group + "Microsoft.Web/sites/shop", Severity: backend.SeverityError, Message: "Missing required argument"},
			}},
			{Tool: "tflint", State: backend.CheckSkipped, Message: "it is not installed"},
			{Tool: "what-if", State: backend.CheckPassed, Message: "nothing would change"},
		},
	}
	for i := range 4 {
		r.Checks[0].Findings = append(r.Checks[0].Findings, backend.CheckFinding{Severity: backend.SeverityWarning, Message: fmt.Sprintf("Argument %d is deprecated", i+1)})
	}
	for _, name := range []string{"README.md", "main.tf", "web.tf", "report.ndjson", "modules/net/main.tf"} {
		r.FilesGenerated = append(r.FilesGenerated, filepath.Join(dir, filepath.FromSlash(name)))
	}
	omit := func(n int, trimmed bool, kind, property, reason string) {
		for i := range n {
			r.Omitted = append(r.Omitted, backend.Omitted{Resource: fmt.Sprintf("%s%s-%d", group, kind, i+1), Property: property, Reason: reason, Trimmed: trimmed})
		}
	}
	omit(2, false, "Microsoft.Compute/virtualMachines/vm", "properties.osProfile.adminPassword", "Azure shows this to nobody: it became a variable")
	omit(15, false, "Microsoft.Classic/things/old\u202eevil", "", "the type cannot be deployed")
	for i := range topReasons {
		omit(1, false, "Microsoft.Odd/kinds/odd", "", fmt.Sprintf("this is odd in way %d", i+1))
	}
	omit(612, true, "Microsoft.DBforPostgreSQL/flexibleServers/pg/configurations/setting", "", "it has the service's default")
	return CodeSummary{Result: r, Dir: dir, Next: "cd /home/me/infra && terraform init && terraform plan"}
}
