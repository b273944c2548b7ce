package azuresim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// putGroup stores a resource group.
// https://learn.microsoft.com/rest/api/resources/resource-groups/create-or-update
func (s *Server) putGroup(c *call, body map[string]any) (json.RawMessage, bool, *armError) {
	s.writes.Lock()
	defer s.writes.Unlock()
	location, failure := s.checkGroup(c, body)
	if failure != nil {
		return nil, false, failure
	}
	id := "/subscriptions/" + c.segments[1] + "/resourceGroups/" + c.segments[3]
	if failure := s.checkLocks(id, "write"); failure != nil {
		return nil, false, failure
	}
	row, existed := s.Tenant().Group(c.lower[1], c.lower[3])
	if existed {
		id = row.ID()
	}
	members := map[string]any{"location": location, "properties": map[string]any{"provisioningState": "Succeeded"}}
	for member, value := range body {
		switch strings.ToLower(member) {
		case "tags", "managedby":
			members[member] = value
		}
	}
	next, err := s.Tenant().Put(tenant.Resource{ID: id, Members: members})
	if err != nil {
		return nil, false, newARMError(http.StatusInternalServerError, "InternalServerError", err.Error())
	}
	s.guards.moved(next)
	s.setTenant(next)
	row, _ = next.Group(c.lower[1], c.lower[3])
	return groupBody(row), !existed, nil
}

// resourceDelete answers DELETE: 200 or 204 for a resource, 202 for a resource group, which is gone
// at once but whose operation may take a while.
func (s *Server) resourceDelete(w http.ResponseWriter, r *http.Request, c *call) *armError {
	if failure := s.checkScope(c, "delete"); failure != nil {
		return failure
	}
	id := c.path()
	isGroup := tenant.IsGroup(id)
	if isGroup {
		if _, ok := s.Tenant().Group(c.lower[1], c.lower[3]); !ok {
			return groupNotFound(c.segments[3])
		}
	} else {
		t, ok := parseTarget(c)
		if !ok || t.collection {
			return methodNotAllowed(r)
		}
		if failure := s.checkWriteType(t.typ, c.version); failure != nil {
			return failure
		}
	}
	existed, failure := s.remove(id)
	switch {
	case failure != nil:
		return failure
	case isGroup:
		s.accept(w, r, c, s.operations.add(acceptedOperation{at: s.config.Now().Add(time.Duration(s.Settings().DeleteTime))}))
	case existed:
		w.WriteHeader(http.StatusOK)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
	return nil
}

// remove deletes what is at an id and below it.
func (s *Server) remove(id string) (existed bool, failure *armError) {
	s.writes.Lock()
	defer s.writes.Unlock()
	if failure := s.checkLocks(id, "delete"); failure != nil {
		return false, failure
	}
	next := s.Tenant()
	if t, ok := parseTarget(callOf(id, "", nil)); ok {
		if parent, ok := s.embeds(t); ok {
			var err error
			next, err = changeWithin(next, parent, t, func(list []any) []any {
				kept := []any{}
				for _, item := range list {
					if other, ok := item.(map[string]any); ok && strings.EqualFold(fmt.Sprint(other["id"]), id) {
						existed = true
						continue
					}
					kept = append(kept, item)
				}
				return kept
			})
			if err != nil {
				return false, newARMError(http.StatusInternalServerError, "InternalServerError", err.Error())
			}
		}
	}
	next, deleted, err := next.Delete(id)
	if err != nil {
		return false, newARMError(http.StatusInternalServerError, "InternalServerError", err.Error())
	}
	s.guards.removed(deleted, next)
	s.setTenant(next)
	s.identitiesDeleted(deleted)
	if tenant.IsGroup(id) {
		s.deployments.Forget(id)
	}
	return existed || len(deleted) > 0, nil
}

// groupTags answers PATCH of a resource group, which changes its tags.
func (s *Server) groupTags(w http.ResponseWriter, r *http.Request, c *call) *armError {
	body, failure := readObject(r)
	if failure != nil {
		return failure
	}
	row, ok := s.Tenant().Group(c.lower[1], c.lower[3])
	if !ok {
		return groupNotFound(c.segments[3])
	}
	value, err := expression.Decode(groupBody(row))
	whole, isObject := value.(map[string]any)
	if err != nil || !isObject {
		return newARMError(http.StatusInternalServerError, "InternalServerError", "The resource group cannot be read.")
	}
	whole["tags"] = body["tags"]
	shown, _, failure := s.putGroup(c, whole)
	if failure != nil {
		return failure
	}
	writeBody(w, http.StatusOK, shown)
	return nil
}
