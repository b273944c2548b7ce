// Package jobs is what a job of the service is: its record, its states and who moves it from one to
// another, what of it a caller may see, and what its stores have to keep. It knows neither HTTP nor NATS:
// service/httpapi asks it, service/worker works for it, service/store keeps things for it.
package jobs

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Record is all that the service knows of a job. It is what a queue message carries, and what the record
// store keeps.
type Record struct {
	Job   backend.JobStatusResponse `json:"job"`   // as its owner sees it
	Owner string                    `json:"owner"` // the id of the key that submitted it

	Request json.RawMessage `json:"request"` // of the type that Job.Operation names
	Inputs  []backend.Input `json:"inputs,omitempty"`
	// Content is the SHA-256 of operation, request and inputs: with the same idempotency key, other
	// content is a conflict.
	Content string `json:"content"`

	Deadline time.Time `json:"deadline,omitzero"` // when the job fails if it has not ended; zero is none
	Trace    string    `json:"trace,omitempty"`   // W3C traceparent of the submission

	Parent string   `json:"parent,omitempty"` // of a shard: the job that it is a piece of
	Shard  []string `json:"shard,omitempty"`  // of a shard: the keys of the parts that it reads
	Shards []Shard  `json:"shards,omitempty"` // of a job that was split: written before the jobs of any of them are made

	CancelRequestedAt *time.Time         `json:"cancel_requested_at,omitempty"`
	History           []Attempt          `json:"history,omitempty"` // every attempt begun, the present one last
	Parts             []backend.Part     `json:"parts,omitempty"`   // checkpoints, each kept as a file before it is listed here
	Result            json.RawMessage    `json:"result,omitempty"`  // of a completed job
	Artifacts         []backend.Artifact `json:"artifacts,omitempty"`

	Unknown *Unknown `json:"-"` // what a later version wrote; see there
}

// Attempt is one try of a worker.
type Attempt struct {
	Number    int          `json:"number"` // from 1
	Worker    string       `json:"worker"`
	StartedAt time.Time    `json:"started_at"`
	EndedAt   *time.Time   `json:"ended_at,omitempty"`
	Fault     *fault.Fault `json:"fault,omitempty"` // why it ended without a result
	Error     string       `json:"error,omitempty"` // Fault's text
	// Released says that the worker was shut down in good order and gave the job back, or that the store did not answer: no failure of the job's.
	Released bool `json:"released,omitempty"`
}

// Seq is the number of the nth event of an attempt. Numbers count up within a job, whatever becomes of a
// worker or of events that were not yet on disk: a later attempt's are all higher. Events before the first
// attempt belong to attempt 0. They stay below 2^53, which JSON numbers carry exactly, up to attempt 2^21.
func Seq(attempt int, n uint32) uint64 { return uint64(attempt)<<32 | uint64(n) } //nolint:gosec // attempts count from 0

// Caller is on whose behalf the service acts: a key that was checked.
type Caller struct {
	Key     string   // its id
	Tenants []string // that it may touch; "*" is every one
}

// MayTouch says whether the caller may touch a tenant.
func (c Caller) MayTouch(tenant string) bool {
	for _, t := range c.Tenants {
		if t == "*" || strings.EqualFold(t, tenant) {
			return true
		}
	}
	return false
}
