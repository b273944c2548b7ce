package worker

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// fetches is how many parts are fetched at once. A scan in shards has thousands to put together.
const fetches = 8

// fetchParts brings finished parts into the work folder, and answers those that are there. One whose file is gone is
// done again.
func (a *attempt) fetchParts(ctx context.Context, workDir string, parts []backend.Part) ([]backend.Part, error) {
	root, err := os.OpenRoot(workDir)
	if err != nil {
		return nil, disk(err, workDir)
	}
	defer func() { _ = root.Close() }()
	var fetched sync.Map // by path
	group, fetching := errgroup.WithContext(ctx)
	group.SetLimit(fetches)
	for _, p := range parts {
		if a.here[p.Path] {
			continue
		}
		a.here[p.Path] = true
		group.Go(func() error {
			err := a.fetchPart(fetching, root, p)
			if errors.Is(err, jobs.ErrNotFound) {
				a.w.o.Logger.WarnContext(ctx, "a finished part is gone and will be done again", "job_id", a.r.Job.JobID, "part", p.Key)
				fetched.Store(p.Path, false)
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var here []backend.Part
	for _, p := range parts {
		if _, missing := fetched.Load(p.Path); missing {
			delete(a.here, p.Path)
			continue
		}
		here = append(here, p)
	}
	return here, nil
}

// fetchPart brings one into the work folder; jobs.ErrNotFound.
func (a *attempt) fetchPart(ctx context.Context, root *os.Root, p backend.Part) error {
	f, err := a.w.o.Files.Open(ctx, a.partFile(p))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
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

func (a *attempt) partFile(p backend.Part) jobs.FileName {
	return jobs.FileName{Kind: jobs.KindPart, Of: a.r.PartsOf(), Path: p.Path}
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
	if err := a.w.store(ctx, a.partFile(p), f, &backend.Artifact{Size: -1, SHA256: p.SHA256}); err != nil {
		return err
	}
	_, err = jobs.Change(ctx, a.w.o.Records, a.r.Job.JobID, func(r *jobs.Record) error {
		if r.Job.Status.Terminal() || r.Job.Attempt != a.r.Job.Attempt {
			return errLost
		}
		list(&r.Parts, p)
		return nil
	})
	a.here[p.Path] = true
	list(&a.r.Parts, p)
	if late := a.removeLate(ctx, p, err); late != nil {
		return late
	}
	return err
}

// list puts a part into a list of parts, in the place of one that was read before.
func list(parts *[]backend.Part, p backend.Part) {
	for i, known := range *parts {
		if known.Key == p.Key {
			(*parts)[i] = p
			return
		}
	}
	*parts = append(*parts, p)
}

// removeLate removes a part that came when nobody wanted it any more: its files' job has ended and has removed the others.
func (a *attempt) removeLate(ctx context.Context, p backend.Part, err error) error {
	if err == nil && a.r.Parent == "" || !a.w.orphaned(ctx, a.r.PartsOf()) {
		return nil
	}
	if err == nil {
		err = errCancelled
	}
	return errors.Join(err, a.w.o.Files.Delete(ctx, a.partFile(p)))
}

// forgetParts removes the checkpoints of a job that has ended.
func (w *Worker) forgetParts(ctx context.Context, r jobs.Record) error {
	return w.o.Files.DeleteAll(context.WithoutCancel(ctx), jobs.KindPart, r.Job.JobID)
}
