package ui

import (
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// topOmitted is how much of what was left out is shown; JSON has it all.
const topOmitted = 20

// IaC shows what code was generated, and what was left out.
func (p *Page) IaC(r *backend.IaCGenerationResult, dir string) {
	state := Toned{Good, "complete"}
	if !r.Complete {
		state = Toned{Warning, "incomplete"}
	}
	p.Line(Toned{Strong, r.OutputFormat}, " of ", Counted(r.ResourcesIncluded, "resource", "resources"), "  ", state)
	p.Pairs(
		Pair{"snapshot", r.Snapshot}, Pair{"folder", dir},
		Pair{"files", Count(int64(len(r.FilesGenerated)))}, Pair{"took", Seconds(r.DurationSeconds)},
	)
	if len(r.Omitted) == 0 {
		return
	}
	p.Title("Left out")
	var rows [][]string
	for _, o := range r.Omitted[:min(topOmitted, len(r.Omitted))] {
		rows = append(rows, []string{o.Resource, o.Property, o.Reason})
	}
	p.Table(Table{Indent: 2, Columns: []Column{{Title: "RESOURCE"}, {Title: "PROPERTY"}, {Title: "REASON"}}, Rows: rows})
	if more := len(r.Omitted) - topOmitted; more > 0 {
		p.Line("  ", Toned{Faint, "and " + Count(int64(more)) + " more; -o json has them all"})
	}
}

// Tenant shows the plan of a deployment, or what came of it.
func (p *Page) Tenant(r *backend.TenantCreationResult) {
	if r.Plan != nil {
		p.Line(Toned{Strong, "Plan"}, " ", Toned{Faint, r.Plan.Digest})
		rows := make([][]string, len(r.Plan.Changes))
		for i, c := range r.Plan.Changes {
			rows[i] = []string{c.Action, c.Resource, c.Type, c.Reason}
		}
		p.Table(Table{
			Indent: 2, Rows: rows, Empty: "nothing to do",
			Columns: []Column{{Title: "ACTION", Whole: true}, {Title: "RESOURCE"}, {Title: "TYPE"}, {Title: "REASON"}},
		})
		return
	}
	p.Pairs(
		Pair{"created", Count(r.ResourcesCreated)}, Pair{"failed", Count(r.ResourcesFailed)}, Pair{"took", Seconds(r.DurationSeconds)},
	)
	for _, f := range r.Failures {
		why := ""
		if f.Fault != nil {
			why = f.Fault.Error()
		}
		p.Line("  ", Toned{Bad, "failed"}, "  ", f.Resource, ": ", why)
	}
}

// Job shows a job that goes on without the command.
func (p *Page) Job(j backend.JobStatusResponse, name, next string) {
	p.Line("job ", Toned{Strong, j.JobID}, " goes on with backend ", name)
	p.Gap()
	p.Line(Toned{Faint, "next: "}, next)
}
