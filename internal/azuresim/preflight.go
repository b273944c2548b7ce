package azuresim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/deployment"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/provision"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/template"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// validate answers POST …/validate with what a PUT would say before it writes: at once, or where the
// setting validate_time is above zero, with 202 and at the Location once that is over.
// https://learn.microsoft.com/rest/api/resources/deployments/validate
func (s *Server) validate(w http.ResponseWriter, r *http.Request, c *call, d deploymentCall) *armError {
	made, failure := s.load(w, r, c, d)
	if failure == nil {
		if taken := s.deployments.Take(made, true); taken != nil {
			failure = fromFailure(taken)
		}
	}
	takes := time.Duration(s.Settings().ValidateTime)
	if takes <= 0 {
		if failure == nil {
			writeJSON(w, http.StatusOK, made.Validated())
		}
		return failure
	}
	op := acceptedOperation{at: s.config.Now().Add(takes), status: http.StatusOK}
	var result any
	if failure != nil {
		op.status, result = failure.status, map[string]any{"error": failure}
	} else {
		result = made.Validated()
	}
	var err error
	if op.body, err = json.Marshal(result); err != nil {
		return newARMError(http.StatusInternalServerError, "InternalServerError", err.Error())
	}
	s.accept(w, r, c, s.operations.add(op))
	return nil
}

// preflight refuses a deployment that goes to groups which are not there, and of resources that
// Resource Manager or their providers would refuse for what is known of them beforehand. It asks those
// that refuse a write.
func (s *Server) preflight(made *deployment.Deployment, caller *claims) *armError {
	failure := newARMError(http.StatusBadRequest, "InvalidTemplateDeployment", fmt.Sprintf(
		"The template deployment '%s' is not valid according to the validation procedure. The tracking id is '%s'. See inner errors for details.", made.Name, made.Correlation))
	refuse := func(id string, why *armError) {
		failure.Details = append(failure.Details, map[string]any{"code": why.Code, "target": id, "message": why.Message})
	}
	made.Walk(plane{s, caller}, func(r *template.Resource) {
		if why := s.preflightOf(r, caller); why != nil {
			refuse(r.ID, why)
		}
	}, func(id string, why *deployment.Failure) { refuse(id, fromFailure(why)) })
	if len(failure.Details) == 0 {
		return nil
	}
	return failure
}

// preflightOf is why a resource would be refused. Of one with values that only the deployment can tell,
// nothing but its name and its region are looked at.
func (s *Server) preflightOf(r *template.Resource, caller *claims) *armError {
	if why := s.faults.known(r.ID, r.Type); why != nil {
		return why
	}
	body, known := r.Known()
	if tenant.IsGroup(r.ID) {
		if !known {
			return nil
		}
		_, why := s.checkGroup(callOf(r.ID, r.APIVersion, caller), body)
		return why
	}
	s.writes.Lock()
	why := s.checkLocks(r.ID, "write")
	s.writes.Unlock()
	if why != nil {
		return why
	}
	if !known {
		body = map[string]any{}
		if r.Location != "" {
			body["location"] = r.Location
		}
	}
	before, _ := s.lookup(r.ID)
	refusal := provision.Preflight(&provision.Request{
		ID: r.ID, Type: r.Type, Name: r.Name, TenantID: s.Tenant().ID, Body: body, Before: before, Tracked: known && tenant.Tracked(r.ID), Now: s.config.Now(),
		Lenient: s.Settings().LenientMembers,
	}, known)
	if refusal == nil {
		return nil
	}
	return refused(refusal)
}

// checkGroup refuses what a resource group cannot be; it answers its region.
func (s *Server) checkGroup(c *call, body map[string]any) (location string, failure *armError) {
	if refusal := provision.CheckGroupName(c.segments[3]); refusal != nil {
		return "", refused(refusal)
	}
	text, _ := body["location"].(string)
	location = provision.Location(text)
	switch {
	case location == "":
		return "", newARMError(http.StatusBadRequest, "LocationRequired", "The location property is required for this definition.")
	case !provision.IsLocation(location):
		return "", newARMError(http.StatusBadRequest, "LocationNotAvailableForResourceGroup", fmt.Sprintf("The provided location '%s' is not available for resource group.", text))
	}
	for member := range body {
		switch strings.ToLower(member) {
		case "tags", "managedby", "location", "properties", "id", "name", "type":
		default:
			return "", newARMError(http.StatusBadRequest, "InvalidRequestContent", fmt.Sprintf(
				"The request content was invalid and could not be deserialized: 'Could not find member '%s' on object of type 'ResourceGroupDefinition'. Path '%s'.'.", member, member))
		}
	}
	if row, existed := s.Tenant().Group(c.lower[1], c.lower[3]); existed {
		if before := row.Text("location"); provision.Location(before) != location {
			return "", newARMError(http.StatusConflict, "InvalidResourceGroupLocation", fmt.Sprintf(
				"Invalid resource group location '%s'. The Resource group already exists in location '%s'.", location, before))
		}
	}
	return location, nil
}
