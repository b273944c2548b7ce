package msgraph

import (
	"slices"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
)

// The application permissions that let a call through, any one of each.
// https://learn.microsoft.com/graph/permissions-reference
var (
	readAnything     = []string{"Directory.Read.All", "Directory.ReadWrite.All"}
	readOrganization = append([]string{"Organization.Read.All", "Organization.ReadWrite.All"}, readAnything...)
	readKind         = map[directory.Kind][]string{
		directory.User:             append([]string{"User.Read.All", "User.ReadWrite.All"}, readAnything...),
		directory.Group:            append([]string{"GroupMember.Read.All", "GroupMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All"}, readAnything...),
		directory.ServicePrincipal: append([]string{"Application.Read.All", "Application.ReadWrite.All"}, readAnything...),
		directory.Application:      append([]string{"Application.Read.All", "Application.ReadWrite.All"}, readAnything...),
	}
	writeKind = map[directory.Kind][]string{
		directory.User:             {"User.ReadWrite.All", "Directory.ReadWrite.All"},
		directory.Group:            {"Group.ReadWrite.All", "Directory.ReadWrite.All"},
		directory.ServicePrincipal: {"Application.ReadWrite.All", "Directory.ReadWrite.All"},
		directory.Application:      {"Application.ReadWrite.All", "Directory.ReadWrite.All"},
	}
	writeMembers = []string{"GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"}
)

// AllPermissions are enough for every call.
func AllPermissions() []string {
	return []string{"Application.ReadWrite.All", "Directory.Read.All", "Group.ReadWrite.All", "RoleManagement.ReadWrite.Directory", "User.ReadWrite.All"}
}

// granted says whether the application has one of some permissions.
func (s *Service) granted(any []string) bool {
	granted := s.Settings().Permissions
	return slices.ContainsFunc(any, func(name string) bool { return slices.Contains(granted, name) })
}

// require refuses a call of an application that has none of some permissions.
func (s *Service) require(any []string) *failure {
	if s.granted(any) {
		return nil
	}
	return denied()
}

// readable says of each kind whether the application may read its objects.
func (s *Service) readable() map[directory.Kind]bool {
	may := map[directory.Kind]bool{}
	for _, kind := range directory.Kinds {
		may[kind] = s.granted(readKind[kind])
	}
	return may
}
