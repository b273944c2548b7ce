package cli

import (
	"slices"

	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// fate is what became of a submission.
type fate struct {
	name      string // of its line or entry
	operation backend.Operation
	state     string
	service   string // that it is for, where that is not the same for all
	job       string
	fault     *fault.Fault // why there is no job
}

var fateTones = map[string]ui.Tone{
	"accepted": ui.Good, "sent": ui.Good, "refused": ui.Bad, "malformed": ui.Bad, "dropped": ui.Warning, "unknown": ui.Warning,
}

// fateTable shows them; name is the column of their names, and empty is shown instead of none.
func fateTable(p *ui.Page, name ui.Column, empty string, fates []fate) {
	t := ui.Table{
		Empty: empty, Columns: []ui.Column{name, {Title: "OPERATION", Whole: true}, {Title: "STATE", Whole: true}},
		Tone: func(row, column int) ui.Tone {
			if column == 2 {
				return fateTones[fates[row].state]
			}
			return ui.Normal
		},
	}
	services := slices.ContainsFunc(fates, func(f fate) bool { return f.service != "" })
	if services {
		t.Columns = append(t.Columns, ui.Column{Title: "SERVICE"})
	}
	t.Columns = append(t.Columns, ui.Column{Title: "JOB, OR REASON"})
	for _, f := range fates {
		row := []string{f.name, string(f.operation), f.state}
		if services {
			row = append(row, f.service)
		}
		outcome := f.job
		if f.fault != nil {
			outcome = f.fault.Error()
		}
		t.Rows = append(t.Rows, append(row, outcome))
	}
	p.Table(t)
}
