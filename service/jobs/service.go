package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Options say what a Service stands on.
type Options struct {
	Records   Records
	Queue     Queue
	Events    Events
	Files     Files
	Snapshots Snapshots
	// Tenants are those that the service is set up for; with one, a submission need not name it.
	Tenants []string
	// Operations are those that the workers' backend can do; nil refuses none.
	Operations []backend.Operation
	// Formats are those in which it generates code; empty refuses none.
	Formats    []string
	JobTimeout time.Duration // from submission to the end of a job; 0 is none
	// Waiting and WaitingPerKey are how many jobs may wait for workers, altogether and of one key; 0 is any number. Submissions that
	// come at the same moment may exceed them a little.
	Waiting, WaitingPerKey int
	Logger                 *slog.Logger // nil is slog.Default
	Now                    func() time.Time
}

// Service answers what callers ask of jobs. Every error is a *fault.Fault; a job of somebody else is
// one that does not exist.
type Service struct{ o Options }

// New makes a service.
func New(o Options) *Service {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{o}
}

// Status answers a job's present state.
func (s *Service) Status(ctx context.Context, c Caller, id string) (backend.JobStatusResponse, error) {
	status, owner, err := s.o.Records.Status(ctx, id)
	if err == nil && owner != c.Key {
		err = ErrNotFound
	}
	if err != nil {
		return backend.JobStatusResponse{}, jobFault(id, err)
	}
	return status, nil
}

// StatusWhen waits while known holds for the job's state, but not longer than patience, and answers the
// state then.
func (s *Service) StatusWhen(ctx context.Context, c Caller, id string, known func(backend.JobStatusResponse) bool, patience time.Duration) (backend.JobStatusResponse, error) {
	over := time.NewTimer(patience)
	defer over.Stop()
	for {
		changed, forget := s.o.Records.Changed(id)
		status, err := s.Status(ctx, c, id)
		if err != nil || patience <= 0 || !known(status) {
			forget()
			return status, err
		}
		select {
		case <-changed:
		case <-over.C:
			patience = 0
		case <-ctx.Done():
			forget()
			return status, fault.Of(context.Cause(ctx))
		}
		forget()
	}
}

// List answers the caller's jobs, newest first.
func (s *Service) List(ctx context.Context, c Caller, filter backend.JobFilter) (backend.JobPage, error) {
	page, err := s.o.Records.List(ctx, c.Key, filter)
	if err != nil {
		return page, fault.Of(err)
	}
	if page.Jobs == nil {
		page.Jobs = []backend.JobStatusResponse{}
	}
	return page, nil
}

// Watch yields a job's events. See Events.
func (s *Service) Watch(ctx context.Context, c Caller, id string, after uint64, yield func(backend.Event) error) error {
	if _, err := s.Status(ctx, c, id); err != nil {
		return err
	}
	err := s.o.Events.Watch(ctx, id, after, yield)
	if errors.Is(err, ErrNotFound) {
		return jobFault(id, err)
	}
	return err
}

// record answers the caller's job with all that is known of it.
func (s *Service) record(ctx context.Context, c Caller, id string) (Record, Revision, error) {
	r, rev, err := s.o.Records.Get(ctx, id)
	if err == nil && r.Owner != c.Key {
		err = ErrNotFound
	}
	if err != nil {
		return Record{}, 0, jobFault(id, err)
	}
	return r, rev, nil
}

// completed answers the caller's job, or fault.JobNotComplete.
func (s *Service) completed(ctx context.Context, c Caller, id string) (Record, error) {
	r, _, err := s.record(ctx, c, id)
	if err != nil || r.Job.Status == backend.JobCompleted {
		return r, err
	}
	f := fault.New(fault.JobNotComplete, fmt.Sprintf("the job %s is %s and has no result", id, r.Job.Status), fault.On(id))
	if r.Job.Fault != nil {
		f.Cause = r.Job.Fault
	}
	if !r.Job.Status.Terminal() {
		f.Retryable, f.Hint = true, "wait for its end: atg job watch "+id
	}
	return r, f
}

// Result answers a completed job's result as JSON.
func (s *Service) Result(ctx context.Context, c Caller, id string) (backend.Operation, json.RawMessage, error) {
	r, err := s.completed(ctx, c, id)
	return r.Job.Operation, r.Result, err
}

// Artifacts answers the files of a completed job, by path.
func (s *Service) Artifacts(ctx context.Context, c Caller, id string) ([]backend.Artifact, error) {
	r, err := s.completed(ctx, c, id)
	if err != nil {
		return nil, err
	}
	if r.Artifacts == nil {
		return []backend.Artifact{}, nil
	}
	return r.Artifacts, nil
}

// OpenArtifact opens one of them.
func (s *Service) OpenArtifact(ctx context.Context, c Caller, id, path string) (File, error) {
	r, err := s.completed(ctx, c, id)
	if err != nil {
		return nil, err
	}
	f, err := s.o.Files.Open(ctx, r.fileOf(path))
	if errors.Is(err, ErrNotFound) {
		return nil, fault.New(fault.ArtifactsNotAvailable, fmt.Sprintf("the job has no file %q", path), fault.On(id), fault.From(fault.OriginService))
	}
	if err != nil {
		return nil, fault.Of(err)
	}
	return f, nil
}

// PutInput stores an input file of the caller. Other content than its SHA-256 says is fault.Integrity;
// the same content again is not created.
func (s *Service) PutInput(ctx context.Context, c Caller, sha256 string, content io.Reader) (in backend.Input, created bool, err error) {
	name := FileName{KindInput, c.Key, sha256}
	if known, err := s.o.Files.Stat(ctx, name); err == nil {
		return backend.Input{Size: known.Size, SHA256: known.SHA256}, false, nil
	}
	a, err := s.o.Files.Put(ctx, name, content, &backend.Artifact{Size: -1, SHA256: sha256})
	if err != nil {
		return in, false, fault.Of(err)
	}
	return backend.Input{Size: a.Size, SHA256: a.SHA256}, true, nil
}

// Change reads a job, lets change alter it, and stores it, again until nobody came between. An error of
// change ends it and is answered with the record as it was read.
func Change(ctx context.Context, records Records, id string, change func(*Record) error) (Record, error) {
	for {
		r, rev, err := records.Get(ctx, id)
		if err != nil {
			return r, err
		}
		if err := change(&r); err != nil {
			return r, err
		}
		if _, err = records.Update(ctx, r, rev); !errors.Is(err, ErrChanged) {
			return r, err
		}
	}
}

// jobFault gives the answers of stores about a job their public form.
func jobFault(id string, err error) error {
	if errors.Is(err, ErrNotFound) {
		return fault.New(fault.JobNotFound, fmt.Sprintf("there is no job %s", id), fault.On(id), fault.From(fault.OriginService),
			fault.Hint("jobs of other keys cannot be seen, and ended ones are removed in time; see your own: atg job list"))
	}
	return fault.Of(err)
}
