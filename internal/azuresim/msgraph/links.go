package msgraph

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
)

// changeLinks answers POST of members/$ref and DELETE of members/{id}/$ref, and the same of owners.
func (s *Service) changeLinks(r *Request, a *Answer, kind directory.Kind, key string, relation directory.Relation, rest []segment) ([]byte, *failure) {
	permissions := writeKind[kind]
	if relation == directory.Members {
		permissions = writeMembers
	}
	if failure := s.require(permissions); failure != nil {
		return nil, failure
	}
	adding := r.Method == http.MethodPost && len(rest) == 2
	if !adding && (r.Method != http.MethodDelete || len(rest) != 3) {
		return nil, methodNotAllowed()
	}
	object, failure := s.findKeyed(r, kind, key)
	if failure != nil {
		return nil, failure
	}
	if relation == directory.Members && isDynamic(object) {
		return nil, dynamicMembers()
	}
	a.Status = http.StatusNoContent
	if !adding {
		return nil, s.unlink(object, relation, rest[1].name)
	}
	var form struct {
		ID string `json:"@odata.id"`
	}
	err := json.Unmarshal(r.Body, &form)
	id, ok := idOf(form.ID)
	if err != nil || !ok {
		return nil, invalid("Invalid URL format specified in payload.")
	}
	if failure := s.checkTarget(object, relation, id); failure != nil {
		return nil, failure
	}
	if err := s.Directory().Link(object.ID, relation, id); err != nil {
		return nil, linkFailure(err, relation, id)
	}
	return nil, nil
}

func isDynamic(group directory.Object) bool { return hasType(group, "DynamicMembership") }

func hasType(group directory.Object, name string) bool {
	types, _ := group.Properties["groupTypes"].([]any)
	return slices.Contains(types, any(name))
}

// checkTarget refuses objects that another cannot refer to: a Microsoft 365 group has users alone as
// members, a security group no applications, and nothing is owned by groups or applications.
// https://learn.microsoft.com/graph/api/resources/groups-overview
func (s *Service) checkTarget(object directory.Object, relation directory.Relation, id string) *failure {
	target, ok := s.Directory().Find(id)
	if !ok {
		return notFound(id)
	}
	allowed := []directory.Kind{directory.User, directory.ServicePrincipal}
	switch {
	case relation == directory.Members && hasType(object, "Unified"):
		allowed = []directory.Kind{directory.User}
	case relation == directory.Members:
		allowed = append(allowed, directory.Group)
	}
	if slices.Contains(allowed, target.Kind) {
		return nil
	}
	name := strings.ToUpper(target.Kind.String()[:1]) + target.Kind.String()[1:]
	return invalid("The reference target '" + name + "_" + target.ID + "' of type '" + name + "' is invalid for the '" + relation.String() + "' reference.")
}

// unlink takes a reference away; the last owner of a group stays.
func (s *Service) unlink(object directory.Object, relation directory.Relation, id string) *failure {
	d := s.Directory()
	if object.Kind == directory.Group && relation == directory.Owners {
		owners, found := 0, false
		for _, ref := range d.Linked(object.ID, relation, 0) {
			owners++
			found = found || strings.EqualFold(ref.ID, id)
		}
		if found && owners == 1 {
			return invalid("The group must have at least one owner, hence this owner cannot be removed.")
		}
	}
	if err := d.Unlink(object.ID, relation, id); err != nil {
		return notFound(id)
	}
	return nil
}
