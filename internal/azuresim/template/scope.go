// Package template evaluates templates of Resource Manager: their parameters, variables, loops,
// resources and outputs, and everything that Resource Manager checks before it creates anything.
// It knows nothing of requests and stores; what it asks of Azure goes through Host.
// https://learn.microsoft.com/azure/azure-resource-manager/templates/syntax
package template

import (
	"fmt"
	"strings"
)

// Scope is what a template is deployed to; all empty is the tenant.
type Scope struct {
	ManagementGroup, Subscription, Group string
}

const managementGroups = "/providers/Microsoft.Management/managementGroups/"

// ID is the scope's id; empty for the tenant.
func (s Scope) ID() string {
	switch {
	case s.Group != "":
		return "/subscriptions/" + s.Subscription + "/resourceGroups/" + s.Group
	case s.Subscription != "":
		return "/subscriptions/" + s.Subscription
	case s.ManagementGroup != "":
		return managementGroups + s.ManagementGroup
	}
	return ""
}

// Kind is how messages name a scope of this kind.
func (s Scope) Kind() string {
	switch {
	case s.Group != "":
		return "resource group"
	case s.Subscription != "":
		return "subscription"
	case s.ManagementGroup != "":
		return "management group"
	}
	return "tenant"
}

// Interleaved is Namespace/type/name/type/name of a type and a name with as many segments less one.
// A segment "providers" of the type, as old templates write extensions, starts another namespace.
func Interleaved(typ, name string) string {
	types, names := strings.Split(typ, "/"), strings.Split(name, "/")
	var id strings.Builder
	id.WriteString(types[0])
	for i, segment := range types[1:] {
		id.WriteString("/" + segment)
		if i < len(names) {
			id.WriteString("/" + names[i])
		}
	}
	return id.String()
}

// resourceID is the id of a resource that stands directly in a scope given by its id.
func resourceID(scope, typ, name string) string {
	if strings.EqualFold(typ, "Microsoft.Resources/resourceGroups") {
		return scope + "/resourceGroups/" + name
	}
	if strings.EqualFold(typ, "Microsoft.Resources/subscriptions") {
		return "/subscriptions/" + name
	}
	return scope + "/providers/" + Interleaved(typ, name)
}

// canonical is an id in lower case, in the one form in which ids are compared: groups also go by
// the provider form that functions such as subscriptionResourceId write.
func canonical(id string) string {
	id = strings.ToLower(strings.TrimSuffix(id, "/"))
	return strings.Replace(id, "/providers/microsoft.resources/resourcegroups/", "/resourcegroups/", 1)
}

// segmentsOf counts the segments of a type or name.
func segmentsOf(text string) int { return strings.Count(text, "/") + 1 }

// Error is what a template is refused with, before or while it is deployed.
type Error struct {
	Code, Message string
	// Target is the id of the resource that is concerned, if it is one.
	Target string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// invalid is the refusal of a template that breaks a rule.
func invalid(format string, args ...any) *Error {
	return &Error{Code: "InvalidTemplate", Message: "Deployment template validation failed: '" + fmt.Sprintf(format, args...) + "'."}
}

// malformed is the refusal of a template that cannot be read.
func malformed(format string, args ...any) *Error {
	return &Error{Code: "InvalidRequestContent", Message: "The request content was invalid and could not be deserialized: '" + fmt.Sprintf(format, args...) + "'."}
}
