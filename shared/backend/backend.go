// Package backend is the contract between atg and whatever does the work: a local executor, a client
// of the job service, or anyone's program. Every operation is a job, in every backend.
//
// A backend author imports this package, shared/fault, shared/serve, and, if the backend has no job
// queue of its own, shared/runner. Every error that a backend returns should be a *fault.Fault.
package backend

import (
	"context"
	"io"
)

// Backend is what every backend answers. Calls may come concurrently. Describe comes first and must
// work unconfigured; Configure comes once, before every other call.
//
// What a backend can do beyond this interface it does by also implementing Lister, Batcher,
// ArtifactStore, SnapshotStore or InputStore, and by declaring the feature in its Capabilities. A call
// of an undeclared feature answers fault.Unsupported.
type Backend interface {
	// Describe says what this backend is. It does no I/O and needs no configuration.
	Describe(ctx context.Context) (Description, error)
	// Configure validates and takes the settings. Every problem is answered at once: a
	// fault.ConfigInvalid whose Problems name the setting each. It does not reach out to a service;
	// CheckHealth does.
	Configure(ctx context.Context, settings Settings) error
	// Capabilities says what this backend, so configured, can really do.
	Capabilities(ctx context.Context) (Capabilities, error)
	// CheckHealth says whether the backend and what it depends on work, and why not. It is never an
	// error: what cannot be reached is unhealthy.
	CheckHealth(ctx context.Context) Health

	// Submit starts a job and answers at once. The same idempotency key with the same content
	// answers the same job; with other content, fault.Conflict.
	Submit(ctx context.Context, submission Submission) (JobStatusResponse, error)
	// GetJob answers a job's present state, or fault.JobNotFound.
	GetJob(ctx context.Context, id string) (JobStatusResponse, error)
	// WatchJob yields the job's events with a number above after, in order, and returns nil behind
	// the terminal one. An error of yield ends it and is returned. Ending it never ends the job.
	WatchJob(ctx context.Context, id string, after uint64, yield func(Event) error) error
	// GetResult answers the result of a completed job. In any other state it answers
	// fault.JobNotComplete with the state; of a failed job, the job's fault is the cause.
	GetResult(ctx context.Context, id string) (Result, error)
	// CancelJob answers when the work has stopped; for a finished job, fault.Conflict.
	CancelJob(ctx context.Context, id string) (JobStatusResponse, error)

	// Close releases everything. Jobs that are not durable end. It may come more than once.
	Close(ctx context.Context) error
}

// Lister is the feature FeatureListJobs.
type Lister interface {
	// ListJobs answers the caller's jobs, newest first.
	ListJobs(ctx context.Context, filter JobFilter) (JobPage, error)
}

// Batcher is the feature FeatureBatch.
type Batcher interface {
	// SubmitBatch accepts or refuses each submission on its own, in the order given; at most
	// MaxBatch of them. The error is for the batch as a whole.
	SubmitBatch(ctx context.Context, submissions []Submission) ([]BatchItem, error)
}

// MaxBatch is how many submissions one SubmitBatch takes.
const MaxBatch = 100

// InputStore is the feature FeatureInputs: it takes the files that an operation needs, before Submit.
type InputStore interface {
	// PutInput stores a file of the given size and SHA-256, which it checks; fault.Integrity if they
	// differ. Storing the same content again does nothing.
	PutInput(ctx context.Context, input Input, content io.Reader) error
}

// ArtifactStore is the feature FeatureArtifacts: files that a job made.
type ArtifactStore interface {
	// ListArtifacts answers the files of a completed job, by path; fault.ArtifactsNotAvailable if
	// they are gone.
	ListArtifacts(ctx context.Context, id string) ([]Artifact, error)
	// DownloadArtifacts writes the job's files below dir, which exists, and answers them. Each file
	// appears complete or not at all. The names come from the backend: a caller checks them.
	DownloadArtifacts(ctx context.Context, id, dir string, progress func(Progress)) ([]Artifact, error)
}

// SnapshotStore is the feature FeatureSnapshots. A snapshot belongs to a backend; a host never opens one.
type SnapshotStore interface {
	// ListSnapshots answers the snapshots, newest first.
	ListSnapshots(ctx context.Context, filter SnapshotFilter) (SnapshotPage, error)
	// GetSnapshot answers one with its contents summed up; fault.SnapshotNotFound.
	GetSnapshot(ctx context.Context, id string) (SnapshotDetail, error)
	// DeleteSnapshot removes one; fault.SnapshotNotFound.
	DeleteSnapshot(ctx context.Context, id string) error
	// FetchSnapshot writes the snapshot as one file below dir, which exists, and answers it.
	FetchSnapshot(ctx context.Context, id, dir string, progress func(Progress)) (Artifact, error)
}

// Sharer is the feature FeatureBudget: somebody else works with the same principal, whose calls are
// limited together.
type Sharer interface {
	// SetShare says how much of what its principal may do this backend may use from now on, above 0 and at
	// most 1, which it has until told otherwise. fault.InvalidArgument for another number.
	SetShare(ctx context.Context, share float64) error
}
