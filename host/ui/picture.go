package ui

import "github.com/azure-tenant-grapher/atg/shared/backend"

// PictureSummary is what a person wants to know when a page was drawn.
type PictureSummary struct {
	Result *backend.VisualizationResult
	File   string // empty if it is still with the backend
	Next   string // a command to go on with; may be empty
}

// Picture shows that a page was drawn.
func (p *Page) Picture(s PictureSummary) {
	r := s.Result
	state := Toned{Good, "complete"}
	if !r.Complete {
		state = Toned{Warning, "incomplete"}
	}
	p.Line(Toned{Strong, "picture"}, " of ", Counted(r.Nodes, "node", "nodes"), " and ", Counted(r.Edges, "relationship", "relationships"), "  ", state)
	p.Pairs(Pair{"file", fileLink(s.File)}, Pair{"snapshot", r.Snapshot}, Pair{"took", Seconds(r.DurationSeconds)})
	if s.Next != "" {
		p.Gap()
		p.Line(Toned{Faint, "next: "}, s.Next)
	}
}
