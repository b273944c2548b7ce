package ui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// How many lines of each count a description has; -o json has them all.
const (
	mostCounts = 10
	mostTypes  = 15
)

// Snapshot shows one snapshot in full.
func (p *Page) Snapshot(d backend.SnapshotDetail) {
	s := d.Snapshot
	state := Toned{Good, "complete"}
	if !s.Complete {
		state = Toned{Warning, "incomplete"}
	}
	p.Line(Toned{Strong, tenantTitle(s)}, "  ", state)
	filtered := ""
	if s.Filtered {
		filtered = "yes: it is a part of the tenant"
	}
	p.Pairs(
		Pair{"snapshot", Toned{Strong, s.ID}},
		Pair{"taken", Moment(s.CreatedAt)},
		Pair{"took", Seconds(s.DurationSeconds)},
		Pair{"filtered", filtered},
		Pair{"resources", Count(s.Resources) + " in " + Counted(s.Subscriptions, "subscription", "subscriptions")},
		Pair{"relationships", Count(s.Relationships)},
		Pair{"identities", Count(s.Identities)},
		Pair{"role assignments", Count(s.RoleAssignments)},
		Pair{"coverage", covered(d.Coverage)},
		Pair{"size", Size(s.Size)},
		Pair{"sha256", s.SHA256},
		Pair{"made by", s.Producer + ", schema " + fmt.Sprint(s.SchemaVersion)},
	)
	p.exposure(d.Exposure)
	for _, list := range []struct {
		title, column, unit, singular, plural string
		counts                                []backend.Count
		most                                  int
	}{
		{"Subscriptions", "SUBSCRIPTION", "RESOURCES", "subscription", "subscriptions", d.BySubscription, mostCounts},
		{"Types", "TYPE", "RESOURCES", "type", "types", d.ByType, mostTypes},
		{"Locations", "LOCATION", "RESOURCES", "location", "locations", d.ByLocation, mostCounts},
		{"Largest resource groups", "RESOURCE GROUP", "RESOURCES", "", "", inSubscriptions(d), mostCounts},
		{"Relationships", "KIND", "COUNT", "kind", "kinds", d.ByRelationship, mostCounts},
		{"Identities", "KIND", "COUNT", "kind", "kinds", d.ByIdentity, mostCounts},
	} {
		if len(list.counts) > 0 {
			p.Title(list.title)
			p.counts(list.column, list.unit, list.counts, list.most, list.singular, list.plural)
		}
	}
	p.Gaps(d.Coverage)
}

// inSubscriptions are the resource groups with the names of their subscriptions: each has its own rg-network.
func inSubscriptions(d backend.SnapshotDetail) []backend.Count {
	names := map[string]string{}
	for _, s := range d.BySubscription {
		names[s.Key] = s.Name
	}
	groups := slices.Clone(d.ByResourceGroup)
	for i, g := range groups {
		_, id, _ := strings.Cut(g.Key, "/subscriptions/")
		id, name, _ := strings.Cut(id, "/resourcegroups/")
		if groups[i].Name = orElse(g.Name, name); names[id] != "" {
			groups[i].Name += " (" + names[id] + ")"
		}
	}
	return groups
}

// covered says how much of what a scan wanted to read it has read.
func covered(c backend.Coverage) any {
	whole := 0
	for _, e := range c.Entries {
		if !e.State.Gap() {
			whole++
		}
	}
	switch {
	case len(c.Entries) == 0:
		return ""
	case whole == len(c.Entries):
		return Counted(int64(whole), "part", "parts") + " of the tenant read, all completely"
	}
	return Toned{Warning, fmt.Sprintf("%s of %s of the tenant read completely", Count(int64(whole)), Counted(int64(len(c.Entries)), "part", "parts"))}
}

// exposure shows what deserves a look, and how to ask for it.
func (p *Page) exposure(counts []backend.Count) {
	if len(counts) == 0 {
		return
	}
	p.Title("Worth a look")
	t := Table{Indent: 2, Columns: []Column{{Title: "COUNT", Right: true, Whole: true}, {Title: "WHAT"}, {Title: "atg snapshot query …", Whole: true}}}
	t.Tone = func(row, column int) Tone {
		switch {
		case counts[row].Count == 0:
			return Faint
		case column == 0:
			return Warning
		}
		return Normal
	}
	for _, c := range counts {
		t.Rows = append(t.Rows, []string{Count(c.Count), orElse(c.Name, c.Key), c.Key})
	}
	p.Table(t)
}

// The widths of bars, in columns of the screen. One that is narrower says nothing.
const (
	leastBar = 8
	mostBar  = 32
)

// counts shows the first most of a list of counts, and how many there are beside; without a noun, there are more anyway. On a terminal
// that is wide enough each has a bar.
func (p *Page) counts(title, unit string, counts []backend.Count, most int, singular, plural string) {
	shown := counts[:min(most, len(counts))]
	t := Table{Indent: 2, Columns: []Column{{Title: title}, {Title: unit, Right: true}}}
	names, numbers, largest := columns(title), columns(unit), int64(1)
	for _, c := range shown {
		name, number := orElse(orElse(c.Name, c.Key), "(none)"), Count(c.Count)
		t.Rows = append(t.Rows, []string{name, number})
		names, numbers, largest = max(names, columns(Clean(name))), max(numbers, len(number)), max(largest, c.Count)
	}
	if room := min(p.screen.width()-t.Indent-names-numbers-2*margin, mostBar); room >= leastBar && len(shown) > 1 {
		t.Columns = append(t.Columns, Column{})
		for i, c := range shown {
			t.Rows[i] = append(t.Rows[i], strings.Repeat(barFull, max(int(c.Count*int64(room)/largest), 1)))
		}
		t.Tone = func(_, column int) Tone {
			if column == 2 {
				return Info
			}
			return Normal
		}
	}
	p.Table(t)
	if more := len(counts) - most; more > 0 && singular != "" {
		p.Line("  ", Toned{Faint, "and " + Counted(int64(more), "more "+singular, "more "+plural)})
	}
}

// Snapshots lists snapshots.
func (p *Page) Snapshots(snapshots []backend.Snapshot) {
	t := Table{
		Empty: "no snapshots yet; atg scan makes one",
		Columns: []Column{
			{Title: "SNAPSHOT", Whole: true}, {Title: "TENANT"}, {Title: "TAKEN", Whole: true}, {Title: "STATE", Whole: true},
			{Title: "RESOURCES", Right: true}, {Title: "SUBSCRIPTIONS", Right: true}, {Title: "SIZE", Right: true},
		},
		Tone: func(row, column int) Tone {
			if column != 3 {
				return Normal
			}
			if snapshots[row].Complete {
				return Good
			}
			return Warning
		},
	}
	for _, s := range snapshots {
		state := "complete"
		if !s.Complete {
			state = "incomplete"
		}
		if s.Filtered {
			state += ", filtered"
		}
		t.Rows = append(t.Rows, []string{
			s.ID, orElse(s.TenantName, s.TenantID), Moment(s.CreatedAt), state, Count(s.Resources), Count(s.Subscriptions), Size(s.Size),
		})
	}
	p.Table(t)
}
