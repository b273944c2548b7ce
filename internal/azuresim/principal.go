package azuresim

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

// identityClient is the application id of the identity of a resource; it follows from the
// resource's id.
func identityClient(resource string) string {
	return expression.GUID("client", strings.ToLower(resource))
}

// identityOf is the managed identity of a resource that has been written, if it has one of its own.
func identityOf(id, typ string, made map[string]any) (directory.Identity, bool) {
	userAssigned := strings.EqualFold(typ, "Microsoft.ManagedIdentity/userAssignedIdentities")
	member := "identity"
	if userAssigned {
		member = "properties"
	}
	shown, _ := made[member].(map[string]any)
	principal, _ := shown["principalId"].(string)
	client, _ := shown["clientId"].(string)
	if client == "" {
		client = identityClient(id)
	}
	return directory.Identity{Resource: id, Principal: principal, Client: client, UserAssigned: userAssigned}, principal != ""
}

// identityWritten keeps the directory in step with a resource that is being written. What it
// returns is to be called once the tenant has changed. The caller holds s.writes.
func (s *Server) identityWritten(id, typ string, made map[string]any) (done func()) {
	identity, ok := identityOf(id, typ, made)
	if !ok {
		return func() { s.identitiesDeleted([]string{id}) }
	}
	d := s.Directory() // as it was before
	return func() { d.AddIdentity(identity, s.settings.Load().directoryLag()) }
}

// identitiesDeleted removes the service principals of resources that are gone, or have no identity
// any more. A directory that nobody has asked for yet will not have them.
func (s *Server) identitiesDeleted(resources []string) {
	s.directoryMu.Lock()
	d := s.directory
	s.directoryMu.Unlock()
	if d == nil {
		return
	}
	for _, id := range resources {
		d.RemoveIdentity(id)
	}
}

// checkPrincipal refuses a role assignment to what is not in the directory, or is something else
// there. Who says what type the principal is of may assign to one that is not there yet; who does
// not learns it. https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
func (s *Server) checkPrincipal(id string, made map[string]any, existed bool) *armError {
	properties, ok := made["properties"].(map[string]any)
	if !ok || existed || !strings.Contains(strings.ToLower(id), assignmentType) {
		return nil
	}
	principal, _ := properties["principalId"].(string)
	given, _ := properties["principalType"].(string)
	shown := strings.ReplaceAll(principal, "-", "")
	refuse := func(code, message string) *armError {
		failure := newARMError(http.StatusBadRequest, code, message)
		failure.provider = true
		return failure
	}
	object, found := s.Directory().Find(principal)
	switch {
	case !found && given != "":
		return nil
	case !found:
		return refuse("PrincipalNotFound", fmt.Sprintf(
			"Principal %s does not exist in the directory %s. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
			shown, s.Tenant().ID))
	case object.Kind == directory.Application:
		return refuse("PrincipalTypeNotSupported", "Principals of type Application cannot validly be used in role assignments.")
	}
	name := principalTypes[object.Kind]
	if given != "" && !strings.EqualFold(given, name) {
		return refuse("UnmatchedPrincipalType", fmt.Sprintf("The PrincipalId '%s' has type '%s' , which is different from specified PrinciaplType '%s'.", shown, name, given))
	}
	properties["principalType"] = name
	return nil
}

// principalTypes are Resource Manager's names of what roles can be assigned to.
var principalTypes = map[directory.Kind]string{directory.User: "User", directory.Group: "Group", directory.ServicePrincipal: "ServicePrincipal"}
