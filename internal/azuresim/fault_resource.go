package azuresim

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// ResourceFault is what happens to some resources when they are written, by a deployment or a PUT.
type ResourceFault struct {
	// ID is a regular expression on the resource's id, in any case; Type is its type, in any case.
	// An empty one matches any.
	ID   string `json:"id,omitempty"`
	Type string `json:"type,omitempty"`
	// After lets so many matching writes through first; Times ends the fault after it has struck so
	// often, so that 1 lets a second try succeed.
	After int `json:"after,omitempty"`
	Times int `json:"times,omitempty"`
	// Kind chooses an error as Azure words it: quota, sku, taken, policy, conflict, or fail for one that
	// the provider reports of its own. Empty is no error.
	Kind string `json:"kind,omitempty"`
	// Preflight makes it known beforehand: deployments with such a resource, and their validations, are
	// refused as a whole, however often. After, Times and Takes are of no use then.
	Preflight bool `json:"preflight,omitempty"`
	// Status, Code and Message replace those of the kind.
	Status  int    `json:"status,omitempty"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// Takes is how long the write takes before it succeeds or fails.
	Takes Duration `json:"takes,omitempty"`
}

type resourceRule struct {
	ResourceFault
	id         *regexp.Regexp
	seen, hits int
}

// kinds are the errors of providers.
// https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors
var kinds = map[string]struct {
	status        int
	code, message string // %s is the name of the resource
}{
	"fail": {http.StatusConflict, "ResourceDeploymentFailure", "The resource write operation failed to complete successfully, because it reached terminal provisioning state 'Failed'. (%s)"},
	"quota": {http.StatusConflict, "QuotaExceeded",
		"Operation could not be completed as it results in exceeding approved Total Regional Cores quota. Additional details - Deployment Model: Resource Manager, Location: westeurope, Current Limit: 10, Current Usage: 10, Additional Required: 4, (Minimum) New Limit Required: 14. Resource: %s."},
	"sku": {http.StatusConflict, "SkuNotAvailable",
		"The requested VM size for resource '%s' is currently not available in location 'westeurope'. Please try another size or deploy to a different location or different zone. See https://aka.ms/azureskunotavailable for details."},
	"taken":    {http.StatusConflict, "StorageAccountAlreadyTaken", "The storage account named %s is already taken."},
	"policy":   {http.StatusForbidden, "RequestDisallowedByPolicy", "Resource '%s' was disallowed by policy. Policy identifiers: '[{\"policyAssignment\":{\"name\":\"Allowed locations\"}}]'."},
	"conflict": {http.StatusConflict, "AnotherOperationInProgress", "Another operation on this or dependent resource '%s' is in progress. Please try again later."},
}

func newResourceRules(faults []ResourceFault) ([]*resourceRule, error) {
	var rules []*resourceRule
	for _, fault := range faults {
		id, err := regexp.Compile("(?i)" + fault.ID)
		if err != nil {
			return nil, fmt.Errorf("the id of a fault of resources: %w", err)
		}
		if _, ok := kinds[fault.Kind]; !ok && fault.Kind != "" {
			return nil, fmt.Errorf("a fault of resources of kind %q: it is none of fail, quota, sku, taken, policy and conflict", fault.Kind)
		}
		if fault.Kind == "" && fault.Status == 0 && fault.Takes <= 0 {
			return nil, fmt.Errorf("a fault of resources does nothing: it needs kind, status or takes")
		}
		if fault.Preflight && (fault.After != 0 || fault.Times != 0 || fault.Takes != 0 || fault.Kind == "" && fault.Status == 0) {
			return nil, fmt.Errorf("a fault of resources that is known beforehand needs kind or status, and has no after, times and takes")
		}
		rules = append(rules, &resourceRule{ResourceFault: fault, id: id})
	}
	return rules, nil
}

// strikeResource holds a write up and makes it fail, as faults ask for it.
func (s *Server) strikeResource(id, typ string, stop <-chan struct{}) *armError {
	wait, failure := s.faults.strikeResource(id, typ)
	if wait += time.Duration(s.Settings().WriteTime); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-stop:
			return canceled(id)
		case <-s.faults.closed:
			return canceled(id)
		}
	}
	return failure
}

func canceled(id string) *armError {
	return newARMError(http.StatusConflict, "ResourceDeploymentCanceled", fmt.Sprintf("The write of '%s' was canceled.", id))
}

func (f *faultInjector) strikeResource(id, typ string) (wait time.Duration, failure *armError) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.resources {
		if !r.id.MatchString(id) || r.Type != "" && !strings.EqualFold(r.Type, typ) {
			continue
		}
		r.seen++
		if r.seen <= r.After || r.Times > 0 && r.hits >= r.Times {
			continue
		}
		r.hits++
		wait = max(wait, time.Duration(r.Takes))
		if failure != nil || r.Kind == "" && r.Status == 0 {
			continue
		}
		failure = r.failure(id)
	}
	return wait, failure
}

// known is the fault of a resource that is known before it is written.
func (f *faultInjector) known(id, typ string) *armError {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.resources {
		if r.Preflight && r.id.MatchString(id) && (r.Type == "" || strings.EqualFold(r.Type, typ)) {
			return r.failure(id)
		}
	}
	return nil
}

// failure is what a resource fails with.
func (r *resourceRule) failure(id string) *armError {
	_, name := tenant.TypeOf(id)
	kind := kinds[r.Kind]
	if kind.status == 0 {
		kind.status, kind.code, kind.message = r.Status, "InternalServerError", "The provider failed to write '%s'."
	}
	failure := newARMError(kind.status, kind.code, fmt.Sprintf(kind.message, name))
	setOver(&failure.status, r.Status)
	setOver(&failure.Code, r.Code)
	setOver(&failure.Message, r.Message)
	failure.provider = true
	return failure
}

// setOver replaces a field by a value that is not zero.
func setOver[T comparable](field *T, value T) {
	var zero T
	if value != zero {
		*field = value
	}
}
