package azuresim

import (
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
