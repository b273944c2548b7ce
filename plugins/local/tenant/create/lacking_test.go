package create

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// lacking is a specification of which not everything can be made.
func (b *bench) lacking() string {
	return strings.ReplaceAll("```yaml\n"+`
users:
  - {name: Alice}
groups:
  - {name: Owners, id: 8192befb-e8d0-5588-87a1-8f516ec862d5}
subscriptions:
  - name: main
    subscription_id: SUB
    resource_groups:
      - name: app
        location: westeurope
        resources:
          - type: Microsoft.ManagedIdentity/userAssignedIdentities
            name: mine
            location: westeurope
          - type: Microsoft.Compute/virtualMachines
            name: vm
            location: westeurope
            properties:
              hardwareProfile: {vmSize: Standard_B1s}
              storageProfile:
                imageReference: {publisher: Canonical, offer: ubuntu-24_04-lts, sku: server, version: latest}
                osDisk: {createOption: FromImage}
              osProfile: {computerName: vm, adminUsername: boss, adminPassword: "${secret:vm.password}"}
              networkProfile: {networkInterfaces: []}
          - type: Microsoft.Compute/virtualMachines/extensions
            name: vm/agent
            location: westeurope
            properties: {publisher: Microsoft.Azure.Monitor, type: AzureMonitorLinuxAgent, typeHandlerVersion: "1.0"}
role_assignments:
  - {principal: "${user:Alice}", role: Reader, scope: "${resource_group:app}"}
  - {principal: "${group:Owners}", role: Contributor, scope: "${resource_group:app}", principal_type: Group}
  - {principal: "${principal_id:Microsoft.ManagedIdentity/userAssignedIdentities/mine}", role: Reader, scope: "${resource_group:app}", principal_type: ServicePrincipal}
`+"```\n", "SUB", b.sub)
}

// What cannot be made is in the plan with its reason, with what needs it; the rest is deployed.
func TestWhatCannotBeMadeIsListed(t *testing.T) {
	b := newBench(t, azuresim.Config{NoARMLimits: true})
	plan := b.plan(b.lacking())
	if plan.Complete || !plan.Success {
		t.Errorf("the plan is %+v", plan)
	}
	if !slices.IsSortedFunc(plan.Plan.Changes, func(a, b backend.PlannedChange) int {
		return strings.Compare(strings.ToLower(a.Resource), strings.ToLower(b.Resource))
	}) {
		t.Errorf("the plan is in no order: %+v", plan.Plan.Changes)
	}
	lacks, made := map[string]string{}, 0
	for _, c := range plan.Plan.Changes {
		if c.Action == actionUnsupported {
			lacks[c.Type+" "+name(c.Resource)] = c.Reason
		} else {
			made++
		}
	}
	for what, word := range map[string]string{
		"user Alice":                                         "makes nothing in Microsoft Entra ID",
		"Microsoft.Compute/virtualMachines vm":               "set ATG_SECRET_VM_PASSWORD in the environment",
		"Microsoft.Compute/virtualMachines/extensions agent": "it needs /subscriptions/" + b.sub + "/resourceGroups/app/providers/Microsoft.Compute/virtualMachines/vm",
	} {
		if !strings.Contains(lacks[what], word) {
			t.Errorf("%s: %q does not say %q", what, lacks[what], word)
		}
		delete(lacks, what)
	}
	for what, reason := range lacks { // of the role that Alice was to have
		if !strings.HasPrefix(what, "Microsoft.Authorization/roleAssignments ") || !strings.Contains(reason, "the user Alice, of which no object id is known") {
			t.Errorf("%s: %s", what, reason)
		}
	}
	if len(lacks) != 1 || made != 4 {
		t.Errorf("%d would be made, and %v is lacking", made, lacks)
	}
	out := b.deploy(jobA, b.lacking())
	if !out.Success || out.Complete || out.ResourcesCreated != 4 || out.ResourcesFailed != 0 {
		t.Errorf("result = %+v", out)
	}
	actions := map[string]int{}
	for _, c := range b.plan(b.lacking()).Plan.Changes {
		actions[c.Action]++
	}
	if d := cmp.Diff(map[string]int{"exists": 4, "unsupported": 4}, actions); d != "" {
		t.Errorf("once more (-want +got):\n%s", d)
	}
}

// A lock that forbids to write comes behind all else, and goes before all else.
func TestLocksComeLastAndGoFirst(t *testing.T) {
	b := newBench(t, azuresim.Config{NoARMLimits: true})
	locked := strings.Replace(b.shop(), "      - name: web\n        location: westeurope\n        resources:\n", "      - name: web\n        location: westeurope\n        resources:\n"+
		"          - {type: Microsoft.Authorization/locks, name: aaa-frozen, scope: \"${resource_group:web}\", properties: {level: ReadOnly}}\n", 1)
	b.inject(azuresim.Faults{Resources: []azuresim.ResourceFault{{Type: "Microsoft.Network/networkInterfaces", Kind: "sku", Times: 1}}})
	out := b.deploy(jobA, locked)
	why := ""
	for _, f := range out.Failures {
		if name(f.Resource) == "aaa-frozen" {
			why = f.Fault.Message
		}
	}
	if out.Success || !strings.Contains(why, "a lock that is there would keep") {
		t.Errorf("after a failure the lock is told with %q: %+v", why, out)
	}
	if out := b.deploy(jobB, locked); !out.Success {
		t.Errorf("result = %+v", out)
	}
	for _, c := range b.plan(locked).Plan.Changes {
		if c.Action != actionExists {
			t.Errorf("%s of %s", c.Action, c.Resource)
		}
	}
	if _, out := b.rollback(jobB); !out.Success {
		t.Errorf("taken back: %+v", out)
	}
	if _, out := b.rollback(jobA); !out.Success {
		t.Errorf("taken back: %+v", out)
	}
	for _, c := range b.plan(locked).Plan.Changes {
		if c.Action != actionCreate {
			t.Errorf("at the end: %s of %s", c.Action, c.Resource)
		}
	}
}
