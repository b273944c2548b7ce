package directory

import "strings"

// Identity is the managed identity of a resource: a service principal that comes and goes with it.
type Identity struct {
	// Resource is the id of the resource, Principal the object id of its service principal and
	// Client the application id.
	Resource, Principal, Client string
	// UserAssigned says that the resource is an identity of its own.
	UserAssigned bool
}

// object is the service principal as Graph shows it: its name is that of the resource, and its
// alternative names say what it is.
func (i *Identity) object() Object {
	explicit := "isExplicit=False"
	if i.UserAssigned {
		explicit = "isExplicit=True"
	}
	resource := strings.Replace(i.Resource, "/resourceGroups/", "/resourcegroups/", 1) // as Entra spells it
	return Object{Kind: ServicePrincipal, ID: strings.ToLower(i.Principal), Properties: map[string]any{
		"accountEnabled":            true,
		"addIns":                    []any{},
		"alternativeNames":          []any{explicit, resource},
		"appDisplayName":            nil,
		"appId":                     i.Client,
		"appOwnerOrganizationId":    nil,
		"appRoleAssignmentRequired": false,
		"appRoles":                  []any{},
		"displayName":               i.Resource[strings.LastIndexByte(i.Resource, '/')+1:],
		"keyCredentials":            []any{},
		"oauth2PermissionScopes":    []any{},
		"passwordCredentials":       []any{},
		"replyUrls":                 []any{},
		"servicePrincipalNames":     []any{i.Client},
		"servicePrincipalType":      "ManagedIdentity",
		"tags":                      []any{},
	}}
}

// AddIdentity adds the service principal of a managed identity, in place of the one that the same
// resource had before. One whose object id is there already is left as it is.
func (d *Directory) AddIdentity(i Identity, lag Lag) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id, resource := strings.ToLower(i.Principal), strings.ToLower(i.Resource)
	before, had := d.identities[resource]
	if had && before != id {
		d.remove(before)
	}
	if _, ok := d.exists(id); ok {
		return
	}
	d.identities[resource] = id
	d.add(ServicePrincipal, id, strings.ToLower(i.Client), &entry{identity: &i}, lag)
}

// RemoveIdentity removes the service principal that AddIdentity has added for a resource.
func (d *Directory) RemoveIdentity(resource string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	resource = strings.ToLower(resource)
	if id, ok := d.identities[resource]; ok {
		delete(d.identities, resource)
		d.remove(id)
	}
}
