package ui

import (
	"cmp"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// What of a generation is shown; JSON, and report.ndjson among the files, have it all.
const (
	topReasons  = 8 // why things were left out
	topExamples = 3 // names for each reason
	topFindings = 5 // of each check
)

// CodeSummary is what a person wants to know when code was generated.
type CodeSummary struct {
	Result *backend.IaCGenerationResult
	Dir    string // where the files are; empty if they are still with the backend
	Next   string // a command to go on with; may be empty
}

// Code shows what code was generated, what its checks say, and what was left out.
func (p *Page) Code(s CodeSummary) {
	r := s.Result
	state := Toned{Good, "complete"}
	if !r.Complete || r.ResourcesOmitted > 0 {
		state = Toned{Warning, "incomplete"}
	}
	p.Line(Toned{Strong, r.OutputFormat}, " of ", Counted(r.ResourcesIncluded, "resource", "resources"), "  ", state)
	p.Pairs(
		Pair{"missing", resources(r.ResourcesOmitted, "")},
		Pair{"trimmed", resources(r.ResourcesTrimmed, " that Azure makes itself, or that only say a default")},
		Pair{"files", files(s)}, Pair{"folder", fileLink(s.Dir)}, Pair{"start with", start(s)},
		Pair{"snapshot", r.Snapshot}, Pair{"took", Seconds(r.DurationSeconds)},
	)
	p.checks(r.Checks)
	p.leftOut("Missing", r.Omitted, false, "report.ndjson has them all")
	p.leftOut("Trimmed", r.Omitted, true, "report.ndjson has them all")
	for i, note := range r.Notes {
		if i == 0 {
			p.Gap()
		}
		p.Prose(0, 6, Toned{Info, "note:"}, " ", note)
	}
	if s.Next != "" {
		p.Gap()
		p.Line(Toned{Faint, "next: "}, s.Next)
	}
}

// resources counts them, with what they are; nothing for none.
func resources(n int64, which string) string {
	if n == 0 {
		return ""
	}
	return Counted(n, "resource", "resources") + which
}

func files(s CodeSummary) string {
	if len(s.Result.FilesGenerated) == 0 {
		return ""
	}
	return Count(int64(len(s.Result.FilesGenerated)))
}

// start is the file to read first, relative to the folder.
func start(s CodeSummary) string {
	if s.Dir == "" {
		return ""
	}
	for _, name := range []string{"README.md", "REPORT.md", "main.tf", "main.bicep", "main.json", "azuredeploy.json"} {
		if slices.Contains(s.Result.FilesGenerated, filepath.Join(s.Dir, name)) {
			return name
		}
	}
	return ""
}

// checks shows what tools say of the code.
func (p *Page) checks(checks []backend.Check) {
	if len(checks) == 0 {
		return
	}
	p.Title("Checks")
	tools := 0
	for _, c := range checks {
		tools = max(tools, columns(Clean(tool(c))))
	}
	for _, c := range checks {
		tone := Good
		switch c.State {
		case backend.CheckFailed:
			tone = Bad
		case backend.CheckSkipped:
			tone = Warning
		}
		name := tool(c)
		indent := strings.Repeat(" ", tools-columns(Clean(name))+2)
		p.Prose(2, 4, name, indent, Toned{tone, string(c.State)}, verdict(c))
		for _, f := range c.Findings[:min(topFindings, len(c.Findings))] {
			severity := Bad
			if f.Severity == backend.SeverityWarning {
				severity = Warning
			}
			p.Prose(4, 6, Toned{severity, string(f.Severity)}, " ", Toned{Faint, place(f)}, f.Message)
		}
		if more := len(c.Findings) - topFindings; more > 0 {
			p.Line("    ", Toned{Faint, "and " + Count(int64(more)) + " more; -o json has them all"})
		}
	}
}

func tool(c backend.Check) string {
	if c.Version == "" {
		return c.Tool
	}
	return c.Tool + " " + c.Version
}

// verdict is what a check has to say beside its state.
func verdict(c backend.Check) string {
	var errs, warnings int64
	for _, f := range c.Findings {
		if f.Severity == backend.SeverityWarning {
			warnings++
		} else {
			errs++
		}
	}
	var parts []string
	if errs > 0 {
		parts = append(parts, Counted(errs, "error", "errors"))
	}
	if warnings > 0 {
		parts = append(parts, Counted(warnings, "warning", "warnings"))
	}
	if c.Message != "" {
		parts = append(parts, c.Message)
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// place is where a finding is.
func place(f backend.CheckFinding) string {
	at := f.File
	if at != "" && f.Line > 0 {
		at += ":" + strconv.FormatInt(f.Line, 10)
	}
	if at = cmp.Or(at, brief(f.Resource)); at == "" {
		return ""
	}
	return at + ": "
}

// reason is why things were left out, and some of them.
type reason struct {
	text     string
	count    int64
	examples []string
}

// leftOut shows what is missing, or what was trimmed, by reason, the most frequent first; where says where there is more of it.
func (p *Page) leftOut(title string, omitted []backend.Omitted, trimmed bool, where string) {
	var reasons []*reason
	by := map[string]*reason{}
	for _, o := range omitted {
		if o.Trimmed != trimmed {
			continue
		}
		why := by[o.Reason]
		if why == nil {
			why = &reason{text: o.Reason}
			by[o.Reason], reasons = why, append(reasons, why)
		}
		why.count++
		example := brief(o.Resource)
		if o.Property != "" {
			example += " " + strings.TrimPrefix(o.Property, "properties.")
		}
		if len(why.examples) <= topExamples && !slices.Contains(why.examples, example) {
			why.examples = append(why.examples, example)
		}
	}
	if len(reasons) == 0 {
		return
	}
	slices.SortStableFunc(reasons, func(a, b *reason) int { return cmp.Compare(b.count, a.count) })
	rows := make([][]string, 0, topReasons)
	for _, why := range reasons[:min(topReasons, len(reasons))] {
		more := ""
		if len(why.examples) > topExamples {
			why.examples, more = why.examples[:topExamples], ", …"
		}
		rows = append(rows, []string{Count(why.count), why.text, strings.Join(why.examples, ", ") + more})
	}
	p.Title(title)
	p.Table(Table{Indent: 2, Columns: []Column{{Title: "COUNT", Right: true}, {Title: "REASON"}, {Title: "SUCH AS"}}, Rows: rows})
	if more := len(reasons) - topReasons; more > 0 {
		p.Line("  ", Toned{Faint, "and " + Counted(int64(more), "more reason", "more reasons") + "; " + where})
	} else if len(omitted) >= backend.MaxOmitted {
		p.Line("  ", Toned{Faint, "these are the first " + Count(backend.MaxOmitted) + " entries; " + where})
	}
}

// brief is a resource's name, without where it is: the last part of an ARM id.
func brief(id string) string {
	id = strings.TrimRight(id, "/")
	return id[strings.LastIndexByte(id, '/')+1:]
}

// Job shows a job that goes on without the command.
func (p *Page) Job(j backend.JobStatusResponse, name, next string) {
	p.Line("job ", Toned{Strong, j.JobID}, " goes on with backend ", name)
	p.Gap()
	p.Line(Toned{Faint, "next: "}, next)
}
