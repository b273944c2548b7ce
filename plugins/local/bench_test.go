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

func benchmarkScan(b *testing.B, depth backend.Depth) {
	const resources = 100_000
	synthetic, err := tenant.Synthetic(tenant.SyntheticOptions{Resources: resources, Subscriptions: 20, Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	sim, err := azuresim.New(azuresim.Config{Tenant: synthetic, Quota: -1, NoARMLimits: true, StateDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	if err := sim.Start(); err != nil {
		b.Fatal(err)
	}
	defer sim.Close()
	l := local.New()
	if err := l.Configure(b.Context(), backend.Settings{
		"cloud": "custom", "resource_manager_endpoint": sim.URL(), "authority_host": sim.URL(), "ca_file": sim.CAFile(), "auth": "client-secret",
		"tenant_id": synthetic.ID, "client_id": sim.ClientID(), "client_secret": sim.ClientSecret(), "store_dir": b.TempDir(),
	}); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close(context.WithoutCancel(b.Context())) }()
	for b.Loop() {
		job, err := l.Submit(b.Context(), backend.Submission{Request: &backend.ScanRequest{Depth: depth}})
		if err != nil {
			b.Fatal(err)
		}
		if err := l.WatchJob(b.Context(), job.JobID, 0, func(backend.Event) error { return nil }); err != nil {
			b.Fatal(err)
		}
		result, err := l.GetResult(b.Context(), job.JobID)
		if err != nil {
			b.Fatal(err)
		}
		if r := result.(*backend.ScanResult); r.Resources < resources || !r.Complete {
			b.Fatalf("%d resources, complete %v", r.Resources, r.Complete)
		}
		if err := l.(backend.SnapshotStore).DeleteSnapshot(b.Context(), result.(*backend.ScanResult).Snapshot.ID); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(resources*float64(b.N)/b.Elapsed().Seconds(), "resources/s")
}
