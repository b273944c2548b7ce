package diff

import (
	"cmp"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// rows compares a row with itself in the other snapshot. told is as in comparison.
func rows(before, after *graph.Entry, told bool) []Property {
	c := comparison{typ: after.Type, told: told}
	for _, text := range [...]struct {
		name          string
		before, after string
		form          func(string) string
	}{
		{"kind", before.Kind, after.Kind, strings.ToLower},
		{"location", before.Location, after.Location, graph.Region},
		{"managedBy", before.ManagedBy, after.ManagedBy, strings.ToLower},
	} {
		b, a := text.before, text.after
		if text.form(b) == text.form(a) || told && (b == "" || a == "") {
			continue
		}
		c.differ(column(text.name), orNil(b), orNil(a))
	}
	c.document(column("sku"), before.SKU, after.SKU)
	c.document(column("plan"), before.Plan, after.Plan)
	c.document(column("tags"), before.Tags, after.Tags)
	c.document(column("identity"), before.Identity, after.Identity)
	c.document(column("zones"), before.Zones, after.Zones)
	c.document(column("extendedLocation"), before.ExtendedLocation, after.ExtendedLocation)
	if before.Extra != after.Extra {
		c.extra(before.Extra, after.Extra)
	}
	c.document(column("properties"), before.Properties, after.Properties)
	return inPathOrder(c.found)
}

// extra compares the columns that have no name of their own in a snapshot: each stands beside the others.
func (c *comparison) extra(before, after string) {
	b, _ := decoded(before).(map[string]any)
	a, _ := decoded(after).(map[string]any)
	all := map[string]bool{}
	for k := range b {
		all[k] = true
	}
	for k := range a {
		all[k] = true
	}
	for k := range all {
		where := column(k)
		where.secret = isSecret("", "", k)
		c.value(where, b[k], a[k])
	}
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func inPathOrder(found []Property) []Property {
	slices.SortStableFunc(found, func(a, b Property) int { return cmp.Compare(a.Path, b.Path) })
	return found
}
