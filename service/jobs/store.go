package jobs

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// The answers of stores that callers act on.
var (
	// ErrNotFound says that there is no such thing.
	ErrNotFound = errors.New("not found")
	// ErrSilent is the cause of faults of a store that did not answer, as while its leaders are elected. A job is not to blame for it.
	ErrSilent = errors.New("the store does not answer")
	// ErrChanged says that a record was changed by somebody else since it was read.
	ErrChanged = errors.New("changed meanwhile")
)

// Revision is a version of a record; each change makes a higher one. Zero is that of a job that is
// durably queued but not yet in the record store.
type Revision uint64

// Records keeps jobs. Every call may come concurrently, and from any number of processes.
type Records interface {
	// Enqueue makes a new job durable and ready for a worker, in one write. A job of the same id that is
	// there already (within 24 hours) is answered instead, with created false: the caller compares Content.
	Enqueue(ctx context.Context, r Record) (stored Record, created bool, err error)
	// Get answers a job that this or any other process enqueued, at once; ErrNotFound.
	Get(ctx context.Context, id string) (Record, Revision, error)
	// Update replaces a record that still has the revision given, durably; ErrChanged, ErrNotFound.
	Update(ctx context.Context, r Record, was Revision) (Revision, error)
	// List answers an owner's jobs, newest first, with their live progress; an empty owner is every one's. Shards are left
	// out. It does not read the disk. A limit of 0 is 100; the cursor is opaque.
	List(ctx context.Context, owner string, filter backend.JobFilter) (backend.JobPage, error)
	// Status answers a job's present state with its live progress, without the rest of the record;
	// ErrNotFound. The owner comes with it.
	Status(ctx context.Context, id string) (status backend.JobStatusResponse, owner string, err error)
	// Changed returns a channel that is closed when what Status answers for the job differs from what it
	// answers now, and a function that gives up waiting.
	Changed(id string) (changed <-chan struct{}, forget func())
	// Waiting is how many jobs no worker has begun yet, an owner's and everybody's; Known says whether there is a job. Both answer from
	// memory, a moment behind what other processes do.
	Waiting(owner string) (own, all int)
	Known(id string) bool
	// Room is nil, or the fault for which nothing new can be stored; see NoRoom.
	Room() error
	// Remove forgets a job that has ended: record, events, queue message if one is left. Files are the
	// caller's business.
	Remove(ctx context.Context, id string) error
}

// Queue hands jobs to workers.
type Queue interface {
	// Next waits for a job. Lanes (see Record.Lane) are served in turn; at most perOwner of one lane's jobs (0: any number)
	// are with workers at a time. It returns ctx's error when ctx ends.
	Next(ctx context.Context) (Delivery, error)
	// Cancels calls back with the id of every job whose cancelling is asked for from now on, wherever, and returns
	// when ctx ends. What is asked for while nobody listens is not heard: see AskCancel.
	Cancels(ctx context.Context, cancel func(id string)) error
	// AskCancel tells whichever worker has the job. It is a hint: the record's CancelRequestedAt is what counts.
	AskCancel(ctx context.Context, id string) error
	// Depth is how many jobs wait for a worker.
	Depth(ctx context.Context) (int64, error)
}

// Delivery is a job in a worker's hands. Exactly one of Done, Retry and Bury ends it; a delivery that shows no
// life for AckWait goes to another worker. One that shows life and is not heard, because the queue has lost its leader, stays
// where it is: whoever gets it then asks, and leaves it there.
type Delivery interface {
	ID() string                                           // of the job
	Record() Record                                       // as it was enqueued; what happened since stands in Records
	Attempt() int                                         // from 1: how often the job was delivered
	Alive(ctx context.Context) error                      // it is being worked on
	Done(ctx context.Context) error                       // it has ended, as its record says
	Retry(ctx context.Context, delay time.Duration) error // somebody should try again, after delay
	// Bury takes the job out of the queue and keeps it among the dead letters, with the reason.
	Bury(ctx context.Context, reason string) error
	// Leave says that nobody works on it here any more, whether one of the three has ended it or not.
	Leave()
}

// AckWait is how long a worker may show no life before its job goes to another one: long enough for a cluster to elect a leader
// of the queue after one was killed, which takes NATS between 4 and 9 seconds, mostly less than 7; and short enough that a job whose
// worker was killed runs again within 10.
const AckWait = 8 * time.Second

// Beat is how often a worker shows life, if it may be silent for a while: often enough that a few signs may be lost.
func Beat(silent time.Duration) time.Duration { return silent / 8 }

// Events keeps what happens to jobs.
type Events interface {
	// Append publishes an event with the number that it has. It may return before the event is on disk: what may
	// not be lost stands in the record as well.
	Append(ctx context.Context, id string, e backend.Event) error
	// Kept returns when every event of a job that this process has appended is where watchers find it, or with ctx's error. Who
	// records the end of a job waits for it before, so that nobody who learns of the end misses what came before it.
	Kept(ctx context.Context, id string) error
	// Watch yields a job's events with a number above after, in order, each once, first those that are kept, then
	// live ones, and returns nil behind the terminal one; if that was lost or has expired, it is made from
	// the record. An error of yield ends it and is returned. ErrNotFound. A reader that is slow
	// gets progress coalesced, and nothing else dropped.
	Watch(ctx context.Context, id string, after uint64, yield func(backend.Event) error) error
}

// Files keeps files: inputs, parts, artifacts, snapshots. A name is a path of three or more segments whose first is
// one of the kinds below; segments are arbitrary text.
type Files interface {
	// Put stores content under name, replacing what is there, durably, and answers size and SHA-256. The file appears
	// whole or not at all. If want is not nil, other content is refused with fault.Integrity.
	Put(ctx context.Context, name FileName, content io.Reader, want *backend.Artifact) (backend.Artifact, error)
	// Open opens a file for reading from anywhere in it; ErrNotFound.
	Open(ctx context.Context, name FileName) (File, error)
	// Stat describes a file; ErrNotFound.
	Stat(ctx context.Context, name FileName) (backend.Artifact, error)
	// Delete removes a file; one that is not there is no error.
	Delete(ctx context.Context, name FileName) error
	// DeleteAll removes every file of an owner of files, such as a job.
	DeleteAll(ctx context.Context, kind FileKind, of string) error
	// Usage is how many bytes are kept.
	Usage(ctx context.Context) (int64, error)
}

// FileKind is what a file is for.
type FileKind string

// The kinds, with what FileName.Of is for each.
const (
	KindInput    FileKind = "inputs"    // of a key, by SHA-256
	KindPart     FileKind = "parts"     // of a job, by the part's path
	KindArtifact FileKind = "artifacts" // of a job, by path
	KindSnapshot FileKind = "snapshots" // of a tenant, by the snapshot's id
)

// FileName names a file.
type FileName struct {
	Kind FileKind
	Of   string // whose: a job's id, a key's id, a tenant
	Path string // any text
}

// File is an open file.
type File interface {
	io.ReadSeekCloser
	Artifact() backend.Artifact // its Path is FileName.Path
}

// Snapshots keeps what is known of snapshots; their files are of KindSnapshot.
type Snapshots interface {
	PutSnapshot(ctx context.Context, d backend.SnapshotDetail) error
	// GetSnapshot answers one; ErrNotFound.
	GetSnapshot(ctx context.Context, id string) (backend.SnapshotDetail, error)
	// ListSnapshots answers those of the tenants ("*" is every one), newest first. A limit of 0 is 100.
	ListSnapshots(ctx context.Context, tenants []string, filter backend.SnapshotFilter) (backend.SnapshotPage, error)
	// DeleteSnapshot forgets one; ErrNotFound.
	DeleteSnapshot(ctx context.Context, id string) error
}

// Key is an API key as the service keeps it.
type Key struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Hash      string     `json:"hash"` // SHA-256 of the secret, lower-case hexadecimal; the secret is random, so it needs no salt
	Scopes    []string   `json:"scopes"`
	Tenants   []string   `json:"tenants"` // "*" is every one
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
}

// Keys keeps API keys.
type Keys interface {
	PutKey(ctx context.Context, k Key) error
	// GetKey answers one from memory, at most a moment behind a change anywhere; ErrNotFound.
	GetKey(ctx context.Context, id string) (Key, error)
	ListKeys(ctx context.Context) ([]Key, error) // oldest first
	// KeyChanged returns a channel that is closed when the key changes, and a function that gives up waiting.
	KeyChanged(id string) (changed <-chan struct{}, forget func())
}
