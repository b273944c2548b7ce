package deployment

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template"
)

// atOnce is how many resources of all deployments are written at once.
const atOnce = 32

// Runner runs deployments and keeps their history.
type Runner struct {
	History
	slots chan struct{}
	group sync.WaitGroup
}

// NewRunner makes a runner without history.
func NewRunner() *Runner { return &Runner{slots: make(chan struct{}, atOnce)} }

// Start runs a deployment that the history has taken, and returns at once.
func (r *Runner) Start(d *Deployment, cloud Cloud) {
	r.group.Add(1)
	go func() {
		defer r.group.Done()
		r.run(d, cloud)
	}()
}

// Stop cancels what runs and waits for its end.
func (r *Runner) Stop() {
	for _, d := range r.all() {
		d.Cancel()
	}
	r.group.Wait()
}

// run deploys everything, and ends the deployment.
func (r *Runner) run(d *Deployment, cloud Cloud) {
	d.mu.Lock()
	d.state = running
	d.mu.Unlock()
	failures := r.resources(d, cloud)
	if len(failures) == 0 && d.Mode == "Complete" && !d.isStopped() {
		failures = r.clean(d, cloud)
	}
	var outputs map[string]any
	if len(failures) == 0 && !d.isStopped() {
		op := d.begin(nil, "EvaluateDeploymentOutput", cloud.Now())
		made, err := d.template.Outputs()
		var failure *Failure
		if err != nil {
			failure = fail(err, "")
			failures = append(failures, failure)
		}
		outputs = made
		d.end(op, http.StatusOK, failure, cloud.Now())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended, d.state = cloud.Now(), succeeded
	switch {
	case d.stopped:
		d.state = cancelled
		d.failure = &Failure{Code: "DeploymentCanceled", Target: d.ID, Message: "The deployment has been canceled."}
	case len(failures) > 0:
		d.state = failed
		d.failure = &Failure{Code: "DeploymentFailed", Target: d.ID, Details: failures, Message: "At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details."}
	default:
		d.outputs = outputs
	}
	close(d.done)
}

func (d *Deployment) isStopped() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stopped
}

// resources deploys the resources in the order of their dependencies. One that fails keeps those
// that need it from being deployed, and no others.
func (r *Runner) resources(d *Deployment, cloud Cloud) []*Failure {
	var mu sync.Mutex
	var failures []*Failure
	lost := map[*template.Resource]bool{}
	finished := map[*template.Resource]chan struct{}{}
	for _, resource := range d.template.Resources {
		finished[resource] = make(chan struct{})
	}
	var group sync.WaitGroup
	for _, resource := range d.template.Resources {
		group.Go(func() {
			defer close(finished[resource])
			blocked := false
			for _, other := range resource.DependsOn {
				<-finished[other]
				mu.Lock()
				blocked = blocked || lost[other]
				mu.Unlock()
			}
			var failure *Failure
			if !blocked && !d.isStopped() && resource.Deployed() {
				failure = r.resource(d, resource, cloud)
			}
			mu.Lock()
			defer mu.Unlock()
			if failure != nil {
				failures = append(failures, failure)
			}
			lost[resource] = blocked || failure != nil
		})
	}
	group.Wait()
	slices.SortFunc(failures, func(a, b *Failure) int { return strings.Compare(a.Target, b.Target) })
	return failures
}

// resource deploys one resource.
func (r *Runner) resource(d *Deployment, resource *template.Resource, cloud Cloud) *Failure {
	kind := "Create"
	if resource.Existing {
		kind = "Read"
	}
	op := d.begin(resource, kind, cloud.Now())
	status, failure := http.StatusOK, (*Failure)(nil)
	switch {
	case resource.Existing:
		if _, err := cloud.Resource(resource.ID, resource.APIVersion); err != nil {
			failure = fail(err, resource.ID)
			failure.Status = http.StatusNotFound
		}
	case resource.IsDeployment():
		failure = r.nested(d, resource, cloud)
	default:
		r.slots <- struct{}{}
		status, failure = write(d, resource, cloud)
		<-r.slots
	}
	if failure != nil && failure.Target == "" {
		failure.Target = resource.ID
	}
	d.end(op, status, failure, cloud.Now())
	return failure
}

func write(d *Deployment, resource *template.Resource, cloud Cloud) (int, *Failure) {
	body, err := resource.Body()
	if err != nil {
		return 0, fail(err, resource.ID)
	}
	created, failure := cloud.Put(resource.ID, resource.APIVersion, body, d.stop)
	if failure == nil && created {
		return http.StatusCreated, nil
	}
	return http.StatusOK, failure
}

// nested runs a nested deployment to its end.
func (r *Runner) nested(parent *Deployment, resource *template.Resource, cloud Cloud) *Failure {
	definition, err := resource.Nested(true)
	if err != nil {
		return fail(err, resource.ID)
	}
	loaded, err := template.Load(definition, cloud)
	if err != nil {
		return fail(err, resource.ID)
	}
	if failure := CheckScope(cloud, loaded.Scope); failure != nil {
		return failure
	}
	child := New(loaded, parent.Correlation, cloud.Now())
	if failure := r.Take(child, false); failure != nil {
		return failure
	}
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-parent.stop:
			child.Cancel()
		case <-ended:
		}
	}()
	r.run(child, cloud)
	child.mu.Lock()
	defer child.mu.Unlock()
	switch child.state {
	case succeeded:
		return nil
	case cancelled:
		return &Failure{Status: http.StatusConflict, Code: "ResourceDeploymentCanceled", Target: child.ID, Message: "The nested deployment has been canceled."}
	}
	return &Failure{
		Status: http.StatusConflict, Code: "ResourceDeploymentFailure", Target: child.ID, Details: []*Failure{child.failure},
		Message: "The resource write operation failed to complete successfully, because it reached terminal provisioning state 'Failed'.",
	}
}

// CheckScope refuses scopes that do not exist.
func CheckScope(cloud template.Host, scope template.Scope) *Failure {
	if scope.Subscription != "" {
		if _, ok := cloud.Subscription(scope.Subscription); !ok {
			return &Failure{Status: http.StatusNotFound, Code: "SubscriptionNotFound", Message: "The subscription '" + scope.Subscription + "' could not be found."}
		}
	}
	if scope.Group != "" {
		if _, ok := cloud.Group(scope.Subscription, scope.Group); !ok {
			return &Failure{Status: http.StatusNotFound, Code: "ResourceGroupNotFound", Message: "Resource group '" + scope.Group + "' could not be found."}
		}
	}
	if scope.ManagementGroup != "" {
		if _, ok := cloud.ManagementGroup(scope.ManagementGroup); !ok {
			return &Failure{Status: http.StatusNotFound, Code: "ManagementGroupNotFound", Message: "The management group '" + scope.ManagementGroup + "' could not be found."}
		}
	}
	return nil
}

// clean deletes what a deployment in the mode Complete does not have.
func (r *Runner) clean(d *Deployment, cloud Cloud) []*Failure {
	kept := map[string]bool{}
	for _, resource := range d.template.Resources {
		if resource.Deployed() {
			kept[strings.ToLower(resource.ID)] = true
		}
	}
	var failures []*Failure
	for _, id := range cloud.InGroup(d.Scope.Subscription, d.Scope.Group) {
		if kept[strings.ToLower(id)] {
			continue
		}
		if failure := cloud.Delete(id); failure != nil {
			failure.Target = id
			failures = append(failures, failure)
		}
	}
	return failures
}
