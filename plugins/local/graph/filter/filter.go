// Package filter compares what a snapshot holds with a backend.Filter. What a filter means for which kind of row stands in docs/scan.md.
package filter

import (
	"context"
	"fmt"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Filter is a backend.Filter, ready to compare. Ids, groups and types that it is asked about are in lower case, as a snapshot has them.
type Filter struct {
	subscriptions, groups, types, above, excluded, locations map[string]bool // nil is all, but of above and excluded, where it is none
	tags                                                     map[string]string
}

// New reads a filter of what is in a snapshot. A subscription that the snapshot has neither by this id nor by this name is fault.InvalidArgument.
func New(ctx context.Context, r *graph.Reader, f backend.Filter) (*Filter, error) {
	names := map[string]string{}
	if len(f.Subscriptions) > 0 {
		all, err := r.Subscriptions(ctx)
		if err != nil {
			return nil, err
		}
		for id, s := range all {
			names[id] = s.Name
		}
	}
	made, unknown := Of(f, names)
	if len(unknown) > 0 {
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("the snapshot has no subscription %q", unknown[0]), fault.On(unknown[0]),
			fault.Hint("`atg snapshot show %s` lists its subscriptions", r.Snapshot().ID))
	}
	return made, nil
}

// Of reads a filter where subscriptions have these names, by id. Those that it asks for and that are not among them are unknown; by their ids they
// are compared all the same.
func Of(f backend.Filter, names map[string]string) (made *Filter, unknown []string) {
	made = &Filter{groups: set(f.ResourceGroups, strings.ToLower), types: set(f.ResourceTypes, strings.ToLower), above: map[string]bool{},
		excluded: set(f.ExcludeTypes, strings.ToLower), locations: set(f.Locations, graph.Region)}
	for t := range made.types {
		for _, a := range armschema.Ancestors(t) {
			made.above[a] = true
		}
	}
	if len(f.Tags) > 0 {
		made.tags = map[string]string{}
		for name, value := range f.Tags {
			made.tags[strings.ToLower(name)] = strings.ToLower(value)
		}
	}
	for _, wanted := range f.Subscriptions {
		if made.subscriptions == nil {
			made.subscriptions = map[string]bool{}
		}
		_, found := names[strings.ToLower(wanted)]
		made.subscriptions[strings.ToLower(wanted)] = true
		for id, name := range names {
			if strings.EqualFold(name, wanted) {
				made.subscriptions[id], found = true, true
			}
		}
		if !found {
			unknown = append(unknown, wanted)
		}
	}
	return made, unknown
}

func set(values []string, form func(string) string) map[string]bool {
	if len(values) == 0 {
		return nil
	}
	m := map[string]bool{}
	for _, v := range values {
		m[form(v)] = true
	}
	return m
}

// All says that everything passes.
func (f *Filter) All() bool {
	return f.Open() && f.subscriptions == nil && f.groups == nil && f.excluded == nil
}

// Open says that nothing narrows by what a resource is itself, but for types that are left out.
func (f *Filter) Open() bool { return f.types == nil && f.locations == nil && f.tags == nil }

// Subscription says that a subscription is asked for; empty is none.
func (f *Filter) Subscription(id string) bool { return f.subscriptions == nil || f.subscriptions[id] }

// Group says that what is in a resource group is asked for; an empty group is none.
func (f *Filter) Group(name string) bool { return f.groups == nil || f.groups[name] }

// Within says that what is in a subscription and a resource group is asked for; an empty group is none.
func (f *Filter) Within(subscription, group string) bool {
	return f.Subscription(subscription) && f.Group(group)
}

// Type says that a type is asked for itself.
func (f *Filter) Type(typ string) bool { return f.types == nil || f.types[typ] }

// Leads says that a type is asked for, or is above one that is.
func (f *Filter) Leads(typ string) bool { return f.Type(typ) || f.above[typ] }

// Excludes says that a type is left out, or is one of the children of such a type.
func (f *Filter) Excludes(typ string) bool {
	for len(f.excluded) > 0 && typ != "" {
		if f.excluded[typ] {
			return true
		}
		typ = typ[:max(strings.LastIndexByte(typ, '/'), 0)]
	}
	return false
}

// Location says that a region is asked for, however it is written; empty is none.
func (f *Filter) Location(location string) bool {
	return f.locations == nil || f.locations[graph.Region(location)]
}

// Tags says that tags, as JSON, are all that are asked for.
func (f *Filter) Tags(tags []byte) bool { return f.tags == nil || graph.HasTags(tags, f.tags) }

// Takes says that a row is asked for, for what it is itself: its type, location and tags.
func (f *Filter) Takes(typ, location string, tags []byte) bool {
	return f.Leads(typ) && f.Location(location) && f.Tags(tags)
}
