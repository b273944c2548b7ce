package create

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// reasons are the reasons of what a plan cannot make, by the ends of the ids.
func reasons(r *backend.TenantCreationResult) map[string]string {
	all := map[string]string{}
	for _, c := range r.Plan.Changes {
		if c.Action == actionUnsupported {
			all[name(c.Resource)] = c.Reason
		}
	}
	return all
}

// What Azure would refuse is in the plan, all of it at once, with Azure's code and message and with what needs it; the rest is deployed.
func TestWhatAzureWouldRefuseIsInThePlan(t *testing.T) {
	for how, takes := range map[string]azuresim.Duration{"at once": 0, "after a while": azuresim.Duration(30 * time.Millisecond)} {
		t.Run(how, func(t *testing.T) {
			b := newBench(t, azuresim.Config{NoARMLimits: true})
			settings := b.sim.Settings()
			settings.ValidateTime = takes
			if err := b.sim.SetSettings(settings); err != nil {
				t.Fatal(err)
			}
			b.inject(azuresim.Faults{Resources: []azuresim.ResourceFault{
				{Type: "Microsoft.Network/virtualNetworks", Kind: "quota", Preflight: true}, {ID: "/shopfiles$", Kind: "taken", Preflight: true},
			}})
			plan := b.plan(b.shop())
			for what, words := range map[string][]string{
				"vnet":      {"Azure refuses it: QuotaExceeded: Operation could not be completed", "ask for more quota"},
				"shopfiles": {"Azure refuses it: StorageAccountAlreadyTaken: The storage account named shopfiles is already taken", "take another one"},
				"nic":       {"it needs /subscriptions/" + b.sub + "/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/vnet, which cannot be made"},
			} {
				for _, word := range words {
					if !strings.Contains(reasons(plan)[what], word) {
						t.Errorf("%s: %q does not say %q", what, reasons(plan)[what], word)
					}
				}
			}
			if plan.Complete || len(reasons(plan)) != 3 || len(b.puts()) > 0 {
				t.Errorf("%v; written: %v", reasons(plan), b.puts())
			}
			out := b.deploy(jobA, b.shop())
			if !out.Success || out.Complete || out.ResourcesCreated != 3 || out.ResourcesFailed != 0 {
				t.Errorf("result = %+v", out)
			}
			b.sim.ClearFaults()
			if out := b.deploy(jobB, b.shop()); !out.Success || !out.Complete || out.ResourcesCreated != 3 {
				t.Errorf("once the reason is mended: %+v", out)
			}
		})
	}
}

// Another number in Azure's message makes no other plan; another refusal does.
func TestARefusalIsAPartOfThePlanByItsCode(t *testing.T) {
	b := newBench(t, azuresim.Config{NoARMLimits: true})
	digest := func(code, message string) string {
		b.sim.ClearFaults()
		b.inject(azuresim.Faults{Resources: []azuresim.ResourceFault{{ID: "/vnet$", Status: http.StatusConflict, Code: code, Message: message, Preflight: true}}})
		return b.plan(b.shop()).Plan.Digest
	}
	first := digest("QuotaExceeded", "Current Usage: 10")
	if again := digest("QuotaExceeded", "Current Usage: 11"); again != first {
		t.Error("another message is another plan")
	}
	if other := digest("SkuNotAvailable", "Current Usage: 10"); other == first {
		t.Error("another code is the same plan")
	}
}

// What Azure says that it does not have makes the same plan each time, though each answer has an id of its own.
func TestWhatAzureDoesNotHaveIsThePlanItWas(t *testing.T) {
	b := newBench(t, azuresim.Config{NoARMLimits: true})
	b.deploy(jobA, b.shop())
	b.inject(azuresim.Faults{Rules: []azuresim.Fault{{Method: http.MethodGet, Path: "/networkInterfaces/nic$", Status: http.StatusBadRequest, Code: "ResourceTypeNotSupported", Message: "not here"}}})
	plan := b.plan(b.shop())
	if reasons(plan)["nic"] != "ResourceTypeNotSupported: not here" {
		t.Errorf("%v", reasons(plan))
	}
	if again := b.plan(b.shop()); again.Plan.Digest != plan.Plan.Digest {
		t.Error("the same plan has another digest")
	}
}

// Who may only read gets a plan all the same, and is told what was not asked.
func TestWhoMayNotValidateGetsAPlan(t *testing.T) {
	b := newBench(t, azuresim.Config{NoARMLimits: true})
	b.inject(azuresim.Faults{Rules: []azuresim.Fault{{Method: http.MethodPost, Path: "/validate$", Status: http.StatusForbidden, Code: "AuthorizationFailed", Message: "no right"}}})
	plan := b.plan(b.shop())
	if !plan.Complete || len(plan.DeploymentLogs) != 1 || !strings.Contains(plan.DeploymentLogs[0], "Azure was not asked beforehand") || !strings.Contains(plan.DeploymentLogs[0], "AuthorizationFailed") {
		t.Errorf("%+v", plan)
	}
}

func TestWhoARefusalIsAbout(t *testing.T) {
	const web = "/subscriptions/s/resourcegroups/web"
	account, nic, vm := web+"/providers/microsoft.storage/storageaccounts/files", web+"/providers/microsoft.network/networkinterfaces/nic", web+"/providers/microsoft.compute/virtualmachines/vm"
	content := []string{web, account, nic, vm}
	leaf := func(code, target, message string) azure.Refusal {
		return azure.Refusal{Code: code, Target: target, Message: message}
	}
	invalid := func(details ...azure.Refusal) *azure.Refusal {
		return &azure.Refusal{Code: "InvalidTemplateDeployment", Message: "See inner errors for details.", Details: details}
	}
	for name, c := range map[string]struct {
		said   *azure.Refusal
		waits  bool
		about  []string
		reason string // of the first
	}{
		"an id in another case":           {invalid(leaf("A", strings.ToUpper(account), "m")), false, []string{account}, "Azure refuses it: A: m"},
		"a part of a resource":            {invalid(leaf("A", nic+"/ipConfigurations/ip", "m")), false, []string{nic}, "Azure refuses it: A: m"},
		"a name, deeper":                  {invalid(azure.Refusal{Code: "PreflightValidationCheckFailed", Details: []azure.Refusal{leaf("A", "files", "m\nn")}}), false, []string{account}, "Azure refuses it: A: m n"},
		"several":                         {invalid(leaf("A", "files", "m"), leaf("B", "vm", "n")), false, []string{account, vm}, "Azure refuses it: B: n"},
		"the target of what is around":    {&azure.Refusal{Code: "X", Target: vm, Details: []azure.Refusal{{Code: "A", Message: "m"}}}, false, []string{vm}, "Azure refuses it: A: m"},
		"a nested deployment":             {&azure.Refusal{Code: "InvalidTemplate", Target: web + "/providers/Microsoft.Resources/deployments/n", Message: "m"}, false, []string{vm, nic, account}, "Azure refuses it: InvalidTemplate: m"},
		"an id in the message":            {invalid(leaf("A", "", "no: '"+vm+"'.")), false, []string{vm}, "Azure refuses it: A: no: '" + vm + "'"},
		"name and type in the message":    {&azure.Refusal{Code: "A", Message: "Authorization failed for template resource 'nic' of type 'Microsoft.Network/networkInterfaces'."}, false, []string{nic}, ""},
		"nothing that is known":           {invalid(leaf("DeploymentQuotaExceeded", "elsewhere", "m")), false, []string{web, vm, nic, account}, "Azure refuses its deployment: DeploymentQuotaExceeded: m"},
		"groups that come before":         {invalid(leaf("ResourceGroupNotFound", "", "m")), true, nil, ""},
		"a group that nobody makes":       {&azure.Refusal{Code: "ResourceGroupNotFound", Message: "m"}, false, []string{web, vm, nic, account}, ""},
		"its own reason before another's": {invalid(leaf("A", "", "all"), leaf("B", web, "own")), false, []string{web, vm, nic, account}, "Azure refuses it: B: own"},
	} {
		t.Run(name, func(t *testing.T) {
			refused, unclear := attribute(c.said, content, c.waits, false)
			slices.Sort(c.about)
			var keys []string
			if len(refused) > 0 {
				keys = sortedKeys(refused)
			}
			if d := cmp.Diff(c.about, keys); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if unclear != (c.about == nil) {
				t.Errorf("unclear: %v", unclear)
			}
			if len(keys) > 0 && c.reason != "" && refused[keys[0]].reason != c.reason {
				t.Errorf("reason: %q", refused[keys[0]].reason)
			}
		})
	}
}
