// Package create deploys a written specification: it plans what to create and to change, deploys exactly a plan that was confirmed, and
// removes again what one deployment created. docs/create-tenant.md describes it.
package create

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/discovery"
	"github.com/azure-tenant-grapher/atg/plugins/local/heap"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Creator deploys specifications. It is for concurrent use.
type Creator struct {
	Azure    *azure.Client
	Getenv   func(string) string // where secrets come from; nil is os.Getenv
	Parallel int                 // reads and deployments at once; 0 is 16
	Poll     time.Duration       // how soon to look again at what Azure does, where it does not say; 0 is soon at first, then every five seconds
}

// Input is what a specification says beside its rows.
type Input struct {
	People   *people                            // who is no resource
	Names    map[string][]*person               // those of them who are not there yet and whom a resource names, by its id in lower case
	After    map[string][]string                // ids that a resource waits for beside those that it refers to, by its id in lower case
	Existing []string                           // ids of resource groups that have to be there
	At       func(id string) (line, column int) // where the specification has what has an id; 0 is unknown
}

// Reporter hears how the work goes. *runner.Job is one.
type Reporter interface {
	Progress(backend.Progress)
	Overall(fraction float64)
	Log(level backend.LogLevel, format string, args ...any)
	SignIn(backend.SignIn)
	Tenant(id string)
}

// Task is one run.
type Task struct {
	Request *backend.TenantCreationRequest
	Job     string // the id by which people know the job: deployments are named after it
	Spec    string // the file; empty where the request is a rollback
	WorkDir string // for temporary files, which hold no secrets
	Report  Reporter
}

// Check refuses a request that cannot be done, before any connection.
func Check(r *backend.TenantCreationRequest) error {
	var problems []fault.Problem
	if r.TenantID != "" {
		if err := azure.CheckTenant(r.TenantID); err != nil {
			return err
		}
	}
	switch {
	case r.Rollback && keyOf(r.RollbackJob) == "":
		problems = append(problems, fault.Problem{Key: "rollback_job", Message: fmt.Sprintf("%q is no id of a job", r.RollbackJob)})
	case !r.Rollback && r.RollbackJob != "":
		problems = append(problems, fault.Problem{Key: "rollback_job", Message: "it needs rollback as well"})
	case !r.Rollback && r.Spec == "":
		problems = append(problems, fault.Problem{Key: "spec", Message: "the request names no specification"})
	}
	if !r.DryRun && r.PlanDigest == "" {
		problems = append(problems, fault.Problem{Key: "plan_digest", Message: "the digest of a plan is missing", Hint: "ask for the plan with dry_run first"})
	}
	if len(problems) > 0 {
		return fault.New(fault.InvalidArgument, "the request cannot be done", fault.Problems(problems...))
	}
	return nil
}

// heapPercent is how much garbage there may be for what is in use: a specification is whole in memory while it is read.
const heapPercent = 45

// Run plans, deploys, or removes, as the request says. A deployment of which parts failed succeeds as a job: its result tells what failed.
func (c *Creator) Run(ctx context.Context, t Task) (*backend.TenantCreationResult, error) {
	if err := Check(t.Request); err != nil {
		return nil, err
	}
	defer heap.Use{Percent: heapPercent}.Begin()()
	var parsed *spec.Spec
	if !t.Request.Rollback {
		var err error
		if parsed, err = parse(ctx, &t); err != nil {
			return nil, err
		}
	}
	r := &run{Creator: c, Task: t, began: time.Now(), since: time.Now()}
	ctx = azure.WithTrace(ctx, &azure.Trace{CorrelationID: newGUID(), Waiting: r.waiting, SignIn: func(s azure.SignIn) {
		t.Report.SignIn(backend.SignIn{URL: s.URL, Code: s.Code, ExpiresAt: s.ExpiresAt})
	}})
	var err error
	var found azure.Tenant
	if r.session, found, err = discovery.ResolveTenant(ctx, c.Azure, t.Request.TenantID); err != nil {
		return nil, err
	}
	r.tenant = found.ID
	t.Report.Tenant(found.ID)
	if r.subscriptions, err = r.session.Subscriptions(ctx); err != nil {
		return nil, err
	}
	var result *backend.TenantCreationResult
	if t.Request.Rollback {
		result, err = r.rollback(ctx)
	} else {
		result, err = r.create(ctx, parsed)
	}
	if err != nil {
		return nil, err
	}
	result.DurationSeconds = time.Since(r.began).Seconds()
	result.DeploymentLogs = r.logs
	if more := len(r.logs) - maxLines; more > 0 {
		result.DeploymentLogs = append(slices.Clone(r.logs[:maxLines]), fmt.Sprintf("and %d more lines, which are in the job's log", more))
	}
	result.Failures = result.Failures[:min(len(result.Failures), maxLines)]
	return result, nil
}

// maxLines is how many failures, and how many lines of its log, a result holds: a job of the service keeps it in its record.
const maxLines = backend.MaxOmitted

// The phases.
const (
	phaseFind   = "looking for the job"
	phasePlan   = "planning"
	phaseDeploy = "deploying"
	phaseRemove = "removing"
	// Those of Microsoft Entra.
	phaseDirectory = "looking for identities"
	phasePeople    = "making identities"
	// phasePreflight is when Azure looks at what it would have to deploy.
	phasePreflight = "asking Azure beforehand"
)

// run is one run at work.
type run struct {
	*Creator
	Task
	began         time.Time
	since         time.Time // what this job has made is not older
	session       *azure.Session
	tenant        string
	subscriptions []azure.Subscription

	mu    sync.Mutex
	phase backend.Progress
	logs  []string
}

func (r *run) parallel() int {
	if r.Parallel > 0 {
		return r.Parallel
	}
	return 16
}

// looks are how soon to look again: first, and at most.
func (r *run) looks() (first, most time.Duration) {
	if r.Poll > 0 {
		return r.Poll, r.Poll
	}
	return pollFirst, pollEvery
}

func (r *run) getenv(name string) string {
	if r.Getenv != nil {
		return r.Getenv(name)
	}
	return os.Getenv(name)
}

// begin begins a phase of so many resources.
func (r *run) begin(phase string, total int) { r.beginWith(phase, total, "resources") }

// beginWith begins a phase of so many units.
func (r *run) beginWith(phase string, total int, unit string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.phase = backend.Progress{Phase: phase, Total: int64(total), Unit: unit}
	r.Report.Progress(r.phase)
}

// done says how far the phase is.
func (r *run) done(n int, message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moved(int64(n), message)
}

// step moves the phase by one.
func (r *run) step() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moved(r.phase.Done+1, "")
}

// planningShare is how much of a deployment's time its plan is thought to take.
const planningShare = 0.1

// moved says how far the phase is, and with it the whole. The caller holds mu.
func (r *run) moved(n int64, message string) {
	r.phase.Done, r.phase.Message = n, message
	r.Report.Progress(r.phase)
	if r.phase.Total == 0 {
		return
	}
	part := float64(n) / float64(r.phase.Total)
	switch {
	case r.phase.Phase == phasePreflight, r.phase.Phase == phaseDirectory, r.phase.Phase == phasePeople: // how often Azure is asked is not known beforehand
		return
	case r.Request.DryRun:
	case r.phase.Phase == phasePlan:
		part *= planningShare
	default:
		part = planningShare + part*(1-planningShare)
	}
	r.Report.Overall(part)
}

// waiting says that calls wait for Azure.
func (r *run) waiting(w azure.Wait) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.phase
	p.Message = fmt.Sprintf("%s, waiting %s", w.Reason, w.For.Round(time.Second))
	r.Report.Progress(p)
}

// log adds a line to the deployment's log, and tells it.
func (r *run) log(level backend.LogLevel, format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	r.mu.Lock()
	r.logs = append(r.logs, line)
	r.mu.Unlock()
	r.Report.Log(level, "%s", line)
}

// newGUID makes a random GUID.
func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
