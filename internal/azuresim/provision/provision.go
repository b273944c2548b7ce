// Package provision is what resource providers do with a resource that is written: which requests
// they refuse, what they ignore, keep to themselves and add. It covers rules that many types share
// and those of common types, not every rule of every provider.
package provision

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

// Refusal is why a provider does not take a resource.
type Refusal struct {
	Status        int
	Code, Message string
	// Gateway says that Resource Manager itself refuses it, before a provider sees it.
	Gateway bool
}

func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

func badRequest(code, format string, args ...any) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Request is a resource to be written.
type Request struct {
	// ID, Type and Name are the resource's; Name has those of its parents before it.
	ID, Type, Name string
	TenantID       string
	Body           map[string]any
	// Before is the resource as it was, nil if it is new.
	Before map[string]any
	// Tracked resources have a location.
	Tracked bool
	// Lookup finds another resource, or a resource group, by its id.
	Lookup func(id string) (map[string]any, bool)
	// Reaches says whether an id lies in a subscription that the tenant has, so that Lookup can
	// tell whether it exists.
	Reaches func(id string) bool
	Now     time.Time
	Caller  string // object id
	// Lenient takes unknown members of the first level, as some providers do, and drops them.
	Lenient bool
}

// members are those of the first level that Resource Manager takes; the others it sets itself.
var (
	members = []string{
		"location", "tags", "kind", "sku", "plan", "identity", "zones", "extendedlocation", "managedby", "managedbyextended", "properties", "placement",
		"scale",
	}
	ignored = []string{"id", "name", "type", "systemdata", "etag", "scope", "apiversion"}
)

// Complete is the resource as it is stored and shown: all members but id, name and type.
func Complete(r *Request) (map[string]any, *Refusal) {
	made := map[string]any{}
	for name, value := range r.Body {
		lower := strings.ToLower(name)
		switch {
		case slices.Contains(ignored, lower) || value == nil:
		case slices.Contains(members, lower):
			made[name] = value
		case !r.Lenient:
			return nil, &Refusal{Status: http.StatusBadRequest, Gateway: true, Code: "InvalidRequestContent", Message: fmt.Sprintf(
				"The request content was invalid and could not be deserialized: 'Could not find member '%s' on object of type 'ResourceDefinition'. Path '%s'.'.", name, name)}
		}
	}
	for _, check := range []func(*Request, map[string]any) *Refusal{checkName, placeAt, checkTags, checkRequired} {
		if refusal := check(r, made); refusal != nil {
			return nil, refusal
		}
	}
	properties, ok := made["properties"].(map[string]any)
	if made["properties"] != nil && !ok {
		return nil, badRequest("InvalidRequestContent", "The member 'properties' must be an object.")
	}
	properties = withoutReadOnly(r, properties)
	if refusal := checkReferences(r, properties); refusal != nil {
		return nil, refusal
	}
	properties = withoutSecrets(r, properties)
	if refusal := identify(r, made); refusal != nil {
		return nil, refusal
	}
	made["properties"] = added(r, properties)
	setKind(r, made)
	return made, nil
}

// Preflight refuses what can be told of a resource before anything is deployed: all but that what it
// refers to is not there, for that may come with the deployment. Unless it is whole, its body has
// nothing but the location, and what that and the name may be is all that is checked.
func Preflight(r *Request, whole bool) *Refusal {
	if !whole {
		made := map[string]any{}
		if location, ok := r.Body["location"]; ok {
			made["location"] = location
		}
		if refusal := checkName(r, made); refusal != nil {
			return refusal
		}
		return placeAt(r, made)
	}
	ahead := *r
	ahead.Lookup = func(string) (map[string]any, bool) { return map[string]any{}, true }
	ahead.Reaches = func(string) bool { return false }
	_, refusal := Complete(&ahead)
	return refusal
}

// placeAt checks the location of a resource and writes it as Azure does.
func placeAt(r *Request, made map[string]any) *Refusal {
	raw, ok := made["location"]
	if !ok {
		if r.Tracked {
			return &Refusal{Status: http.StatusBadRequest, Gateway: true, Code: "LocationRequired", Message: "The location property is required for this definition."}
		}
		return nil
	}
	text, ok := raw.(string)
	if !ok {
		return badRequest("InvalidRequestContent", "The member 'location' must be a string.")
	}
	location := Location(text)
	if !IsLocation(location) {
		return &Refusal{Status: http.StatusBadRequest, Gateway: true, Code: "LocationNotAvailableForResourceType", Message: fmt.Sprintf(
			"The provided location '%s' is not available for resource type '%s'. List of available regions for the resource type is '%s'.", text, r.Type, strings.Join(locations, ","))}
	}
	if before, _ := r.Before["location"].(string); before != "" && Location(before) != location {
		group := ""
		if segments := strings.Split(r.ID, "/"); len(segments) > 4 {
			group = segments[4]
		}
		return &Refusal{Status: http.StatusConflict, Gateway: true, Code: "InvalidResourceLocation", Message: fmt.Sprintf(
			"The resource '%s' already exists in location '%s' in resource group '%s'. A resource with the same name cannot be created in location '%s'. Please select a new resource name.",
			r.Name, before, group, location)}
	}
	made["location"] = location
	return nil
}

// Location is a region's name as Azure stores it: West Europe is westeurope.
func Location(text string) string { return strings.ToLower(strings.ReplaceAll(text, " ", "")) }

// IsLocation says whether there is such a region.
func IsLocation(name string) bool { return slices.Contains(locations, name) }

// locations are Azure's regions, with global and the groups of regions that some services stand in.
// https://learn.microsoft.com/azure/reliability/regions-list
var locations = strings.Fields(`global australiacentral australiacentral2 australiaeast australiasoutheast austriaeast belgiumcentral
brazilsouth brazilsoutheast canadacentral canadaeast centralindia centralus chilecentral denmarkeast eastasia eastus eastus2 francecentral
francesouth germanynorth germanywestcentral indonesiacentral israelcentral italynorth japaneast japanwest jioindiacentral jioindiawest
koreacentral koreasouth malaysiawest mexicocentral newzealandnorth northcentralus northeurope norwayeast norwaywest polandcentral
qatarcentral southafricanorth southafricawest southcentralus southindia southeastasia spaincentral swedencentral swedensouth
switzerlandnorth switzerlandwest uaecentral uaenorth uksouth ukwest westcentralus westeurope westindia westus westus2 westus3
europe unitedstates asiapacific unitedkingdom`)

// checkTags holds the limits of tags.
// https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations
func checkTags(_ *Request, made map[string]any) *Refusal {
	raw, ok := made["tags"]
	if !ok {
		return nil
	}
	tags, ok := raw.(map[string]any)
	if !ok {
		return badRequest("InvalidRequestContent", "The member 'tags' must be an object.")
	}
	if len(tags) > 50 {
		return badRequest("InvalidTagCount", "The resource has '%d' tags, the maximum is '50'.", len(tags))
	}
	for name, value := range tags {
		text, ok := value.(string)
		switch {
		case !ok:
			return badRequest("InvalidRequestContent", "The value of the tag '%s' must be a string, not of type '%s'.", name, expression.TypeOf(value))
		case name == "" || len(name) > 512 || strings.ContainsAny(name, `<>%&\?/`):
			return badRequest("InvalidTagNameCharacters", "The tag name '%s' is empty, longer than 512 characters, or has one of the characters '<,>,%%,&,\\,?,/'.", name)
		case len(text) > 256:
			return badRequest("InvalidTagValueLength", "The value of the tag '%s' is longer than '256' characters.", name)
		}
	}
	return nil
}
