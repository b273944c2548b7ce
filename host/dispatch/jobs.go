package dispatch

import (
	"context"
	"fmt"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// WithJobs opens the chosen backend for the time of use; fault.Unsupported where its jobs do not outlive
// the command, so that there are none to speak of.
func (d *ExecutionDispatcher) WithJobs(ctx context.Context, use func(ctx context.Context, s *Session) error) error {
	return d.With(ctx, func(ctx context.Context, s *Session) error {
		if !s.durable() {
			return s.unsupported("commands on jobs: its jobs end with it", "its features: "+orNothing(list(s.Capabilities.Features)))
		}
		return use(ctx, s)
	})
}

// Jobs is the backend's list of jobs, or fault.Unsupported.
func (s *Session) Jobs() (backend.Lister, error) {
	lister, ok := s.Backend.(backend.Lister)
	if !ok || !s.Capabilities.Has(backend.FeatureListJobs) {
		return nil, s.unsupported("lists of jobs", "its features: "+orNothing(list(s.Capabilities.Features)))
	}
	return lister, nil
}

// Batch submits at most backend.MaxBatch submissions at once, or answers fault.Unsupported.
func (s *Session) Batch(ctx context.Context, submissions []backend.Submission) ([]backend.BatchItem, error) {
	batcher, ok := s.Backend.(backend.Batcher)
	if !ok || !s.Capabilities.Has(backend.FeatureBatch) {
		return nil, s.unsupported("batches", "its features: "+orNothing(list(s.Capabilities.Features)))
	}
	items, err := batcher.SubmitBatch(ctx, submissions)
	if err == nil && len(items) != len(submissions) {
		err = fault.New(fault.Internal, fmt.Sprintf("backend %s answered %d of %d submissions", s.Name, len(items), len(submissions)), fault.From(fault.OriginBackend))
	}
	return items, err
}

// Store sends the files that a submission reads to the backend, and answers what the submission names.
func (s *Session) Store(ctx context.Context, files []File) ([]backend.Input, error) {
	return s.store(ctx, files)
}

// Watch follows a job that was submitted before: its events from the first one, then its result and files.
// The outcome and the error are those that the command which submitted it would have answered.
func (d *ExecutionDispatcher) Watch(ctx context.Context, id string, e Ending) (*Outcome, error) {
	return d.reattach(ctx, id, e, func(ctx context.Context, s *Session, out *Outcome) error {
		observer := d.options.Observe()
		defer observer.Close()
		return d.finish(ctx, s, e, out, observer)
	})
}

// Result answers the result of a completed job, and brings its files; fault.JobNotComplete in any other
// state.
func (d *ExecutionDispatcher) Result(ctx context.Context, id string, e Ending) (*Outcome, error) {
	return d.reattach(ctx, id, e, func(ctx context.Context, s *Session, out *Outcome) error {
		observer := d.options.Observe()
		defer observer.Close()
		return s.collect(ctx, e, out, observer)
	})
}

// Download brings the files of a completed job into e.OutputDir and answers their absolute paths.
func (d *ExecutionDispatcher) Download(ctx context.Context, id string, e Ending) (files []string, err error) {
	if err := checkOutput(e.OutputDir); err != nil {
		return nil, err
	}
	err = d.WithJobs(ctx, func(ctx context.Context, s *Session) error {
		job, err := s.Backend.GetJob(ctx, id)
		if err != nil {
			return err
		}
		observer := d.options.Observe()
		defer observer.Close()
		files, err = s.download(ctx, id, job.Operation, e, observer)
		return err
	})
	return files, err
}

func (d *ExecutionDispatcher) reattach(ctx context.Context, id string, e Ending, use func(context.Context, *Session, *Outcome) error) (*Outcome, error) {
	if err := checkOutput(e.OutputDir); err != nil {
		return nil, err
	}
	out := &Outcome{Backend: d.options.Backend}
	err := d.WithJobs(ctx, func(ctx context.Context, s *Session) (err error) {
		if err := s.delivers(e); err != nil {
			return err
		}
		if out.Job, err = s.Backend.GetJob(ctx, id); err != nil {
			return err
		}
		return use(ctx, s, out)
	})
	if out.Result == nil {
		out = nil
	}
	return out, err
}
