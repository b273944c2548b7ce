package ui

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// Paths shows how two nodes are connected: a line for each node, and one between for what connects them.
func (p *Page) Paths(r *backend.SnapshotPathResult) {
	if len(r.Paths) == 0 {
		if r.From == r.To && r.From != "" {
			p.Line("both are ", r.From)
			return
		}
		p.Line(Toned{Faint, "no path"}, " from ", r.From, " to ", r.To)
		return
	}
	for i, path := range r.Paths {
		p.Gap()
		if len(r.Paths) > 1 {
			p.Line(Toned{Faint, fmt.Sprintf("path %d of %d", i+1, len(r.Paths))})
		}
		for j, s := range path.Steps {
			if j == 0 {
				p.pathNode(s.FromName, s.From, s.FromType, s.FromState)
			}
			arrow := "→ "
			if s.Against {
				arrow = "← "
			}
			parts := []any{"  ", Toned{Info, arrow}, s.Relationship}
			if s.Detail != "" {
				parts = append(parts, " ", Toned{Strong, s.Detail})
			}
			if said := strings.TrimPrefix(s.Property, "properties."); said != "" && s.Detail == "" {
				parts = append(parts, "  ", Toned{Faint, said})
			}
			p.Line(parts...)
			p.pathNode(s.ToName, s.To, s.ToType, s.ToState)
		}
	}
	if r.Truncated {
		p.Gap()
		p.Line(Toned{Faint, "there are more paths of this length"})
	}
}

// pathNode is a line with a node.
func (p *Page) pathNode(name, id, typ, state string) {
	parts := []any{Link{Toned{Strong, cmp.Or(name, id)}, id}}
	if typ != "" {
		parts = append(parts, "  ", Toned{Faint, typ})
	}
	if state != "" {
		parts = append(parts, "  ", Toned{Warning, state})
	}
	p.Line(parts...)
}

// Reach shows what a node can reach.
func (p *Page) Reach(r *backend.SnapshotReachResult, rows Rows) error {
	return p.Rows(RowTable{
		Empty: "it reaches nothing", Total: r.Reached, All: "-o ndjson or --output FILE has them all",
		Columns: []RowColumn{
			{Column{Title: "HOPS", Right: true, Whole: true}, "hops"}, {Column{Title: "ACCESS", Whole: true}, "access"}, {Column{Title: "NAME"}, "name"},
			{Column{Title: "TYPE"}, "type"}, {Column{Title: "BY", Whole: true}, "relationship"}, {Column{Title: "ROLE"}, "role"}, {Column{Title: "VIA"}, "via_name"},
		},
		Tone: func(cells []string, column int) Tone {
			if column != 1 {
				return Normal
			}
			return map[string]Tone{"owner": Bad, "acts_as": Bad, "write": Warning, "depends": Faint}[cells[1]]
		},
	}, rows)
}

// Export shows that a snapshot was written for other programs. files are absolute; none if they are still with the backend.
func (p *Page) Export(r *backend.SnapshotExportResult, files []string) {
	state := Toned{Good, "complete"}
	if !r.Complete {
		state = Toned{Warning, "incomplete"}
	}
	p.Line(Toned{Strong, r.Format}, " of ", Counted(r.Nodes, "node", "nodes"), " and ", Counted(r.Edges, "relationship", "relationships"), "  ", state)
	private := ""
	var pairs []Pair
	for _, f := range files {
		if strings.HasSuffix(f, ".map.json") {
			private = f
		} else {
			pairs = append(pairs, Pair{"file", fileLink(f)})
		}
	}
	left := ""
	if r.Redacted > 0 {
		left = Counted(r.Redacted, "value that looks like a secret", "values that look like secrets")
	}
	p.Pairs(append(pairs, Pair{"private map", fileLink(private)}, Pair{"left out", left}, Pair{"snapshot", r.Snapshot}, Pair{"took", Seconds(r.DurationSeconds)})...)
	if private != "" {
		p.Gap()
		p.Prose(0, 6, Toned{Info, "note:"}, " the private map says what the pseudonyms stand for: do not pass it on.")
	}
}
