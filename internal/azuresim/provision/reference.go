package provision

import (
	"slices"
	"strings"
)

// pointing are properties, by their path, whose value is the id of a resource that must exist.
// Beside them every member "id" of a nested object in the properties of a type of Microsoft.Network
// or Microsoft.Compute is one, for those providers hold that everywhere.
var pointing = map[string][]string{
	"microsoft.web/sites":                                     {"serverFarmId", "virtualNetworkSubnetId"},
	"microsoft.insights/diagnosticsettings":                   {"workspaceId", "storageAccountId", "eventHubAuthorizationRuleId"},
	"microsoft.app/containerapps":                             {"managedEnvironmentId", "environmentId"},
	"microsoft.network/privateendpoints":                      {"privateLinkServiceConnections.*.properties.privateLinkServiceId"},
	"microsoft.operationsmanagement/solutions":                {"workspaceResourceId"},
	"microsoft.insights/components":                           {"WorkspaceResourceId"},
	"microsoft.network/privateendpoints/privatednszonegroups": {"privateDnsZoneConfigs.*.properties.privateDnsZoneId"},
	"microsoft.sql/servers/virtualnetworkrules":               {"virtualNetworkSubnetId"},
}

// checkReferences refuses a resource that refers to another that does not exist.
func checkReferences(r *Request, properties map[string]any) *Refusal {
	typ := strings.ToLower(r.Type)
	for _, path := range pointing[typ] {
		if refusal := checkPath(r, properties, strings.Split(path, ".")); refusal != nil {
			return refusal
		}
	}
	if strings.HasPrefix(typ, "microsoft.network/") || strings.HasPrefix(typ, "microsoft.compute/") {
		return checkNested(r, properties, 0)
	}
	return nil
}

func checkPath(r *Request, value any, path []string) *Refusal {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			if path[0] == "*" && len(path) > 1 {
				if refusal := checkPath(r, item, path[1:]); refusal != nil {
					return refusal
				}
			}
		}
	case map[string]any:
		for name, item := range v {
			if !strings.EqualFold(name, path[0]) {
				continue
			}
			if id, ok := item.(string); ok && len(path) == 1 {
				return checkReference(r, id)
			}
			if len(path) > 1 {
				return checkPath(r, item, path[1:])
			}
		}
	}
	return nil
}

// checkNested checks the ids of sub-resources.
func checkNested(r *Request, value any, depth int) *Refusal {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			if refusal := checkNested(r, item, depth+1); refusal != nil {
				return refusal
			}
		}
	case map[string]any:
		if id, ok := v["id"].(string); ok && depth > 0 {
			if refusal := checkReference(r, id); refusal != nil {
				return refusal
			}
		}
		for name, item := range v {
			if strings.EqualFold(name, "imageReference") || strings.EqualFold(name, "galleryImageReference") {
				continue
			}
			if refusal := checkNested(r, item, depth+1); refusal != nil {
				return refusal
			}
		}
	}
	return nil
}

// madeWith are the types of children that another resource makes within itself under names of its
// own, or that stand where the simulator has no rows: references to them are taken.
var madeWith = []string{"/ipconfigurations/", "/frontendipconfigurations/", "/backendaddresspools/", "/images/", "/locations/", "/sharedgalleries/", "/virtualmachines/"}

func checkReference(r *Request, id string) *Refusal {
	lower := strings.ToLower(id)
	own := strings.ToLower(r.ID)
	switch {
	case !strings.HasPrefix(lower, "/subscriptions/") || !strings.Contains(lower, "/providers/"):
		return nil
	case strings.HasPrefix(lower+"/", own+"/") || !r.Reaches(id):
		return nil
	case slices.ContainsFunc(madeWith, func(part string) bool { return strings.Contains(lower, part) }):
		return nil
	}
	if _, ok := r.Lookup(id); ok {
		return nil
	}
	return badRequest("InvalidResourceReference",
		"Resource %s referenced by resource %s was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.", id, r.ID)
}
