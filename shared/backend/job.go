package backend

import (
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// JobStatus is a job's state. A terminal state never changes.
type JobStatus string

// The states and who moves a job there.
const (
	JobPending   JobStatus = "pending"   // Submit: accepted, not started
	JobRunning   JobStatus = "running"   // whoever runs it: started; redelivered jobs stay here
	JobCompleted JobStatus = "completed" // whoever runs it: there is a result
	JobFailed    JobStatus = "failed"    // whoever runs it: there is a fault
	JobCancelled JobStatus = "cancelled" // CancelJob, from pending or running
)

// Terminal says that the state never changes again.
func (s JobStatus) Terminal() bool {
	return s == JobCompleted || s == JobFailed || s == JobCancelled
}

// CanBecome says whether a job may go from s to next.
func (s JobStatus) CanBecome(next JobStatus) bool {
	switch s {
	case JobPending:
		return next == JobRunning || next == JobCancelled || next == JobFailed
	case JobRunning:
		return next.Terminal()
	}
	return false
}

// JobStatusResponse is what is known of a job.
type JobStatusResponse struct {
	JobID       string       `json:"job_id"`
	Operation   Operation    `json:"operation"`
	TenantID    string       `json:"tenant_id,omitempty"`
	Status      JobStatus    `json:"status"`
	Progress    *float64     `json:"progress,omitempty"` // 0..1; nil is unknown
	Phase       string       `json:"phase,omitempty"`    // what it is doing, in a word or two
	Attempt     int          `json:"attempt"`            // from 1; a redelivered job counts on
	CreatedAt   time.Time    `json:"created_at"`
	StartedAt   *time.Time   `json:"started_at,omitempty"`
	CompletedAt *time.Time   `json:"completed_at,omitempty"` // when it reached a terminal state
	Error       string       `json:"error,omitempty"`        // Fault's text
	Fault       *fault.Fault `json:"fault,omitempty"`        // of a failed or cancelled job
	Shards      *Shards      `json:"shards,omitempty"`       // of a scan that is split into jobs of their own
}

// Shards says how far the jobs are into which a scan was split, so that many workers do it.
type Shards struct {
	Total  int `json:"total"`
	Done   int `json:"done"`   // ended, however they did
	Failed int `json:"failed"` // of those done: ended without a result; the scan itself reads what they did not
}

// JobFilter chooses jobs in ListJobs. Zero fields choose all.
type JobFilter struct {
	Status    JobStatus `json:"status,omitempty"`
	Operation Operation `json:"operation,omitempty"`
	TenantID  string    `json:"tenant_id,omitempty"`
	Limit     int       `json:"limit,omitempty"`  // at most so many; 0 lets the backend choose
	Cursor    string    `json:"cursor,omitempty"` // of the page before
}

// JobPage is a page of jobs, newest first.
type JobPage struct {
	Jobs   []JobStatusResponse `json:"jobs"`
	Cursor string              `json:"cursor,omitempty"` // of the next page; empty is the last one
}

// BatchItem is the answer to one submission of a batch: a job or a fault.
type BatchItem struct {
	Job   *JobStatusResponse `json:"job,omitempty"`
	Fault *fault.Fault       `json:"fault,omitempty"`
}

// ShardPlan is the key of the plan: see Submission.Shard.
const ShardPlan = "plan"

// Submission asks for a job.
type Submission struct {
	Request        Request
	IdempotencyKey string  // at most 255 characters; empty is a new job each time
	Inputs         []Input // stored by PutInput before
	// WorkDir is a folder in which the job keeps its parts and temporary files, so that whoever
	// submitted it can keep them and give them back. Empty lets the backend choose.
	WorkDir string
	Parts   []Part // finished parts of an earlier attempt, below WorkDir; they are not done again
	// Shard limits a scan to some of its parts, so that several processes, each with a share, do one scan:
	// those with these keys, and those that follow from them, such as the children of a part's resources. The
	// job's outcome is its parts; its result has no snapshot. With ShardPlan alone the job plans: it reads
	// what planning takes, announces it as parts, one of which is the plan, and answers in ScanResult.Plan
	// which keys there are. Every shard gets the plan's parts. Whoever has all parts of all shards submits the
	// scan with them and no Shard: it reads what is missing, and makes the snapshot. Empty is the whole scan.
	Shard []string
}

// Input is a file that an operation needs.
type Input struct {
	Path   string `json:"path"`   // relative, with slashes: spec.md, snapshot.db
	Size   int64  `json:"size"`   // in bytes
	SHA256 string `json:"sha256"` // lower-case hexadecimal
}

// Part is a checkpoint of a job: one unit of its work, finished, in an immutable file. Of two with one key the later
// one counts: the unit was done again.
type Part struct {
	Key    string `json:"key"`  // of a scan: subscription/table/hash range
	Path   string `json:"path"` // relative to the job's work folder, with slashes
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"` // of the file, lower-case hexadecimal
}

// Artifact is a file that a job made.
type Artifact struct {
	Path   string `json:"path"`   // relative, with slashes
	Size   int64  `json:"size"`   // in bytes
	SHA256 string `json:"sha256"` // lower-case hexadecimal
}

// Executable says whether the file is a script that its user is to run, so that whoever writes it marks it
// as one. Its name decides (.sh), because neither a store nor every system keeps a mode, and a job's files
// are the same wherever it ran.
func (a Artifact) Executable() bool { return strings.HasSuffix(a.Path, ".sh") }
