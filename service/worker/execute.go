package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// SnapshotInput is the path of the input that a snapshot becomes for a backend: its id below this folder.
const SnapshotInput = "snapshots/"

// execute does the job, and answers its result and its files, which are stored by then. A scan that is large enough is
// planned, done by its shards, and then put together; a second attempt goes on with the shards there are.
func (w *Worker) execute(ctx context.Context, d jobs.Delivery, r *jobs.Record, report *report, p *place) (backend.Result, []backend.Artifact, error) {
	if len(r.Shards) == 0 {
		result, files, err := w.run(ctx, r, report)
		if err != nil || len(r.Shards) == 0 {
			return result, files, err
		}
	}
	if err := w.gather(ctx, d, r, report, p); err != nil {
		return nil, nil, err
	}
	return w.run(ctx, r, report)
}

// run does the job in a backend process of its own, or splits it: the record then has shards, and there is no result yet.
func (w *Worker) run(ctx context.Context, r *jobs.Record, report *report) (backend.Result, []backend.Artifact, error) {
	request, err := r.Decoded()
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp(w.o.Dir, r.Job.JobID+"-")
	if err != nil {
		return nil, nil, disk(err, w.o.Dir)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	settings, err := w.o.Settings(r.Job.TenantID)
	if err != nil {
		return nil, nil, err
	}
	program, err := w.o.Start(ctx, dir)
	if err != nil {
		return nil, nil, err
	}
	a := &attempt{
		w: w, r: r, report: report, dir: dir, program: program, backend: program.Backend(), request: request,
		here: map[string]bool{},
	}
	if len(r.Shards) > 0 {
		a.stage = merging
	}
	defer a.stop(ctx)
	description, err := a.configure(ctx, settings)
	if err != nil {
		return nil, nil, err
	}
	defer a.share(ctx, description, settings)()
	if a.maySplit() {
		if err := a.split(ctx); err != nil || len(r.Shards) > 0 {
			return nil, nil, err
		}
	}
	submission, err := a.submission(ctx)
	if err != nil {
		return nil, nil, err
	}
	id, result, err := a.submit(ctx, submission)
	if err != nil {
		return nil, nil, err
	}
	return a.collect(ctx, id, result)
}

// submit has the backend do something, and answers the id of its job and the result.
func (a *attempt) submit(ctx context.Context, s backend.Submission) (string, backend.Result, error) {
	job, err := a.backend.Submit(ctx, s)
	if err != nil {
		return "", nil, err
	}
	result, err := a.follow(ctx, job.JobID)
	return job.JobID, result, err
}

// attempt is one execution of a job.
type attempt struct {
	w       *Worker
	r       *jobs.Record
	report  *report
	dir     string // the job's folder on this worker
	program Program
	backend backend.Backend
	can     backend.Capabilities
	request backend.Request
	stage   stage
	here    map[string]bool // the paths of the parts that are in the job's folder

	asked time.Time // when the backend was asked how far the job is
	told  *float64  // how far the last answer was
}

func (a *attempt) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.w.o.Grace)
	defer cancel()
	if err := a.program.Stop(ctx); err != nil {
		a.program.Kill()
	}
}

func (a *attempt) configure(ctx context.Context, settings backend.Settings) (d backend.Description, err error) {
	if d, err = a.backend.Describe(ctx); err != nil {
		return d, err
	}
	if err = a.backend.Configure(ctx, settings); err != nil {
		return d, err
	}
	if a.can, err = a.backend.Capabilities(ctx); err != nil {
		return d, err
	}
	if op := a.request.Operation(); !a.can.Can(op) {
		return d, fault.New(fault.Unsupported, fmt.Sprintf("the service's backend cannot do %s", op), fault.From(fault.OriginService))
	}
	return d, nil
}

// submission gives the backend what the job needs: its inputs, the snapshots that it reads, and the parts that
// earlier attempts finished.
func (a *attempt) submission(ctx context.Context) (backend.Submission, error) {
	s := backend.Submission{Request: a.request, IdempotencyKey: fmt.Sprintf("%s/%d", a.r.Job.JobID, a.r.Job.Attempt)}
	for _, in := range a.r.Inputs {
		if err := a.put(ctx, in, jobs.FileName{Kind: jobs.KindInput, Of: a.r.Owner, Path: in.SHA256}); err != nil {
			return s, err
		}
		s.Inputs = append(s.Inputs, in)
	}
	for _, id := range backend.SnapshotsOf(a.request) {
		d, err := a.w.o.Snapshots.GetSnapshot(ctx, *id)
		if errors.Is(err, jobs.ErrNotFound) {
			return s, fault.New(fault.SnapshotNotFound, fmt.Sprintf("snapshot %s was removed before the job could read it", *id), fault.On(*id),
				fault.From(fault.OriginService), fault.Hint("name another of atg snapshot list with --snapshot; atg scan makes one"))
		}
		if err != nil {
			return s, err
		}
		in := backend.Input{Path: SnapshotInput + *id, Size: d.Snapshot.Size, SHA256: d.Snapshot.SHA256}
		if err := a.put(ctx, in, jobs.SnapshotFile(d.Snapshot)); err != nil {
			return s, err
		}
		s.Inputs = append(s.Inputs, in)
	}
	if !a.can.Has(backend.FeatureParts) {
		return s, nil
	}
	s.WorkDir = filepath.Join(a.dir, "work")
	if err := os.MkdirAll(s.WorkDir, 0o700); err != nil {
		return s, disk(err, s.WorkDir)
	}
	var err error
	if s.Parts, err = a.parts(ctx); err == nil {
		s.Parts, err = a.fetchParts(ctx, s.WorkDir, s.Parts)
	}
	s.Shard = a.r.Shard
	return s, err
}

// put hands a stored file to the backend as an input.
func (a *attempt) put(ctx context.Context, in backend.Input, name jobs.FileName) error {
	store, ok := a.backend.(backend.InputStore)
	if !ok || !a.can.Has(backend.FeatureInputs) {
		return fault.New(fault.Unsupported, "the service's backend takes no input files", fault.On(in.Path), fault.From(fault.OriginService))
	}
	f, err := a.w.o.Files.Open(ctx, name)
	if err != nil {
		return gone(err, in.Path)
	}
	defer func() { _ = f.Close() }()
	return store.PutInput(ctx, in, f)
}

func gone(err error, what string) error {
	if errors.Is(err, jobs.ErrNotFound) {
		return fault.New(fault.ExecutionFailed, fmt.Sprintf("%s was removed before the job could read it", what), fault.From(fault.OriginService))
	}
	return err
}

func disk(err error, on string) error {
	return fault.New(fault.ExecutionFailed, "the worker's disk cannot be used", fault.Because(err), fault.On(on), fault.From(fault.OriginService),
		fault.Retryable(), fault.Hint("the service's operator has to look at the worker's disk")) // another worker's may be better
}

// writable says why the worker's disk cannot be used for a job.
func (w *Worker) writable() error {
	dir, err := os.MkdirTemp(w.o.Dir, "probe-")
	if err == nil {
		err = os.Remove(dir)
	}
	if err != nil {
		return disk(err, w.o.Dir)
	}
	return nil
}
