package build

import (
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// filter is backend.Filter, ready to compare. What it means for which kind of row stands in docs/scan.md and docs/generate-iac.md.
type filter struct {
	subscriptions, groups, types, above, excluded, locations map[string]bool
	tags                                                     map[string]string
}

func newFilter(f backend.Filter) filter {
	set := func(values []string, form func(string) string) map[string]bool {
		if len(values) == 0 {
			return nil
		}
		m := map[string]bool{}
		for _, v := range values {
			m[form(v)] = true
		}
		return m
	}
	made := filter{
		subscriptions: set(f.Subscriptions, strings.ToLower), groups: set(f.ResourceGroups, strings.ToLower), types: set(f.ResourceTypes, strings.ToLower),
		excluded: set(f.ExcludeTypes, strings.ToLower), locations: set(f.Locations, region), above: map[string]bool{},
	}
	for t := range made.types {
		for _, a := range armschema.Ancestors(t) {
			made.above[a] = true
		}
	}
	if len(f.Tags) > 0 {
		made.tags = map[string]string{}
		for k, v := range f.Tags {
			made.tags[strings.ToLower(k)] = strings.ToLower(v)
		}
	}
	return made
}

// region is a location as it compares: westeurope, also of West Europe.
func region(location string) string {
	return strings.ToLower(strings.ReplaceAll(location, " ", ""))
}

// excludes says that a type is left out, and so is what is below it.
func (f *filter) excludes(typ string) bool { return f.excluded[typ] }

// within says that a scope is one of those asked for.
func (f *filter) within(s *scopeInfo, row *graph.Head) bool {
	if f.subscriptions != nil && !f.subscriptions[s.sub] {
		return false
	}
	if f.groups == nil {
		return true
	}
	if row.Type == groupRowType {
		return f.groups[strings.ToLower(row.Name)]
	}
	return s.group != "" && f.groups[strings.ToLower(s.group)]
}

// open says that nothing narrows by what a resource is itself.
func (f *filter) open() bool { return f.types == nil && f.locations == nil && f.tags == nil }

// all says that everything passes.
func (f *filter) all() bool {
	return f.open() && f.subscriptions == nil && f.groups == nil && f.excluded == nil
}

// takes says that a row is one of those asked for, for what it is itself: its type, location and tags.
func (f *filter) takes(row *graph.Head) bool {
	if f.types != nil && !f.types[row.Type] && !f.above[row.Type] {
		return false
	}
	if f.locations != nil && !f.locations[region(row.Location)] {
		return false
	}
	return f.tags == nil || f.tagged(row.Tags)
}

// nameless says that a row without an id is one of those asked for, as far as it tells.
func (f *filter) nameless(row *graph.Head) bool {
	return (f.subscriptions == nil || f.subscriptions[row.SubscriptionID]) && (f.groups == nil || f.groups[row.ResourceGroup]) && !f.excludes(row.Type) && f.takes(row)
}

// inherits says that a row is asked for because what is above it is: locations and tags are those of the parent, types are not.
func (f *filter) inherits(row *graph.Head) bool {
	return f.types == nil || f.types[row.Type] || f.above[row.Type]
}

func (f *filter) tagged(tags []byte) bool { return graph.HasTags(tags, f.tags) }
