package ui

import "github.com/azure-tenant-grapher/atg/shared/backend"

// Query shows the rows of a query.
func (p *Page) Query(r *backend.SnapshotQueryResult, rows Rows) error {
	t := RowTable{Total: r.RowCount, All: "-o ndjson or --output FILE has them all", Empty: "no rows"}
	for _, c := range r.Columns {
		t.Columns = append(t.Columns, RowColumn{Column{Title: c.Name, Right: c.Type == "integer" || c.Type == "real"}, c.Name})
	}
	if err := p.Rows(t, rows); err != nil {
		return err
	}
	if r.Truncated {
		p.Line(Toned{Faint, "there are more: --limit was reached"})
	}
	return nil
}
