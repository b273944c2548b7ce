// Package deployment runs deployments of templates as Resource Manager does: what depends on
// nothing at once, the rest when what it needs is there, each resource an operation. It keeps their
// history. What it deploys to is a Cloud.
package deployment

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

// Cloud is what resources are deployed to. Its methods may be called from many goroutines.
type Cloud interface {
	template.Host
	// Put writes a resource; stop is closed when nobody waits for it any more.
	Put(id, version string, body map[string]any, stop <-chan struct{}) (created bool, failure *Failure)
	// Delete removes a resource.
	Delete(id string) *Failure
	// InGroup lists the ids of the resources of the first level in a resource group.
	InGroup(subscription, group string) []string
	// Now is the time.
	Now() time.Time
}

// Failure is an error as answers have it.
type Failure struct {
	Status  int        `json:"-"`
	Code    string     `json:"code"`
	Target  string     `json:"target,omitempty"`
	Message string     `json:"message"`
	Details []*Failure `json:"details,omitempty"`
}

// The states of deployments and operations.
const (
	accepted  = "Accepted"
	running   = "Running"
	succeeded = "Succeeded"
	failed    = "Failed"
	cancelled = "Canceled"
)

// Deployment is one run of a deployment. Its fields are set before it runs and do not change.
type Deployment struct {
	ID, Name, Location, Mode, Correlation string
	Scope                                 template.Scope

	template *template.Template
	hash     string
	started  time.Time
	stop     chan struct{}
	done     chan struct{}

	mu         sync.Mutex
	state      string
	ended      time.Time
	outputs    map[string]any
	resources  []string // deployed
	failure    *Failure
	operations []*operation
	stopped    bool
}

// operation is what a deployment does with one resource. Its deployment's mu guards it.
type operation struct {
	id        string
	resource  *template.Resource // nil for the outputs
	kind      string
	state     string
	started   time.Time
	ended     time.Time
	status    int
	failure   *Failure
	requestID string
}

// New makes a deployment that has not begun of a checked template.
func New(t *template.Template, correlation string, now time.Time) *Deployment {
	return &Deployment{
		ID: t.Scope.ID() + "/providers/Microsoft.Resources/deployments/" + t.Name, Name: t.Name, Location: t.Location, Mode: canonicalMode(t.Mode),
		Correlation: correlation, Scope: t.Scope, template: t, hash: strconv.FormatUint(expression.Hash(t.Deployment.Template), 10), started: now,
		stop: make(chan struct{}), done: make(chan struct{}), state: accepted,
	}
}

func canonicalMode(mode string) string {
	if strings.EqualFold(mode, "Complete") {
		return "Complete"
	}
	return "Incremental"
}

// Active says whether the deployment has not ended.
func (d *Deployment) Active() bool {
	select {
	case <-d.done:
		return false
	default:
		return true
	}
}

// Started is when the deployment began.
func (d *Deployment) Started() time.Time { return d.started }

// Template is what is deployed, as it was sent.
func (d *Deployment) Template() map[string]any { return d.template.Deployment.Template }

// Cancel stops a deployment; false means that it has ended.
func (d *Deployment) Cancel() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.Active() {
		return false
	}
	if !d.stopped {
		d.stopped = true
		close(d.stop)
	}
	return true
}

// Status is the answer to a poll of the deployment's operation.
func (d *Deployment) Status() map[string]any {
	d.mu.Lock()
	defer d.mu.Unlock()
	status := map[string]any{"status": d.state}
	if d.failure != nil {
		status["error"] = d.failure
	}
	return status
}

// begin adds an operation.
func (d *Deployment) begin(r *template.Resource, kind string, now time.Time) *operation {
	d.mu.Lock()
	defer d.mu.Unlock()
	id := expression.GUID(d.ID, d.Correlation, kind, now.String())
	if r != nil {
		id = expression.GUID(d.ID, d.Correlation, kind, r.ID)
	}
	op := &operation{id: strings.ToUpper(strings.ReplaceAll(id, "-", ""))[:16], resource: r, kind: kind, state: running, started: now, requestID: id}
	d.operations = append(d.operations, op)
	return op
}

// end ends an operation; the failure is nil if it has succeeded.
func (d *Deployment) end(op *operation, status int, failure *Failure, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	op.ended, op.status, op.state = now, status, succeeded
	if failure != nil {
		op.status, op.state, op.failure = failure.Status, failed, failure
		if failure.Code == "ResourceDeploymentCanceled" {
			op.state = cancelled
		}
		return
	}
	if op.resource != nil && op.kind == "Create" {
		d.resources = append(d.resources, op.resource.ID)
	}
}

// fail makes a failure of an error of the template engine.
func fail(err error, target string) *Failure {
	failure := &Failure{Status: http.StatusBadRequest, Code: "InvalidTemplate", Target: target, Message: err.Error()}
	if refusal, ok := err.(*template.Error); ok { //nolint:errorlint // others wrap messages that must stay
		failure.Code, failure.Message = refusal.Code, refusal.Message
	}
	return failure
}
