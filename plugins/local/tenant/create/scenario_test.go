package create

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const jobA, jobB = "0123456789abcdef", "fedcba9876543210"

// inject makes the simulator fail.
func (b *bench) inject(faults azuresim.Faults) {
	b.t.Helper()
	if _, err := b.sim.Inject(faults); err != nil {
		b.t.Fatal(err)
	}
}

// read is what the simulator has of a resource.
func (b *bench) read(id, version string) map[string]any {
	b.t.Helper()
	content, err := b.creator.Azure.Session("").Get(b.t.Context(), id, version)
	if err != nil {
		b.t.Fatal(err)
	}
	var resource map[string]any
	if err := json.Unmarshal(content, &resource); err != nil {
		b.t.Fatal(err)
	}
	return resource
}

func TestWhatDiffersIsChanged(t *testing.T) {
	b := newBench(t, azuresim.Config{NoARMLimits: true})
	b.deploy(jobA, b.shop())
	changed := strings.Replace(b.shop(), "accessTier: Hot", "accessTier: Cool", 1)
	changed = strings.Replace(changed, "tags: {env: test}", "tags: {env: prod}", 1)
	plan := b.plan(changed)
	want := map[string]string{"net": "differs tags.env", "web": "exists", "vnet": "exists", "nsg": "exists", "shopfiles": "differs properties.accessTier", "nic": "exists"}
	if d := cmp.Diff(want, actionsOf(plan)); d != "" {
		t.Fatalf("plan (-want +got):\n%s", d)
	}
	if out := b.deploy(jobB, changed); !out.Success || out.ResourcesCreated != 2 {
		t.Errorf("result = %+v", out)
	}
	account := b.read("/subscriptions/"+b.sub+"/resourceGroups/web/providers/Microsoft.Storage/storageAccounts/shopfiles", "2023-05-01")
	if tier := account["properties"].(map[string]any)["accessTier"]; tier != "Cool" {
		t.Errorf("the tier is %v", tier)
	}
	for _, action := range actionsOf(b.plan(changed)) {
		if action != "exists" {
			t.Errorf("after the change something is still to do: %v", actionsOf(b.plan(changed)))
		}
	}
}

func TestAPlanThatHasChangedIsRefused(t *testing.T) {
	b := newBench(t, azuresim.Config{NoARMLimits: true})
	plan := b.plan(b.shop())
	if again := b.plan(b.shop()); again.Plan.Digest != plan.Plan.Digest {
		t.Error("the same plan has another digest")
	}
	other := strings.Replace(b.shop(), "accessTier: Hot", "accessTier: Cool", 1)
	if b.plan(other).Plan.Digest == plan.Plan.Digest {
		t.Error("another content has the same digest")
	}
	for name, change := range map[string]func() string{
		"the specification": func() string { return other },
		"Azure":             func() string { b.deploy(jobA, b.shop()); return b.shop() },
	} {
		t.Run(name, func(t *testing.T) {
			spec := change()
			b.sim.ResetRequests()
			_, err := b.run(t.Context(), jobB, spec, backend.TenantCreationRequest{PlanDigest: plan.Plan.Digest}, &heard{})
			if fault.CodeOf(err) != fault.Conflict || len(b.puts()) > 0 {
				t.Errorf("%v; %v were written", err, b.puts())
			}
		})
	}
}

func TestWhatFailsIsToldAndGoesOnLater(t *testing.T) {
	b := newBench(t, azuresim.Config{NoARMLimits: true})
	b.inject(azuresim.Faults{Resources: []azuresim.ResourceFault{{Type: "Microsoft.Network/virtualNetworks", Kind: "quota"}}})
	out := b.deploy(jobA, b.shop())
	if out.Success || out.Complete || out.ResourcesFailed != 3 || out.ResourcesCreated != 3 {
		t.Errorf("result = %+v", out)
	}
	failures := map[string]*fault.Fault{}
	for _, f := range out.Failures {
		failures[name(f.Resource)] = f.Fault
	}
	if f := failures["vnet"]; f == nil || !strings.HasPrefix(f.Message, "QuotaExceeded: Operation could not be completed") || f.Hint == "" || f.Origin != fault.OriginAzure {
		t.Errorf("the network failed with %+v", f)
	}
	for _, rest := range []string{"nic", "shopfiles"} {
		if f := failures[rest]; f == nil || !strings.Contains(f.Message, "QuotaExceeded") {
			t.Errorf("%s failed with %+v", rest, f)
		}
	}
	if !strings.Contains(out.Error, "--rollback "+jobA) || !strings.Contains(out.Error, "Run the command again") {
		t.Errorf("the error says %q", out.Error)
	}
	if first := name(out.Failures[0].Resource); first != "vnet" {
		t.Errorf("the first failure is of %s, and not what the others follow from", first)
	}
	b.sim.ClearFaults()
	want := map[string]string{"net": "exists", "web": "exists", "nsg": "exists", "vnet": "create", "nic": "create", "shopfiles": "create"}
	if d := cmp.Diff(want, actionsOf(b.plan(b.shop()))); d != "" {
		t.Errorf("plan after the failure (-want +got):\n%s", d)
	}
	if out := b.deploy(jobB, b.shop()); !out.Success || out.ResourcesCreated != 3 {
		t.Errorf("second result = %+v", out)
	}
}

func TestARefusedDeployment(t *testing.T) {
	b := newBench(t, azuresim.Config{NoARMLimits: true})
	digest := b.plan(b.shop()).Plan.Digest
	b.inject(azuresim.Faults{Rules: []azuresim.Fault{{Method: "PUT", Path: "deployments/atg-.*-sub", Status: 403, Code: "AuthorizationFailed", Message: "The client has no right to write deployments."}}})
	out, err := b.run(t.Context(), jobA, b.shop(), backend.TenantCreationRequest{PlanDigest: digest}, &heard{})
	if err != nil {
		t.Fatal(err)
	}
	if out.Success || out.ResourcesFailed != 6 || out.ResourcesCreated != 0 || out.Failures[0].Fault.Code != fault.AzureForbidden || !strings.Contains(out.Failures[0].Fault.Hint, "Contributor") {
		t.Errorf("result = %+v", out)
	}
	if !strings.Contains(out.Error, "nothing was made") {
		t.Errorf("the error says %q", out.Error)
	}
}

// rollback plans and takes back a job.
func (b *bench) rollback(job string) (plan, out *backend.TenantCreationResult) {
	b.t.Helper()
	ask := backend.TenantCreationRequest{Rollback: true, RollbackJob: job, DryRun: true}
	plan, err := b.run(b.t.Context(), "r1", "", ask, &heard{})
	if err != nil {
		b.t.Fatalf("plan: %v", err)
	}
	ask.DryRun, ask.PlanDigest = false, plan.Plan.Digest
	if out, err = b.run(b.t.Context(), "r2", "", ask, &heard{}); err != nil {
		b.t.Fatalf("rollback: %v", err)
	}
	return plan, out
}

func TestRollbackRemovesWhatTheJobCreated(t *testing.T) {
	b := newBench(t, azuresim.Config{NoARMLimits: true})
	before := strings.Split(b.shop(), "      - name: web\n        location")[0] + "```\n" // the network alone
	b.deploy(jobA, before)
	changed := strings.Replace(b.shop(), "tags: {env: test}", "tags: {env: prod}", 1)
	b.deploy(jobB, changed)
	plan, out := b.rollback(jobB)
	want := map[string]string{"net": "exists", "web": "delete", "nic": "delete", "shopfiles": "delete"}
	if d := cmp.Diff(want, actionsOf(plan)); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
	if !out.Success || out.ResourcesFailed != 0 {
		t.Errorf("result = %+v", out)
	}
	left := map[string]string{"net": "exists", "vnet": "exists", "nsg": "exists", "web": "create", "nic": "create", "shopfiles": "create"}
	if d := cmp.Diff(left, actionsOf(b.plan(changed))); d != "" {
		t.Errorf("what is left (-want +got):\n%s", d)
	}
	// Once more there is nothing to do, and that is fine.
	b.sim.ResetRequests()
	if plan, out := b.rollback(jobB); len(plan.Plan.Changes) != 1 || !out.Success || b.sim.Count("DELETE", ".") > 0 {
		t.Errorf("second plan = %+v, result %+v", plan.Plan.Changes, out)
	}
	if _, err := b.run(t.Context(), "r", "", backend.TenantCreationRequest{Rollback: true, RollbackJob: "abcabcabcabc", DryRun: true}, &heard{}); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("a job that is not known: %v", err)
	}
}

func TestRollbackKeepsAGroupWithOthersResources(t *testing.T) {
	b := newBench(t, azuresim.Config{NoARMLimits: true})
	b.deploy(jobA, b.shop())
	other := strings.Replace(strings.Replace(b.shop(), "name: shopfiles", "name: othersfiles", 1), "name: nic", "name: othersnic", 1)
	b.deploy(jobB, other)
	b.inject(azuresim.Faults{Rules: []azuresim.Fault{{Method: "DELETE", Path: "virtualNetworks/vnet$", Status: 400, Code: "InUseSubnetCannotBeDeleted", Message: "Subnet web is in use."}}})
	plan, out := b.rollback(jobA)
	want := map[string]string{"net": "delete", "web": "exists", "nic": "delete", "shopfiles": "delete", "vnet": "delete", "nsg": "delete"}
	if d := cmp.Diff(want, actionsOf(plan)); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
	// Another job's interface is in the network, so that it cannot go, and neither can its group.
	if out.Success || out.ResourcesFailed != 2 || !strings.Contains(out.Failures[1].Fault.Message, "InUseSubnetCannotBeDeleted") || !strings.Contains(out.Error, "could not be removed") {
		t.Errorf("result = %+v", out)
	}
	group := b.read("/subscriptions/"+b.sub+"/resourceGroups/web", groupVersion)
	if group["name"] != "web" {
		t.Errorf("the group is %v", group)
	}
}

func TestACancelledJobStopsItsDeployments(t *testing.T) {
	b := newBench(t, azuresim.Config{NoARMLimits: true})
	b.inject(azuresim.Faults{Resources: []azuresim.ResourceFault{{Type: "Microsoft.Network/networkInterfaces", Takes: azuresim.Duration(time.Hour)}}})
	digest := b.plan(b.shop()).Plan.Digest
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	h := &heard{said: func(p backend.Progress) {
		if p.Phase == phaseDeploy && p.Done >= 4 {
			cancel(stopped)
		}
	}}
	_, err := b.run(ctx, jobA, b.shop(), backend.TenantCreationRequest{PlanDigest: digest}, h)
	if !errors.Is(err, stopped) {
		t.Errorf("the run ended with %v", err)
	}
	if _, err := b.run(t.Context(), jobB, "", backend.TenantCreationRequest{Rollback: true, RollbackJob: jobA, DryRun: true}, &heard{}); err != nil {
		t.Errorf("it cannot be taken back: %v", err)
	}
	if n := b.sim.Count("POST", "deployments/atg-0123456789ab-.*/cancel$"); n != 1 {
		t.Errorf("%d deployments were cancelled", n)
	}
	if last := h.logs[len(h.logs)-1]; !strings.Contains(last, "of 6 resources were made or changed and stand") || !strings.Contains(last, "--rollback "+jobA) {
		t.Errorf("the last words are %q", last)
	}
}

func TestAnotherAttemptGoesOnWithTheFirst(t *testing.T) {
	b := newBench(t, azuresim.Config{NoARMLimits: true})
	b.inject(azuresim.Faults{Resources: []azuresim.ResourceFault{{Type: "Microsoft.Network/networkInterfaces", Takes: azuresim.Duration(2 * time.Second), Times: 1}}})
	digest := b.plan(b.shop()).Plan.Digest
	request := backend.TenantCreationRequest{PlanDigest: digest}
	// The first attempt dies in the middle: nothing of it reaches Azure any more, not even a cancellation.
	ctx, cancel := context.WithCancel(t.Context())
	h := &heard{said: func(p backend.Progress) {
		if p.Phase == phaseDeploy && p.Done >= 3 {
			b.inject(azuresim.Faults{Rules: []azuresim.Fault{{Method: "POST", Path: "/cancel$", Status: 400}},
				Resources: []azuresim.ResourceFault{{Type: "Microsoft.None/none", Kind: "fail"}}})
			cancel()
		}
	}}
	if _, err := b.run(ctx, jobA, b.shop(), request, h); !errors.Is(err, context.Canceled) {
		t.Fatalf("the first attempt ended with %v", err)
	}
	if _, err := b.run(t.Context(), jobB, "", backend.TenantCreationRequest{Rollback: true, RollbackJob: jobA, DryRun: true}, &heard{}); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("a job that still deploys can be taken back: %v", err)
	}
	b.sim.ClearFaults()
	b.sim.ResetRequests()
	h = &heard{}
	out, err := b.run(t.Context(), jobA, b.shop(), request, h)
	if err != nil {
		t.Fatal(err)
	}
	if !out.Success || out.ResourcesCreated != 6 {
		t.Errorf("result = %+v", out)
	}
	if puts := b.puts(); slices.ContainsFunc(puts, func(n string) bool { return strings.HasSuffix(n, "-plan") }) {
		t.Errorf("the plan was written again: %v", puts)
	}
	if !slices.ContainsFunc(h.logs, func(l string) bool { return strings.Contains(l, "going on where an earlier attempt") }) {
		t.Errorf("the log says %q", h.logs)
	}
}

func TestThrottledWritesWait(t *testing.T) {
	b := newBench(t, azuresim.Config{NoARMLimits: true})
	digest := b.plan(b.shop()).Plan.Digest
	b.inject(azuresim.Faults{Rules: []azuresim.Fault{{Method: "PUT", Times: 1, Status: 429, RetryAfter: 1, Cause: "gateway"}}})
	h := &heard{}
	out, err := b.run(t.Context(), jobA, b.shop(), backend.TenantCreationRequest{PlanDigest: digest}, h)
	if err != nil || !out.Success {
		t.Fatalf("%+v, %v", out, err)
	}
	if !slices.ContainsFunc(h.progress, func(p backend.Progress) bool {
		return strings.Contains(p.Message, "throttled by") && strings.Contains(p.Message, "waiting 1s")
	}) {
		t.Errorf("nobody was told of the wait: %+v", h.progress)
	}
}

func TestSecretsReachAzureAndNothingElse(t *testing.T) {
	b := newBench(t, azuresim.Config{NoARMLimits: true})
	spec := strings.ReplaceAll("```yaml\n"+`
subscriptions:
  - name: main
    subscription_id: SUB
    resource_groups:
      - name: db
        location: westeurope
        resources:
          - type: Microsoft.Sql/servers
            name: shopdb
            location: westeurope
            properties:
              administratorLogin: boss
              administratorLoginPassword: "${secret:sql-admin}"
          - type: Microsoft.Sql/servers/databases
            name: shopdb/shop
            location: westeurope
`+"```\n", "SUB", b.sub)
	plan := b.plan(spec)
	if d := cmp.Diff(map[string]string{"db": "create", "shopdb": "unsupported", "shop": "unsupported"}, actionsOf(plan)); d != "" || plan.Complete {
		t.Errorf("plan without the secret (-want +got):\n%s", d)
	}
	if reason := plan.Plan.Changes[1].Reason; !strings.Contains(reason, "ATG_SECRET_SQL_ADMIN") {
		t.Errorf("the reason is %q", reason)
	}
	const planted = "planted-S3cret!"
	b.secrets["ATG_SECRET_SQL_ADMIN"] = planted
	h := &heard{}
	out, err := b.run(t.Context(), jobA, spec, backend.TenantCreationRequest{PlanDigest: b.plan(spec).Plan.Digest}, h)
	if err != nil || !out.Success || out.ResourcesCreated != 3 {
		t.Fatalf("%+v, %v", out, err)
	}
	sent := 0
	for _, r := range b.sim.Requests() {
		if strings.Contains(r.Body, planted) {
			sent++
			if r.Method != http.MethodPut && !strings.HasSuffix(r.Path, "/validate") || !strings.Contains(r.Path, "/deployments/") {
				t.Errorf("the secret is in %s %s", r.Method, r.Path)
			}
		}
	}
	said, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	if sent != 3 || // with the plan, before the deployment, and in it
		strings.Contains(string(said), planted) || strings.Contains(strings.Join(h.logs, "\n"), planted) {
		t.Errorf("the secret was sent %d times, or was told: %s", sent, said)
	}
	for id, action := range actionsOf(b.plan(spec)) {
		if action != "exists" {
			t.Errorf("%s: %s", id, action)
		}
	}
}

func TestWhatIsWrongWithASpecificationComesFirst(t *testing.T) {
	b := newBench(t, azuresim.Config{NoARMLimits: true})
	for name, c := range map[string]struct {
		spec  string
		words []string
	}{
		"two errors":                       {"```yaml\nsubscriptions:\n  - name: main\n    subscription_idd: x\n    resource_groups:\n      - nam: web\n```\n", []string{"subscription_idd", "nam"}},
		"a subscription that is not there": {"```yaml\nsubscriptions:\n  - name: nobody\n    resource_groups:\n      - {name: web, location: westeurope}\n```\n", []string{"nobody"}},
		"a group that is not there": {strings.ReplaceAll("```yaml\nsubscriptions:\n  - name: main\n    subscription_id: SUB\n    resource_groups:\n      - {name: gone, existing: true}\n      - {name: web, location: westeurope}\n```\n", "SUB", b.sub),
			[]string{"gone"}},
	} {
		for _, request := range []backend.TenantCreationRequest{{DryRun: true}, {PlanDigest: "d"}} {
			_, err := b.run(t.Context(), jobA, c.spec, request, &heard{})
			f := fault.As(err)
			if f == nil || f.Code != fault.InvalidArgument || len(f.Problems) < len(c.words) {
				t.Errorf("%s: %v", name, err)
				continue
			}
			for _, w := range c.words {
				if !slices.ContainsFunc(f.Problems, func(p fault.Problem) bool { return strings.Contains(p.Message+p.Key, w) && p.Line > 0 && p.Column > 0 }) {
					t.Errorf("%s: no problem says %q: %+v", name, w, f.Problems)
				}
			}
		}
	}
	if puts := b.puts(); len(puts) > 0 {
		t.Errorf("%v were written", puts)
	}
}
