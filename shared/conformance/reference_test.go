package conformance_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// reference is a backend with every feature, in memory. Its function fields let a test break it.
type reference struct {
	*runner.Runner
	describe     func(*backend.Description)
	configure    func(backend.Settings) error
	capabilities func(*backend.Capabilities)
	health       func(*backend.Health)
	code         func(*backend.IaCGenerationResult)
	careless     bool                    // about which snapshot the code is of
	fickle       bool                    // other code each time
	generous     bool                    // takes any share of a budget
	cut          func([]string) []string // which parts a shard does
	unreported   bool                    // what the code leaves out
	unnamed      string                  // a file that the result does not name

	mu        sync.Mutex
	snapshots []backend.Snapshot
}

var snapshotFile = []byte("a snapshot")

func newReference() *reference {
	r := &reference{}
	r.Runner = runner.New(runner.Works{backend.OpScan: r.scan, backend.OpGenerateIaC: r.generate}, runner.WithCheck(func(q backend.Request) error {
		if iac, ok := q.(*backend.IaCGenerationRequest); ok && iac.OutputFormat != "arm" {
			return fault.Newf(fault.InvalidArgument, "unknown format %q", iac.OutputFormat)
		}
		return nil
	}), runner.WithShards())
	return r
}

func (r *reference) Describe(context.Context) (backend.Description, error) {
	d := backend.Description{Name: "reference", Version: "1", Protocol: backend.Protocol, SettingsSchema: json.RawMessage(`{
		"type": "object", "additionalProperties": false,
		"properties": {"key": {"type": "string", "description": "a key", "writeOnly": true}}}`)}
	if r.describe != nil {
		r.describe(&d)
	}
	return d, nil
}

func (r *reference) Configure(_ context.Context, s backend.Settings) error {
	if r.configure != nil {
		return r.configure(s)
	}
	return takeSettings(s)
}

func takeSettings(s backend.Settings) error {
	f := fault.New(fault.ConfigInvalid, "the settings are wrong")
	for name, value := range s {
		if name != "key" {
			f.Problems = append(f.Problems, fault.Problem{Key: name, Message: "unknown setting"})
		} else if _, ok := value.(string); !ok {
			f.Problems = append(f.Problems, fault.Problem{Key: name, Message: "is not a text"})
		}
	}
	if len(f.Problems) > 0 {
		return f
	}
	return nil
}

func (r *reference) Capabilities(context.Context) (backend.Capabilities, error) {
	c := backend.Capabilities{
		Operations: []backend.Operation{backend.OpScan, backend.OpGenerateIaC}, Formats: []string{"arm"},
		Features: append(runner.Features(), backend.FeatureSnapshots, backend.FeatureParts, backend.FeatureShards, backend.FeatureBudget),
	}
	if r.capabilities != nil {
		r.capabilities(&c)
	}
	return c, nil
}

func (r *reference) CheckHealth(context.Context) backend.Health {
	h := backend.Health{Healthy: true}
	if r.health != nil {
		r.health(&h)
	}
	return h
}

func (r *reference) scan(_ context.Context, job *runner.Job) (backend.Result, error) {
	job.Log(backend.LevelInfo, "scanning")
	job.Progress(backend.Progress{Phase: "resources", Done: 1, Total: 1})
	out, err := job.OutputDir()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(out, "report.txt"), []byte("one resource"), 0o600); err != nil {
		return nil, err
	}
	if err := r.parts(job); err != nil {
		return nil, err
	}
	switch shard := job.Submission().Shard; {
	case slices.Contains(shard, backend.ShardPlan):
		return &backend.ScanResult{Success: true, Plan: &backend.ScanPlan{Parts: []backend.PlannedPart{{Key: "part 0"}, {Key: "part 1"}}}}, nil
	case len(shard) > 0:
		return &backend.ScanResult{Success: true}, nil
	}
	sum := sha256.Sum256(snapshotFile)
	s := backend.Snapshot{
		ID: "s-" + job.ID(), TenantID: "t", CreatedAt: time.Now(), Complete: true, Resources: 1,
		Size: int64(len(snapshotFile)), SHA256: hex.EncodeToString(sum[:]),
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.snapshots = append([]backend.Snapshot{s}, r.snapshots...)
	return &backend.ScanResult{Success: true, Complete: true, Resources: 1, Snapshot: &s, Coverage: backend.Coverage{Complete: true}}, nil
}

// generate makes code out of nothing but the id of a snapshot.
func (r *reference) generate(ctx context.Context, job *runner.Job) (backend.Result, error) {
	request := job.Submission().Request.(*backend.IaCGenerationRequest)
	if _, err := r.GetSnapshot(ctx, request.Snapshot); err != nil && !r.careless {
		return nil, err
	}
	out, err := job.OutputDir()
	if err != nil {
		return nil, err
	}
	result := &backend.IaCGenerationResult{Success: true, Complete: true, OutputFormat: request.OutputFormat, ResourcesIncluded: 1, Snapshot: request.Snapshot}
	files := map[string]string{"main.json": request.Snapshot, "report.ndjson": ""}
	if r.fickle {
		files["main.json"] = job.ID()
	}
	if r.code != nil {
		r.code(result)
	}
	if r.unreported {
		delete(files, "report.ndjson")
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(out, name), []byte(content), 0o600); err != nil {
			return nil, err
		}
		if r.unnamed != name {
			result.FilesGenerated = append(result.FilesGenerated, name)
		}
	}
	return result, nil
}

// parts does the parts of a scan that are not done.
func (r *reference) parts(job *runner.Job) error {
	dir, err := job.WorkDir()
	if err != nil {
		return err
	}
	shard := job.Submission().Shard
	if r.cut != nil {
		shard = r.cut(shard)
	}
	for i, content := range []string{"a resource", "two resources", "a plan"} {
		key := fmt.Sprint("part ", i)
		if i == 2 {
			key = backend.ShardPlan
		}
		if i == 2 && len(shard) == 0 || len(shard) > 0 && !slices.Contains(shard, key) {
			continue
		}
		sum := sha256.Sum256([]byte(content))
		p := backend.Part{Key: key, Path: fmt.Sprint(i, ".part"), Rows: int64(i + 1), SHA256: hex.EncodeToString(sum[:])}
		file := filepath.Join(dir, p.Path)
		done := false
		for _, known := range job.Submission().Parts {
			kept, err := os.ReadFile(file)
			sum := sha256.Sum256(kept)
			done = done || err == nil && known.Key == p.Key && known.SHA256 == hex.EncodeToString(sum[:])
		}
		if done {
			continue
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			return err
		}
		job.Part(p)
	}
	return nil
}

func (r *reference) SetShare(_ context.Context, share float64) error {
	if !r.generous && (share <= 0 || share > 1) {
		return fault.Newf(fault.InvalidArgument, "%g is no share", share)
	}
	return nil
}

func (r *reference) ListSnapshots(_ context.Context, f backend.SnapshotFilter) (backend.SnapshotPage, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return backend.SnapshotPage{Snapshots: r.snapshots[:min(f.Limit, len(r.snapshots))]}, nil
}

func (r *reference) GetSnapshot(_ context.Context, id string) (backend.SnapshotDetail, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.snapshots {
		if s.ID == id {
			return backend.SnapshotDetail{Snapshot: s}, nil
		}
	}
	return backend.SnapshotDetail{}, fault.New(fault.SnapshotNotFound, fmt.Sprintf("no snapshot %q", id))
}

func (r *reference) DeleteSnapshot(ctx context.Context, id string) error {
	if _, err := r.GetSnapshot(ctx, id); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, s := range r.snapshots {
		if s.ID == id {
			r.snapshots = append(r.snapshots[:i:i], r.snapshots[i+1:]...)
			break
		}
	}
	return nil
}

func (r *reference) FetchSnapshot(ctx context.Context, id, dir string, _ func(backend.Progress)) (backend.Artifact, error) {
	d, err := r.GetSnapshot(ctx, id)
	if err != nil {
		return backend.Artifact{}, err
	}
	a := backend.Artifact{Path: d.Snapshot.ID, Size: d.Snapshot.Size, SHA256: d.Snapshot.SHA256}
	return a, os.WriteFile(filepath.Join(dir, a.Path), snapshotFile, 0o600)
}

func (r *reference) left() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.snapshots)
}

// allParts has each shard do all parts.
func allParts(keys []string) []string {
	if slices.Contains(keys, backend.ShardPlan) {
		return keys
	}
	return nil
}
