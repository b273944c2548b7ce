package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// Jobs lists jobs.
func (p *Page) Jobs(jobs []backend.JobStatusResponse) {
	t := Table{
		Empty: "no jobs",
		Columns: []Column{
			{Title: "JOB", Whole: true}, {Title: "OPERATION", Whole: true}, {Title: "STATUS", Whole: true}, {Title: "CREATED", Whole: true},
			{Title: "TOOK", Right: true, Whole: true}, {Title: "TENANT"},
		},
		Tone: func(row, column int) Tone {
			if column != 2 {
				return Normal
			}
			return jobTone(jobs[row].Status)
		},
	}
	for _, j := range jobs {
		t.Rows = append(t.Rows, []string{j.JobID, string(j.Operation), jobState(j), Moment(j.CreatedAt), jobTook(j), j.TenantID})
	}
	p.Table(t)
}

// JobDetail shows one job. Next is a command to go on with; it may be empty.
func (p *Page) JobDetail(j backend.JobStatusResponse, next string) {
	p.Line("job ", Toned{Strong, j.JobID}, "  ", Toned{jobTone(j.Status), jobState(j)})
	attempt := ""
	if j.Attempt > 1 {
		attempt = fmt.Sprint(j.Attempt)
	}
	pairs := []Pair{
		{"operation", string(j.Operation)}, {"tenant", j.TenantID}, {"phase", j.Phase}, {"shards", jobShards(j.Shards)}, {"attempt", attempt}, {"created", Moment(j.CreatedAt)},
	}
	if j.StartedAt != nil {
		pairs = append(pairs, Pair{"started", Moment(*j.StartedAt)})
	}
	if j.CompletedAt != nil {
		pairs = append(pairs, Pair{"ended", Moment(*j.CompletedAt)})
	}
	p.Pairs(append(pairs, Pair{"took", jobTook(j)})...)
	why, hint := j.Error, ""
	if j.Fault != nil {
		why, hint = j.Fault.Error(), j.Fault.Hint
	}
	if why != "" {
		p.Gap()
		p.Prose(0, 2, Toned{jobTone(j.Status), string(j.Status) + ":"}, " ", why)
	}
	if hint != "" {
		for line := range strings.SplitSeq(hint, "\n") {
			p.Prose(0, 6, Toned{Info, "hint:"}, " ", line)
		}
	}
	if next != "" {
		p.Gap()
		p.Line(Toned{Faint, "next: "}, next)
	}
}

// jobShards says how far a job's shards are.
func jobShards(s *backend.Shards) string {
	if s == nil {
		return ""
	}
	text := fmt.Sprintf("%d of %d done", s.Done, s.Total)
	if s.Failed > 0 {
		text += fmt.Sprintf(", %d failed", s.Failed)
	}
	return text
}

func jobTone(s backend.JobStatus) Tone {
	switch s {
	case backend.JobCompleted:
		return Good
	case backend.JobFailed:
		return Bad
	case backend.JobCancelled:
		return Warning
	case backend.JobRunning:
		return Info
	case backend.JobPending:
	}
	return Normal
}

// jobState is a job's state and, while it runs, how far it is.
func jobState(j backend.JobStatusResponse) string {
	if j.Status == backend.JobRunning && j.Progress != nil {
		return fmt.Sprintf("%s %.0f%%", j.Status, *j.Progress*100)
	}
	return string(j.Status)
}

func jobTook(j backend.JobStatusResponse) string {
	if j.StartedAt == nil || j.CompletedAt == nil {
		return ""
	}
	return Span(j.CompletedAt.Sub(*j.StartedAt))
}

// Files lists files that were written.
func (p *Page) Files(dir string, files []string) {
	p.Line(Toned{Strong, Counted(int64(len(files)), "file", "files")}, " in ", dir)
	for _, f := range files {
		p.Line("  ", fileLink(f))
	}
}

// Result shows what has no page of its own: the plain values of its JSON object.
func (p *Page) Result(result any) {
	object, err := json.Marshal(result)
	if err != nil {
		return
	}
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	var pairs []Pair
	if _, err := d.Token(); err != nil { // the brace; keys keep their order behind it
		return
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return
		}
		var value any
		if d.Decode(&value) != nil {
			return
		}
		switch value := value.(type) {
		case string, json.Number, bool:
			pairs = append(pairs, Pair{strings.ReplaceAll(fmt.Sprint(key), "_", " "), fmt.Sprint(value)})
		}
	}
	p.Pairs(pairs...)
}
