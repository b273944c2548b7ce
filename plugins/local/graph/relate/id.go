package relate

import "strings"

// TypeOf is the type of what an ARM id names, in lower case: that behind its last provider, with the types of all children; empty
// where there is none.
func TypeOf(id string) string {
	id = strings.ToLower(id)
	const provider = "/providers/"
	at := strings.LastIndex(id, provider)
	if at < 0 {
		switch segments := strings.Count(id, "/"); {
		case strings.HasPrefix(id, "/subscriptions/") && segments == 2:
			return "microsoft.resources/subscriptions"
		case strings.HasPrefix(id, "/subscriptions/") && segments == 4:
			return "microsoft.resources/subscriptions/resourcegroups"
		}
		return ""
	}
	segments := strings.Split(id[at+len(provider):], "/")
	typ := segments[0]
	for i := 1; i < len(segments); i += 2 {
		typ += "/" + segments[i]
	}
	return typ
}

// Scope is the subscription and the resource group in an ARM id; empty where it has none.
func Scope(id string) (subscription, group string) {
	segments := strings.SplitN(id, "/", 6)
	if len(segments) > 2 && strings.EqualFold(segments[1], "subscriptions") {
		subscription = segments[2]
	}
	if len(segments) > 4 && strings.EqualFold(segments[3], "resourceGroups") {
		group = segments[4]
	}
	return subscription, group
}

// HasHost says whether accounts of a type have a name on the internet by which resources name them.
func HasHost(resource string) bool {
	r, err := parsed()
	if err != nil {
		return false
	}
	for i := range r.zones {
		if r.zones[i].resource == resource {
			return true
		}
	}
	return false
}

// platform are parts of the ids of what Azure itself has: images of its marketplace, managed APIs, common maintenance windows.
var platform = []string{
	"/providers/microsoft.compute/locations/", "/providers/microsoft.web/locations/", "/providers/microsoft.maintenance/publicmaintenanceconfigurations/",
	"/providers/microsoft.network/locations/",
}

// IsPlatform says whether an id, in lower case, names something that Azure itself has in every tenant, and that no scan reads.
func IsPlatform(id string) bool {
	if strings.HasPrefix(id, "/providers/microsoft.authorization/") { // policies and roles of no scope are built in
		return true
	}
	for _, p := range platform {
		if strings.Contains(id, p) {
			return true
		}
	}
	return false
}
