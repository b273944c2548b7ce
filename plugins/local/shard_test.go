package local_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// cut is a scan that is done in shards, each by a backend of its own, as by different workers.
type cut struct {
	t        *testing.T
	settings backend.Settings
	request  backend.ScanRequest
	dir      string
	parts    []backend.Part // of planning
	keys     []string
}

// do runs a job of the scan in a new backend.
func (c *cut) do(parts []backend.Part, shard ...string) outcome {
	c.t.Helper()
	b := start(c.t, c.settings)
	request := c.request
	job, err := b.Submit(c.t.Context(), backend.Submission{Request: &request, WorkDir: c.dir, Parts: parts, Shard: shard})
	if err != nil {
		c.t.Fatal(err)
	}
	o := finish(c.t, b, job.JobID)
	if o.result == nil {
		c.t.Fatalf("the shard %v ended as %s: %v", shard, o.job.Status, o.job.Error)
	}
	if (len(shard) > 0) != (o.result.Snapshot == nil) {
		c.t.Errorf("the shard %v has the snapshot %v", shard, o.result.Snapshot)
	}
	return o
}

// planned is a scan that has been planned.
func planned(t *testing.T, settings backend.Settings, request backend.ScanRequest) *cut {
	t.Helper()
	c := &cut{t: t, settings: settings, request: request, dir: t.TempDir()}
	o := c.do(nil, backend.ShardPlan)
	c.parts = partsOf(o)
	for _, p := range o.result.Plan.Parts {
		c.keys = append(c.keys, p.Key)
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(c.keys))); len(unique) != len(c.keys) {
		t.Errorf("a key is planned twice: %v", c.keys)
	}
	return c
}

// shards deals the keys out to so many shards.
func (c *cut) shards(n int) [][]string {
	dealt := make([][]string, n)
	for i, key := range c.keys {
		dealt[i%n] = append(dealt[i%n], key)
	}
	return slices.DeleteFunc(dealt, func(keys []string) bool { return len(keys) == 0 })
}

func TestShardsMakeTheSameSnapshot(t *testing.T) {
	cases := map[string]struct {
		resources int
		request   backend.ScanRequest
		faults    azuresim.Faults
		quota     int
	}{
		"small":                  {resources: 300, request: backend.ScanRequest{}},
		"resources":              {resources: 3_100, request: backend.ScanRequest{Depth: backend.DepthResources}},
		"children":               {resources: 1_100, request: backend.ScanRequest{Depth: backend.DepthChildren}},
		"extensions":             {resources: 250, request: backend.ScanRequest{Depth: backend.DepthExtensions}},
		"lists":                  {resources: 900, request: backend.ScanRequest{Discovery: backend.DiscoveryARM}},
		"lists, extensions":      {resources: 120, request: backend.ScanRequest{Discovery: backend.DiscoveryARM, Depth: backend.DepthExtensions}},
		"a cloud without tables": {resources: 200, request: backend.ScanRequest{}, faults: azuresim.Faults{NoResourceGraph: true}},
		"filtered":               {resources: 1_300, request: backend.ScanRequest{Filter: backend.Filter{ResourceTypes: []string{"Microsoft.Storage/storageAccounts", "Microsoft.Network/virtualNetworks"}}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			sim, settings := simulate(t, azuresim.Config{Tenant: manyParts(t, c.resources), NoARMLimits: true, Quota: -1})
			inject(t, sim, c.faults)
			whole := attempt(t, start(t, settings), c.request, t.TempDir(), nil)
			scan := planned(t, settings, c.request)
			parts := slices.Clone(scan.parts)
			for _, keys := range scan.shards(3) {
				o := scan.do(scan.parts, keys...)
				if !o.result.Complete {
					t.Errorf("a shard did not read all of %v", keys)
				}
				parts = append(parts, partsOf(o)...)
			}
			merged := scan.do(parts)
			if got, want := digest(t, settings, merged), digest(t, settings, whole); got != want {
				t.Errorf("the snapshot has the digest %s, that of a scan in one piece %s", got, want)
			}
			if d := diffCoverage(byPlace(whole.result.Coverage.Entries), byPlace(merged.result.Coverage.Entries)); d != "" {
				t.Errorf("ledger (-in one piece +in shards):\n%s", d)
			}
			identities := func(p backend.Part) bool {
				return strings.HasPrefix(p.Key, "directory/") || strings.HasPrefix(p.Key, "identities/")
			}
			if again := slices.DeleteFunc(partsOf(merged), identities); len(again) > 0 {
				t.Errorf("the merge has read %v", keysOf(again))
			}
			counts := map[string]int{}
			for _, key := range keysOf(parts) {
				counts[key]++
			}
			maps.DeleteFunc(counts, func(_ string, n int) bool { return n == 1 })
			if len(counts) > 0 {
				t.Errorf("parts that were read more than once: %v", counts)
			}
		})
	}
}

// TestAShardGoesOn: of a shard that died, another attempt reads what is not finished; of one that nobody finishes, the merge does.
func TestAShardGoesOn(t *testing.T) {
	sim, settings := simulate(t, azuresim.Config{Tenant: manyParts(t, 1_100), NoARMLimits: true, Quota: -1})
	for name, request := range map[string]backend.ScanRequest{"tables": {}, "lists": {Discovery: backend.DiscoveryARM}} {
		t.Run(name, func(t *testing.T) {
			whole := attempt(t, start(t, settings), request, t.TempDir(), nil)
			scan := planned(t, settings, request)
			two := scan.shards(2)
			first := partsOf(scan.do(scan.parts, two[0]...))
			half := first[:len(first)/2]
			sim.ResetRequests()
			rest := partsOf(scan.do(slices.Concat(scan.parts, half), two[0]...))
			if d := cmp.Diff(keysOf(first), keysOf(slices.Concat(half, rest))); d != "" {
				t.Errorf("parts (-undisturbed +both attempts):\n%s", d)
			}
			merged := scan.do(slices.Concat(scan.parts, half, rest)) // without the second shard
			if got, want := digest(t, settings, merged), digest(t, settings, whole); got != want {
				t.Errorf("the snapshot has the digest %s, that of a scan in one piece %s", got, want)
			}
		})
	}
}

// TestAPlanStays: a second attempt to plan answers the first one's plan, though there is more by now.
func TestAPlanStays(t *testing.T) {
	_, settings := simulate(t, azuresim.Config{Tenant: manyParts(t, 500), NoARMLimits: true, Quota: -1})
	scan := planned(t, settings, backend.ScanRequest{Discovery: backend.DiscoveryARM})
	again := scan.do(scan.parts, backend.ShardPlan)
	var keys []string
	for _, p := range again.result.Plan.Parts {
		keys = append(keys, p.Key)
	}
	if d := cmp.Diff(scan.keys, keys); d != "" || len(partsOf(again)) > 0 {
		t.Errorf("keys (-first +second):\n%s\nparts: %v", d, keysOf(partsOf(again)))
	}
}

// TestADeniedSubscriptionInShards: what a shard is refused has no part, and the merge's ledger says so.
func TestADeniedSubscriptionInShards(t *testing.T) {
	made, err := tenant.Synthetic(tenant.SyntheticOptions{Resources: 450, Subscriptions: 3, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	sim, settings := simulate(t, azuresim.Config{Tenant: made, NoARMLimits: true, Quota: -1})
	request := backend.ScanRequest{Discovery: backend.DiscoveryARM}
	scan := planned(t, settings, request)
	inject(t, sim, azuresim.Faults{Deny: []string{made.Subscriptions[1].ID}})
	parts := slices.Clone(scan.parts)
	for _, keys := range scan.shards(2) {
		parts = append(parts, partsOf(scan.do(scan.parts, keys...))...)
	}
	merged := scan.do(parts)
	denied := 0
	for _, g := range merged.result.Coverage.Gaps() {
		switch {
		case g.State == backend.CoverageUnsupported: // without Resource Graph, everywhere
		case g.State == backend.CoverageDenied && strings.EqualFold(g.Scope, made.Subscriptions[1].ID):
			denied++
		default:
			t.Errorf("gap %+v", g)
		}
	}
	if merged.result.Complete || denied == 0 {
		t.Errorf("complete %v, %d kinds denied", merged.result.Complete, denied)
	}
}

func TestBadShards(t *testing.T) {
	_, settings := simulate(t, azuresim.Config{})
	b := start(t, settings)
	for name, c := range map[string]struct {
		request backend.ScanRequest
		shard   []string
		code    fault.Code
	}{
		"no plan":      {backend.ScanRequest{}, []string{"x/resources"}, fault.InvalidArgument},
		"with a limit": {backend.ScanRequest{ResourceLimit: 5}, []string{backend.ShardPlan}, fault.Unsupported},
	} {
		job, err := b.Submit(t.Context(), backend.Submission{Request: &c.request, WorkDir: t.TempDir(), Shard: c.shard})
		if err != nil {
			t.Fatal(err)
		}
		if o := finish(t, b, job.JobID); o.job.Fault == nil || o.job.Fault.Code != c.code {
			t.Errorf("%s: %s, %v", name, o.job.Status, o.job.Fault)
		}
	}
	for _, share := range []float64{0, -1, 2, math.NaN(), math.Inf(1)} {
		if err := b.(backend.Sharer).SetShare(t.Context(), share); fault.CodeOf(err) != fault.InvalidArgument {
			t.Error(fmt.Sprint("a share of ", share, ": ", err))
		}
	}
}
