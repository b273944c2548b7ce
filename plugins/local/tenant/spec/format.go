package spec

// notUsed is the doc of members that earlier specifications have and that nothing is made of.
const notUsed = "Earlier specifications have it; nothing is made of it."

// The shapes of the format, from the inside out. What they say becomes docs/specification.schema.json.
var (
	aText    = &shape{kind: textValue}
	aBool    = &shape{kind: boolValue}
	aFree    = &shape{kind: freeObject}
	aTags    = &shape{kind: mapOf, items: aText}
	anything = &shape{kind: anyValue}
	texts    = &shape{kind: listOf, items: aText}
	aListOf  = func(items *shape) *shape { return &shape{kind: listOf, items: items} }

	identityShape = objectOf(
		member{name: "type", shape: aText, required: true, doc: "SystemAssigned, UserAssigned, or both with a comma."},
		member{name: "user_assigned", also: []string{"user_assigned_identities"}, shape: &shape{kind: listOrMap}, doc: "The ids of user-assigned identities, as references; or, as Azure writes them, an object by id."},
	)

	resourceMembers = []member{
		{name: "type", also: []string{"resource_type"}, shape: aText, required: true, doc: "The type as Azure spells it: Microsoft.Network/virtualNetworks; of a child Microsoft.Network/virtualNetworks/subnets."},
		{name: "name", also: []string{"resource_name"}, shape: aText, required: true, doc: "The name; of a child with the names above it: vnet-hub/web."},
		{name: "api_version", shape: aText, doc: "Needed only for types that atg does not know."},
		{name: "location", shape: aText, doc: "The region, as westeurope; without it, that of the resource group where the type needs one."},
		{name: "scope", also: []string{"target"}, shape: aText, doc: "What the resource extends, or where it is deployed, where that is not where it stands: the id of a resource, or of a management group."},
		{name: "kind", shape: aText},
		{name: "sku", shape: aFree},
		{name: "plan", shape: aFree},
		{name: "identity", shape: identityShape},
		{name: "tags", shape: aTags},
		{name: "zones", shape: texts},
		{name: "extended_location", shape: aFree},
		{name: "managed_by", shape: aText},
		{name: "properties", shape: aFree, doc: "As Azure's REST reference of the type has them, without what it calls read-only."},
		{name: "extra", shape: aFree, doc: "What else the type takes beside properties."},
		{name: "id", also: []string{"resource_id"}, shape: aText, doc: "A label that relationships of this document name the resource by. It is not deployed."},
		{name: "narrative_context", shape: aText, doc: "For people; it is not deployed."},
	}
	resourceShape = objectOf(resourceMembers...)

	identityMembers = []member{
		{name: "name", shape: aText, required: true},
		{name: "location", shape: aText},
		{name: "tags", shape: aTags},
		{name: "id", also: []string{"mi_id"}, shape: aText, doc: "A label, as of resources."},
		{name: "narrative_context", shape: aText},
	}
	managedIdentityShape = objectOf(identityMembers...)

	groupMembers = []member{
		{name: "name", also: []string{"resource_group_name"}, shape: aText, required: true},
		{name: "location", shape: aText, doc: "The region; needed unless the group exists."},
		{name: "tags", shape: aTags},
		{name: "existing", shape: aBool, doc: "The group is not made: it has to exist."},
		{name: "resources", shape: aListOf(resourceShape)},
		{name: "managed_identities", shape: aListOf(managedIdentityShape), doc: "Short for resources of the type Microsoft.ManagedIdentity/userAssignedIdentities."},
		{name: "id", also: []string{"resource_group_id"}, shape: aText, doc: "A label, as of resources."},
		{name: "narrative_context", shape: aText},
	}
	groupShape = objectOf(groupMembers...)

	subscriptionMember = member{name: "subscription", shape: aText, doc: "Its name or id; may be left out where there is only one."}

	subscriptionShape = objectOf(
		member{name: "name", also: []string{"subscription_name", "display_name"}, shape: aText},
		member{name: "subscription_id", shape: aText, doc: "Where it was; create-tenant can be told another one."},
		member{name: "resource_groups", shape: aListOf(groupShape)},
		member{name: "resources", shape: aListOf(resourceShape), doc: "Those of the subscription itself, such as policy assignments."},
		member{name: "narrative_context", shape: aText},
	)

	userShape = objectOf(
		member{name: "name", also: []string{"display_name"}, shape: aText, required: true, doc: "What ${user:NAME} names it by."},
		member{name: "id", also: []string{"user_id"}, shape: aText, doc: "The object id, if the user exists."},
		member{name: "user_principal_name", shape: aText, doc: "What the user signs in with; a new user needs it."}, member{name: "email_address", shape: aText},
		member{name: "mail_nickname", shape: aText, doc: "The mail alias; without it, what user_principal_name begins with."},
		member{name: "full_name", shape: aText, doc: "The display name, where that is another than name."},
		member{name: "password", shape: aText, doc: "The first password, which has to be changed at once: ${secret:NAME}. Without it, one is made that nobody learns."},
		member{name: "job_title", shape: aText}, member{name: "department", shape: aText},
		member{name: "manager_id", shape: aText}, member{name: "mfa_enabled", shape: aBool}, member{name: "narrative_context", shape: aText},
	)
	entraGroupShape = objectOf(
		member{name: "name", also: []string{"display_name"}, shape: aText, required: true, doc: "What ${group:NAME} names it by."},
		member{name: "full_name", shape: aText, doc: "The display name, where that is another than name."},
		member{name: "id", also: []string{"group_id"}, shape: aText, doc: "The object id, if the group exists."},
		member{name: "description", shape: aText}, member{name: "mail_nickname", shape: aText}, member{name: "group_type", shape: aText, doc: "security, which is the default, or microsoft365."},
		member{name: "members", shape: texts, doc: "References to users, groups, service principals and principal ids."}, member{name: "narrative_context", shape: aText},
	)
	serviceShape = objectOf(
		member{name: "name", also: []string{"display_name"}, shape: aText, required: true, doc: "What ${service_principal:NAME} names it by."},
		member{name: "id", also: []string{"sp_id"}, shape: aText, doc: "The object id, if it exists."},
		member{name: "full_name", shape: aText, doc: "The display name, where that is another than name."},
		member{name: "app_id", shape: aText, doc: "That of an application that exists. Without it, an application is made too."}, member{name: "api_permissions", shape: texts}, member{name: "narrative_context", shape: aText},
	)
	assignmentShape = objectOf(
		member{name: "principal", also: []string{"principal_id"}, shape: aText, required: true, doc: "Who: a reference, or an object id."},
		member{name: "role", also: []string{"role_name"}, shape: aText, doc: "What: the name of a built-in role, or the id of a role definition."},
		member{name: "role_id", shape: aText, doc: "The GUID of the role, where its name is not one that atg knows."},
		member{name: "scope", shape: aText, required: true, doc: "Where: the id of a resource, resource group, subscription or management group, or /."},
		member{name: "name", also: []string{"id"}, shape: aText, doc: "The GUID of the assignment; without it, one that follows from the other members."},
		member{name: "principal_type", shape: aText, doc: "User, Group, ServicePrincipal, ForeignGroup or Device."},
		member{name: "description", shape: aText}, member{name: "condition", shape: aText}, member{name: "condition_version", shape: aText},
		member{name: "delegated_managed_identity", also: []string{"delegated_managed_identity_resource_id"}, shape: aText}, member{name: "narrative_context", shape: aText},
	)
	relationshipShape = objectOf(
		member{name: "source", also: []string{"source_id", "from"}, shape: aText, required: true},
		member{name: "target", also: []string{"target_id", "to"}, shape: aText, required: true},
		member{name: "type", also: []string{"relationship_type"}, shape: aText, required: true, doc: "DEPENDS_ON makes the source wait for the target; every other one is for people."},
		member{name: "original_type", shape: aText}, member{name: "narrative_context", shape: aText},
	)

	placedGroup = objectOf(append(groupMembers[:len(groupMembers):len(groupMembers)], subscriptionMember)...)
	inGroup     = member{name: "resource_group", shape: aText, doc: "The name of its resource group."}
	placed      = objectOf(append(resourceMembers[:len(resourceMembers):len(resourceMembers)], inGroup, subscriptionMember)...)
	placedMI    = objectOf(append(identityMembers[:len(identityMembers):len(identityMembers)], inGroup, subscriptionMember)...)

	lists = []member{
		{name: "subscriptions", shape: aListOf(subscriptionShape)},
		{name: "resource_groups", shape: aListOf(placedGroup)},
		{name: "resources", shape: aListOf(placed), doc: "Resources that say where they are by resource_group, subscription or scope; those that say nothing are the tenant's."},
		{name: "managed_identities", shape: aListOf(placedMI)},
		{name: "users", shape: aListOf(userShape)},
		{name: "groups", shape: aListOf(entraGroupShape)},
		{name: "service_principals", shape: aListOf(serviceShape)},
		{name: "role_assignments", also: []string{"rbac_assignments"}, shape: aListOf(assignmentShape)},
		{name: "relationships", shape: aListOf(relationshipShape)},
	}
	tenantShape = objectOf(append([]member{
		{name: "name", also: []string{"display_name"}, shape: aText},
		{name: "tenant_id", also: []string{"id"}, shape: aText, doc: "Where it was."},
		{name: "narrative_context", shape: aText},
		{name: "admin_units", shape: anything, doc: notUsed}, {name: "conditional_access_policies", shape: anything, doc: notUsed},
		{name: "pim_assignments", shape: anything, doc: notUsed}, {name: "admin_roles", shape: anything, doc: notUsed},
		{name: "directory_role_assignments", shape: anything, doc: notUsed}, {name: "tenant_settings", shape: anything, doc: notUsed},
	}, lists...)...)

	// document is what a block is.
	document = objectOf(append([]member{{name: "tenant", shape: tenantShape, doc: "The tenant. All that stands beside it can stand in it."}}, lists...)...)
)
