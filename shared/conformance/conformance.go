// Package conformance has the checks that any backend must pass. They are values, so that one list
// runs under go test, over a process boundary, and on a stranger's program (atg backend test).
//
// The checks submit small scans. A backend that cannot reach its cloud passes all the same, as long
// as its jobs fail as the contract says; a snapshot that a check made is deleted again.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// Check is one requirement of the contract.
type Check struct {
	Name        string          // area/what-it-checks
	Requirement string          // the sentence of the contract
	Feature     backend.Feature // the check applies where it is declared; empty applies always
	Run         func(ctx context.Context, s *Subject) error
}

// Section is where the requirement is explained: a page of the documentation and the heading in it.
func (c Check) Section() string {
	area, _, _ := strings.Cut(c.Name, "/")
	if special, ok := sections[c.Name]; ok {
		return page + special
	}
	return page + sections[area]
}

const page = "docs/backend-protocol.md#"

// sections are the headings of areas, and of the checks that belong to another one than their area.
var sections = map[string]string{
	"describe": "settings", "configure": "settings", "secrets": "settings", "capabilities": "features", "health": "health", "errors": "errors",
	"jobs": "jobs-and-events", "events": "jobs-and-events", "cancel": "jobs-and-events", "close": "from-start-to-end",
	"features": "features", "durable_jobs": "features", "list_jobs": "features", "batch": "features", "inputs": "features", "artifacts": "features", "snapshots": "features",
	"generate-iac": "features", "parts": "features", "shards": "features", "budget": "features",
	"versions": "versions", "messages": "services", "messages/long-names": "errors",
	"process": "from-start-to-end", "process/handshake": "the-handshake",
}

// Subject is the backend under test.
type Subject struct {
	// Start makes another instance, not configured, and a function that ends it.
	Start func(ctx context.Context) (b backend.Backend, stop func(), err error)
	// Settings configure it.
	Settings backend.Settings
	// Scan is the request that the checks submit; keep it small (ResourceLimit).
	Scan backend.ScanRequest
	// Patience bounds each check; 0 is a minute.
	Patience time.Duration
	// Program is the program that Start starts, for the checks of processes, versions and logs; nil leaves these out.
	Program *Program
	// Only chooses the checks that run; nil is all.
	Only func(Check) bool

	configured backend.Backend // shared by the checks that change nothing
	stop       func()
	can        backend.Capabilities
	finished   *finishedJob
	made       []string // snapshots to delete
}

// Outcome is what came of a check.
type Outcome struct {
	Check   Check
	Err     error  // nil has passed, unless Skipped
	Skipped string // why the check does not apply
	Took    time.Duration
}

// Checks are all checks, in the order in which they run.
func Checks() []Check {
	var all []Check
	for _, area := range [][]Check{
		describeChecks, secretChecks, jobChecks, eventChecks, cancelChecks, featureChecks, snapshotChecks, generateChecks, partChecks, shardChecks,
		versionChecks, endChecks, processChecks,
	} {
		all = append(all, area...)
	}
	return all
}

// Run runs every check and reports each outcome as it comes. The error says that the backend could
// not even be started and configured; no check has run then.
func Run(ctx context.Context, s *Subject, report func(Outcome)) ([]Outcome, error) {
	if s.Patience == 0 {
		s.Patience = time.Minute
	}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	defer s.close(ctx)

	var outcomes []Outcome
	for _, c := range Checks() {
		if s.Only != nil && !s.Only(c) {
			continue
		}
		o := s.run(ctx, c)
		outcomes = append(outcomes, o)
		report(o)
		if ctx.Err() != nil {
			return outcomes, context.Cause(ctx)
		}
	}
	return outcomes, nil
}

func (s *Subject) run(ctx context.Context, c Check) (o Outcome) {
	o.Check = c
	if c.Feature != "" && !s.can.Has(c.Feature) {
		o.Skipped = fmt.Sprintf("the backend does not declare %s", c.Feature)
		return o
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, s.Patience)
	defer cancel()
	defer func() {
		o.Took = time.Since(began)
		if p := recover(); p != nil {
			o.Err = fmt.Errorf("the check panicked: %v\n%s", p, debug.Stack())
		}
		if skip := (skipped{}); errors.As(o.Err, &skip) {
			o.Err, o.Skipped = nil, skip.why
		}
	}()
	o.Err = c.Run(ctx, s)
	return o
}

// skipped is what a check returns that found that it does not apply.
type skipped struct{ why string }

func (s skipped) Error() string { return s.why }

func (s *Subject) open(ctx context.Context) error {
	b, stop, err := s.Start(ctx)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if _, err := b.Describe(ctx); err != nil {
		stop()
		return fmt.Errorf("describe: %w", err)
	}
	if err := b.Configure(ctx, s.Settings); err != nil {
		stop()
		return fmt.Errorf("configure: %w", err)
	}
	can, err := b.Capabilities(ctx)
	if err != nil {
		stop()
		return fmt.Errorf("capabilities: %w", err)
	}
	s.configured, s.stop, s.can = b, stop, can
	return nil
}

func (s *Subject) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Patience)
	defer cancel()
	if store, ok := s.configured.(backend.SnapshotStore); ok {
		for _, id := range s.made {
			_ = store.DeleteSnapshot(ctx, id)
		}
	}
	_ = s.configured.Close(ctx)
	s.stop()
}

// fresh starts an instance for one check alone.
func (s *Subject) fresh(ctx context.Context, configure bool, use func(backend.Backend) error) error {
	b, stop, err := s.Start(ctx)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	defer stop()
	if configure {
		if err := b.Configure(ctx, s.Settings); err != nil {
			return fmt.Errorf("configure: %w", err)
		}
	}
	return use(b)
}

// submit starts the subject's scan.
func (s *Subject) submit(ctx context.Context, key string) (backend.JobStatusResponse, error) {
	if !s.can.Can(backend.OpScan) {
		return backend.JobStatusResponse{}, skipped{"the backend does not scan"}
	}
	request := s.Scan
	job, err := s.configured.Submit(ctx, backend.Submission{Request: &request, IdempotencyKey: key})
	if err != nil {
		return job, fmt.Errorf("submit: %w", err)
	}
	return job, nil
}

// finishedJob is a job that ran to its end, with its events as they came.
type finishedJob struct {
	submitted backend.JobStatusResponse
	events    []backend.Event
	result    backend.Result // nil unless completed
	resultErr error
}

func (f finishedJob) end() backend.JobStatusResponse { return *f.events[len(f.events)-1].Status }

// job runs the subject's scan once; the checks share it.
func (s *Subject) job(ctx context.Context) (finishedJob, error) {
	if s.finished != nil {
		return *s.finished, nil
	}
	submitted, err := s.submit(ctx, "")
	if err != nil {
		return finishedJob{}, err
	}
	events, err := s.watch(ctx, submitted.JobID, 0)
	if err != nil {
		return finishedJob{}, fmt.Errorf("watch: %w", err)
	}
	if len(events) == 0 || !events[len(events)-1].Terminal() {
		return finishedJob{}, errors.New("WatchJob ended without an error before the terminal event")
	}
	f := finishedJob{submitted: submitted, events: events}
	f.result, f.resultErr = s.configured.GetResult(ctx, submitted.JobID)
	if scan, ok := f.result.(*backend.ScanResult); ok && scan.Snapshot != nil {
		s.made = append(s.made, scan.Snapshot.ID)
	}
	s.finished = &f
	return f, nil
}

func (s *Subject) watch(ctx context.Context, id string, after uint64) ([]backend.Event, error) {
	var events []backend.Event
	err := s.configured.WatchJob(ctx, id, after, func(e backend.Event) error {
		events = append(events, e)
		return nil
	})
	return events, err
}
