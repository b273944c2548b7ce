package ui

import "github.com/azure-tenant-grapher/atg/shared/backend"

// SpecSummary is what a person wants to know when a specification was written.
type SpecSummary struct {
	Result *backend.SpecGenerationResult
	Files  []string // the specification, and what came beside it; none if they are still with the backend
	Next   string   // a command to go on with; may be empty
}

// Spec shows that a specification was written, and what is not in it.
func (p *Page) Spec(s SpecSummary) {
	r := s.Result
	state := Toned{Good, "complete"}
	if !r.Complete {
		state = Toned{Warning, "incomplete"}
	}
	p.Line(Toned{Strong, "specification"}, " of ", Counted(r.Resources, "resource", "resources"), "  ", state)
	file, private := "", ""
	for i, f := range s.Files {
		if i == 0 {
			file = f
		} else {
			private = f
		}
	}
	p.Pairs(Pair{"file", fileLink(file)}, Pair{"private map", fileLink(private)}, Pair{"snapshot", r.Snapshot}, Pair{"took", Seconds(r.DurationSeconds)})
	p.leftOut("Missing", r.Omitted, false, "the end of the file has their counts")
	p.leftOut("Trimmed", r.Omitted, true, "the end of the file has their counts")
	if private != "" {
		p.Gap()
		p.Prose(0, 6, Toned{Info, "note:"}, " the private map says what the pseudonyms stand for: do not pass it on.")
	}
	if s.Next != "" {
		p.Gap()
		p.Line(Toned{Faint, "next: "}, s.Next)
	}
}
