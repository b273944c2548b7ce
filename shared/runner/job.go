package runner

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Job is a job at work: what was asked for, and where to tell how it goes. Its methods may be called
// from several goroutines; none of them ever waits for a reader of events.
type Job struct {
	id         string
	submission backend.Submission
	runner     *Runner
	cancel     context.CancelCauseFunc
	done       chan struct{} // closed in a terminal state
	events     eventLog

	mu     sync.Mutex
	state  backend.JobStatusResponse
	result backend.Result

	described sync.Mutex
	artifacts []backend.Artifact // nil until somebody asked for them
}

func newJob(r *Runner, id string, s backend.Submission, cancel context.CancelCauseFunc) *Job {
	j := &Job{id: id, submission: s, runner: r, cancel: cancel, done: make(chan struct{})}
	j.events.init(r.now)
	j.state = backend.JobStatusResponse{
		JobID: id, Operation: s.Request.Operation(), TenantID: s.Request.Tenant(),
		Status: backend.JobPending, Attempt: 1, CreatedAt: r.now().UTC(),
	}
	j.announce()
	return j
}

// newID makes an identifier that cannot be guessed.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// ID is the job's identifier.
func (j *Job) ID() string { return j.id }

// Submission is what was asked for.
func (j *Job) Submission() backend.Submission { return j.submission }

// Progress tells how far a phase is. A reader that is slow sees the latest of each phase.
func (j *Job) Progress(p backend.Progress) {
	j.mu.Lock()
	j.state.Phase = p.Phase
	j.mu.Unlock()
	j.events.add(backend.Event{Kind: backend.EventProgress, Progress: &p})
}

// Overall tells how far the whole job is, from 0 to 1.
func (j *Job) Overall(fraction float64) {
	fraction = min(max(fraction, 0), 1)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.state.Progress = &fraction
}

// Log tells people something. Debug lines belong into the process's own log rather than here.
func (j *Job) Log(level backend.LogLevel, format string, args ...any) {
	j.events.add(backend.Event{Kind: backend.EventLog, Log: &backend.Log{Level: level, Message: fmt.Sprintf(format, args...)}})
}

// Part announces a checkpoint, whose file is complete and durable.
func (j *Job) Part(p backend.Part) {
	j.events.add(backend.Event{Kind: backend.EventPart, Part: &p})
}

// Tenant says which tenant the job has found, where the request names none, or by another name.
func (j *Job) Tenant(id string) {
	j.mu.Lock()
	known := j.state.TenantID == id
	j.state.TenantID = id
	j.mu.Unlock()
	if !known {
		j.announce()
	}
}

// SignIn asks the person at the terminal to sign in.
func (j *Job) SignIn(s backend.SignIn) {
	j.events.add(backend.Event{Kind: backend.EventSignIn, SignIn: &s})
}

func (j *Job) status() backend.JobStatusResponse {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state
}

// announce tells the watchers the present state.
func (j *Job) announce() {
	s := j.status()
	j.events.add(backend.Event{Kind: backend.EventStatus, Status: &s})
}

// start moves the job to running, unless it was cancelled while it was pending.
func (j *Job) start() bool {
	j.mu.Lock()
	if !j.state.Status.CanBecome(backend.JobRunning) {
		j.mu.Unlock()
		return false
	}
	now := j.runner.now().UTC()
	j.state.Status, j.state.StartedAt = backend.JobRunning, &now
	j.mu.Unlock()
	j.announce()
	return true
}

// finish moves the job to the terminal state that result and err call for.
func (j *Job) finish(result backend.Result, err error) {
	j.mu.Lock()
	now := j.runner.now().UTC()
	j.state.CompletedAt = &now
	switch {
	case err == nil:
		whole := 1.0
		j.state.Status, j.state.Progress, j.result = backend.JobCompleted, &whole, result
	case errors.Is(err, errCancelled):
		j.state.Status = backend.JobCancelled
		j.state.Fault = fault.New(fault.Cancelled, "the job was cancelled", fault.On(j.id))
	default:
		j.state.Status, j.state.Fault = backend.JobFailed, fault.Of(err)
	}
	if j.state.Fault != nil {
		j.state.Error = j.state.Fault.Error()
	}
	j.mu.Unlock()
	j.announce()
	close(j.done)
}

func (j *Job) outcome() (backend.Result, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state.Status == backend.JobCompleted {
		return j.result, nil
	}
	f := fault.New(fault.JobNotComplete, fmt.Sprintf("the job %s is %s and has no result", j.id, j.state.Status), fault.On(j.id))
	if j.state.Fault != nil {
		f.Cause = j.state.Fault
	}
	return nil, f
}
