package azuresim

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// call is a request to Resource Manager, its path taken apart.
type call struct {
	segments []string // as sent
	lower    []string
	version  string
	caller   *claims
}

// at says whether the lower-case path begins with words; "*" stands for any one segment.
func (c *call) at(words ...string) bool {
	if len(c.lower) < len(words) {
		return false
	}
	for i, word := range words {
		if word != "*" && word != c.lower[i] {
			return false
		}
	}
	return true
}

// is is at with nothing behind.
func (c *call) is(words ...string) bool { return len(c.lower) == len(words) && c.at(words...) }

func (c *call) path() string { return "/" + strings.Join(c.segments, "/") }

var versionForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(-[a-z]+)?$`)

// graphVersions are the versions in which Resource Graph answers here.
var graphVersions = []string{"2024-04-01", "2022-10-01", "2021-03-01"}

// routeARM finds the handler of a path. Paths are taken in any case.
func (s *Server) routeARM(w http.ResponseWriter, r *http.Request, caller *claims) *armError {
	c := &call{version: r.URL.Query().Get("api-version"), caller: caller}
	for segment := range strings.SplitSeq(r.URL.Path, "/") {
		if segment != "" {
			c.segments = append(c.segments, segment)
			c.lower = append(c.lower, strings.ToLower(segment))
		}
	}
	if c.version == "" {
		return newARMError(http.StatusBadRequest, "MissingApiVersionParameter",
			"The api-version query parameter (?api-version=) is required for all requests.")
	}
	if !versionForm.MatchString(c.version) {
		return newARMError(http.StatusBadRequest, "InvalidApiVersionParameter", fmt.Sprintf(
			"The api-version '%s' is invalid. The supported versions are '%s'.", c.version, strings.Join(resourcesVersions, ",")))
	}
	if c.is("providers", "microsoft.resourcegraph", "resources") {
		return s.routeGraph(w, r, c)
	}
	if d, ok := parseDeployment(c); ok && d.scope.Subscription == "" {
		return s.inTenant(w, r, c, func(w http.ResponseWriter, r *http.Request, c *call) *armError { return s.routeDeployment(w, r, c, d) })
	}
	reading := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case c.is("operationresults", "*"):
		return s.inTenant(w, r, c, s.operationResult)
	case c.at("subscriptions", "*"):
		return s.routeSubscription(w, r, c)
	case !reading && c.at("providers", "*", "*", "*"):
		return s.inTenant(w, r, c, s.resourceWrite)
	case !reading:
		return methodNotAllowed(r)
	case c.is("subscriptions"):
		return s.inTenant(w, r, c, s.listSubscriptions)
	case c.is("tenants"):
		return s.inTenant(w, r, c, s.listTenants)
	case c.is("providers"):
		return s.inTenant(w, r, c, s.listProviders)
	case c.at("providers", "microsoft.management", "managementgroups") && len(c.lower) <= 5:
		return s.inTenant(w, r, c, s.managementGroups)
	case c.at("providers"):
		return s.inTenant(w, r, c, s.scoped)
	}
	return notFound(c)
}

func (s *Server) routeGraph(w http.ResponseWriter, r *http.Request, c *call) *armError {
	if s.faults.on(noResourceGraph) {
		return unknownNamespace(c.segments[1])
	}
	if r.Method != http.MethodPost {
		return methodNotAllowed(r)
	}
	if !slices.Contains(graphVersions, c.version) {
		return unsupportedVersion("resources", c.version, graphVersions)
	}
	return s.serveGraph(w, r, c.caller)
}

type handler func(w http.ResponseWriter, r *http.Request, c *call) *armError

// inTenant runs a handler that belongs to no subscription.
func (s *Server) inTenant(w http.ResponseWriter, r *http.Request, c *call, handle handler) *armError {
	if failure := s.throttle(w, r, c.caller, ""); failure != nil {
		return failure
	}
	return handle(w, r, c)
}

// routeSubscription checks the subscription of a path before what lies under it.
func (s *Server) routeSubscription(w http.ResponseWriter, r *http.Request, c *call) *armError {
	id := c.lower[1]
	if !guid.MatchString(id) {
		return newARMError(http.StatusBadRequest, "InvalidSubscriptionId",
			fmt.Sprintf("The provided subscription identifier '%s' is malformed or invalid.", c.segments[1]))
	}
	if failure := s.throttle(w, r, c.caller, id); failure != nil {
		return failure
	}
	if _, ok := s.Tenant().Subscription(id); !ok {
		return newARMError(http.StatusNotFound, "SubscriptionNotFound",
			fmt.Sprintf("The subscription '%s' could not be found.", c.segments[1]))
	}
	if !s.faults.armAllows(id) {
		return forbidden(c.caller, actionOf(c), c.path())
	}
	if d, ok := parseDeployment(c); ok {
		return s.routeDeployment(w, r, c, d)
	}
	if c.is("subscriptions", "*", "operationresults", "*") {
		return s.operationResult(w, r, c)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return s.writeInSubscription(w, r, c)
	}
	switch {
	case c.is("subscriptions", "*"):
		return s.getSubscription(w, r, c)
	case c.is("subscriptions", "*", "locations"):
		return s.listLocations(w, r, c)
	case c.is("subscriptions", "*", "resources"):
		return s.listResources(w, r, c)
	case c.is("subscriptions", "*", "providers"), c.is("subscriptions", "*", "providers", "*"):
		return s.listProviders(w, r, c)
	case c.is("subscriptions", "*", "resourcegroups"):
		return s.listGroups(w, r, c)
	case c.at("subscriptions", "*", "resourcegroups", "*"):
		return s.routeGroup(w, r, c)
	case c.at("subscriptions", "*", "providers"):
		return s.scoped(w, r, c)
	}
	return notFound(c)
}

// writeInSubscription answers what is no read.
func (s *Server) writeInSubscription(w http.ResponseWriter, r *http.Request, c *call) *armError {
	switch {
	case c.is("subscriptions", "*", "resourcegroups", "*") && r.Method == http.MethodPatch:
		return s.groupTags(w, r, c)
	case c.is("subscriptions", "*", "providers", "*", "register") && r.Method == http.MethodPost:
		provider, ok := s.Tenant().Provider(c.lower[3])
		if !ok {
			return unknownNamespace(c.segments[3])
		}
		writeBody(w, http.StatusOK, providerBody("/subscriptions/"+c.segments[1], provider)) // all are registered
		return nil
	case c.is("subscriptions", "*", "resourcegroups", "*"), c.at("subscriptions", "*", "providers", "*", "*"),
		c.at("subscriptions", "*", "resourcegroups", "*", "providers", "*", "*"):
		return s.resourceWrite(w, r, c)
	}
	return methodNotAllowed(r)
}

func (s *Server) routeGroup(w http.ResponseWriter, r *http.Request, c *call) *armError {
	group, ok := s.Tenant().Group(c.lower[1], c.lower[3])
	if !ok {
		return groupNotFound(c.segments[3])
	}
	switch {
	case len(c.lower) == 4:
		writeBody(w, http.StatusOK, groupBody(group))
		return nil
	case len(c.lower) == 5 && c.lower[4] == "resources":
		return s.listResources(w, r, c)
	case c.lower[4] == "providers":
		return s.scoped(w, r, c)
	}
	return notFound(c)
}

func notFound(c *call) *armError {
	return newARMError(http.StatusNotFound, "NotFound",
		fmt.Sprintf("No HTTP resource was found that matches the request URI '%s'.", c.path()))
}

func methodNotAllowed(r *http.Request) *armError {
	return newARMError(http.StatusMethodNotAllowed, "HttpMethodNotSupported",
		fmt.Sprintf("The http method '%s' is not supported for a resource collection.", r.Method))
}

func unknownNamespace(namespace string) *armError {
	return newARMError(http.StatusNotFound, "InvalidResourceNamespace",
		fmt.Sprintf("The resource namespace '%s' is invalid.", namespace))
}

func unsupportedVersion(typeName, version string, supported []string) *armError {
	return newARMError(http.StatusBadRequest, "NoRegisteredProviderFound", fmt.Sprintf(
		"No registered resource provider found for location 'global' and API version '%s' for type '%s'. The supported api-versions are '%s'.",
		version, typeName, strings.Join(supported, ", ")))
}

// actionOf is the permission that reading a path needs.
func actionOf(c *call) string {
	provider, types := "Microsoft.Resources", []string{"subscriptions"}
	if len(c.lower) > 2 {
		types = append(types, "resourceGroups")
	}
	for i := len(c.lower) - 1; i >= 0; i-- {
		if c.lower[i] != "providers" || i+2 >= len(c.lower) {
			continue
		}
		provider, types = c.segments[i+1], nil
		for k := i + 2; k < len(c.segments); k += 2 {
			types = append(types, c.segments[k])
		}
		break
	}
	return provider + "/" + strings.Join(types, "/") + "/read"
}
