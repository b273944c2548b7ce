package ui

import (
	"fmt"
	"slices"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// topTypes is how many types a scan's summary shows; all of them are in the snapshot.
const topTypes = 8

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
		p.counts("TYPE", "RESOURCES", s.Detail.ByType, topTypes, "type", "types")
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
			if d.Optional {
				word = "missing"
			}
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
			case h.Dependencies[row].Optional:
				return Warning
			}
			return Bad
		},
	})
	for _, hint := range hints {
		p.Prose(0, 6, Toned{Info, "hint:"}, " ", hint)
	}
}
