package build

import "strings"

// The types of containers, as they are deployed.
const (
	typeGroup           = "Microsoft.Resources/resourceGroups"
	groupRowType        = "microsoft.resources/subscriptions/resourcegroups"
	subscriptionRowType = "microsoft.resources/subscriptions"
	managementGroupType = "microsoft.management/managementgroups"
)

// armID is an ARM id taken apart. Its parts are cased as in the id.
type armID struct {
	scope     string // what it hangs below: the deployment's scope, or for an extension the id of the resource that it extends
	namespace string // Microsoft.Network; empty for a resource group, subscription or other container
	types     []string
	names     []string
}

// parseID takes an id apart. ok is false for what is no id of a resource or container.
func parseID(id string) (a armID, ok bool) {
	if !strings.HasPrefix(id, "/") || strings.HasSuffix(id, "/") || strings.Contains(id, "//") {
		return a, false
	}
	at := lastProviders(id)
	if at < 0 {
		s := strings.Split(id[1:], "/")
		if len(s)%2 != 0 || !strings.EqualFold(s[0], "subscriptions") || len(s) > 4 || len(s) == 4 && !strings.EqualFold(s[2], "resourceGroups") {
			return a, false
		}
		return armID{scope: id}, true
	}
	a.scope = id[:at]
	s := strings.Split(id[at+len("/providers/"):], "/")
	if len(s) < 3 || len(s)%2 == 0 {
		return a, false
	}
	a.namespace = s[0]
	for i := 1; i < len(s); i += 2 {
		a.types, a.names = append(a.types, s[i]), append(a.names, s[i+1])
	}
	return a, true
}

// lastProviders is where the last /providers/ begins; -1 is nowhere.
func lastProviders(id string) int {
	const word = "/providers/"
	for i := len(id) - len(word); i >= 0; i-- {
		if id[i] == '/' && strings.EqualFold(id[i:i+len(word)], word) {
			return i
		}
	}
	return -1
}

// typ is the full type: Microsoft.Network/virtualNetworks/subnets.
func (a armID) typ() string {
	if a.namespace == "" {
		return ""
	}
	return a.namespace + "/" + strings.Join(a.types, "/")
}

// name is the last segment.
func (a armID) name() string {
	if len(a.names) == 0 {
		return a.scope[strings.LastIndexByte(a.scope, '/')+1:]
	}
	return a.names[len(a.names)-1]
}

// child says that the resource lies below another of its provider.
func (a armID) child() bool { return len(a.types) > 1 }

// isManagementGroup says that the id is that of a management group itself.
func (a armID) isManagementGroup() bool {
	return a.scope == "" && len(a.types) == 1 && strings.EqualFold(a.namespace, "Microsoft.Management") && strings.EqualFold(a.types[0], "managementGroups")
}

// up is the id of what a resource hangs below: its parent, the target of an extension, its group, subscription or management group;
// empty for the tenant.
func (a armID) up() string {
	if !a.child() {
		return a.scope
	}
	var b strings.Builder
	b.WriteString(a.scope + "/providers/" + a.namespace)
	for i := range len(a.types) - 1 {
		b.WriteString("/" + a.types[i] + "/" + a.names[i])
	}
	return b.String()
}

// deploymentScope is the id of the resource group, subscription or management group that a resource is deployed to, however far
// below it lies; empty for the tenant. It is a beginning of id.
func deploymentScope(id string) string {
	const group = "/providers/microsoft.management/managementgroups/"
	if hasPrefixFold(id, group) {
		if at := strings.IndexByte(id[len(group):], '/'); at >= 0 {
			return id[:len(group)+at]
		}
		return "" // a management group itself is deployed to the tenant
	}
	s := strings.SplitN(id, "/", 6)
	switch {
	case len(s) <= 3 || !strings.EqualFold(s[1], "subscriptions"):
		return ""
	case len(s) >= 6 && strings.EqualFold(s[3], "resourceGroups"):
		return id[:len(s[1])+len(s[2])+len(s[3])+len(s[4])+4]
	}
	return id[:len(s[1])+len(s[2])+2] // a group itself is deployed to its subscription
}

// fits says that an id is one that a row of a type can have: as many names as types, and the containers where they are.
func (a armID) fits(lower string) bool {
	switch lower {
	case groupRowType:
		return a.namespace == "" && strings.Count(a.scope, "/") == 4
	case subscriptionRowType:
		return a.namespace == "" && strings.Count(a.scope, "/") == 2
	}
	return a.namespace != "" && len(a.types) == strings.Count(lower, "/")
}
