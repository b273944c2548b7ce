package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// How much of a scan's lists its summary shows; the whole is in the snapshot and in JSON.
const (
	topTypes = 8
	topGaps  = 20
)

// ScanSummary is what a person wants to know when a scan is over.
type ScanSummary struct {
	Result *backend.ScanResult
	Detail *backend.SnapshotDetail // nil where the backend keeps no snapshots
	Next   string                  // a command to go on with; may be empty
}

// Scan shows the summary of a scan, or the prediction of a dry run.
func (p *Page) Scan(s ScanSummary) {
	r := s.Result
	if r.Plan != nil {
		p.plan(r.Plan)
		return
	}
	title := "Scan"
	if snap := r.Snapshot; snap != nil {
		title = tenantTitle(*snap)
	}
	state := Toned{Good, "complete"}
	if !r.Complete {
		state = Toned{Warning, "incomplete"}
	}
	p.Line(Toned{Strong, title}, "  ", state)
	p.Pairs(scanPairs(s)...)
	if s.Detail != nil && len(s.Detail.ByType) > 0 {
		p.Title("Most common types")
		p.counts("TYPE", s.Detail.ByType, topTypes, "type", "types")
	}
	p.Gaps(r.Coverage)
	if s.Next != "" {
		p.Gap()
		p.Line(Toned{Faint, "next: "}, s.Next)
	}
}

func tenantTitle(s backend.Snapshot) string {
	if s.TenantName == "" {
		return "Tenant " + s.TenantID
	}
	return fmt.Sprintf("%s (%s)", s.TenantName, s.TenantID)
}

func scanPairs(s ScanSummary) []Pair {
	r := s.Result
	where := ""
	if r.Subscriptions > 0 {
		where = " in " + Counted(r.Subscriptions, "subscription", "subscriptions")
	}
	if s.Detail != nil && len(s.Detail.ByType) > 0 {
		where += ", " + Counted(int64(len(s.Detail.ByType)), "type", "types")
	}
	pairs := []Pair{{"resources", Count(r.Resources) + where}}
	for _, more := range []struct {
		name  string
		count int64
	}{{"relationships", r.Relationships}, {"identities", r.Identities}} {
		if more.count > 0 {
			pairs = append(pairs, Pair{more.name, Count(more.count)})
		}
	}
	if r.Snapshot != nil && r.Snapshot.RoleAssignments > 0 {
		pairs = append(pairs, Pair{"role assignments", Count(r.Snapshot.RoleAssignments)})
	}
	took := Seconds(r.DurationSeconds)
	if r.DurationSeconds >= 0.1 && r.Resources > 0 { // of less, a rate says nothing
		took += " (" + Rate(float64(r.Resources)/r.DurationSeconds) + ")"
	}
	pairs = append(pairs, Pair{"took", took})
	if r.Snapshot != nil {
		pairs = append(pairs, Pair{"snapshot", Toned{Strong, r.Snapshot.ID}})
	}
	return pairs
}

func (p *Page) plan(plan *backend.ScanPlan) {
	p.Line(Toned{Strong, "A scan would read " + Counted(plan.Rows, "row", "rows") + " with " + Counted(plan.Calls, "call", "calls") +
		" in about " + Seconds(plan.DurationSeconds)})
	rows := make([][]string, len(plan.Parts))
	for i, part := range plan.Parts {
		rows[i] = []string{part.Key, Count(part.Rows), Count(part.Calls)}
	}
	p.Table(Table{Indent: 2, Columns: []Column{{Title: "PART"}, {Title: "ROWS", Right: true}, {Title: "CALLS", Right: true}}, Rows: rows})
}

// counts shows the first most of a list of counts, and how many there are beside.
func (p *Page) counts(title string, counts []backend.Count, most int, singular, plural string) {
	var rows [][]string
	for _, c := range counts[:min(most, len(counts))] {
		rows = append(rows, []string{orElse(c.Name, c.Key), Count(c.Count)})
	}
	p.Table(Table{Indent: 2, Columns: []Column{{Title: title}, {Title: "RESOURCES", Right: true}}, Rows: rows})
	if more := len(counts) - most; more > 0 {
		p.Line("  ", Toned{Faint, "and " + Counted(int64(more), "more "+singular, "more "+plural)})
	}
}

// Gaps shows what a scan could not read, if there is anything, and what it left out on purpose.
func (p *Page) Gaps(c backend.Coverage) {
	if gaps := group(c.Gaps()); len(gaps) > 0 {
		p.Title("Not completely read")
		const stateWidth = len(backend.CoverageUnsupported) + 2
		for _, g := range gaps[:min(topGaps, len(gaps))] {
			p.Line("  ", Toned{Warning, fit(string(g.state), stateWidth)}, g.name, ": ", strings.Join(g.kinds, ", "), g.read())
			if g.why != "" {
				p.Prose(2+stateWidth, 2+stateWidth, Toned{Faint, g.why})
			}
		}
		if more := len(gaps) - topGaps; more > 0 {
			p.Line("  ", Toned{Faint, "and " + Counted(int64(more), "more gap", "more gaps") + "; -o json has them all"})
		}
	}
	p.chosen(c, backend.CoverageLimited, "the limit was reached, so that this was not read to its end: ")
	p.chosen(c, backend.CoverageSkipped, "switched off in Azure, so that this was not read: ")
}

// chosen names the scopes that were left out on purpose.
func (p *Page) chosen(c backend.Coverage, state backend.CoverageState, words string) {
	var names []string
	for _, e := range c.Entries {
		if name := orElse(e.Name, e.Scope); e.State == state && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return
	}
	more := ""
	if extra := len(names) - topGaps; extra > 0 {
		names, more = names[:topGaps], " and "+Count(int64(extra))+" more"
	}
	p.Gap()
	p.Prose(0, 6, Toned{Info, "note:"}, " ", words, strings.Join(names, ", "), more)
}

// gap is what is the same for several kinds of one scope.
type gap struct {
	scope, name      string
	state            backend.CoverageState
	why              string
	kinds            []string
	listed, expected int64 // expected is -1 if unknown for one of them
}

// read says how much was read all the same.
func (g gap) read() string {
	switch {
	case g.expected >= 0:
		return ", " + Count(g.listed) + " of " + Count(g.expected) + " read"
	case g.listed > 0:
		return ", " + Count(g.listed) + " read"
	}
	return ""
}

func group(entries []backend.CoverageEntry) []gap {
	var gaps []gap
	for _, e := range entries {
		why := ""
		if e.Fault != nil {
			why = e.Fault.Message
		}
		i := slices.IndexFunc(gaps, func(g gap) bool { return g.scope == e.Scope && g.state == e.State && g.why == why })
		if i < 0 {
			i = len(gaps)
			gaps = append(gaps, gap{scope: e.Scope, name: orElse(e.Name, e.Scope), state: e.State, why: why})
		}
		g := &gaps[i]
		g.kinds = append(g.kinds, e.Kind)
		g.listed += e.Listed
		if e.Expected < 0 || g.expected < 0 {
			g.expected = -1
		} else {
			g.expected += e.Expected
		}
	}
	return gaps
}

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
		Pair{"size", Size(s.Size)},
		Pair{"sha256", s.SHA256},
		Pair{"made by", s.Producer + ", schema " + fmt.Sprint(s.SchemaVersion)},
	)
	for _, list := range []struct {
		title, column, singular, plural string
		counts                          []backend.Count
	}{
		{"Subscriptions", "SUBSCRIPTION", "subscription", "subscriptions", d.BySubscription},
		{"Types", "TYPE", "type", "types", d.ByType},
		{"Locations", "LOCATION", "location", "locations", d.ByLocation},
	} {
		if len(list.counts) > 0 {
			p.Title(list.title)
			p.counts(list.column, list.counts, 3*topTypes, list.singular, list.plural)
		}
	}
	p.Gaps(d.Coverage)
}

// Health shows whether a backend works, and why not.
func (p *Page) Health(name string, h backend.Health) {
	state := Toned{Good, "healthy"}
	if !h.Healthy {
		state = Toned{Bad, "not healthy"}
	}
	p.Line("backend ", Toned{Strong, name}, ": ", state)
	if h.Message != "" {
		p.Line("  ", h.Message)
	}
	var rows [][]string
	var hints []string
	for _, d := range h.Dependencies {
		word, message := "ok", d.Message
		if !d.Healthy {
			word = "failed"
			if d.Fault != nil {
				message = orElse(message, d.Fault.Error())
				if d.Fault.Hint != "" && !slices.Contains(hints, d.Fault.Hint) {
					hints = append(hints, d.Fault.Hint)
				}
			}
		}
		latency := ""
		if d.LatencySeconds > 0 {
			latency = "<1 ms"
			if span := time.Duration(d.LatencySeconds * float64(time.Second)); span >= time.Millisecond {
				latency = Span(span)
			}
		}
		rows = append(rows, []string{d.Name, word, latency, message})
	}
	if len(rows) > 0 {
		p.Gap()
	}
	p.Table(Table{
		Indent: 2, Rows: rows,
		Columns: []Column{{Title: "DEPENDENCY", Whole: true}, {Title: "STATE", Whole: true}, {Title: "LATENCY", Right: true, Whole: true}, {Title: "MESSAGE"}},
		Tone: func(row, column int) Tone {
			switch {
			case column != 1:
				return Normal
			case h.Dependencies[row].Healthy:
				return Good
			}
			return Bad
		},
	})
	for _, hint := range hints {
		p.Prose(0, 6, Toned{Info, "hint:"}, " ", hint)
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
