package create

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// bench is a simulated tenant in which nothing is, and a creator for it.
type bench struct {
	t       *testing.T
	sim     *azuresim.Server
	creator *Creator
	secrets map[string]string
	sub     string
}

func newBench(t *testing.T, config azuresim.Config) *bench {
	t.Helper()
	if config.Tenant == nil {
		empty, err := tenant.EmptyWith(2, 7)
		if err != nil {
			t.Fatal(err)
		}
		config.Tenant = empty
	}
	config.StateDir, config.Quota, config.RetryAfter = t.TempDir(), -1, -1
	sim, err := azuresim.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	env := sim.Env()
	client, err := azure.New(azure.Config{Patience: 30 * time.Second, Getenv: func(name string) string { return env[name] }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	b := &bench{t: t, sim: sim, secrets: map[string]string{}, sub: sim.Tenant().Subscriptions[0].ID}
	b.creator = &Creator{Azure: client, Poll: 20 * time.Millisecond, Getenv: func(name string) string { return b.secrets[name] }}
	return b
}

// heard is what a run says.
type heard struct {
	mu       sync.Mutex
	logs     []string
	progress []backend.Progress
	said     func(backend.Progress)
}

func (h *heard) Progress(p backend.Progress) {
	h.mu.Lock()
	h.progress = append(h.progress, p)
	said := h.said
	h.mu.Unlock()
	if said != nil {
		said(p)
	}
}
func (h *heard) Overall(float64) {}
func (h *heard) Log(_ backend.LogLevel, format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.logs = append(h.logs, fmt.Sprintf(format, args...))
}
func (h *heard) SignIn(backend.SignIn) {}
func (h *heard) Tenant(string)         {}

// run runs a request for a specification.
func (b *bench) run(ctx context.Context, job, spec string, r backend.TenantCreationRequest, h *heard) (*backend.TenantCreationResult, error) {
	b.t.Helper()
	file := filepath.Join(b.t.TempDir(), "spec.md")
	if err := os.WriteFile(file, []byte(spec), 0o600); err != nil {
		b.t.Fatal(err)
	}
	if !r.Rollback {
		r.Spec = "spec.md"
	}
	return b.creator.Run(ctx, Task{Request: &r, Job: job, Spec: file, WorkDir: b.t.TempDir(), Report: h})
}

// plan is the plan of a specification.
func (b *bench) plan(spec string) *backend.TenantCreationResult {
	b.t.Helper()
	out, err := b.run(b.t.Context(), "plan", spec, backend.TenantCreationRequest{DryRun: true}, &heard{})
	if err != nil {
		b.t.Fatalf("plan: %v %+v", err, fault.Of(err).Problems)
	}
	return out
}

// deploy plans and deploys a specification.
func (b *bench) deploy(job, spec string) *backend.TenantCreationResult {
	b.t.Helper()
	out, err := b.run(b.t.Context(), job, spec, backend.TenantCreationRequest{PlanDigest: b.plan(spec).Plan.Digest}, &heard{})
	if err != nil {
		b.t.Fatalf("deploy: %v", err)
	}
	return out
}

// actionsOf are the actions of a plan, by the ends of the ids.
func actionsOf(r *backend.TenantCreationResult) map[string]string {
	all := map[string]string{}
	for _, c := range r.Plan.Changes {
		all[name(c.Resource)] = strings.TrimSpace(c.Action + " " + strings.Join(c.Properties, " "))
	}
	return all
}

// puts are the names of what was written: the last parts of the paths of PUTs.
func (b *bench) puts() []string {
	var all []string
	for _, r := range b.sim.Requests() {
		if r.Method == http.MethodPut {
			all = append(all, name(r.Path))
		}
	}
	slices.Sort(all)
	return all
}

// shop is a specification of two groups that need each other's resources.
func (b *bench) shop() string {
	return strings.ReplaceAll("# Shop\n\n```yaml\n"+`
subscriptions:
  - name: main
    subscription_id: SUB
    resource_groups:
      - name: net
        location: westeurope
        tags: {env: test}
        resources:
          - type: Microsoft.Network/virtualNetworks
            name: vnet
            location: westeurope
            properties:
              addressSpace: {addressPrefixes: [10.0.0.0/16]}
              subnets:
                - name: web
                  properties:
                    addressPrefix: 10.0.1.0/24
                    networkSecurityGroup: {id: "${resource:Microsoft.Network/networkSecurityGroups/nsg}"}
          - type: Microsoft.Network/networkSecurityGroups
            name: nsg
            location: westeurope
            properties:
              securityRules: []
      - name: web
        location: westeurope
        resources:
          - type: Microsoft.Storage/storageAccounts
            name: shopfiles
            location: westeurope
            kind: StorageV2
            sku: {name: Standard_LRS}
            properties: {accessTier: Hot, supportsHttpsTrafficOnly: true}
          - type: Microsoft.Network/networkInterfaces
            name: nic
            location: westeurope
            properties:
              ipConfigurations:
                - name: ip
                  properties:
                    privateIPAllocationMethod: Dynamic
                    subnet: {id: "${resource:Microsoft.Network/virtualNetworks/vnet}/subnets/web"}
`+"```\n", "SUB", b.sub)
}

func TestWhatIsThereIsNotTouched(t *testing.T) {
	b := newBench(t, azuresim.Config{NoARMLimits: true})
	plan := b.plan(b.shop())
	want := map[string]string{"net": "create", "web": "create", "vnet": "create", "nsg": "create", "shopfiles": "create", "nic": "create"}
	if d := cmp.Diff(want, actionsOf(plan)); d != "" {
		t.Fatalf("first plan (-want +got):\n%s", d)
	}
	if n := b.sim.Count("GET", "/providers/Microsoft"); n != 0 {
		t.Errorf("%d resources were asked for below groups that are not there", n)
	}
	out := b.deploy("0123456789abcdef", b.shop())
	if !out.Success || !out.Complete || out.ResourcesCreated != 6 || out.ResourcesFailed != 0 {
		t.Fatalf("result = %+v", out)
	}
	b.sim.ResetRequests()
	again := b.deploy("fedcba9876543210", b.shop())
	if !again.Success || again.ResourcesCreated != 0 {
		t.Errorf("second result = %+v", again)
	}
	if d := cmp.Diff([]string(nil), b.puts()); d != "" {
		t.Errorf("what was written again (-want +got):\n%s", d)
	}
}
