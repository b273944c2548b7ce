package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/e2e/cluster"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// startCluster starts three NATS servers, two API nodes and workers that do a job at a time, without limits of rate.
func (b bench) startCluster(ctx context.Context, workers int) (*cluster.Cluster, error) {
	nats, err := cluster.BuildNATS(ctx, b.home)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.home, "cluster-")
	if err != nil {
		return nil, err
	}
	return cluster.Start(ctx, cluster.Options{Dir: dir, Bin: b.bin, NATS: nats, Workers: workers, Config: map[string]any{
		"limits":  map[string]any{"rate": 0},
		"worker":  map[string]any{"concurrency": 1, "attempts": 100},
		"backend": map[string]any{"name": "bench", "path": b.built("benchbackend")},
	}})
}

// submitRateCluster submits jobs over HTTPS to two API nodes, each job durable on a majority of three servers when it is answered, in rounds;
// before each, a bare client shows how often these servers take a message of that size.
func (b bench) submitRateCluster(ctx context.Context) ([]figure, error) {
	c, err := b.startCluster(ctx, -1) // nothing but the queue is at work
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var nodes []target
	for _, node := range c.APIs {
		url, err := c.NodeURL(node)
		if err != nil {
			return nil, err
		}
		t, err := newTarget(url, c.CAFile, c.Key)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, t)
	}
	var n atomic.Int64
	submit := func(c *caller) error {
		_, err := c.call("POST", api.PathScan, scanBody, api.HeaderIdempotencyKey+": bench-"+strconv.FormatInt(n.Add(1), 10))
		return err
	}
	var rates, ms, bare []float64
	for range 3 {
		cmd := b.command(ctx, b.built("barejetstream"), c.NATSURL(), c.CAFile, strconv.Itoa(submitters), strconv.Itoa(recordSize), "3s")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, err
		}
		rate, err := strconv.ParseFloat(string(bytes.TrimSpace(out)), 64)
		if err != nil {
			return nil, err
		}
		bare = append(bare, rate)
		var both sync.WaitGroup
		rounds, failed := make([]sample, len(nodes)), make([]error, len(nodes))
		for i, node := range nodes {
			both.Go(func() { rounds[i], failed[i] = node.load(ctx, submitters/len(nodes), 3*time.Second, submit) })
		}
		both.Wait()
		if err := errors.Join(failed...); err != nil {
			return nil, err
		}
		sum := 0.0
		for _, r := range rounds {
			sum += r.rate
			ms = append(ms, r.ms...)
		}
		rates = append(rates, sum)
	}
	return []figure{{Name: "submit_rate_cluster", Value: round(median(rates)), Unit: "jobs/s", Goal: ">= 500", Reference: round(median(bare)),
		Note: fmt.Sprintf("%d submitters over HTTPS at 2 API nodes, 3 NATS servers with 3 replicas, TLS and sync_interval always, %d cores and one disk for all; median %.0f ms, p99 %.0f ms; load of the machine %s; the reference is how often a bare client with as many publishers is acknowledged %d bytes",
			submitters, runtime.NumCPU(), median(ms), percentile(ms, 99), loadAverage(), recordSize)}}, nil
}

// failover kills workers at work, and times until their jobs run on others.
func (b bench) failover(ctx context.Context) ([]figure, error) {
	c, err := b.startCluster(ctx, 2)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var seconds []float64
	for range 5 {
		var job backend.JobStatusResponse
		if err := ask(ctx, c, http.MethodPost, api.PathScan, api.ScanBody{TenantID: "wait"}, &job); err != nil {
			return nil, err
		}
		if err := running(ctx, c, &job, 1); err != nil {
			return nil, err
		}
		at := slices.IndexFunc(c.Workers, func(w *cluster.Process) bool { return strings.Contains(w.Log(), "msg=\"job begun\" job_id="+job.JobID) })
		if at < 0 {
			return nil, fmt.Errorf("no worker says that it has begun %s", job.JobID)
		}
		c.Workers[at].Kill()
		killed := time.Now()
		if err := running(ctx, c, &job, 2); err != nil {
			return nil, err
		}
		seconds = append(seconds, time.Since(killed).Seconds())
		if err := ask(ctx, c, http.MethodDelete, api.Fill(api.PathJob, job.JobID), nil, nil); err != nil {
			return nil, err
		}
		if err := c.Workers[at].Start(ctx); err != nil {
			return nil, err
		}
	}
	return []figure{{Name: "failover_s", Value: round(slices.Max(seconds)), Unit: "s", Goal: "<= 10", Reference: 8,
		Note: fmt.Sprintf("kill -9 of a worker until its job runs on another one, the slowest of %d, median %.1f s; load of the machine %s; the reference is worker.lease, for which a worker may be silent",
			len(seconds), median(seconds), loadAverage())}}, nil
}

// running waits until a job runs, in that attempt or a later one.
func running(ctx context.Context, c *cluster.Cluster, job *backend.JobStatusResponse, attempt int) error {
	return cluster.Until(ctx, "the job does not run", func() bool {
		err := ask(ctx, c, http.MethodGet, api.Fill(api.PathJob, job.JobID), nil, job)
		return err == nil && job.Status == backend.JobRunning && job.Attempt >= attempt
	})
}

func ask(ctx context.Context, c *cluster.Cluster, method, path string, body, into any) error {
	status, err := c.Call(ctx, c.URL, method, path, body, into)
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("%s %s: %d", method, path, status)
	}
	return err
}

// loadAverage is how many processes of this machine wanted a processor in the last minute, these included.
func loadAverage() string {
	content, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return strconv.FormatFloat(math.NaN(), 'f', -1, 64)
	}
	first, _, _ := strings.Cut(string(content), " ")
	return first
}
