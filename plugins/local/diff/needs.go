package diff

import (
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

const typeLock = "microsoft.authorization/locks"

// kindUnlisted is the kind of no ledger: what only Resource Graph tells of.
const kindUnlisted = ""

// around are the types that Resource Manager lists beside resources, and the table in which Resource Graph has them.
var around = []struct{ typ, table string }{
	{"microsoft.authorization/policy", "policyresources"}, {"microsoft.managedservices/", "managedserviceresources"},
	{"microsoft.resources/deploymentstacks", "deploymentresources"}, {"microsoft.security/pricings", "securityresources"},
}

// needs are the kinds of a ledger that must have been read so that a row was found: of each list at least one, and all of it that there is.
func (s *seen) needs(scope string, e *graph.Entry) [][]string {
	switch e.Table {
	case graph.Containers:
		return [][]string{{kindContainers, kindAround}}
	case graph.RoleAssignments, graph.RoleDefinitions:
		return [][]string{{kindRoles, kindAround}}
	}
	base := []string{kindResources, kindARM}
	switch {
	case e.Type == typeLock:
		return [][]string{{kindLocks}}
	case slices.ContainsFunc(armschema.Extensions(), func(x armschema.Extension) bool { return x.Type == e.Type }):
		if strings.Count(e.Key, "/providers/") == 1 { // of a subscription or a group; Resource Manager's lists lead to those of resources alone
			return [][]string{{kindContainers}, {kindExtensions}}
		}
		return [][]string{base, {kindExtensions}}
	}
	child, table := childOf(e.Type)
	aside := slices.IndexFunc(around, func(a struct{ typ, table string }) bool { return strings.HasPrefix(e.Type, a.typ) })
	if e.Source != graph.SourceARM && e.Source != kindResources {
		table = e.Source
	} else if aside >= 0 {
		table = around[aside].table
	}
	switch {
	case table != "" && !s.byARM(scope):
		return [][]string{{table}}
	case aside >= 0:
		return [][]string{{kindAround}}
	case child:
		return [][]string{base, {kindChildren}}
	case table != "":
		return [][]string{{kindUnlisted}}
	}
	return [][]string{base}
}

// childOf says whether a type is a child type that is read of Resource Manager, and which table of Resource Graph has it; none if empty.
func childOf(typ string) (child bool, table string) {
	last := strings.LastIndexByte(typ, '/')
	if last < 0 {
		return false, ""
	}
	for _, c := range armschema.Children(typ[:last]) {
		if c.Type == typ {
			child = true
			table = c.Table
		}
	}
	return child, table
}

// filtered says that the request of the scan left a row out, or may have. See docs/scan.md for what narrows what.
func (s *seen) filtered(e *graph.Entry) string {
	f := s.request.Filter
	group := groupOf(e)
	out := s.say("was filtered and did not ask for this")
	if e.SubscriptionID == "" && len(f.Subscriptions)+len(f.ResourceGroups) > 0 && e.Table != graph.RoleDefinitions {
		return out
	}
	if len(f.ResourceGroups) > 0 && e.SubscriptionID != "" && e.Type != "microsoft.resources/subscriptions" && !holds(f.ResourceGroups, group) {
		return out
	}
	if e.Table == graph.Containers || e.Table == graph.RoleAssignments || e.Table == graph.RoleDefinitions {
		return ""
	}
	switch {
	case !s.asked.Leads(e.Type), s.asked.Excludes(e.Type):
		return out
	case len(f.Tags) > 0:
		return s.say("asked for tags alone, which this may have lost")
	case !s.asked.Location(e.Location):
		if child, _ := childOf(e.Type); child && s.alike { // it lies where its parent does
			return ""
		}
		return out
	}
	return ""
}

func holds(values []string, value string) bool {
	return slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, value) })
}

// groupOf is the resource group in which a row lies, in lower case; a group is its own.
func groupOf(e *graph.Entry) string {
	segments := strings.SplitN(e.Key, "/", 6)
	if len(segments) > 4 && segments[1] == "subscriptions" && segments[3] == "resourcegroups" {
		return segments[4]
	}
	return ""
}

// sameFilter says that two scans were asked for the same things.
func sameFilter(a, b backend.Filter) bool {
	lists := func(f backend.Filter) [][]string {
		tags := make([]string, 0, len(f.Tags))
		for k, v := range f.Tags {
			tags = append(tags, k+"="+v)
		}
		all := [][]string{f.Subscriptions, f.ResourceGroups, f.ResourceTypes, f.Locations, f.ExcludeTypes, tags}
		for i, l := range all {
			l = slices.Clone(l)
			for j := range l {
				l[j] = graph.Region(l[j])
			}
			slices.Sort(l)
			all[i] = slices.Compact(l)
		}
		return all
	}
	return slices.EqualFunc(lists(a), lists(b), slices.Equal[[]string])
}
