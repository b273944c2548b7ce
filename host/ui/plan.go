package ui

import (
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

const (
	// topParts is how many parts of a plan are shown one by one; of more, what they read.
	topParts = 20
	// quotaSeconds is from when on Azure's quota, and not the distance to it, is what a scan waits for: its
	// window of Resource Graph.
	quotaSeconds = 5
)

// plan shows the prediction of a dry run.
func (p *Page) plan(plan *backend.ScanPlan) {
	p.Line(Toned{Strong, "A scan would read " + Counted(plan.Rows, "row", "rows") + " with " + Counted(plan.Calls, "call", "calls") + "."})
	if plan.DurationSeconds < quotaSeconds {
		p.Line("It takes about " + Seconds(plan.DurationSeconds) + ".")
	} else {
		p.Prose(0, 0, "It takes at least "+Seconds(plan.DurationSeconds)+", because of Azure's quota; longer where others use it too.")
	}
	if len(plan.Parts) == 0 {
		return
	}
	p.Gap()
	if len(plan.Parts) <= topParts {
		rows := make([][]string, len(plan.Parts))
		for i, part := range plan.Parts {
			rows[i] = []string{part.Key, Count(part.Rows), Count(part.Calls)}
		}
		p.Table(Table{Indent: 2, Columns: []Column{{Title: "PART"}, {Title: "ROWS", Right: true}, {Title: "CALLS", Right: true}}, Rows: rows})
		return
	}
	var rows [][]string
	for _, t := range tablesOf(plan.Parts) {
		rows = append(rows, []string{t.name, Count(t.parts), Count(t.rows), Count(t.calls)})
	}
	p.Table(Table{Indent: 2, Rows: rows, Columns: []Column{
		{Title: "WHAT"}, {Title: "PARTS", Right: true}, {Title: "ROWS", Right: true}, {Title: "CALLS", Right: true},
	}})
	p.Line("  ", Toned{Faint, "-o json has all " + Count(int64(len(plan.Parts))) + " parts"})
}

// planned is what all parts of one kind read.
type planned struct {
	name               string
	parts, rows, calls int64
}

// tablesOf sums parts up by what they read: the second word of their keys (scope/table/range).
func tablesOf(parts []backend.PlannedPart) []planned {
	var tables []planned
	for _, part := range parts {
		name := part.Key
		if words := strings.Split(part.Key, "/"); len(words) > 1 {
			name = words[1]
		}
		i := slices.IndexFunc(tables, func(t planned) bool { return t.name == name })
		if i < 0 {
			i, tables = len(tables), append(tables, planned{name: name})
		}
		t := &tables[i]
		t.parts, t.rows, t.calls = t.parts+1, t.rows+part.Rows, t.calls+part.Calls
	}
	return tables
}
