package ui

import (
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// Changes shows the differences between two snapshots.
func (p *Page) Changes(r *backend.SnapshotDiffResult, rows Rows) error {
	return p.Rows(RowTable{
		Empty: "no differences", Total: r.Added + r.Removed + r.Changed + r.Unknown, All: "-o ndjson or --output FILE has them all",
		Columns: []RowColumn{{Column{Title: "CHANGE", Whole: true}, "change"}, {Column{Title: "NAME"}, "name"}, {Column{Title: "TYPE"}, "type"}, {Column{Title: "WHY"}, "reason"}},
		Tone: func(cells []string, column int) Tone {
			if column > 0 {
				return Normal
			}
			return map[string]Tone{"added": Good, "removed": Bad, "changed": Warning}[cells[0]]
		},
	}, rows)
}
