package azuresim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/deployment"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/provision"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/template"
)

// deploymentCall is a call to deployments of a scope, taken apart.
type deploymentCall struct {
	scope template.Scope
	name  string   // as sent; empty for the list
	rest  []string // behind the name, lower case
}

// parseDeployment finds …/providers/Microsoft.Resources/deployments…, and the form without the
// provider in which the operations of a deployment to a resource group can be asked for.
func parseDeployment(c *call) (deploymentCall, bool) {
	at := slices.Index(c.lower, "deployments")
	if at < 0 {
		return deploymentCall{}, false
	}
	head := at
	if at >= 2 && c.lower[at-2] == "providers" && c.lower[at-1] == "microsoft.resources" {
		head = at - 2
	} else if at != 4 && at != 2 || c.lower[0] != "subscriptions" || len(c.lower) < at+3 {
		return deploymentCall{}, false
	}
	d := deploymentCall{}
	switch scope := c.lower[:head]; {
	case len(scope) == 0:
	case len(scope) == 2 && scope[0] == "subscriptions":
		d.scope.Subscription = c.segments[1]
	case len(scope) == 4 && scope[0] == "subscriptions" && scope[2] == "resourcegroups":
		d.scope.Subscription, d.scope.Group = c.segments[1], c.segments[3]
	case len(scope) == 4 && scope[0] == "providers" && scope[1] == "microsoft.management" && scope[2] == "managementgroups":
		d.scope.ManagementGroup = c.segments[3]
	default:
		return deploymentCall{}, false
	}
	if len(c.lower) > at+1 {
		d.name, d.rest = c.segments[at+1], c.lower[at+2:]
	}
	return d, true
}

// routeDeployment answers everything about deployments.
// https://learn.microsoft.com/rest/api/resources/deployments
func (s *Server) routeDeployment(w http.ResponseWriter, r *http.Request, c *call, d deploymentCall) *armError {
	if failure := s.checkScope(c, "write"); failure != nil {
		return failure
	}
	if failure := deployment.CheckScope(plane{s, c.caller}, d.scope); failure != nil {
		return fromFailure(failure)
	}
	if oldest := map[bool]string{true: "2018-05-01", false: "2019-05-01"}[d.scope.Subscription != ""]; d.scope.Group == "" && c.version < oldest {
		return unsupportedVersion("deployments", c.version, resourcesVersions)
	}
	s.deployments.SetFull(s.Settings().KeepHistory)
	action := strings.Join(d.rest, "/")
	switch {
	case d.name == "" && r.Method == http.MethodGet:
		return s.listDeployments(w, r, d.scope)
	case d.name == "":
		return methodNotAllowed(r)
	case action == "" && r.Method == http.MethodPut:
		return s.deploy(w, r, c, d)
	case action == "validate" && r.Method == http.MethodPost:
		return s.validate(w, r, c, d)
	case action == "whatif" && r.Method == http.MethodPost:
		return s.whatIf(w, r, c, d)
	}
	id := d.scope.ID() + "/providers/Microsoft.Resources/deployments/" + d.name
	found, ok := s.deployments.Find(id)
	if !ok {
		if action == "" && r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
		return newARMError(http.StatusNotFound, "DeploymentNotFound", fmt.Sprintf("Deployment '%s' could not be found.", d.name))
	}
	return s.oneDeployment(w, r, c, found, action)
}

// oneDeployment answers for a deployment that exists.
func (s *Server) oneDeployment(w http.ResponseWriter, r *http.Request, c *call, found *deployment.Deployment, action string) *armError {
	verb, id, _ := strings.Cut(action, "/")
	switch r.Method + " " + verb {
	case "GET ":
		writeJSON(w, http.StatusOK, found.Body())
		return nil
	case "HEAD ":
		w.WriteHeader(http.StatusNoContent)
		return nil
	case "DELETE ":
		if found.Active() {
			return newARMError(http.StatusConflict, "DeploymentActive", fmt.Sprintf("Unable to delete deployment '%s': it is still active.", found.Name))
		}
		s.deployments.Remove(found)
		s.accept(w, r, c, s.operations.add(acceptedOperation{at: s.config.Now()}))
		return nil
	case "GET operationstatuses":
		status := found.Status()
		if found.Active() {
			w.Header().Set("Retry-After", strconv.Itoa(s.Settings().RetryAfter))
		}
		writeJSON(w, http.StatusOK, status)
		return nil
	case "POST cancel":
		if !found.Cancel() {
			return newARMError(http.StatusConflict, "DeploymentCannotBeCancelled", fmt.Sprintf("The deployment '%s' cannot be cancelled: its provisioning state is '%s'.", found.Name, found.Status()["status"]))
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	case "POST exporttemplate":
		writeJSON(w, http.StatusOK, map[string]any{"template": found.Template()})
		return nil
	case "GET operations":
		return s.listOperations(w, r, found, id)
	}
	return methodNotAllowed(r)
}

func (s *Server) listOperations(w http.ResponseWriter, r *http.Request, found *deployment.Deployment, id string) *armError {
	var items []json.RawMessage
	for _, op := range found.Operations() {
		if id == "" {
			items = append(items, mustJSON(op))
			continue
		}
		if strings.EqualFold(fmt.Sprint(op["operationId"]), id) {
			writeJSON(w, http.StatusOK, op)
			return nil
		}
	}
	if id != "" {
		return newARMError(http.StatusNotFound, "DeploymentOperationNotFound", fmt.Sprintf("Deployment operation '%s' could not be found.", id))
	}
	return s.writeList(w, r, items)
}

var stateFilter = regexp.MustCompile(`(?i)^\s*provisioningState\s+eq\s+'(\w+)'\s*$`)

func (s *Server) listDeployments(w http.ResponseWriter, r *http.Request, scope template.Scope) *armError {
	state := ""
	if text := r.URL.Query().Get("$filter"); text != "" {
		match := stateFilter.FindStringSubmatch(text)
		if match == nil {
			return newARMError(http.StatusBadRequest, "InvalidFilterInQueryString", fmt.Sprintf("Invalid $filter '%s' specified in the query string.", text))
		}
		state = match[1]
	}
	var items []json.RawMessage
	for _, d := range s.deployments.In(scope.ID()) {
		if state == "" || strings.EqualFold(fmt.Sprint(d.Status()["status"]), state) {
			items = append(items, mustJSON(d.Body()))
		}
	}
	return s.writeList(w, r, items)
}

func fromFailure(failure *deployment.Failure) *armError {
	e := newARMError(failure.Status, failure.Code, failure.Message)
	e.Target = failure.Target
	for _, detail := range failure.Details {
		e.Details = append(e.Details, map[string]any{"code": detail.Code, "message": detail.Message, "target": detail.Target})
	}
	return e
}

// deploy answers PUT: the deployment has begun when the answer comes.
func (s *Server) deploy(w http.ResponseWriter, r *http.Request, c *call, d deploymentCall) *armError {
	made, failure := s.load(w, r, c, d)
	if failure != nil {
		return failure
	}
	id := made.ID
	_, existed := s.deployments.Find(id)
	if failure := s.deployments.Take(made, false); failure != nil {
		return fromFailure(failure)
	}
	body := made.Body()
	s.deployments.Start(made, plane{s, c.caller})
	link := url.URL{Scheme: "https", Host: r.Host, Path: id + "/operationStatuses/" + newGUID(), RawQuery: "api-version=" + url.QueryEscape(c.version)}
	w.Header().Set("Azure-AsyncOperation", link.String())
	w.Header().Set("Retry-After", strconv.Itoa(s.Settings().RetryAfter))
	status := http.StatusCreated
	if existed {
		status = http.StatusOK
	}
	writeJSON(w, status, body)
	return nil
}

var deploymentName = regexp.MustCompile(`^[-\w._()]{1,64}$`)

// load reads and checks the body of a deployment, of a validation or of a preview.
func (s *Server) load(w http.ResponseWriter, r *http.Request, c *call, d deploymentCall) (*deployment.Deployment, *armError) {
	if !deploymentName.MatchString(d.name) || strings.HasSuffix(d.name, ".") {
		return nil, newARMError(http.StatusBadRequest, "InvalidDeploymentName", fmt.Sprintf("The deployment name '%s' is invalid. It may have up to 64 letters, digits, '-', '.', '(', ')' and '_', and must not end with '.'.", d.name))
	}
	if r.ContentLength > template.MaxSize {
		return nil, newARMError(http.StatusRequestEntityTooLarge, "RequestContentTooLarge", fmt.Sprintf("The request content size exceeds the maximum size of %d bytes.", template.MaxSize))
	}
	body, failure := readObject(r)
	if failure != nil {
		return nil, failure
	}
	definition, failure := definitionOf(body, d)
	if failure != nil {
		return nil, failure
	}
	definition.Now, definition.Unique = s.config.Now(), newGUID()
	definition.Deployer = map[string]any{"objectId": c.caller.ObjectID, "tenantId": c.caller.TenantID, "userPrincipalName": c.caller.UserName}
	loaded, err := template.Load(definition, plane{s, c.caller})
	if err != nil {
		refusal, ok := err.(*template.Error) //nolint:errorlint // Load returns no other
		if !ok {
			return nil, newARMError(http.StatusBadRequest, "InvalidTemplate", err.Error())
		}
		return nil, templateError(refusal)
	}
	made := deployment.New(loaded, correlationID(w), s.config.Now())
	return made, s.preflight(made, c.caller)
}

func templateError(refusal *template.Error) *armError {
	failure := newARMError(http.StatusBadRequest, refusal.Code, refusal.Message)
	failure.Target = refusal.Target
	return failure
}

// definitionOf reads the members of a request for a deployment.
func definitionOf(body map[string]any, d deploymentCall) (template.Deployment, *armError) {
	made := template.Deployment{Name: d.name, Scope: d.scope}
	invalid := func(code, format string, args ...any) (template.Deployment, *armError) {
		return made, newARMError(http.StatusBadRequest, code, fmt.Sprintf(format, args...))
	}
	for name := range body {
		if !slices.Contains([]string{"properties", "location", "tags", "identity"}, strings.ToLower(name)) {
			return invalid("InvalidRequestContent", "The request content was invalid and could not be deserialized: 'Could not find member '%s' on object of type 'DeploymentContent'. Path '%s'.'.", name, name)
		}
	}
	location, _ := body["location"].(string)
	switch {
	case d.scope.Group != "" && location != "":
		return invalid("InvalidDeployment", "The 'location' property is not allowed for '%s' at resource group scope. Please see https://aka.ms/deploy-to-subscription for usage details.", d.name)
	case d.scope.Group == "" && location == "":
		return invalid("LocationRequired", "The location property is required for this definition.")
	case d.scope.Group == "" && !provision.IsLocation(provision.Location(location)):
		return invalid("LocationNotAvailableForDeployment", "The provided location '%s' is not available for deployment. List of available regions is given by the locations of the subscription.", location)
	}
	made.Location = provision.Location(location)
	properties, ok := body["properties"].(map[string]any)
	if !ok {
		return invalid("InvalidRequestContent", "The request content was invalid and could not be deserialized: 'Required property 'properties' not found in JSON. Path '''.")
	}
	for name := range properties {
		if !slices.Contains([]string{"template", "parameters", "mode", "debugsetting", "expressionevaluationoptions", "ondrrorordeployment", "onerrordeployment", "whatifsettings", "validationlevel", "templatelink", "parameterslink", "extensionconfigs"}, strings.ToLower(name)) {
			return invalid("InvalidRequestContent", "The request content was invalid and could not be deserialized: 'Could not find member '%s' on object of type 'DeploymentProperties'. Path 'properties.%s'.'.", name, name)
		}
	}
	for _, linked := range []string{"templateLink", "parametersLink"} {
		if properties[linked] != nil {
			return invalid("InvalidTemplateLink", "The simulator reads no linked templates or parameters: '%s'.", linked)
		}
	}
	made.Mode, _ = properties["mode"].(string)
	switch {
	case !strings.EqualFold(made.Mode, "Incremental") && !strings.EqualFold(made.Mode, "Complete"):
		return invalid("InvalidRequestContent", "The request content was invalid and could not be deserialized: 'Required property 'mode' not found in JSON, or not Incremental or Complete. Path 'properties'.'.")
	case strings.EqualFold(made.Mode, "Complete") && d.scope.Group == "":
		return invalid("InvalidDeployment", "The deployment mode 'Complete' is not supported for deployments to a %s. Please see https://aka.ms/deploy-to-subscription for usage details.", d.scope.Kind())
	}
	if made.Template, ok = properties["template"].(map[string]any); !ok {
		return invalid("InvalidDeployment", "The deployment '%s' needs a template, as an object.", d.name)
	}
	switch parameters := properties["parameters"].(type) {
	case nil:
	case map[string]any:
		made.Parameters = parameters
	default:
		return invalid("InvalidRequestContent", "The request content was invalid and could not be deserialized: 'the parameters must be an object'.")
	}
	return made, nil
}
