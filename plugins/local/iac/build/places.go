package build

import (
	"cmp"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// places are where resources are: the subscriptions, regions and the tenant, and the parameters that stand for them.
type places struct {
	subscriptions map[string]graph.Subscription
	seen          map[string]int    // resources by region
	spelled       map[string]string // a region as it is written

	bySubscription map[string]*template.Parameter // by id in lower case; those that have generated resources
	byRegion       map[string]*template.Parameter
	tenant         *template.Parameter
	tenantID       string // in lower case
	prefix         *template.Parameter
}

// count counts a resource in a region.
func (p *places) count(location string) {
	if p.seen == nil {
		p.seen, p.spelled = map[string]int{}, map[string]string{}
	}
	r := graph.Region(location)
	p.seen[r]++
	p.spelled[r] = r
}

// global are locations that are no region.
func global(r string) bool { return r == "" || r == "global" }

// parameters makes the parameters that all units share.
func (b *builder) parameters() {
	p, source, target := &b.places, b.r.Snapshot(), b.o.Target
	name := func(id string) string { return cmp.Or(p.subscriptions[id].Name, id) }
	taken := map[string]bool{}
	unique := func(name string) string {
		base := name
		for i := 2; taken[name]; i++ {
			name = base + "_" + itoa(i)
		}
		taken[name] = true
		return name
	}
	add := func(name, description, value string) *template.Parameter {
		made := &template.Parameter{Name: unique(name), Description: description, Default: value, HasDefault: true}
		b.shared = append(b.shared, made)
		return made
	}

	p.tenantID = strings.ToLower(source.TenantID)
	p.tenant = add("tenant_id", "The Microsoft Entra tenant", cmp.Or(target.TenantID, source.TenantID))
	p.prefix = add("resource_group_prefix", "Goes before the name of every resource group", target.GroupPrefix)

	p.bySubscription = map[string]*template.Parameter{}
	counts := map[string]int{}
	for _, n := range b.nodes {
		if s := b.scopes[n.scope]; n.state == generated && s.sub != "" {
			counts[s.sub]++
		}
	}
	switch {
	case target.SubscriptionID != "":
		one := add("subscription_id", "The subscription to deploy to", target.SubscriptionID)
		for id := range counts {
			p.bySubscription[id] = one
		}
	default:
		for _, id := range byCount(counts) {
			called := "subscription_id"
			if len(counts) > 1 {
				called += "_" + cmp.Or(snake(short(name(id))), id[:min(8, len(id))])
			}
			p.bySubscription[id] = add(called, "The id of the subscription "+template.OneLine(name(id)), id)
		}
	}

	p.byRegion = map[string]*template.Parameter{}
	var regions []string
	for _, r := range byCount(p.seen) {
		if !global(r) {
			regions = append(regions, r)
		}
	}
	for i, r := range regions {
		switch {
		case target.Location != "" && i > 0:
			p.byRegion[r] = p.byRegion[regions[0]]
		case target.Location != "":
			p.byRegion[r] = add("location", "The region to deploy to", graph.Region(target.Location))
		case i == 0:
			p.byRegion[r] = add("location", "The region of most resources", r)
		default:
			p.byRegion[r] = add("location_"+cmp.Or(snake(r), digest(r)[:8]), "The region of what is in "+r, r)
		}
	}
}

// byCount are the keys of counts, the largest count first.
func byCount(counts map[string]int) []string {
	keys := make([]string, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	return keys
}

// location is a location as it is written: a parameter where it is a region.
func (p *places) location(value string) []template.Part {
	r := graph.Region(value)
	if made := p.byRegion[r]; made != nil {
		return []template.Part{{Parameter: made}}
	}
	if value == "" {
		return nil
	}
	return literal(r)
}

// retargeted says that a subscription's resources go to another one.
func (b *builder) retargeted(sub string) bool {
	p := b.places.bySubscription[sub]
	return p != nil && !strings.EqualFold(p.Default, sub)
}
