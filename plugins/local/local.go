// Package local is the backend that does the work in its own process: it scans Azure into snapshots
// on this machine's disk.
package local

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/buildinfo"
	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/diff"
	"github.com/azure-tenant-grapher/atg/plugins/local/discovery"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph/export"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph/query"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph/walk"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/create"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// name is the NAME in atg-backend-NAME.
const name = "local"

// local is the backend. Its jobs live and die with its process.
type local struct {
	*runner.Runner
	engine atomic.Pointer[engine] // nil until Configure
}

// engine is what Configure makes.
type engine struct {
	azure   *azure.Client
	store   *graph.Store
	scanner *discovery.Scanner
	creator *create.Creator
	// queryTimeout ends a query; 0 is query.DefaultTimeout.
	queryTimeout time.Duration
}

var (
	_ backend.Backend       = (*local)(nil)
	_ backend.SnapshotStore = (*local)(nil)
	_ backend.Sharer        = (*local)(nil)
)

// New makes the backend. It does nothing until it is configured.
func New() backend.Backend {
	l := &local{}
	l.Runner = runner.New(runner.Works{
		backend.OpScan:           l.scan,
		backend.OpGenerateIaC:    l.generateIaC,
		backend.OpCreateTenant:   l.createTenant,
		backend.OpGenerateSpec:   l.generateSpec,
		backend.OpVisualize:      l.visualize,
		backend.OpSnapshotQuery:  l.query,
		backend.OpSnapshotDiff:   l.diffSnapshots,
		backend.OpSnapshotPath:   l.snapshotPath,
		backend.OpSnapshotReach:  l.snapshotReach,
		backend.OpSnapshotExport: l.snapshotExport,
	}, runner.WithCheck(l.check), runner.WithShards())
	return l
}

// Describe implements backend.Backend.
func (l *local) Describe(context.Context) (backend.Description, error) {
	return backend.Description{
		Name: name, Version: buildinfo.Version(), Commit: buildinfo.Commit(), Protocol: backend.Protocol,
		Summary: "works on this machine, with your own Azure credential", SettingsSchema: schema(),
	}, nil
}

// Configure implements backend.Backend.
func (l *local) Configure(_ context.Context, given backend.Settings) error {
	s, problems := decode(given)
	s.azure.UserAgent = "atg/" + buildinfo.Version()
	client, err := azure.New(s.azure)
	if f := fault.As(err); f != nil {
		problems = append(problems, f.Problems...)
	}
	if s.storeDir == "" {
		s.storeDir, err = storeDir()
	}
	var store *graph.Store
	if err == nil || s.storeDir != "" {
		store, err = graph.OpenStore(s.storeDir)
	}
	if err != nil {
		problems = append(problems, fault.Problem{Key: "store_dir", Message: err.Error(), Hint: fault.Of(err).Hint})
	}
	if len(problems) > 0 {
		return fault.New(fault.ConfigInvalid, "the settings of the backend local are wrong", fault.Problems(problems...))
	}
	e := &engine{azure: client, store: store, scanner: &discovery.Scanner{
		Azure: client, Store: store, Parallelism: s.parallelism, Producer: "atg " + buildinfo.Version(),
	}, creator: &create.Creator{Azure: client, Parallel: 4 * s.parallelism}, queryTimeout: s.queryTimeout}
	if !l.engine.CompareAndSwap(nil, e) {
		return fault.New(fault.Conflict, "the backend is already configured")
	}
	slog.Debug("configured", "cloud", client.Config().Cloud, "auth", client.Config().Auth, "store", store.Dir())
	return nil
}

// configured answers what Configure has made.
func (l *local) configured() (*engine, error) {
	if e := l.engine.Load(); e != nil {
		return e, nil
	}
	return nil, fault.New(fault.Conflict, "the backend is not configured yet")
}

// Capabilities implements backend.Backend.
func (l *local) Capabilities(context.Context) (backend.Capabilities, error) {
	if _, err := l.configured(); err != nil {
		return backend.Capabilities{}, err
	}
	return backend.Capabilities{
		Operations: []backend.Operation{
			backend.OpScan, backend.OpGenerateIaC, backend.OpCreateTenant, backend.OpGenerateSpec, backend.OpVisualize,
			backend.OpSnapshotQuery, backend.OpSnapshotDiff, backend.OpSnapshotPath, backend.OpSnapshotReach, backend.OpSnapshotExport,
		},
		Formats:  iac.Formats(),
		Features: append(runner.Features(), backend.FeatureSnapshots, backend.FeatureParts, backend.FeatureShards, backend.FeatureBudget),
	}, nil
}

// SetShare implements backend.Sharer.
func (l *local) SetShare(_ context.Context, share float64) error {
	if !(share > 0 && share <= 1) { // NaN is none either
		return fault.Newf(fault.InvalidArgument, "%g is no share: it has to be above 0, and at most 1", share)
	}
	e, err := l.configured()
	if err != nil {
		return err
	}
	e.azure.SetShare(share)
	return nil
}

// check refuses requests that cannot be done.
func (l *local) check(r backend.Request) error {
	if _, err := l.configured(); err != nil {
		return err
	}
	switch r := r.(type) {
	case *backend.ScanRequest:
		return discovery.Check(r)
	case *backend.IaCGenerationRequest:
		return iac.Check(r)
	case *backend.TenantCreationRequest:
		return create.Check(r)
	case *backend.SnapshotPathRequest:
		return walk.CheckPath(r)
	case *backend.SnapshotReachRequest:
		return walk.CheckReach(r)
	case *backend.SnapshotQueryRequest:
		return query.Check(r)
	case *backend.SnapshotDiffRequest:
		return diff.Check(r)
	case *backend.SnapshotExportRequest:
		return export.Check(r)
	}
	return nil
}

func (l *local) scan(ctx context.Context, job *runner.Job) (backend.Result, error) {
	e, err := l.configured()
	if err != nil {
		return nil, err
	}
	request := job.Submission().Request.(*backend.ScanRequest)
	if request.DryRun {
		result, err := e.scanner.Predict(ctx, request, job)
		if err != nil {
			return nil, err
		}
		return result, nil
	}
	dir, err := job.WorkDir()
	if err != nil {
		return nil, err
	}
	parts, shard := job.Submission().Parts, job.Submission().Shard
	var result *backend.ScanResult
	switch {
	case len(shard) == 0:
		result, err = e.scanner.Scan(ctx, request, dir, parts, job)
	case slices.Equal(shard, []string{backend.ShardPlan}):
		result, err = e.scanner.Plan(ctx, request, dir, parts, job)
	default:
		result, err = e.scanner.Shard(ctx, request, dir, parts, shard, job)
	}
	if err != nil {
		return nil, err
	}
	return result, nil
}

// ListSnapshots implements backend.SnapshotStore.
func (l *local) ListSnapshots(ctx context.Context, filter backend.SnapshotFilter) (backend.SnapshotPage, error) {
	e, err := l.configured()
	if err != nil {
		return backend.SnapshotPage{}, err
	}
	return e.store.List(ctx, filter)
}

// GetSnapshot implements backend.SnapshotStore.
func (l *local) GetSnapshot(ctx context.Context, id string) (backend.SnapshotDetail, error) {
	e, err := l.configured()
	if err != nil {
		return backend.SnapshotDetail{}, err
	}
	detail, err := e.store.Get(ctx, id)
	if err == nil {
		detail.Exposure = e.exposure(ctx, detail.Snapshot)
	}
	return detail, err
}

// DeleteSnapshot implements backend.SnapshotStore.
func (l *local) DeleteSnapshot(ctx context.Context, id string) error {
	e, err := l.configured()
	if err != nil {
		return err
	}
	return e.store.Delete(ctx, id)
}

// FetchSnapshot implements backend.SnapshotStore.
func (l *local) FetchSnapshot(ctx context.Context, id, dir string, progress func(backend.Progress)) (backend.Artifact, error) {
	e, err := l.configured()
	if err != nil {
		return backend.Artifact{}, err
	}
	return e.store.Fetch(ctx, id, dir, progress)
}

// Close implements backend.Backend.
func (l *local) Close(ctx context.Context) error {
	err := l.Runner.Close(ctx)
	if e := l.engine.Load(); e != nil {
		e.azure.Close()
	}
	return err
}
