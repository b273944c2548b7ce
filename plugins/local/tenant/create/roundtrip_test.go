package create

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	simulated "github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
	"github.com/azure-tenant-grapher/atg/plugins/local/discovery"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/build"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// ID and Part make it hear a scan as well.
func (h *heard) ID() string        { return "scan" }
func (h *heard) Part(backend.Part) {}

// scanned scans the bench's tenant.
func (b *bench) scanned() *graph.Reader { return b.scannedWith("") }

// scannedWith scans it with some of its identities, or those of the default.
func (b *bench) scannedWith(identities backend.Identities) *graph.Reader {
	b.t.Helper()
	store, err := graph.OpenStore(b.t.TempDir())
	if err != nil {
		b.t.Fatal(err)
	}
	scanner := &discovery.Scanner{Azure: b.creator.Azure, Store: store}
	scan, err := scanner.Scan(b.t.Context(), &backend.ScanRequest{Depth: backend.DepthExtensions, Identities: identities}, b.t.TempDir(), nil, &heard{})
	if err != nil {
		b.t.Fatal(err)
	}
	reader, err := store.Open(b.t.Context(), scan.Snapshot.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(reader.Close)
	return reader
}

// written scans the bench's tenant, and writes it down; beside that it answers the graph of the scan.
func (b *bench) written() (spec string, lines []string) {
	b.t.Helper()
	spec, lines, _ = b.writtenOf(b.scanned())
	return spec, lines
}

func (b *bench) writtenOf(reader *graph.Reader) (spec string, lines []string, of *graph.Reader) {
	b.t.Helper()
	g := tenant.Generator{Reader: reader, Dir: b.t.TempDir()}
	if _, err := g.Generate(b.t.Context(), &backend.SpecGenerationRequest{}); err != nil {
		b.t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(g.Dir, tenant.SpecFile))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(content), graphOf(b.t, reader), reader
}

// graphOf are the nodes and the edges of a scan, a line each, sorted. Left out are ids that the directory gives to the identities of resources:
// such an identity is that of its resource; which of its two ends says an edge; and the region of a child, which is that of its parent.
func graphOf(t *testing.T, r *graph.Reader) []string {
	t.Helper()
	nodes, identities, lines := map[int64]graph.Node{}, map[int64]string{}, []string(nil)
	if err := r.Nodes(t.Context(), func(n graph.Node) error {
		nodes[n.Number] = n
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var edges []graph.Edge
	if err := r.Edges(t.Context(), func(e graph.Edge) error {
		edges = append(edges, e)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	named := func(number int64) string { return cmp.Or(identities[number], nodes[number].Key) }
	for _, e := range edges {
		if nodes[e.Source].Kind == graph.NodeResource && strings.Contains(e.Property, "principalId") && !strings.HasPrefix(nodes[e.Target].Key, "/") {
			identities[e.Target] = "identity of " + nodes[e.Source].Key
		}
	}
	for _, n := range nodes {
		if strings.Count(n.Type, "/") > 1 {
			n.Location = ""
		}
		lines = append(lines, fmt.Sprintf("node %s %s %s %s %s", n.Kind, named(n.Number), n.State, n.Type, n.Location))
	}
	for _, e := range edges {
		lines = append(lines, fmt.Sprintf("edge %s %s -> %s %s", e.Kind, named(e.Source), named(e.Target), e.Detail))
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// copied writes a tenant down, and deploys that into one in which nothing is.
func copied(t *testing.T, from *simulated.Tenant) (source, target *bench, spec string, lines []string, plan, done *backend.TenantCreationResult) {
	t.Helper()
	source = newBench(t, azuresim.Config{Tenant: from, NoARMLimits: true})
	spec, lines = source.written()
	empty, err := from.Emptied()
	if err != nil {
		t.Fatal(err)
	}
	target = newBench(t, azuresim.Config{Tenant: empty, NoARMLimits: true})
	for _, b := range []*bench{source, target} {
		b.creator.Getenv = func(string) string { return "a Secret of 2026!" }
	}
	plan = target.plan(spec)
	return source, target, spec, lines, plan, target.deploy(jobA, spec)
}

// madeAgain makes a tenant again, and holds the two against each other: what is written of either is in the other. bar says which
// resources need not be equal; which lines of the specification and of the graph may differ.
func madeAgain(t *testing.T, from *simulated.Tenant, bar func(backend.PlannedChange) bool, inSpec, inGraph explained) {
	t.Helper()
	source, target, spec, before, plan, done := copied(t, from)
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
	second, after := target.written()
	if second != spec {
		same("what was made, in the source", source.plan(second))
	}
	same("what was written, in the target", target.plan(spec))
	inSpec.hold(t, "the specification of what was made", strings.Split(spec, "\n"), strings.Split(second, "\n"))
	inGraph.hold(t, "the graph of what was made", before, after)
	if inSpec == nil {
		return
	}
	target.sim.ResetRequests()
	if again := target.deploy(jobB, spec); again.ResourcesCreated != 0 || len(target.puts()) > 0 {
		t.Errorf("once more %d were made: %v", again.ResourcesCreated, target.puts())
	}
}

// explained are patterns of lines that may be in one of two lists and not in the other, a sign before them, by what explains them. Each has to be
// needed.
type explained map[string]*regexp.Regexp

// hold holds two lists against each other.
func (e explained) hold(t *testing.T, what string, before, after []string) {
	t.Helper()
	count := map[string]int{}
	for _, line := range before {
		count[line]--
	}
	for _, line := range after {
		count[line]++
	}
	needed := map[string]bool{}
	for _, line := range slices.Sorted(maps.Keys(count)) {
		sign := [...]string{"-", "", "+"}[cmp.Compare(count[line], 0)+1]
		if sign == "" {
			continue
		}
		why := ""
		for reason, pattern := range e {
			if pattern.MatchString(sign + line) {
				why = reason
				needed[reason] = true
			}
		}
		if why == "" {
			t.Errorf("%s: %s%s", what, sign, line)
		}
	}
	for reason := range e {
		if !needed[reason] {
			t.Errorf("%s: nothing differs any more because %s", what, reason)
		}
	}
}

// inSpec is what differs between the specification of Contoso and that of what is made of it: the last section, on what is not written.
var inSpec = explained{
	"empty subscriptions get what the first network of a region brings with it": regexp.MustCompile(`^[-+]\| [14] \| Microsoft.(Network/networkWatchers|Resources/resourceGroups) \| the service makes it by itself \|$`),
	"services make things beside their resources":                               regexp.MustCompile(`^[-+]\| [123] \| Microsoft.(DocumentDB/databaseAccounts/sqlRoleDefinitions|Sql/servers/databases|ServiceBus/namespaces/topics/subscriptions/rules) \| .*`),
	"a deployment has a record of its own":                                      regexp.MustCompile(`^-\| 1 \| Microsoft.Resources/deploymentStacks \| the record of an earlier deployment \|$`),
}

// inGraph is what differs between the graphs of the two.
var inGraph = explained{
	"empty subscriptions get what the first network of a region brings with it": regexp.MustCompile(`^\+(node \S+|edge CONTAINS \S+ ->) \S+/resourcegroups/networkwatcherrg(/providers/microsoft.network/networkwatchers/networkwatcher_westeurope)? `),
	"services make things beside their resources": regexp.MustCompile(`^\+(node \S+|edge CONTAINS \S+ ->) \S+/(sqlroledefinitions/00000000-0000-0000-0000-000000000001|servers/[a-z-]+/databases/master|agentpools/apps|rules/\$default) ` +
		`|^\+edge USES_SUBNET \S+/agentpools/(apps|system) -> `),
	"a deployment has a record of its own":                                    regexp.MustCompile(`^-.* \S+/deploymentstacks/stack-hub `),
	"a scale set numbers its machines":                                        regexp.MustCompile(`^[-+](node \S+|edge CONTAINS \S+ ->) \S+/virtualmachinescalesets/vmss-erp-batch/virtualmachines/[23] `),
	"the simulator tells no image of the disks of machines":                   regexp.MustCompile(`^-(edge MADE_FROM \S+/disks/osdisk-\S+ ->|node resource) \S+/artifacttypes/vmimage/`),
	"the identity that a deployment makes is a new one, which is in no group": regexp.MustCompile(`^-edge MEMBER_OF identity of \S+/factories/adf-contoso-prod -> `),
	"a database that a service makes is as it makes it":                       regexp.MustCompile(`^-edge REFERS_TO \S+/databases/master -> \S+/publicmaintenanceconfigurations/sql_default `),
}

func TestATenantIsMadeAgain(t *testing.T) {
	t.Parallel()
	contoso, err := simulated.Contoso()
	if err != nil {
		t.Fatal(err)
	}
	madeAgain(t, contoso, func(c backend.PlannedChange) bool {
		return strings.HasSuffix(c.Resource, "/disks/osdisk-vm-erp-print-01") // the simulator makes all disks of machines of one size
	}, inSpec, inGraph)
}

// What can be made of a random tenant, whose references lead nowhere now and then, is a tenant that can be made again whole.
func TestRandomTenantsAreMadeAgain(t *testing.T) {
	for seed := range uint64(randomTenants) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random, err := simulated.Synthetic(simulated.SyntheticOptions{Resources: 16 + int(seed), Subscriptions: 1 + int(seed%2), Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			_, target, _, _, _, done := copied(t, random)
			if done.ResourcesCreated < 8 {
				t.Fatalf("only %d were made: %s", done.ResourcesCreated, done.Error)
			}
			madeAgain(t, target.sim.Tenant(), nil, nil, nil)
			deployedAgain(t, target.sim.Tenant())
		})
	}
}

// deployedAgain deploys the ARM templates that are generated of a scan to where nothing is, and scans that: it is the same.
func deployedAgain(t *testing.T, from *simulated.Tenant) {
	t.Helper()
	source := newBench(t, azuresim.Config{Tenant: from, NoARMLimits: true})
	empty, err := from.Emptied()
	if err != nil {
		t.Fatal(err)
	}
	target := newBench(t, azuresim.Config{Tenant: empty, NoARMLimits: true})
	target.creator.Getenv = func(string) string { return "a Secret of 2026!" }
	first, before, reader := source.writtenOf(source.scanned())
	built, err := build.Build(t.Context(), reader, build.Options{Split: template.SplitDeployment}, report.New())
	if err != nil {
		t.Fatal(err)
	}
	r := &run{Creator: target.creator, Task: Task{Job: jobA, Report: &heard{}}, session: target.creator.Azure.Session("")}
	for _, s := range built.Stages {
		id, body, err := r.document(t.Context(), built.Template, s, "westeurope")
		if err != nil {
			t.Fatal(err)
		}
		d, err := r.put(t.Context(), id, body)
		if err == nil && d.refused == nil {
			err = r.follow(t.Context(), d, nil)
		}
		if err != nil || d.state != "Succeeded" {
			t.Fatalf("%s: %s %v %v %v", s.Title, d.state, err, d.refused, d.fault)
		}
	}
	second, after := target.written()
	explained(nil).hold(t, "the specification of what ARM made", strings.Split(first, "\n"), strings.Split(second, "\n"))
	explained(nil).hold(t, "the graph of what ARM made", before, after)
}
