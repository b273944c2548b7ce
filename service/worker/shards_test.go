package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// subscriptions is a tenant whose scan has a part for each, whose content is its key; on is called before one is read.
type subscriptions struct {
	n     int
	calls int64 // of each
	on    func(ctx context.Context, p *program, job *runner.Job, key string) error

	mu   sync.Mutex
	read map[string]int // how often each was
}

// merge is the key under which on hears that all parts are there and the snapshot is made.
const merge = "merge"

func (s *subscriptions) keys() (keys []string) {
	for i := range s.n {
		keys = append(keys, fmt.Sprintf("sub-%02d", i))
	}
	return keys
}

// scan does all parts or some, as a backend with backend.FeatureShards.
func (s *subscriptions) scan(ctx context.Context, p *program, job *runner.Job) (backend.Result, error) {
	dir, err := job.WorkDir()
	if err != nil {
		return nil, err
	}
	shard := job.Submission().Shard
	todo := shard
	if len(shard) == 0 {
		todo = append([]string{backend.ShardPlan}, s.keys()...)
	}
	for i, key := range todo {
		if slices.ContainsFunc(job.Submission().Parts, func(p backend.Part) bool { return p.Key == key }) {
			continue
		}
		if err := s.part(ctx, p, job, dir, key); err != nil {
			return nil, err
		}
		job.Progress(backend.Progress{Phase: "resources", Done: int64(i + 1), Total: int64(len(todo)), Unit: "rows"})
		job.Overall(float64(i+1) / float64(len(todo)))
	}
	switch {
	case slices.Equal(shard, []string{backend.ShardPlan}):
		plan := &backend.ScanPlan{}
		for _, key := range s.keys() {
			plan.Parts = append(plan.Parts, backend.PlannedPart{Key: key, Calls: s.calls})
		}
		return &backend.ScanResult{Success: true, Plan: plan}, nil
	case len(shard) > 0:
		return &backend.ScanResult{Success: true}, nil
	}
	if err := s.hear(ctx, p, job, merge); err != nil {
		return nil, err
	}
	var all []string
	for _, key := range s.keys() {
		content, err := os.ReadFile(filepath.Join(dir, key))
		if err != nil {
			return nil, err
		}
		all = append(all, string(content))
	}
	p.snapshot = strings.Join(all, "\n")
	return &backend.ScanResult{Success: true, Complete: true, Resources: int64(s.n), Snapshot: &backend.Snapshot{ID: "snap-" + job.ID(), TenantID: "t1", Complete: true}}, nil
}

func (s *subscriptions) hear(ctx context.Context, p *program, job *runner.Job, key string) error {
	if s.on == nil {
		return nil
	}
	return s.on(ctx, p, job, key)
}

func (s *subscriptions) part(ctx context.Context, p *program, job *runner.Job, dir, key string) error {
	if err := s.hear(ctx, p, job, key); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, key), []byte(key), 0o600); err != nil {
		return err
	}
	s.mu.Lock()
	if s.read == nil {
		s.read = map[string]int{}
	}
	s.read[key]++
	s.mu.Unlock()
	job.Part(backend.Part{Key: key, Path: key, Rows: 1, SHA256: sum(key)})
	return nil
}

// once is what is read of the tenant if nothing is read twice.
func (s *subscriptions) once() map[string]int {
	all := map[string]int{backend.ShardPlan: 1}
	for _, key := range s.keys() {
		all[key] = 1
	}
	return all
}

func (s *subscriptions) bench(t *testing.T) *bench {
	return newBench(t, s.scan, func(p *program) {
		p.features = append(p.features, backend.FeatureParts, backend.FeatureShards)
	})
}

// whole checks that a scan has the result of one in one piece, and left nothing behind.
func (b *bench) whole(s *subscriptions, id string) jobs.Record {
	b.t.Helper()
	r := b.end(id)
	if r.Job.Status != backend.JobCompleted || *r.Job.Progress != 1 || len(r.Artifacts) != 1 {
		b.t.Fatalf("record %+v, fault %v", r, r.Job.Fault)
	}
	f, err := b.service.OpenArtifact(b.t.Context(), b.owner, id, r.Artifacts[0].Path)
	if err != nil {
		b.t.Fatal(err)
	}
	if want := strings.Join(s.keys(), "\n"); f.Artifact().SHA256 != sum(want) {
		b.t.Errorf("the snapshot is another one than %q", want)
	}
	return r
}

// clean checks that nothing is left of jobs, once the worker has been shut down.
func (b *bench) clean(s *subscriptions, ids ...string) {
	b.t.Helper()
	for _, id := range ids {
		for _, key := range append(s.keys(), backend.ShardPlan) {
			if _, err := b.store.Stat(b.t.Context(), jobs.FileName{Kind: jobs.KindPart, Of: id, Path: key}); !errors.Is(err, jobs.ErrNotFound) {
				b.t.Errorf("the part %s of %s is left: %v", key, id, err)
			}
		}
		r, _, err := b.store.Get(b.t.Context(), id)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, shard := range r.Shards {
			if status, _, err := b.store.Status(b.t.Context(), shard.ID); !errors.Is(err, jobs.ErrNotFound) && (err != nil || !status.Status.Terminal()) {
				b.t.Errorf("the shard %s is %s, %v", shard.ID, status.Status, err)
			}
		}
	}
	if n, err := b.store.Depth(b.t.Context()); err != nil || n != 0 {
		b.t.Errorf("%d jobs wait, %v", n, err)
	}
	if left, _ := os.ReadDir(b.options.Dir); len(left) > 0 {
		b.t.Errorf("folders are left: %v", left)
	}
}

func TestAScanInShards(t *testing.T) {
	s := &subscriptions{n: 12, calls: 100}
	b := s.bench(t)
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	shutdown := b.work()
	r := b.whole(s, id)
	shutdown()
	b.clean(s, id)
	if diff := cmp.Diff(s.once(), s.read); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	if want := (&backend.Shards{Total: 6, Done: 6}); !cmp.Equal(want, r.Job.Shards) || len(r.Shards) != 6 || b.starts != 8 {
		t.Errorf("shards %+v, %d, %d processes", r.Job.Shards, len(r.Shards), b.starts)
	}
	if page, err := b.service.List(t.Context(), b.owner, backend.JobFilter{}); err != nil || len(page.Jobs) != 1 {
		t.Errorf("listed %+v, %v", page, err)
	}
	shard, err := b.service.Status(t.Context(), b.owner, r.Shards[0].ID)
	if err != nil || shard.Status != backend.JobCompleted {
		t.Errorf("a shard is %+v, %v", shard, err)
	}
	b.monotone(id)
}

// monotone checks that neither the whole nor a phase of a job ever went back, and that it told of its shards.
func (b *bench) monotone(id string) {
	b.t.Helper()
	progress, phases, last := 0.0, map[string]int64{}, uint64(0)
	for _, e := range b.events(id) {
		if e.Seq <= last {
			b.t.Errorf("number %d behind %d", e.Seq, last)
		}
		last = e.Seq
		if p := e.Progress; p != nil {
			if p.Done < phases[p.Phase] {
				b.t.Errorf("%s went back from %d to %d", p.Phase, phases[p.Phase], p.Done)
			}
			phases[p.Phase] = p.Done
		}
		if e.Status != nil && e.Status.Progress != nil {
			if *e.Status.Progress < progress {
				b.t.Errorf("the whole went back from %g to %g", progress, *e.Status.Progress)
			}
			progress = *e.Status.Progress
		}
	}
	if phases["shards"] == 0 || phases["resources"] == 0 || progress != 1 {
		b.t.Errorf("told %v, %g", phases, progress)
	}
}

func TestASmallScanIsNotSplit(t *testing.T) {
	for name, c := range map[string]struct {
		n       int
		calls   int64
		shards  int
		request *backend.ScanRequest
		plans   int
	}{
		"little to do": {10, 30, 16, &backend.ScanRequest{TenantID: "t1"}, 1},
		"one part":     {1, 1000, 16, &backend.ScanRequest{TenantID: "t1"}, 1},
		"never":        {10, 1000, 1, &backend.ScanRequest{TenantID: "t1"}, 1},
		"a limit":      {10, 1000, 16, &backend.ScanRequest{TenantID: "t1", ResourceLimit: 5}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := &subscriptions{n: c.n, calls: c.calls}
			b := s.bench(t)
			b.options.Shards = c.shards
			id := b.submit(c.request)
			shutdown := b.work()
			r := b.whole(s, id)
			shutdown()
			b.clean(s, id)
			if diff := cmp.Diff(s.once(), s.read); diff != "" || b.starts != 1 || r.Job.Shards != nil {
				t.Errorf("%d processes, shards %v, read (-want +got):\n%s", b.starts, r.Job.Shards, diff)
			}
		})
	}
}

// TestOnePlaceIsEnough for scans in shards, whose owner may have one job with workers, and for the jobs of others, which
// have their turn before the last shard.
func TestOnePlaceIsEnough(t *testing.T) {
	var mu sync.Mutex
	var order []string
	s := &subscriptions{n: 8, calls: 100}
	b := s.bench(t)
	b.options.Concurrency, b.store.PerOwner = 1, 1
	other := jobs.Caller{Key: "other", Tenants: []string{"*"}}
	var others []string
	s.on = func(ctx context.Context, _ *program, job *runner.Job, key string) error {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, job.Submission().Request.Tenant())
		if key == backend.ShardPlan && len(others) == 0 {
			small, _, err := b.service.Submit(ctx, other, backend.Submission{Request: &backend.ScanRequest{TenantID: "t2", ResourceLimit: 1}}, "")
			others = append(others, small.JobID)
			return err
		}
		return nil
	}
	first, second := b.submit(&backend.ScanRequest{TenantID: "t1"}), b.submit(&backend.ScanRequest{TenantID: "t1"})
	shutdown := b.work()
	b.whole(s, first)
	b.whole(s, second)
	shutdown()
	b.clean(s, first, second)
	if r, _, err := b.store.Get(t.Context(), others[0]); err != nil || r.Job.Status != backend.JobCompleted {
		t.Errorf("the other's job is %s, %v", r.Job.Status, err)
	}
	if at := slices.Index(order, "t2"); at < 0 || at > 6 {
		t.Errorf("the other's turn came at %d of %v", at, order)
	}
}

func TestAShardThatFails(t *testing.T) {
	s := &subscriptions{n: 8, calls: 100}
	s.on = func(_ context.Context, _ *program, job *runner.Job, key string) error {
		if key == "sub-03" && len(job.Submission().Shard) > 0 {
			return fault.New(fault.AzureForbidden, "not for shards", fault.From(fault.OriginAzure))
		}
		return nil
	}
	b := s.bench(t)
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	shutdown := b.work()
	r := b.whole(s, id)
	shutdown()
	b.clean(s, id)
	if want := (&backend.Shards{Total: 4, Done: 4, Failed: 1}); !cmp.Equal(want, r.Job.Shards) {
		t.Errorf("shards %+v", r.Job.Shards)
	}
	if diff := cmp.Diff(s.once(), s.read); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	said := slices.ContainsFunc(b.events(id), func(e backend.Event) bool {
		return e.Log != nil && e.Log.Level == backend.LevelWarn && strings.Contains(e.Log.Message, "not for shards") && strings.Contains(e.Log.Message, "put together")
	})
	if !said {
		t.Error("the job's log does not say that a shard failed")
	}
}
