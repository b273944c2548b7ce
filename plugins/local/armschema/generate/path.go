package main

import (
	"regexp"
	"strings"
)

// Scopes, as package armschema numbers them.
const (
	scopeTenant = 1 << iota
	scopeManagementGroup
	scopeSubscription
	scopeResourceGroup
	scopeExtension
)

// place is what a path tells of a type.
type place struct {
	typ   string   // Microsoft.Network/virtualNetworks/subnets
	scope byte     // where its root type is
	names []string // the only names; none is any
	list  bool     // the path lists resources of the type
}

// most is how many values a parameter may have for its values to be the only names that there are.
const most = 8

var (
	resourceGroup   = regexp.MustCompile(`(?i)^/subscriptions/\{[^/]*\}/resourceGroups/\{[^/]*\}$`)
	groupsOf        = regexp.MustCompile(`(?i)^/subscriptions/\{[^/]*\}/resourceGroups$`)
	subscription    = regexp.MustCompile(`(?i)^/subscriptions/\{[^/]*\}$`)
	managementGroup = regexp.MustCompile(`(?i)^/providers/Microsoft\.Management/managementGroups/\{[^/]*\}$`)
	literal         = regexp.MustCompile(`^[A-Za-z0-9.\-_]+$`)
)

// places are what a request's path is of: none of a path that is of no resource.
func (r request) places() []place {
	path := strings.TrimSuffix(r.path, "/")
	switch {
	case subscription.MatchString(path):
		return []place{{typ: "Microsoft.Resources/subscriptions", scope: scopeTenant}}
	case resourceGroup.MatchString(path):
		return []place{{typ: "Microsoft.Resources/resourceGroups", scope: scopeSubscription}}
	case groupsOf.MatchString(path):
		return []place{{typ: "Microsoft.Resources/resourceGroups", scope: scopeSubscription, list: true}}
	case strings.EqualFold(path, "/subscriptions"):
		return []place{{typ: "Microsoft.Resources/subscriptions", scope: scopeTenant, list: true}}
	}
	at := strings.LastIndex(strings.ToLower(path), "/providers/")
	if at < 0 {
		return nil
	}
	parts := strings.Split(path[at+len("/providers/"):], "/")
	if len(parts) < 2 || !literal.MatchString(parts[0]) || !strings.Contains(parts[0], ".") {
		return nil
	}
	base := place{typ: parts[0], scope: scopeOf(path[:at]), list: len(parts)%2 == 0}
	all := []place{base}
	for i := 1; i < len(parts); i += 2 {
		segments := []string{parts[i]}
		if parameter, ok := strings.CutPrefix(parts[i], "{"); ok {
			segments = r.source.enums[r.params[strings.TrimSuffix(parameter, "}")]]
		}
		var next []place
		for _, p := range all {
			for _, segment := range segments {
				if !literal.MatchString(segment) {
					return nil
				}
				p.typ += "/" + segment
				next = append(next, p)
				p.typ = strings.TrimSuffix(p.typ, "/"+segment)
			}
		}
		all = next
	}
	if !base.list {
		names := r.fixed(parts[len(parts)-1])
		for i := range all {
			all[i].names = names
		}
	}
	return all
}

func scopeOf(path string) byte {
	switch {
	case path == "":
		return scopeTenant
	case resourceGroup.MatchString(path):
		return scopeResourceGroup
	case subscription.MatchString(path):
		return scopeSubscription
	case managementGroup.MatchString(path):
		return scopeManagementGroup
	}
	return scopeExtension
}

func (r request) fixed(last string) []string {
	parameter, ok := strings.CutPrefix(last, "{")
	if !ok {
		return []string{last}
	}
	if values := r.source.enums[r.params[strings.TrimSuffix(parameter, "}")]]; len(values) <= most {
		return values
	}
	return nil
}
