package create

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	simulated "github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
	"github.com/azure-tenant-grapher/atg/plugins/local/discovery"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// ID and Part make it hear a scan as well.
func (h *heard) ID() string        { return "scan" }
func (h *heard) Part(backend.Part) {}

// written scans the bench's tenant, and writes it down.
func (b *bench) written() string {
	b.t.Helper()
	store, err := graph.OpenStore(b.t.TempDir())
	if err != nil {
		b.t.Fatal(err)
	}
	scanner := &discovery.Scanner{Azure: b.creator.Azure, Store: store}
	scan, err := scanner.Scan(b.t.Context(), &backend.ScanRequest{Depth: backend.DepthExtensions}, b.t.TempDir(), nil, &heard{})
	if err != nil {
		b.t.Fatal(err)
	}
	reader, err := store.Open(b.t.Context(), scan.Snapshot.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	defer reader.Close()
	g := tenant.Generator{Reader: reader, Dir: b.t.TempDir()}
	if _, err := g.Generate(b.t.Context(), &backend.SpecGenerationRequest{}); err != nil {
		b.t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(g.Dir, tenant.SpecFile))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(content)
}

// copied writes a tenant down, and deploys that into one in which nothing is.
func copied(t *testing.T, from *simulated.Tenant) (source, target *bench, spec string, plan, done *backend.TenantCreationResult) {
	t.Helper()
	source = newBench(t, azuresim.Config{Tenant: from, NoARMLimits: true})
	spec = source.written()
	empty, err := from.Emptied()
	if err != nil {
		t.Fatal(err)
	}
	target = newBench(t, azuresim.Config{Tenant: empty, NoARMLimits: true})
	for _, b := range []*bench{source, target} {
		b.creator.Getenv = func(string) string { return "a Secret of 2026!" }
	}
	plan = target.plan(spec)
	return source, target, spec, plan, target.deploy(jobA, spec)
}

// madeAgain makes a tenant again, and holds the two against each other: what is written of either is in the other. bar says which
// resources need not be equal.
func madeAgain(t *testing.T, from *simulated.Tenant, bar func(backend.PlannedChange) bool) {
	t.Helper()
	source, target, spec, plan, done := copied(t, from)
	for _, c := range plan.Plan.Changes {
		if c.Action != actionCreate {
			t.Errorf("%s of %s: %s", c.Action, c.Resource, c.Reason)
		}
	}
	if !done.Success || !done.Complete || done.ResourcesFailed > 0 || done.ResourcesCreated != int64(len(plan.Plan.Changes)) {
		for _, f := range done.Failures {
			t.Logf("%s: %v", f.Resource, f.Fault)
		}
		t.Fatalf("%d of %d were made: %s", done.ResourcesCreated, len(plan.Plan.Changes), done.Error)
	}
	same := func(what string, plan *backend.TenantCreationResult) {
		for _, c := range plan.Plan.Changes {
			if c.Action != actionExists && (bar == nil || !bar(c)) {
				t.Errorf("%s: %s of %s: %v %s", what, c.Action, c.Resource, c.Properties, c.Reason)
			}
		}
	}
	same("what was made, in the source", source.plan(target.written()))
	same("what was written, in the target", target.plan(spec))
	target.sim.ResetRequests()
	if again := target.deploy(jobB, spec); again.ResourcesCreated != 0 || len(target.puts()) > 0 {
		t.Errorf("once more %d were made: %v", again.ResourcesCreated, target.puts())
	}
}

func TestATenantIsMadeAgain(t *testing.T) {
	t.Parallel()
	contoso, err := simulated.Contoso()
	if err != nil {
		t.Fatal(err)
	}
	madeAgain(t, contoso, func(c backend.PlannedChange) bool {
		return strings.HasSuffix(c.Resource, "/disks/osdisk-vm-erp-print-01") // the simulator makes all disks of machines of one size
	})
}

// What can be made of a random tenant, whose references lead nowhere now and then, is a tenant that can be made again whole.
func TestRandomTenantsAreMadeAgain(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random, err := simulated.Synthetic(simulated.SyntheticOptions{Resources: 16 + 2*int(seed), Subscriptions: 1 + int(seed%2), Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			_, target, _, _, done := copied(t, random)
			if done.ResourcesCreated < 8 {
				t.Fatalf("only %d were made: %s", done.ResourcesCreated, done.Error)
			}
			madeAgain(t, target.sim.Tenant(), nil)
		})
	}
}
