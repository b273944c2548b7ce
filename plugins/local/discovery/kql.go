package discovery

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// quote writes text as a string of KQL. Text with control characters must not come here; see check.
func quote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// oneOf is the condition that a column has one of the values, whatever their case.
func oneOf(column string, values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = quote(v)
	}
	return fmt.Sprintf("%s in~ (%s)", column, strings.Join(quoted, ", "))
}

// hasTag is the condition on one tag. Resource Graph keeps the case of a tag's name, in which Azure
// makes no difference, so the exact name is looked up and the other ones are searched for.
func hasTag(name, value string) string {
	encodedName, encodedValue := jsonText(name), jsonText(value)
	if value == "" {
		return fmt.Sprintf("(isnotnull(tags[%s]) or tostring(tags) contains %s)", quote(name), quote(encodedName+":"))
	}
	return fmt.Sprintf("(tags[%s] =~ %s or tostring(tags) contains %s)", quote(name), quote(value), quote(encodedName+":"+encodedValue))
}

func jsonText(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string always has a JSON form
	return strings.TrimSuffix(b.String(), "\n")
}

// resourceConditions are what a filter means for resources. Subscriptions are no condition: they are
// the scope of a query.
func resourceConditions(f backend.Filter) []string {
	var conditions []string
	if len(f.ResourceGroups) > 0 {
		conditions = append(conditions, oneOf("resourceGroup", f.ResourceGroups))
	}
	if len(f.ResourceTypes) > 0 {
		conditions = append(conditions, oneOf("type", withAncestors(f.ResourceTypes)))
	}
	if len(f.ExcludeTypes) > 0 {
		conditions = append(conditions, "not("+oneOf("type", f.ExcludeTypes)+")")
		for _, t := range f.ExcludeTypes {
			conditions = append(conditions, "type !startswith "+quote(t+"/")) // its children
		}
	}
	if len(f.Locations) > 0 {
		names := make([]string, len(f.Locations)) // Resource Graph has westeurope where the portal has West Europe
		for i, l := range f.Locations {
			names[i] = strings.ReplaceAll(l, " ", "")
		}
		conditions = append(conditions, oneOf("location", names))
	}
	for _, name := range slices.Sorted(maps.Keys(f.Tags)) {
		conditions = append(conditions, hasTag(name, f.Tags[name]))
	}
	return conditions
}

// withAncestors adds to types those that one must read to come to them.
func withAncestors(types []string) []string {
	all := slices.Clone(types)
	for _, t := range types {
		for _, a := range armschema.Ancestors(t) {
			if !slices.ContainsFunc(all, func(known string) bool { return strings.EqualFold(known, a) }) {
				all = append(all, a)
			}
		}
	}
	return all
}

// matches says whether the filter takes a resource that Resource Manager lists, in any subscription. Its list knows conditions as well, but not
// together.
func (s *scan) matches(r *graph.Row) bool {
	typ := strings.ToLower(r.Type)
	return s.inGroups(r) && s.filter.Takes(typ, r.Location, r.Tags) && !s.filter.Excludes(typ)
}

// inGroups says that a row lies in one of the resource groups asked for.
func (s *scan) inGroups(r *graph.Row) bool { return s.filter.Group(strings.ToLower(r.ResourceGroup)) }

// containerConditions keep the subscriptions themselves and, of the resource groups, those asked for.
func containerConditions(f backend.Filter) []string {
	if len(f.ResourceGroups) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("(type !~ 'microsoft.resources/subscriptions/resourcegroups' or %s)", oneOf("name", f.ResourceGroups))}
}

// withinGroups keep what is assigned in the resource groups asked for, or below them.
func withinGroups(f backend.Filter) []string {
	if len(f.ResourceGroups) == 0 {
		return nil
	}
	within := make([]string, len(f.ResourceGroups))
	for i, g := range f.ResourceGroups {
		within[i] = "id contains " + quote("/resourcegroups/"+g+"/")
	}
	return []string{"(" + strings.Join(within, " or ") + ")"}
}

// policyConditions are what a filter means for policies, which a snapshot has among the resources.
func policyConditions(f backend.Filter) []string {
	groups := withinGroups(f)
	f.ResourceGroups = nil
	return append(groups, resourceConditions(f)...)
}

// check refuses what no filter may hold. Azure has no name or tag with a control character, and a
// value without any needs no more than quote to stay a value.
func check(f backend.Filter) error {
	fields := []struct {
		key    string
		values []string
	}{
		{"subscriptions", f.Subscriptions}, {"resource_groups", f.ResourceGroups}, {"resource_types", f.ResourceTypes},
		{"locations", f.Locations}, {"exclude_types", f.ExcludeTypes}, {"tags", slices.Collect(maps.Keys(f.Tags))},
	}
	var problems []fault.Problem
	refuse := func(key, format string, args ...any) {
		problems = append(problems, fault.Problem{Key: key, Message: fmt.Sprintf(format, args...)})
	}
	for _, field := range fields {
		for _, v := range field.values {
			switch {
			case strings.TrimSpace(v) == "":
				refuse(field.key, "an empty name")
			case strings.ContainsFunc(v, isControl):
				refuse(field.key, "%q has a control character", v)
			}
		}
	}
	for _, v := range f.Tags {
		if strings.ContainsFunc(v, isControl) {
			refuse("tags", "%q has a control character", v)
		}
	}
	for _, t := range slices.Concat(f.ResourceTypes, f.ExcludeTypes) {
		if strings.TrimSpace(t) != "" && !strings.Contains(t, "/") {
			refuse("resource_types", "%q is no resource type, which has the form microsoft.compute/virtualmachines", t)
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return fault.New(fault.InvalidArgument, "the filter is wrong", fault.Problems(problems...))
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 }
