package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/e2e/cluster"
	"github.com/azure-tenant-grapher/atg/service/worker"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// What a scan is shared out of: a tenant whose limits are those of Azure, so that a worker has to wait for its own
// tokens, and more workers have more of them.
const (
	shardWorkers       = 4
	shardSubscriptions = 40
	shardResources     = 24_000
	shardLatency       = 30 * time.Millisecond
)

// shardSpeedup scans a tenant by Resource Manager's lists with one worker, and with four, each with a principal of its own.
func (b bench) shardSpeedup(ctx context.Context) ([]figure, error) {
	nats, err := cluster.BuildNATS(ctx, b.home)
	if err != nil {
		return nil, err
	}
	var seconds []float64
	for _, c := range []struct{ workers, shards int }{{1, 1}, {1, worker.DefaultShards}, {shardWorkers, worker.DefaultShards}} {
		took, err := b.scanWith(ctx, nats, c.workers, c.shards)
		if err != nil {
			return nil, err
		}
		seconds = append(seconds, took.Seconds())
	}
	return []figure{{Name: "shard_speedup_4", Value: round(seconds[1] / seconds[2]), Unit: "ratio", Goal: ">= 3.2", Reference: round(seconds[0] / seconds[2]),
		Note: fmt.Sprintf("%d resources of %d subscriptions by --discovery arm, answers take %s, Azure's token buckets for each subscription and principal: %.1f s with %d workers, a principal and a shard at a time each, %.1f s with one such worker; the reference is over the %.1f s of one worker that does not split the scan",
			shardResources, shardSubscriptions, shardLatency, seconds[2], shardWorkers, seconds[1], seconds[0])}}, nil
}

// scanWith times a scan by so many workers in so many shards at most, from submission to its end.
func (b bench) scanWith(ctx context.Context, nats string, workers, shards int) (time.Duration, error) {
	clients := make([]string, workers) // of the applications
	for i := range clients {
		clients[i] = fmt.Sprintf("bbbbbbbb-0000-4000-8000-%012d", i)
	}
	sim, err := b.startSimulator(ctx, "--synthetic", strconv.Itoa(shardResources), "--subscriptions", strconv.Itoa(shardSubscriptions),
		"--latency", shardLatency.String(), "--more-client-ids", strings.Join(clients, ","))
	if err != nil {
		return 0, err
	}
	defer sim.stop()
	dir, err := os.MkdirTemp(b.home, "cluster-")
	if err != nil {
		return 0, err
	}
	c, err := cluster.Start(ctx, cluster.Options{
		Dir: dir, Bin: b.bin, NATS: nats, Servers: 1, APIs: 1, Workers: workers, Env: sim.env,
		Config: map[string]any{"worker": map[string]any{"concurrency": 1, "shards": shards}},
		WorkerConfig: func(n int) map[string]any {
			return map[string]any{"backend": map[string]any{"settings": map[string]any{"client_id": clients[n]}}}
		},
	})
	if err != nil {
		return 0, err
	}
	defer c.Close()
	node, err := c.NodeURL(c.APIs[0])
	if err != nil {
		return 0, err
	}
	began := time.Now()
	var job backend.JobStatusResponse
	status, err := c.Call(ctx, node, http.MethodPost, api.PathScan, api.ScanBody{Discovery: backend.DiscoveryARM, Identities: backend.IdentitiesNone}, &job)
	if err != nil || status != http.StatusAccepted {
		return 0, fmt.Errorf("submit: %d, %w", status, err)
	}
	for !job.Status.Terminal() {
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return 0, err
		}
		if status, err = c.Call(ctx, node, http.MethodGet, api.Fill(api.PathJob, job.JobID), nil, &job); err != nil || status != http.StatusOK {
			return 0, fmt.Errorf("wait: %d, %w", status, err)
		}
	}
	took := time.Since(began)
	if job.Status != backend.JobCompleted {
		return 0, fmt.Errorf("the scan is %s: %s", job.Status, job.Error)
	}
	if split := job.Shards != nil && job.Shards.Done > 1; split != (shards > 1) {
		return 0, fmt.Errorf("the scan may have %d shards; it was split: %t", shards, split)
	}
	var answer struct {
		Result backend.ScanResult `json:"result"`
	}
	if status, err = c.Call(ctx, node, http.MethodGet, api.Fill(api.PathResult, job.JobID), nil, &answer); err != nil || status != http.StatusOK {
		return 0, fmt.Errorf("result: %d, %w", status, err)
	}
	if n := answer.Result.Resources; n < shardResources {
		return 0, fmt.Errorf("the scan found %d of %d resources", n, shardResources)
	}
	return took, nil
}
