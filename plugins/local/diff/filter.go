package diff

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// filter is the one of the comparison. Each part of it holds for every row: what has no group, location or tags is not among those in one.
type filter struct{ backend.Filter }

// newFilter takes the names of subscriptions for their ids.
func newFilter(f backend.Filter, names map[string]string) filter {
	f.Subscriptions = slices.Clone(f.Subscriptions)
	for i, wanted := range f.Subscriptions {
		f.Subscriptions[i] = strings.ToLower(wanted)
		for id, name := range names {
			if strings.EqualFold(name, wanted) {
				f.Subscriptions[i] = id
			}
		}
	}
	return filter{f}
}

// open says that everything is asked for, but for some types.
func (f filter) open() bool {
	return len(f.Subscriptions)+len(f.ResourceGroups)+len(f.ResourceTypes)+len(f.Locations)+len(f.Tags) == 0
}

func (f filter) takes(e *graph.Entry) bool {
	switch {
	case len(f.Subscriptions) > 0 && !slices.Contains(f.Subscriptions, e.SubscriptionID),
		len(f.ResourceGroups) > 0 && !holds(f.ResourceGroups, groupOf(e)),
		len(f.ResourceTypes) > 0 && !holds(f.ResourceTypes, e.Type),
		len(f.Locations) > 0 && !slices.ContainsFunc(f.Locations, func(l string) bool { return region(l) == region(e.Location) }),
		slices.ContainsFunc(f.ExcludeTypes, func(t string) bool {
			return strings.EqualFold(t, e.Type) || strings.HasPrefix(e.Type, strings.ToLower(t)+"/")
		}):
		return false
	}
	return len(f.Tags) == 0 || f.tagged(e.Tags)
}

func (f filter) tagged(tags string) bool {
	var all map[string]string
	if json.Unmarshal([]byte(tags), &all) != nil {
		return false
	}
	for name, wanted := range f.Tags {
		found := false
		for k, v := range all {
			found = found || strings.EqualFold(k, name) && (wanted == "" || strings.EqualFold(v, wanted))
		}
		if !found {
			return false
		}
	}
	return true
}

// concerns says that a gap of a ledger lies where the filter asks for something.
func (f filter) concerns(gap backend.CoverageEntry) bool {
	scope := strings.ToLower(gap.Scope)
	if len(f.Subscriptions) > 0 && scope != restScope && !slices.Contains(f.Subscriptions, scope) {
		return false
	}
	typ := strings.ToLower(gap.Kind)
	if !strings.Contains(typ, "/") {
		return true
	}
	return (len(f.ResourceTypes) == 0 || slices.ContainsFunc(f.ResourceTypes, func(t string) bool {
		return strings.EqualFold(t, typ) || strings.HasPrefix(strings.ToLower(t), typ+"/")
	})) && !holds(f.ExcludeTypes, typ)
}
