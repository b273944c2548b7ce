package azuresim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/provision"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// callOf is a call for an id, as a deployment makes it.
func callOf(id, version string, caller *claims) *call {
	c := &call{version: version, caller: caller}
	for segment := range strings.SplitSeq(id, "/") {
		if segment != "" {
			c.segments = append(c.segments, segment)
			c.lower = append(c.lower, strings.ToLower(segment))
		}
	}
	return c
}

// resourceWrite answers PUT and DELETE of a resource or a resource group.
func (s *Server) resourceWrite(w http.ResponseWriter, r *http.Request, c *call) *armError {
	if r.Method == http.MethodDelete {
		return s.resourceDelete(w, r, c)
	}
	if r.Method != http.MethodPut {
		return methodNotAllowed(r)
	}
	body, failure := readObject(r)
	if failure != nil {
		return failure
	}
	row, created, failure := s.put(c, body, requestCaller(w, r))
	if failure != nil {
		return failure
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	writeBody(w, status, row)
	return nil
}

// readObject reads the body of a request, which must be an object.
func readObject(r *http.Request) (map[string]any, *armError) {
	raw, err := drain(r)
	if err != nil {
		return nil, newARMError(http.StatusBadRequest, "InvalidRequestContent", "The request content could not be read.")
	}
	value, err := expression.Decode(raw)
	object, ok := value.(map[string]any)
	if err != nil || !ok {
		return nil, newARMError(http.StatusBadRequest, "InvalidRequestContent",
			"The request content was invalid and could not be deserialized: 'the content is no JSON object'.")
	}
	return object, nil
}

// put stores a resource or a resource group, and returns it as a read shows it. Whoever waits
// meanwhile, for what faults make slow, holds no lock.
func (s *Server) put(c *call, body map[string]any, by origin) (shown json.RawMessage, created bool, failure *armError) {
	if failure := s.checkScope(c, "write"); failure != nil {
		return nil, false, failure
	}
	id := c.path()
	if tenant.IsGroup(id) {
		return s.putGroup(c, body)
	}
	t, ok := parseTarget(c)
	if !ok || t.collection {
		return nil, false, newARMError(http.StatusMethodNotAllowed, "HttpMethodNotSupported", "The http method 'PUT' is not supported for a resource collection.")
	}
	if failure := s.checkWritable(t, c.version); failure != nil {
		return nil, false, failure
	}
	if failure := s.strikeResource(id, t.typ, by.stop); failure != nil {
		return nil, false, failure
	}
	s.writes.Lock()
	defer s.writes.Unlock()
	if failure := s.checkLocks(id, "write"); failure != nil {
		return nil, false, failure
	}
	// What was there a moment ago may be gone now.
	if failure := s.checkWritable(t, c.version); failure != nil {
		return nil, false, failure
	}
	before, existed := s.lookup(id)
	if existed {
		id = before["id"].(string) // the spelling of the first write stays
	}
	made, refusal := provision.Complete(&provision.Request{
		ID: id, Type: t.typ, Name: t.name, TenantID: s.Tenant().ID, Body: body, Before: before, Tracked: tenant.Tracked(id), Lookup: s.lookup,
		Reaches: s.reaches, Now: s.config.Now(), Caller: by.caller, Lenient: s.Settings().LenientMembers,
	})
	if refusal != nil {
		return nil, false, refused(refusal)
	}
	if failure := s.checkAssignment(id, made); failure != nil {
		return nil, false, failure
	}
	if failure := s.checkPrincipal(id, made, existed); failure != nil {
		return nil, false, failure
	}
	if err := s.store(t, id, made, existed); err != nil {
		return nil, false, newARMError(http.StatusInternalServerError, "InternalServerError", err.Error())
	}
	s.versions.add(t.typ, c.version)
	shown, ok = s.shown(id)
	if !ok {
		return nil, false, newARMError(http.StatusInternalServerError, "InternalServerError", "The resource has not been stored.")
	}
	return shown, !existed, nil
}

func refused(refusal *provision.Refusal) *armError {
	failure := newARMError(refusal.Status, refusal.Code, refusal.Message)
	failure.provider = !refusal.Gateway
	return failure
}

// store puts a resource into the tenant: within its parent if that shows it, with what its
// provider makes by itself if it is new. The caller holds s.writes.
func (s *Server) store(t target, id string, made map[string]any, existed bool) error {
	next, err := s.Tenant(), error(nil)
	if parent, ok := s.embeds(t); ok {
		if next, err = putWithin(next, parent, id, t, made); err != nil {
			return err
		}
	} else if next, err = next.Put(tenant.Resource{ID: id, Members: made}); err != nil {
		return err
	}
	if !existed {
		children := provision.Byproducts(id, t.typ, made)
		if location, _ := made["location"].(string); strings.EqualFold(t.typ, "Microsoft.Network/virtualNetworks") {
			children = append(children, watcher(next, strings.Split(id, "/")[2], location)...)
		}
		for _, child := range children {
			if _, ok := next.Find(child.ID); ok {
				continue
			}
			if next, err = next.Put(tenant.Resource{ID: child.ID, Members: child.Members}); err != nil {
				return err
			}
		}
	}
	s.guards.written(id, made, next)
	remember := s.identityWritten(id, t.typ, made)
	s.setTenant(next)
	remember()
	return nil
}

// watcher is what Azure makes with the first virtual network of a region, unless a watcher is there.
func watcher(t *tenant.Tenant, subscription, location string) []provision.Byproduct {
	group, made := provision.Watcher(subscription, location)
	for row := range t.Rows(subscription, "") {
		if row.Type() == "microsoft.network/networkwatchers" && row.Text("location") == location {
			return nil
		}
	}
	if _, ok := t.Group(subscription, "NetworkWatcherRG"); ok {
		return []provision.Byproduct{made}
	}
	return []provision.Byproduct{group, made}
}

// origin is on whose behalf a resource is written.
type origin struct {
	caller string          // object id
	stop   <-chan struct{} // closed when nobody waits any more
}

func requestCaller(_ http.ResponseWriter, r *http.Request) origin {
	return origin{caller: servicePrincipalObject, stop: r.Context().Done()}
}

// shown is a resource as a read shows it.
func (s *Server) shown(id string) (json.RawMessage, bool) {
	if tenant.IsGroup(id) {
		segments := strings.Split(id, "/")
		row, ok := s.Tenant().Group(segments[2], segments[4])
		if !ok {
			return nil, false
		}
		return groupBody(row), true
	}
	if row, ok := s.Tenant().Find(id); ok {
		return resourceBody(row, complete...), true
	}
	t, ok := parseTarget(callOf(id, "", nil))
	if !ok {
		return nil, false
	}
	return s.findEmbedded(t)
}

// lookup is shown, decoded.
func (s *Server) lookup(id string) (map[string]any, bool) {
	raw, ok := s.shown(id)
	if !ok {
		return nil, false
	}
	value, err := expression.Decode(raw)
	object, isObject := value.(map[string]any)
	return object, err == nil && isObject
}

// reaches says whether an id lies in a subscription of the tenant that nothing hides.
func (s *Server) reaches(id string) bool {
	segments := strings.Split(strings.ToLower(id), "/")
	if len(segments) < 3 || segments[1] != "subscriptions" {
		return true
	}
	_, ok := s.Tenant().Subscription(segments[2])
	return ok
}

// checkScope refuses ids in subscriptions, groups and management groups that do not exist or that
// the caller may not write to.
func (s *Server) checkScope(c *call, action string) *armError {
	switch {
	case c.at("subscriptions", "*"):
		if _, ok := s.Tenant().Subscription(c.lower[1]); !ok {
			return newARMError(http.StatusNotFound, "SubscriptionNotFound", fmt.Sprintf("The subscription '%s' could not be found.", c.segments[1]))
		}
		if !s.faults.armAllows(c.lower[1]) {
			return forbidden(c.caller, strings.TrimSuffix(actionOf(c), "read")+action, c.path())
		}
		if failure := s.checkRole(c, action); failure != nil {
			return failure
		}
		if c.at("subscriptions", "*", "resourcegroups", "*", "*") {
			if _, ok := s.Tenant().Group(c.lower[1], c.lower[3]); !ok {
				return groupNotFound(c.segments[3])
			}
		}
	case c.at("providers", "microsoft.management", "managementgroups", "*", "*"):
		if _, ok := s.Tenant().ManagementGroup(c.segments[3]); !ok {
			return newARMError(http.StatusNotFound, "NotFound", fmt.Sprintf("'%s' not found", groupID(c.segments[3])))
		}
	}
	return nil
}

func groupNotFound(name string) *armError {
	return newARMError(http.StatusNotFound, "ResourceGroupNotFound", fmt.Sprintf("Resource group '%s' could not be found.", name))
}

// withoutRows are types of which a child can be made though the tenant has no row of them: what
// they stand for is always there.
var withoutRows = []string{
	"microsoft.recoveryservices/vaults/backupfabrics", "microsoft.recoveryservices/vaults/backupfabrics/protectioncontainers",
	"microsoft.operationalinsights/workspaces/tables", "microsoft.machinelearningservices/workspaces/onlineendpoints",
}

// checkWritable refuses types, versions, parents and targets that do not exist.
func (s *Server) checkWritable(t target, version string) *armError {
	if failure := s.checkWriteType(t.typ, version); failure != nil {
		return failure
	}
	if failure := s.checkSupport(t); failure != nil {
		return failure
	}
	if strings.Count(t.typ, "/") < 2 {
		return nil
	}
	path, typ := parentPath(t, t.sent), t.typ[:strings.LastIndexByte(t.typ, '/')]
	for _, always := range withoutRows {
		if strings.EqualFold(typ, always) {
			return nil
		}
	}
	if s.exists(target{path: strings.ToLower(path), typ: typ}) {
		return nil
	}
	_, name := tenant.TypeOf(path)
	return newARMError(http.StatusNotFound, "ParentResourceNotFound",
		fmt.Sprintf("Can not perform requested operation on nested resource. Parent resource '%s' not found.", name))
}

// embeds finds the parent that shows a resource within its own properties, as a virtual network
// does its subnets.
func (s *Server) embeds(t target) (tenant.Row, bool) {
	if strings.Count(t.typ, "/") != 2 || !provision.Embedded(t.typ) {
		return tenant.Row{}, false
	}
	return s.Tenant().Find(parentPath(t, t.path))
}

// putWithin writes a resource into the list that its parent has of such.
func putWithin(in *tenant.Tenant, parent tenant.Row, id string, t target, made map[string]any) (*tenant.Tenant, error) {
	return changeWithin(in, parent, t, func(list []any) []any {
		child := map[string]any{"id": id, "name": t.name[strings.LastIndexByte(t.name, '/')+1:], "type": t.typ}
		for name, value := range made {
			child[name] = value
		}
		if properties, ok := child["properties"].(map[string]any); ok {
			properties["provisioningState"] = "Succeeded"
		}
		for i, item := range list {
			if other, ok := item.(map[string]any); ok && strings.EqualFold(fmt.Sprint(other["id"]), id) {
				list[i] = child
				return list
			}
		}
		return append(list, child)
	})
}

// changeWithin changes the list of children within a parent.
func changeWithin(in *tenant.Tenant, parent tenant.Row, t target, change func(list []any) []any) (*tenant.Tenant, error) {
	value, err := expression.Decode(resourceBody(parent, complete...))
	if err != nil {
		return nil, err
	}
	members, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("the parent is no object")
	}
	properties, _ := members["properties"].(map[string]any)
	if properties == nil {
		properties = map[string]any{}
	}
	name := t.typ[strings.LastIndexByte(t.typ, '/')+1:]
	for known := range properties {
		if strings.EqualFold(known, name) {
			name = known
		}
	}
	list, _ := properties[name].([]any)
	properties[name] = change(list)
	members["properties"] = properties
	for _, own := range []string{"id", "name", "type"} {
		delete(members, own)
	}
	return in.Put(tenant.Resource{ID: parent.ID(), Members: members})
}
