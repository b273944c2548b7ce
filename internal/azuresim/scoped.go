package azuresim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// target is what a path with …/providers/{namespace}/… names: a resource, or a collection of them
// below a scope.
type target struct {
	scope        string // what stands before the last /providers/, lower case
	subscription string // lower case, empty outside of subscriptions
	group        string
	namespace    string // as sent
	typ          string // with the namespace, as sent
	name         string // of a resource with those of its parents; of a collection's parents
	collection   bool
	path         string // lower case
	sent         string // as sent
}

func parseTarget(c *call) (target, bool) {
	at := -1
	for i, segment := range c.lower {
		if segment == "providers" {
			at = i
		}
	}
	if at < 0 || at+2 >= len(c.lower) {
		return target{}, false
	}
	t := target{
		scope:      "/" + strings.Join(c.lower[:at], "/"),
		namespace:  c.segments[at+1],
		collection: (len(c.lower)-at)%2 == 1,
		path:       "/" + strings.Join(c.lower, "/"),
		sent:       c.path(),
	}
	t.typ, t.name = tenant.TypeOf(c.path())
	if c.lower[0] == "subscriptions" {
		t.subscription = c.lower[1]
		if len(c.lower) > 3 && c.lower[2] == "resourcegroups" {
			t.group = c.lower[3]
		}
	}
	return t, true
}

// scoped answers for a resource or a collection at any scope.
func (s *Server) scoped(w http.ResponseWriter, r *http.Request, c *call) *armError {
	t, ok := parseTarget(c)
	if !ok {
		return notFound(c)
	}
	if strings.EqualFold(t.typ, "Microsoft.Authorization/permissions") && t.collection {
		return s.servePermissions(w)
	}
	if failure := s.checkType(t, c.version); failure != nil {
		return failure
	}
	if failure := s.checkSupport(t); failure != nil {
		return failure
	}
	if !t.collection {
		return s.getResource(w, t)
	}
	if failure := s.checkParent(t); failure != nil {
		return failure
	}
	switch strings.ToLower(t.typ) {
	case "microsoft.authorization/roleassignments", "microsoft.authorization/roledefinitions":
		return s.listAuthorization(w, r, t)
	}
	return s.writeList(w, r, s.collect(t))
}

// checkType refuses namespaces, types and versions that no resource provider serves.
func (s *Server) checkType(t target, version string) *armError {
	provider, ok := s.Tenant().Provider(t.namespace)
	if !ok {
		return unknownNamespace(t.namespace)
	}
	_, name, _ := strings.Cut(t.typ, "/")
	for _, known := range provider.Types {
		if !strings.EqualFold(known.Name, name) {
			continue
		}
		if !slices.Contains(known.Versions, version) && !s.versions.has(t.typ, version) {
			return unsupportedVersion(known.Name, version, known.Versions)
		}
		return nil
	}
	return newARMError(http.StatusNotFound, "InvalidResourceType", fmt.Sprintf(
		"The resource type '%s' could not be found in the namespace '%s' for api version '%s'. The supported api-versions are '%s'.",
		name, t.namespace, version, strings.Join(provider.Versions(), ",")))
}

func (s *Server) getResource(w http.ResponseWriter, t target) *armError {
	if row, ok := s.Tenant().Find(t.path); ok {
		writeBody(w, http.StatusOK, resourceBody(row, complete...))
		return nil
	}
	if item, ok := s.findEmbedded(t); ok {
		writeBody(w, http.StatusOK, item)
		return nil
	}
	if failure := s.checkParent(t); failure != nil {
		return failure
	}
	return resourceNotFound(t)
}

// exists says whether Resource Manager shows a resource, of its own or within its parent.
func (s *Server) exists(t target) bool {
	if _, ok := s.Tenant().Find(t.path); ok {
		return true
	}
	_, ok := s.findEmbedded(t)
	return ok
}

func (s *Server) findEmbedded(t target) (json.RawMessage, bool) {
	for _, item := range s.embedded(t) {
		var element struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(item, &element); err == nil && strings.EqualFold(element.ID, t.path) {
			return item, true
		}
	}
	return nil, false
}

func resourceNotFound(t target) *armError {
	message := fmt.Sprintf("The Resource '%s' was not found.", resourceName(t))
	if t.group != "" {
		message = fmt.Sprintf("The Resource '%s' under resource group '%s' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix", resourceName(t), t.group)
	}
	return newARMError(http.StatusNotFound, "ResourceNotFound", message)
}

// resourceName is namespace/type/name/type/name, as messages have it.
func resourceName(t target) string {
	types, names := strings.Split(t.typ, "/"), strings.Split(t.name, "/")
	parts := []string{types[0]}
	for i, typ := range types[1:] {
		parts = append(parts, typ)
		if i < len(names) {
			parts = append(parts, names[i])
		}
	}
	return strings.Join(parts, "/")
}

// checkParent refuses a child of a resource that does not exist.
func (s *Server) checkParent(t target) *armError {
	if strings.Count(t.typ, "/") < 2 {
		return nil
	}
	if s.exists(target{path: parentPath(t, t.path), typ: t.typ[:strings.LastIndexByte(t.typ, '/')]}) {
		return nil
	}
	typ, name := tenant.TypeOf(parentPath(t, t.sent))
	return newARMError(http.StatusNotFound, "ParentResourceNotFound", fmt.Sprintf(
		"Failed to perform 'read' on resource(s) of type '%s', because the parent resource '%s' could not be found.",
		t.typ, resourceName(target{typ: typ, name: name})))
}

// parentPath is the id, within path, of the resource that a child or a collection of children
// belongs to.
func parentPath(t target, path string) string {
	path = path[:strings.LastIndexByte(path, '/')]
	if !t.collection {
		path = path[:strings.LastIndexByte(path, '/')]
	}
	return path
}

// collect gathers the resources of a type below a scope.
func (s *Server) collect(t target) []json.RawMessage {
	var items []json.RawMessage
	seen := map[string]bool{}
	wholeSubscription := strings.Count(t.scope, "/") == 2 && strings.Count(t.typ, "/") == 1
	typ := strings.ToLower(t.typ)
	for row := range s.Tenant().Rows(t.subscription, t.group) {
		if own := row.Type(); own != typ && !strings.EqualFold(own, typ) {
			continue
		}
		id := row.ID()
		if !wholeSubscription && (len(id) <= len(t.path) || id[len(t.path)] != '/' || !strings.EqualFold(id[:len(t.path)], t.path)) {
			continue
		}
		seen[strings.ToLower(id)] = true
		items = append(items, resourceBody(row, complete...))
	}
	for _, item := range s.embedded(t) {
		var element struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(item, &element); err == nil && element.ID != "" && !seen[strings.ToLower(element.ID)] {
			items = append(items, item)
		}
	}
	return items
}

// embedded are the children that stand inside the properties of their parent, as subnets do in
// those of a virtual network.
func (s *Server) embedded(t target) []json.RawMessage {
	if strings.Count(t.typ, "/") != 2 {
		return nil
	}
	row, ok := s.Tenant().Find(parentPath(t, t.path))
	if !ok {
		return nil
	}
	child := t.typ[strings.LastIndexByte(t.typ, '/')+1:]
	raw := row.JSON("properties")
	if !bytes.Contains(bytes.ToLower(raw), []byte(`"`+strings.ToLower(child)+`":[`)) {
		return nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil
	}
	for name, raw := range members {
		var list []json.RawMessage
		if strings.EqualFold(name, child) && json.Unmarshal(raw, &list) == nil {
			return list
		}
	}
	return nil
}

// listAuthorization lists the role assignments or definitions that bear on a scope: at it, above
// it, and unless $filter says atScope() below it.
// https://learn.microsoft.com/azure/role-based-access-control/role-assignments-list-rest
func (s *Server) listAuthorization(w http.ResponseWriter, r *http.Request, t target) *armError {
	text := r.URL.Query().Get("$filter")
	lower := strings.ToLower(strings.ReplaceAll(text, " ", ""))
	principalID := ""
	for _, form := range []string{"principalideq'", "assignedto('"} {
		if _, rest, ok := strings.Cut(lower, form); ok {
			principalID, _, _ = strings.Cut(rest, "'")
		}
	}
	atScope := strings.Contains(lower, "atscope()")
	if text != "" && principalID == "" && !atScope && !strings.Contains(lower, "typeeq'") && !strings.Contains(lower, "rolenameeq'") {
		return newARMError(http.StatusBadRequest, "BadRequestFormat",
			"The filter specified in the query string is not supported.")
	}
	roleName := ""
	if _, rest, ok := strings.Cut(text, "roleName eq '"); ok {
		roleName, _, _ = strings.Cut(rest, "'")
	}
	typ := strings.ToLower(t.typ)
	var items []json.RawMessage
	for _, subscription := range slices.Compact([]string{"", t.subscription}) {
		for row := range s.Tenant().Rows(subscription, "") {
			if !strings.EqualFold(row.Type(), typ) || !s.bearsOn(row, t, atScope) {
				continue
			}
			if principalID != "" && strings.ToLower(member(row, "properties", "principalId")) != principalID {
				continue
			}
			if roleName != "" && member(row, "properties", "roleName") != roleName {
				continue
			}
			items = append(items, resourceBody(row, properties...))
		}
	}
	return s.writeList(w, r, items)
}

// bearsOn says whether something assigned or defined has to do with the scope of t.
func (s *Server) bearsOn(row tenant.Row, t target, atScope bool) bool {
	id := strings.ToLower(row.Text("id"))
	at := strings.LastIndex(id, "/providers/")
	if at < 0 {
		return false
	}
	own := id[:at]
	switch {
	case own == "" || own == t.scope || strings.HasPrefix(t.scope+"/", own+"/"):
		return true
	case strings.HasPrefix(own, t.scope+"/") && t.scope != "/":
		return !atScope
	}
	group, isGroup := strings.CutPrefix(own, "/providers/microsoft.management/managementgroups/")
	subscription, ok := s.Tenant().Subscription(t.subscription)
	return isGroup && ok && containsFold(subscription.Ancestors, group)
}
