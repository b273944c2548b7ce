package api

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Batch is many submissions at once, at most backend.MaxBatch.
type Batch struct {
	Operations []BatchOperation `json:"operations"`
}

// BatchOperation is one submission of a batch.
type BatchOperation struct {
	Operation      backend.Operation `json:"operation"`
	IdempotencyKey string            `json:"idempotency_key,omitempty"`
	Body           json.RawMessage   `json:"body"` // as the operation's own POST takes it
}

// BatchAnswer has an item for each operation, in the order given.
type BatchAnswer struct {
	Items []BatchItem `json:"items"`
}

// BatchItem is a job or a problem.
type BatchItem struct {
	Job     *backend.JobStatusResponse `json:"job,omitempty"`
	Problem *Problem                   `json:"problem,omitempty"`
}

// Result is the result of a completed job.
type Result struct {
	JobID     string            `json:"job_id"`
	Operation backend.Operation `json:"operation"`
	Result    json.RawMessage   `json:"result"` // the operation's backend.*Result
}

// Cancellation answers the cancelling of a job: with status 200 the work has stopped, with 202 it is
// stopping.
type Cancellation struct {
	backend.JobStatusResponse
	CancelRequested bool `json:"cancel_requested"`
}

// Manifest lists the files that a job made.
type Manifest struct {
	JobID     string             `json:"job_id"`
	Artifacts []backend.Artifact `json:"artifacts"`
	TotalSize int64              `json:"total_size"` // in bytes
}

// Capabilities is what the service can do, and its limits.
type Capabilities struct {
	backend.Capabilities
	Version string `json:"version"` // of the service
	Backend string `json:"backend"` // that its workers run
	Limits  Limits `json:"limits"`
}

// Limits are the sizes that the service takes.
type Limits struct {
	RequestBytes int64 `json:"request_bytes"` // of a JSON body
	InputBytes   int64 `json:"input_bytes"`   // of an input file
	Batch        int   `json:"batch"`         // operations
}

// Scope is something that a key may do.
type Scope string

// The scopes. A key without ScopeSubmit only reads.
const (
	ScopeRead   Scope = "read"   // see own jobs, results, files, and snapshots of its tenants
	ScopeSubmit Scope = "submit" // submit jobs that only read from Azure, and cancel own ones
	ScopeDeploy Scope = "deploy" // submit create-tenant, which changes Azure
	ScopeDelete Scope = "delete" // delete snapshots
)

// Scopes are all scopes.
func Scopes() []Scope { return []Scope{ScopeRead, ScopeSubmit, ScopeDeploy, ScopeDelete} }

// Identity says whose key a request carries.
type Identity struct {
	KeyID     string     `json:"key_id"`
	Name      string     `json:"name"`
	Scopes    []Scope    `json:"scopes"`
	Tenants   []string   `json:"tenants"` // that it may touch; "*" is every one
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// Health is the service's state and that of what it depends on.
type Health struct {
	backend.Health
	Version string `json:"version"`
}

// Restore gives a status back what JSON does not carry: the cause of its fault, from its error text.
func Restore(s *backend.JobStatusResponse) {
	if s == nil || s.Fault == nil || s.Fault.Cause != nil {
		return
	}
	if cause, found := strings.CutPrefix(s.Error, s.Fault.Message+": "); found && cause != "" {
		s.Fault.Cause = errors.New(cause)
	}
}

// DecodeResult reads the result of a job.
func (r Result) DecodeResult() (backend.Result, error) {
	result := backend.NewResult(r.Operation)
	if result == nil {
		return nil, fault.Newf(fault.RemoteFailed, "the service answered the result of an unknown operation %q", r.Operation)
	}
	if err := json.Unmarshal(r.Result, result); err != nil {
		return nil, fault.New(fault.RemoteFailed, "the service answered a result of another form", fault.Because(err), fault.On(r.JobID))
	}
	return result, nil
}
