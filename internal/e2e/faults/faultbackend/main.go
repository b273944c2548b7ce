// Command faultbackend is the backend of the fault matrix. It does what step.Wish says, and waits at each step of a job for
// whoever listens at the socket of step.Variable: so that a fault can strike exactly there.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/e2e/faults/step"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
	"github.com/azure-tenant-grapher/atg/shared/serve"
)

type faulty struct {
	*runner.Runner

	mu        sync.Mutex
	snapshots map[string]backend.SnapshotDetail // by id
	tenant    string                            // of the job submitted last
}

func main() {
	b := &faulty{snapshots: map[string]backend.SnapshotDetail{}}
	b.Runner = runner.New(runner.Works{backend.OpScan: b.scan, backend.OpGenerateIaC: b.generate}, runner.WithShards())
	serve.Backend(b)
}

func (*faulty) Describe(ctx context.Context) (backend.Description, error) {
	return backend.Description{
		Name: "fault", Version: "1.0.0", Protocol: backend.Protocol, Summary: "does what the fault matrix wants",
		SettingsSchema: json.RawMessage(`{"type": "object", "additionalProperties": false}`),
	}, stay(ctx, step.Arrival{Step: step.Describe})
}

func (*faulty) Configure(context.Context, backend.Settings) error { return nil }

func (*faulty) Capabilities(context.Context) (backend.Capabilities, error) {
	return backend.Capabilities{
		Operations: []backend.Operation{backend.OpScan, backend.OpGenerateIaC}, Formats: []string{"terraform"},
		Features: append(runner.Features(), backend.FeatureParts, backend.FeatureShards, backend.FeatureSnapshots),
	}, nil
}

func (*faulty) CheckHealth(context.Context) backend.Health { return backend.Health{Healthy: true} }

// stay waits at a step.
func stay(ctx context.Context, a step.Arrival) error {
	switch step.At(ctx, a) {
	case step.Hang:
		select {}
	case step.Fail:
		return fault.New(fault.ExecutionFailed, "the fault matrix wants this attempt to fail", fault.Retryable())
	case step.Waste:
		waste()
	}
	return context.Cause(ctx)
}

// waste takes memory, page by page, until the process is ended for it.
func waste() {
	var all [][]byte
	for {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		all = append(all, b)
		_ = all
	}
}

// Submit is backend.Backend.
func (b *faulty) Submit(ctx context.Context, s backend.Submission) (backend.JobStatusResponse, error) {
	b.mu.Lock()
	b.tenant = s.Request.Tenant()
	b.mu.Unlock()
	if err := stay(ctx, b.arrival(step.Submit)); err != nil {
		return backend.JobStatusResponse{}, err
	}
	return b.Runner.Submit(ctx, s)
}

// WatchJob is backend.Backend.
func (b *faulty) WatchJob(ctx context.Context, id string, after uint64, yield func(backend.Event) error) error {
	if err := stay(ctx, b.arrival(step.Watch)); err != nil {
		return err
	}
	return b.Runner.WatchJob(ctx, id, after, yield)
}

// arrival is one at a step of the job submitted last: a worker starts a process for each.
func (b *faulty) arrival(at string) step.Arrival {
	b.mu.Lock()
	defer b.mu.Unlock()
	return step.Arrival{Tenant: b.tenant, Step: at}
}

// scan reads parts, those of a shard or all, and makes files and a snapshot of them.
func (b *faulty) scan(ctx context.Context, job *runner.Job) (backend.Result, error) {
	s := job.Submission()
	request := s.Request.(*backend.ScanRequest)
	w, err := step.ParseWish(request.Filter.Tags)
	if err != nil {
		return nil, fault.New(fault.InvalidArgument, "the scan has no wish", fault.Because(err))
	}
	at := func(where, key string) error {
		return stay(ctx, step.Arrival{Tenant: request.TenantID, Step: where, Key: key})
	}
	began := step.Run
	switch {
	case slices.Equal(s.Shard, []string{backend.ShardPlan}):
		return plan(w), at(step.Plan, "")
	case len(s.Shard) > 0:
		began = step.Shard
	case len(s.Parts) >= w.Parts && w.Shards:
		began = step.Merge
	}
	if err := at(began, ""); err != nil {
		return nil, err
	}
	dir, err := job.WorkDir()
	if err != nil {
		return nil, err
	}
	for i := range w.Parts {
		name := step.PartName(i)
		if len(s.Shard) > 0 && !slices.Contains(s.Shard, name) || slices.ContainsFunc(s.Parts, func(p backend.Part) bool { return p.Key == name }) {
			continue
		}
		content := step.Content(request.TenantID, name, w.Bytes)
		if err := write(filepath.Join(dir, name), content); err != nil {
			return nil, err
		}
		if err := at(step.Part, name); err != nil {
			return nil, err
		}
		job.Progress(backend.Progress{Phase: "parts", Done: int64(i + 1), Total: int64(w.Parts), Unit: "parts"})
		job.Part(backend.Part{Key: name, Path: name, Rows: 1, SHA256: step.Sum(content)})
		if err := at(step.Parted, name); err != nil {
			return nil, err
		}
	}
	result := &backend.ScanResult{Success: true, Complete: true, Resources: int64(w.Parts)}
	if len(s.Shard) > 0 {
		return result, at(step.Finish, "shard")
	}
	if err := b.put(job, dir, w, result); err != nil {
		return nil, err
	}
	return result, at(step.Finish, "")
}

// plan is one part for each of the wish. Each is either work for a shard of its own, or nearly none.
func plan(w step.Wish) *backend.ScanResult {
	calls := int64(1)
	if w.Shards {
		calls = 200
	}
	p := &backend.ScanPlan{}
	for i := range w.Parts {
		p.Parts = append(p.Parts, backend.PlannedPart{Key: step.PartName(i), Rows: 1, Calls: calls})
	}
	return &backend.ScanResult{Success: true, Complete: true, Plan: p}
}

// put makes the files of a scan, of the parts as they are in the work folder, and its snapshot.
func (b *faulty) put(job *runner.Job, work string, w step.Wish, result *backend.ScanResult) error {
	out, err := job.OutputDir()
	if err != nil {
		return err
	}
	var all []byte
	for i := range w.Parts {
		content, err := os.ReadFile(filepath.Join(work, step.PartName(i)))
		if err != nil {
			return fault.New(fault.Internal, "a part is not there", fault.Because(err))
		}
		all = append(all, content...)
	}
	tenant := job.Submission().Request.Tenant()
	for name, content := range map[string][]byte{"parts.bin": all, "report/own.bin": step.Content(tenant, "own.bin", w.Bytes)} {
		if err := write(filepath.Join(out, filepath.FromSlash(name)), content); err != nil {
			return err
		}
	}
	id := fmt.Sprintf("%s-%s", time.Now().UTC().Format("20060102-150405"), job.ID()[:6])
	result.Snapshot = &backend.Snapshot{ID: id, TenantID: tenant, JobID: job.ID(), CreatedAt: time.Now().UTC(), Complete: true, Resources: int64(w.Parts), SchemaVersion: 1, Producer: "fault"}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.snapshots[id] = backend.SnapshotDetail{Snapshot: *result.Snapshot}
	return nil
}

// generate makes a file of a snapshot's content.
func (b *faulty) generate(ctx context.Context, job *runner.Job) (backend.Result, error) {
	request := job.Submission().Request.(*backend.IaCGenerationRequest)
	if err := stay(ctx, step.Arrival{Tenant: request.TenantID, Step: step.Run}); err != nil {
		return nil, err
	}
	file, err := job.InputPath("snapshots/" + request.Snapshot)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.New(fault.ExecutionFailed, "the snapshot cannot be read", fault.Because(err))
	}
	out, err := job.OutputDir()
	if err != nil {
		return nil, err
	}
	if err := write(filepath.Join(out, "main.tf"), []byte(step.Sum(content))); err != nil {
		return nil, err
	}
	return &backend.IaCGenerationResult{Success: true, OutputFormat: request.OutputFormat, Snapshot: request.Snapshot, ResourcesIncluded: 1},
		stay(ctx, step.Arrival{Tenant: request.TenantID, Step: step.Finish})
}

func write(name string, content []byte) error {
	err := os.MkdirAll(filepath.Dir(name), 0o700)
	if err == nil {
		err = os.WriteFile(name, content, 0o600)
	}
	if err != nil {
		return fault.New(fault.ExecutionFailed, "the backend's disk cannot be used", fault.Because(err), fault.Retryable())
	}
	return nil
}
