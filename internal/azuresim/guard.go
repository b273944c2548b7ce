package azuresim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// guards are what stands in the way of writes: locks, and the role assignments that are there.
// They are found once, and kept with each write; another tenant makes them be found again.
type guards struct {
	mu          sync.Mutex
	of          *tenant.Tenant
	locks       map[string]string // level by lower-case id
	assignments map[string]string // id by scope, role and principal
}

const (
	lockType       = "/providers/microsoft.authorization/locks/"
	assignmentType = "/providers/microsoft.authorization/roleassignments/"
)

// find reads the guards of a tenant unless they are known.
func (g *guards) find(t *tenant.Tenant) {
	if g.of == t {
		return
	}
	g.of, g.locks, g.assignments = t, map[string]string{}, map[string]string{}
	scopes := []string{""}
	for _, s := range t.Subscriptions {
		scopes = append(scopes, s.ID)
	}
	for _, subscription := range scopes {
		for row := range t.Rows(subscription, "") {
			switch row.Type() {
			case "microsoft.authorization/locks", "microsoft.authorization/roleassignments":
				var properties map[string]any
				if err := json.Unmarshal(row.JSON("properties"), &properties); err == nil {
					g.note(row.ID(), properties)
				}
			}
		}
	}
}

func (g *guards) note(id string, properties map[string]any) {
	lower := strings.ToLower(id)
	switch {
	case strings.Contains(lower, lockType):
		level, _ := properties["level"].(string)
		g.locks[lower] = level
	case strings.Contains(lower, assignmentType):
		g.assignments[assignmentKey(lower, properties)] = lower
	}
}

// assignmentKey is what only one role assignment can have: scope, role and principal.
func assignmentKey(lower string, properties map[string]any) string {
	role := strings.ToLower(fmt.Sprint(properties["roleDefinitionId"]))
	return lower[:strings.LastIndex(lower, assignmentType)] + "|" + role[strings.LastIndexByte(role, '/')+1:] + "|" + strings.ToLower(fmt.Sprint(properties["principalId"]))
}

// written notes what has been written into the tenant next.
func (g *guards) written(id string, made map[string]any, next *tenant.Tenant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if properties, ok := made["properties"].(map[string]any); ok {
		g.note(id, properties)
	}
	g.of = next
}

// moved says that a tenant has the same guards as the one before.
func (g *guards) moved(next *tenant.Tenant) { g.written("", nil, next) }

func (g *guards) removed(deleted []string, next *tenant.Tenant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range deleted {
		lower := strings.ToLower(id)
		delete(g.locks, lower)
		if strings.Contains(lower, assignmentType) {
			for key, known := range g.assignments {
				if known == lower {
					delete(g.assignments, key)
				}
			}
		}
	}
	g.of = next
}

// checkLocks refuses a write or a delete that a lock forbids: a read-only one at the scope or above
// it both, one against deletion a delete, and a delete of something above too. The caller holds
// s.writes. Locks themselves can always be changed.
// https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources
func (s *Server) checkLocks(id, operation string) *armError {
	g := &s.guards
	g.mu.Lock()
	defer g.mu.Unlock()
	g.find(s.Tenant())
	lower := strings.ToLower(id)
	if strings.Contains(lower, lockType) {
		return nil
	}
	var held []string
	for lock, level := range g.locks {
		scope, _, _ := strings.Cut(lock, lockType)
		above := lower == scope || strings.HasPrefix(lower, scope+"/")
		below := operation == "delete" && strings.HasPrefix(scope, lower+"/")
		if readOnly := strings.EqualFold(level, "ReadOnly"); above && (readOnly || operation == "delete") || below {
			held = append(held, scope)
		}
	}
	if len(held) == 0 {
		return nil
	}
	slices.Sort(held)
	return newARMError(http.StatusConflict, "ScopeLocked", fmt.Sprintf(
		"The scope '%s' cannot perform %s operation because following scope(s) are locked: '%s'. Please remove the lock and try again.",
		id, operation, strings.Join(slices.Compact(held), ",")))
}

// checkAssignment refuses a role assignment that is there under another name.
func (s *Server) checkAssignment(id string, made map[string]any) *armError {
	lower := strings.ToLower(id)
	properties, ok := made["properties"].(map[string]any)
	if !ok || !strings.Contains(lower, assignmentType) {
		return nil
	}
	s.guards.mu.Lock()
	defer s.guards.mu.Unlock()
	s.guards.find(s.Tenant())
	if other, ok := s.guards.assignments[assignmentKey(lower, properties)]; ok && other != lower {
		failure := newARMError(http.StatusConflict, "RoleAssignmentExists", fmt.Sprintf(
			"The role assignment already exists. The ID of the existing role assignment is %s.", strings.ReplaceAll(other[strings.LastIndexByte(other, '/')+1:], "-", "")))
		failure.provider = true
		return failure
	}
	if before, ok := s.lookup(id); ok {
		known, _ := before["properties"].(map[string]any)
		if assignmentKey(lower, known) != assignmentKey(lower, properties) {
			failure := newARMError(http.StatusBadRequest, "RoleAssignmentUpdateNotPermitted", "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.")
			failure.provider = true
			return failure
		}
	}
	return nil
}
