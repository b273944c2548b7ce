package picture

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// filter is backend.Filter, ready to compare. It means what it means for a scan: see docs/scan.md.
type filter struct {
	subscriptions, groups, types, excluded, locations map[string]bool
	tags                                              map[string]string
	asked                                             backend.Filter
}

func newFilter(f backend.Filter) *filter {
	set := func(values []string) map[string]bool {
		if len(values) == 0 {
			return nil
		}
		m := map[string]bool{}
		for _, v := range values {
			m[fold(v)] = true
		}
		return m
	}
	made := &filter{subscriptions: set(f.Subscriptions), groups: set(f.ResourceGroups), types: set(f.ResourceTypes), excluded: set(f.ExcludeTypes), locations: set(f.Locations), asked: f}
	for _, t := range f.ResourceTypes { // what is asked for is in something
		for _, above := range armschema.Ancestors(fold(t)) {
			made.types[above] = true
		}
	}
	if len(f.Tags) > 0 {
		made.tags = map[string]string{}
		for name, value := range f.Tags {
			made.tags[strings.ToLower(name)] = strings.ToLower(value)
		}
	}
	return made
}

// fold is a name as it compares: westeurope, also of West Europe.
func fold(text string) string { return strings.ToLower(strings.ReplaceAll(text, " ", "")) }

// open says that everything passes.
func (f *filter) open() bool {
	return f.subscriptions == nil && f.groups == nil && f.types == nil && f.excluded == nil && f.locations == nil && f.tags == nil
}

// narrow says that it matters what a resource is, and not only where.
func (f *filter) narrow() bool { return f.types != nil || f.locations != nil || f.tags != nil }

// within says that a subscription and a group are among those asked for; an empty group is none.
func (f *filter) within(subscription, group string) bool {
	return (f.subscriptions == nil || f.subscriptions[strings.ToLower(subscription)]) && (f.groups == nil || f.groups[fold(group)])
}

// takes says that a resource is asked for. above says that what it is part of is: it stands for the location and the tags that a part has not.
func (f *filter) takes(h *graph.Head, above bool) bool {
	switch {
	case !f.within(h.SubscriptionID, h.ResourceGroup), f.types != nil && !f.types[h.Type], f.excluded[h.Type]:
		return false
	case f.locations != nil && !f.locations[fold(h.Location)] && (h.Location != "" || !above):
		return false
	case f.tags != nil && !f.tagged(h.Tags) && (len(h.Tags) > 0 || !above):
		return false
	}
	return true
}

func (f *filter) tagged(text []byte) bool { return graph.HasTags(text, f.tags) }

// tagsIn reads tags, sorted by name. What is no object of texts is none.
func tagsIn(text []byte) []Tag {
	if len(text) == 0 {
		return nil
	}
	var all map[string]any
	if json.Unmarshal(text, &all) != nil {
		return nil
	}
	tags := make([]Tag, 0, len(all))
	for name, value := range all {
		if s, ok := value.(string); ok {
			tags = append(tags, Tag{name, s})
		}
	}
	slices.SortFunc(tags, func(a, b Tag) int { return strings.Compare(a.Name, b.Name) })
	return tags
}

// words says what was asked for.
func (f *filter) words() string {
	var parts []string
	for _, p := range []struct {
		what   string
		values []string
	}{
		{"subscription", f.asked.Subscriptions}, {"resource group", f.asked.ResourceGroups}, {"type", f.asked.ResourceTypes}, {"location", f.asked.Locations}, {"type other than", f.asked.ExcludeTypes},
	} {
		if len(p.values) > 0 {
			parts = append(parts, p.what+" "+strings.Join(p.values, ", "))
		}
	}
	var tags []string
	for name, value := range f.asked.Tags {
		if value != "" {
			name += "=" + value
		}
		tags = append(tags, name)
	}
	if slices.Sort(tags); len(tags) > 0 {
		parts = append(parts, "tag "+strings.Join(tags, ", "))
	}
	return fmt.Sprintf("It was drawn with a filter: %s.", strings.Join(parts, "; "))
}
