package local_test

import (
	"context"
	"testing"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
	"github.com/azure-tenant-grapher/atg/plugins/local"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// BenchmarkScan scans 100,000 synthetic resources without quota or latency. The simulator works in
// the same process, on the same processors.
func BenchmarkScan(b *testing.B) {
	for _, depth := range []backend.Depth{backend.DepthResources, backend.DepthChildren} {
		b.Run(string(depth), func(b *testing.B) { benchmarkScan(b, depth) })
	}
}

// BenchmarkIdentities scans 100,000 users, all of them members of one group.
func BenchmarkIdentities(b *testing.B) {
	const users = 100_000
	synthetic, err := tenant.Synthetic(tenant.SyntheticOptions{Resources: 100, Subscriptions: 1, Seed: 1, Users: users, Members: users})
	if err != nil {
		b.Fatal(err)
	}
	scans(b, synthetic, backend.ScanRequest{Depth: backend.DepthResources, Identities: backend.IdentitiesAll}, "identities", func(r *backend.ScanResult) int64 { return r.Identities })
}

// BenchmarkMerge puts a snapshot together from the finished parts of a scan, as after its shards.
func BenchmarkMerge(b *testing.B) {
	const resources = 100_000
	synthetic, err := tenant.Synthetic(tenant.SyntheticOptions{Resources: resources, Subscriptions: 20, Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	var parts []backend.Part
	first := func(e backend.Event) {
		if e.Part != nil {
			parts = append(parts, *e.Part)
		}
	}
	l, stop := scanner(b, synthetic)
	defer stop()
	request := backend.ScanRequest{Depth: backend.DepthResources, Identities: backend.IdentitiesNone}
	run(b, l, backend.Submission{Request: &request, WorkDir: dir}, first)
	var all int64
	for b.Loop() {
		all += run(b, l, backend.Submission{Request: &request, WorkDir: dir, Parts: parts}, func(e backend.Event) {
			if e.Part != nil {
				b.Errorf("the part %s was read again", e.Part.Key)
			}
		}).Resources
	}
	b.ReportMetric(float64(all)/b.Elapsed().Seconds(), "resources/s")
}

func benchmarkScan(b *testing.B, depth backend.Depth) {
	const resources = 100_000
	synthetic, err := tenant.Synthetic(tenant.SyntheticOptions{Resources: resources, Subscriptions: 20, Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	scans(b, synthetic, backend.ScanRequest{Depth: depth, Identities: backend.IdentitiesNone}, "resources", func(r *backend.ScanResult) int64 { return r.Resources })
}

// scans scans a tenant again and again, and reports how many things of a kind that finds a second.
func scans(b *testing.B, of *tenant.Tenant, request backend.ScanRequest, kind string, found func(*backend.ScanResult) int64) {
	b.Helper()
	l, stop := scanner(b, of)
	defer stop()
	var all int64
	for b.Loop() {
		all += found(run(b, l, backend.Submission{Request: &request, WorkDir: b.TempDir()}, func(backend.Event) {}))
	}
	b.ReportMetric(float64(all)/b.Elapsed().Seconds(), kind+"/s")
}

// scanner is a backend before a simulator of a tenant without limits.
func scanner(b *testing.B, of *tenant.Tenant) (l backend.Backend, stop func()) {
	b.Helper()
	sim, err := azuresim.New(azuresim.Config{Tenant: of, Quota: -1, NoARMLimits: true, NoMSGraphLimits: true, StateDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	if err := sim.Start(); err != nil {
		b.Fatal(err)
	}
	l = local.New()
	if err := l.Configure(b.Context(), backend.Settings{
		"cloud": "custom", "resource_manager_endpoint": sim.URL(), "authority_host": sim.URL(), "graph_endpoint": sim.URL(), "ca_file": sim.CAFile(), "auth": "client-secret",
		"tenant_id": of.ID, "client_id": sim.ClientID(), "client_secret": sim.ClientSecret(), "store_dir": b.TempDir(),
	}); err != nil {
		b.Fatal(err)
	}
	return l, func() {
		_ = l.Close(context.WithoutCancel(b.Context()))
		_ = sim.Close()
	}
}

// run runs a scan to its end, and removes its snapshot.
func run(b *testing.B, l backend.Backend, s backend.Submission, hear func(backend.Event)) *backend.ScanResult {
	b.Helper()
	job, err := l.Submit(b.Context(), s)
	if err != nil {
		b.Fatal(err)
	}
	if err := l.WatchJob(b.Context(), job.JobID, 0, func(e backend.Event) error { hear(e); return nil }); err != nil {
		b.Fatal(err)
	}
	answer, err := l.GetResult(b.Context(), job.JobID)
	if err != nil {
		b.Fatal(err)
	}
	result := answer.(*backend.ScanResult)
	if result.Resources+result.Identities == 0 || !result.Complete {
		b.Fatalf("%d resources, complete %v", result.Resources, result.Complete)
	}
	if err := l.(backend.SnapshotStore).DeleteSnapshot(b.Context(), result.Snapshot.ID); err != nil {
		b.Fatal(err)
	}
	return result
}
