package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// SnapshotInput is the path of the input that a snapshot becomes for a backend: its id below this folder.
const SnapshotInput = "snapshots/"

// execute does the job in a backend process of its own, and answers its result and its files, which are
// stored by then.
func (w *Worker) execute(ctx context.Context, r *jobs.Record, report *report) (backend.Result, []backend.Artifact, error) {
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
	}
	defer a.stop(ctx)
	if err := a.configure(ctx, settings); err != nil {
		return nil, nil, err
	}
	submission, err := a.submission(ctx)
	if err != nil {
		return nil, nil, err
	}
	job, err := a.backend.Submit(ctx, submission)
	if err != nil {
		return nil, nil, err
	}
	result, err := a.follow(ctx, job.JobID)
	if err != nil {
		return nil, nil, err
	}
	return a.collect(ctx, job.JobID, result)
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

func (a *attempt) configure(ctx context.Context, settings backend.Settings) (err error) {
	if _, err = a.backend.Describe(ctx); err != nil {
		return err
	}
	if err = a.backend.Configure(ctx, settings); err != nil {
		return err
	}
	if a.can, err = a.backend.Capabilities(ctx); err != nil {
		return err
	}
	if op := a.request.Operation(); !a.can.Can(op) {
		return fault.New(fault.Unsupported, fmt.Sprintf("the service's backend cannot do %s", op), fault.From(fault.OriginService))
	}
	return nil
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
	for _, p := range a.r.Parts {
		if err := a.fetchPart(ctx, s.WorkDir, p); err != nil {
			return s, err
		}
		s.Parts = append(s.Parts, p)
	}
	return s, nil
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

// fetchPart brings a finished part back into the work folder.
func (a *attempt) fetchPart(ctx context.Context, workDir string, p backend.Part) error {
	f, err := a.w.o.Files.Open(ctx, jobs.FileName{Kind: jobs.KindPart, Of: a.r.Job.JobID, Path: p.Path})
	if err != nil {
		return gone(err, p.Path)
	}
	defer func() { _ = f.Close() }()
	root, err := os.OpenRoot(workDir)
	if err != nil {
		return disk(err, workDir)
	}
	defer func() { _ = root.Close() }()
	name := filepath.FromSlash(p.Path)
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return disk(err, p.Path)
	}
	out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return disk(err, p.Path)
	}
	_, err = io.Copy(out, f)
	if err := errors.Join(err, out.Close()); err != nil {
		return disk(err, p.Path)
	}
	return nil
}

// keepPart stores a finished part, then lists it in the job's record, then announces it: who reads of it can
// go on from it.
func (a *attempt) keepPart(ctx context.Context, p backend.Part) error {
	root, err := os.OpenRoot(filepath.Join(a.dir, "work"))
	if err != nil {
		return disk(err, p.Path)
	}
	defer func() { _ = root.Close() }()
	f, err := root.Open(filepath.FromSlash(p.Path))
	if err != nil {
		return disk(err, p.Path)
	}
	defer func() { _ = f.Close() }()
	name := jobs.FileName{Kind: jobs.KindPart, Of: a.r.Job.JobID, Path: p.Path}
	if _, err := a.w.o.Files.Put(ctx, name, f, &backend.Artifact{Size: -1, SHA256: p.SHA256}); err != nil {
		return err
	}
	_, err = jobs.Change(ctx, a.w.o.Records, a.r.Job.JobID, func(r *jobs.Record) error {
		if r.Job.Status.Terminal() || r.Job.Attempt != a.r.Job.Attempt {
			return errLost
		}
		for i, known := range r.Parts {
			if known.Key == p.Key { // read again
				r.Parts[i] = p
				return nil
			}
		}
		r.Parts = append(r.Parts, p)
		return nil
	})
	return err
}

// forgetParts removes the checkpoints of a job that has ended.
func (w *Worker) forgetParts(ctx context.Context, r jobs.Record) {
	if err := w.o.Files.DeleteAll(context.WithoutCancel(ctx), jobs.KindPart, r.Job.JobID); err != nil {
		w.o.Logger.WarnContext(ctx, "the parts of an ended job were not removed", "job_id", r.Job.JobID, "error", err)
	}
}

func gone(err error, what string) error {
	if errors.Is(err, jobs.ErrNotFound) {
		return fault.New(fault.ExecutionFailed, fmt.Sprintf("%s was removed before the job could read it", what), fault.From(fault.OriginService))
	}
	return err
}

func disk(err error, on string) error {
	return fault.New(fault.ExecutionFailed, "the worker's disk cannot be used", fault.Because(err), fault.On(on), fault.From(fault.OriginService),
		fault.Hint("the service's operator has to look at the worker's disk"))
}
