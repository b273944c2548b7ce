package deployment

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// A scope keeps maxHistory deployments. Beyond trimFrom the oldest are deleted until trimTo are
// left, unless that is switched off.
// https://learn.microsoft.com/azure/azure-resource-manager/templates/deployment-history-deletions
const (
	maxHistory = 800
	trimFrom   = 700
	trimTo     = 600
)

// History are the deployments of all scopes.
type History struct {
	mu     sync.Mutex
	byID   map[string]*Deployment   // by lower-case id
	scopes map[string][]*Deployment // by lower-case id of the scope, the oldest first
	// Full keeps everything until a scope has maxHistory deployments, and then takes no more.
	full bool
}

// SetFull switches the deletion of old deployments off or on.
func (h *History) SetFull(full bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.full = full
}

// Take puts a deployment into the history in place of one of the same name, which must have ended
// and been at the same location. With dry it only says whether it would.
func (h *History) Take(d *Deployment, dry bool) *Failure {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byID == nil {
		h.byID, h.scopes = map[string]*Deployment{}, map[string][]*Deployment{}
	}
	key, scope := strings.ToLower(d.ID), strings.ToLower(d.Scope.ID())
	before := h.byID[key]
	switch {
	case before != nil && !strings.EqualFold(before.Location, d.Location):
		return &Failure{Status: http.StatusConflict, Code: "InvalidDeploymentLocation", Message: fmt.Sprintf(
			"Invalid deployment location '%s'. The deployment '%s' already exists in location '%s'.", d.Location, d.Name, before.Location)}
	case before != nil && before.Active():
		return &Failure{Status: http.StatusConflict, Code: "DeploymentActive", Message: fmt.Sprintf(
			"Unable to edit or replace deployment '%s': previous deployment from '%s' is still active (expiration time is '%s'). Please see https://aka.ms/arm-deploy for usage details.",
			d.Name, before.started.UTC().Format("1/2/2006 3:04:05 PM"), before.started.AddDate(0, 0, 7).UTC().Format("1/2/2006 3:04:05 PM"))}
	case before == nil && len(h.scopes[scope]) >= maxHistory:
		return &Failure{Status: http.StatusConflict, Code: "DeploymentQuotaExceeded", Message: fmt.Sprintf(
			"Creating the deployment '%s' would exceed the quota of '%d'. The current deployment count is '%d', please delete some deployments before creating a new one. Please see https://aka.ms/arm-deploy for usage details.",
			d.Name, maxHistory, len(h.scopes[scope]))}
	case dry:
		return nil
	}
	h.drop(before)
	h.byID[key] = d
	h.scopes[scope] = append(h.scopes[scope], d)
	if len(h.scopes[scope]) > trimFrom && !h.full {
		for _, old := range slices.Clone(h.scopes[scope]) {
			if len(h.scopes[scope]) <= trimTo {
				break
			}
			if !old.Active() {
				h.drop(old)
			}
		}
	}
	return nil
}

// drop takes a deployment out; nil is none.
func (h *History) drop(d *Deployment) {
	if d == nil {
		return
	}
	delete(h.byID, strings.ToLower(d.ID))
	scope := strings.ToLower(d.Scope.ID())
	h.scopes[scope] = slices.DeleteFunc(slices.Clone(h.scopes[scope]), func(other *Deployment) bool { return other == d })
}

// Find returns a deployment by its id, in any case.
func (h *History) Find(id string) (*Deployment, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d, ok := h.byID[strings.ToLower(id)]
	return d, ok
}

// In lists the deployments of a scope, the newest first.
func (h *History) In(scope string) []*Deployment {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := slices.Clone(h.scopes[strings.ToLower(scope)])
	slices.Reverse(list)
	return list
}

// Remove deletes a deployment from the history, not what it has deployed.
func (h *History) Remove(d *Deployment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(d)
}

// Forget deletes the history of a scope.
func (h *History) Forget(scope string) {
	for _, d := range h.In(scope) {
		h.Remove(d)
	}
}

func (h *History) all() []*Deployment {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]*Deployment, 0, len(h.byID))
	for _, d := range h.byID {
		list = append(list, d)
	}
	return list
}
