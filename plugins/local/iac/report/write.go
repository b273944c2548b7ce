package report

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
)

// Head is what a report says first.
type Head struct {
	Title     string // Terraform of the tenant Contoso
	Complete  bool
	Gaps      []string // what the scan could not read, a line each
	Target    []string // where it is for, where that is not where it was, a line each
	Generated int64
	InBody    int64
	Outside   int64
	Filtered  bool
}

// line is a line of report.ndjson.
type line struct {
	Resource string `json:"resource"`
	Type     string `json:"type,omitempty"`
	State    string `json:"state"` // trimmed, omitted, changed, part_of_parent
	Property string `json:"property,omitempty"`
	Reason   string `json:"reason"`
	Detail   string `json:"detail,omitempty"`
}

// String is the class in report.ndjson.
func (c Class) String() string {
	return [...]string{"trimmed", "omitted", "changed", "part_of_parent", "outside"}[c]
}

// Tally is what was left out, by reason and type, with ids.
type Tally struct {
	counts map[tallyKey]int64
	ids    map[Reason][]string
	all    [Reasons]int64
}

type tallyKey struct {
	reason Reason
	typ    string
}

// named is how many ids REPORT.md names for a reason; report.ndjson has them all.
const named = 2000

// NewTally makes an empty one.
func NewTally() *Tally { return &Tally{counts: map[tallyKey]int64{}, ids: map[Reason][]string{}} }

// Add counts what was left out.
func (t *Tally) Add(e Entry) {
	t.counts[tallyKey{e.Reason, e.Type}]++
	t.all[e.Reason]++
	if ids := t.ids[e.Reason]; len(ids) < named && e.Class <= Omitted {
		t.ids[e.Reason] = append(ids, e.Resource)
	}
}

// Of is how many were left out of a class.
func (t *Tally) Of(c Class) (n int64) {
	for k, count := range t.counts {
		if k.reason.Class() == c {
			n += count
		}
	}
	return n
}

// Lines writes report.ndjson: what rest yields, and then what was changed.
func (r *Report) Lines(w io.Writer, rest func(func(Entry) error) error) error {
	out := bufio.NewWriterSize(w, 1<<16)
	encode := json.NewEncoder(out)
	encode.SetEscapeHTML(false)
	put := func(e Entry, c Class) error {
		return encode.Encode(line{Resource: e.Resource, Type: e.Type, State: c.String(), Property: e.Property, Reason: e.Reason.String(), Detail: e.Detail})
	}
	if err := rest(func(e Entry) error { return put(e, e.Class) }); err != nil {
		return err
	}
	changes, _ := r.Changes()
	for _, e := range changes {
		if err := put(e, e.Reason.Class()); err != nil {
			return err
		}
	}
	return out.Flush()
}

// Write writes REPORT.md.
func (r *Report) Write(w io.Writer, h Head, t *Tally) error {
	out := bufio.NewWriter(w)
	p := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	p("# %s\n", md(h.Title))
	if !h.Complete {
		p("**INCOMPLETE.** The scan could not read everything, so that something may be missing here that no line below names:\n")
		for _, g := range h.Gaps {
			p("- %s", md(g))
		}
		p("")
	}
	p("| | resources |\n|---|---:|")
	p("| generated on their own | %d |", h.Generated)
	p("| generated as a part of their parent | %d |", h.InBody)
	p("| left out on purpose, nothing is lost | %d |", t.Of(Trimmed))
	p("| left out because they cannot be generated | %d |", t.Of(Omitted))
	if h.Filtered {
		p("| outside of the filter | %d |", h.Outside)
	}
	p("\n`report.ndjson` has a line for each of them that is not generated on its own, and for each secret and other change.\n")
	for _, line := range h.Target {
		p("- %s", md(line))
	}
	if len(h.Target) > 0 {
		p("")
	}
	if notes := r.Notes(); len(notes) > 0 {
		p("## Read this before you deploy\n")
		for _, n := range notes {
			p("- %s", md(n))
		}
		p("")
	}
	r.writeLeftOut(p, t)
	r.writeChanges(p)
	r.writeProperties(p)
	return out.Flush()
}

func (r *Report) writeLeftOut(p func(string, ...any), t *Tally) {
	for _, part := range []struct {
		class Class
		title string
	}{{Omitted, "Cannot be generated"}, {Trimmed, "Left out on purpose"}} {
		byReason := map[Reason][]tallyKey{}
		for k := range t.counts {
			if k.reason.Class() == part.class {
				byReason[k.reason] = append(byReason[k.reason], k)
			}
		}
		if len(byReason) == 0 {
			continue
		}
		p("## %s\n", part.title)
		for reason := None; reason <= last; reason++ {
			keys := byReason[reason]
			if len(keys) == 0 {
				continue
			}
			slices.SortFunc(keys, func(a, b tallyKey) int {
				return cmp.Or(cmp.Compare(t.counts[b], t.counts[a]), cmp.Compare(a.typ, b.typ))
			})
			p("### %s\n", md(capital(reason.String())))
			for _, k := range keys {
				p("- %d × `%s`", t.counts[k], code(k.typ))
			}
			p("\n<details><summary>which</summary>\n")
			for _, id := range t.ids[reason] {
				p("- `%s`", code(id))
			}
			if more := t.all[reason] - int64(len(t.ids[reason])); more > 0 {
				p("- and %d more, which `report.ndjson` names", more)
			}
			p("\n</details>\n")
		}
	}
}

// changesListed is how many changes REPORT.md lists.
const changesListed = 500

func (r *Report) writeChanges(p func(string, ...any)) {
	changes, more := r.Changes()
	if len(changes) == 0 {
		return
	}
	p("## Changed\n\n| resource | what | why | |\n|---|---|---|---|")
	for i, e := range changes {
		if i == changesListed {
			more += int64(len(changes) - i)
			break
		}
		p("| `%s` | %s | %s | %s |", code(e.Resource), md(e.Property), md(e.Reason.String()), md(e.Detail))
	}
	p("")
	if more > 0 {
		p("And %d more; `report.ndjson` has the first %d.\n", more, maxChanges)
	}
}

// writeProperties lists what was left out of bodies, by type.
func (r *Report) writeProperties(p func(string, ...any)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	byType := map[string][]Property{}
	for prop := range r.properties {
		switch prop.Reason {
		case ReadOnlyProperty, UnknownProperty, EmptyProperty:
			byType[prop.Type] = append(byType[prop.Type], prop)
		}
	}
	if len(byType) == 0 {
		return
	}
	p("## Properties left out, by type\n")
	p("Azure sets read-only properties itself. What is null or empty says nothing. What the api-version does not take is often an addition of")
	p("Resource Graph, or of a newer version.\n")
	types := make([]string, 0, len(byType))
	for t := range byType {
		types = append(types, t)
	}
	slices.Sort(types)
	for _, t := range types {
		p("### `%s`\n", code(t))
		for _, reason := range []Reason{UnknownProperty, ReadOnlyProperty, EmptyProperty} {
			var names []string
			for _, prop := range byType[t] {
				if prop.Reason == reason {
					names = append(names, "`"+code(prop.Path)+"`")
				}
			}
			if len(names) > 0 {
				slices.Sort(names)
				p("- %s: %s", reason, strings.Join(names, ", "))
			}
		}
		p("")
	}
}

// md is text that Markdown shows as it is, on one line of a table.
func md(text string) string {
	var b strings.Builder
	for _, c := range text {
		switch {
		case unseen(c):
			b.WriteByte(' ')
		case strings.ContainsRune("\\`*_[]<>|#&", c):
			b.WriteByte('\\')
			b.WriteRune(c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// code is text between backticks, on one line of a table.
func code(text string) string {
	if text == "" { // two backticks would begin code that ends somewhere else
		return "-"
	}
	return strings.Map(func(c rune) rune {
		switch {
		case c == '`':
			return '\''
		case c == '|':
			return '¦'
		case unseen(c):
			return ' '
		}
		return c
	}, text)
}

// unseen says that a character is none to be seen, but begins a line, turns the direction of writing, or tells a terminal something.
func unseen(c rune) bool {
	return unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) || c == '\u2028' || c == '\u2029'
}

func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
