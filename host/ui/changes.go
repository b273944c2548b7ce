package ui

import (
	"encoding/json"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// What of a comparison a terminal shows; elsewhere all changes are shown. NDJSON has all of both.
const (
	topChanges        = 200
	topChangedValues  = 8  // properties of one change
	topUnknown        = 20 // why something is unknown
	topNamesOfUnknown = 3  // names for each
	topValue          = 60 // columns of a value
)

// ChangesSummary says what was compared and what came of it.
type ChangesSummary struct {
	Result        *backend.SnapshotDiffResult
	Before, After string // the ids of the snapshots
}

// change is a line of the rows; see docs/diff.md.
type change struct {
	Change         string `json:"change"`
	Kind           string `json:"kind"`
	ID             string `json:"id"`
	Name           string `json:"name"`
	Type           string `json:"type"`
	SubscriptionID string `json:"subscription_id"`
	Subscription   string `json:"subscription"`
	ResourceGroup  string `json:"resource_group"`
	Role           string `json:"role"`
	Principal      string `json:"principal"`
	Scope          string `json:"scope"`
	Reason         string `json:"reason"`
	Properties     []struct {
		Path   string          `json:"path"`
		Before json.RawMessage `json:"before"`
		After  json.RawMessage `json:"after"`
	} `json:"properties"`
}

// changeSigns are how changes are shown, as those of a plan.
var changeSigns = map[string]Toned{"added": {Good, "+"}, "removed": {Bad, "-"}, "changed": {Warning, "~"}}

// Changes shows the differences between two snapshots, like a plan, by subscription and resource group.
func (p *Page) Changes(s ChangesSummary, rows Rows) error {
	p.changeCounts(s)
	v := changesView{page: p, unknown: map[string]*unknownChanges{}}
	for row, err := range rows {
		if err != nil {
			return err
		}
		var c change
		if err := json.Unmarshal(row, &c); err != nil {
			return fault.New(fault.Integrity, "a change that the backend answered cannot be read", fault.Because(err))
		}
		if c.Change == "unknown" {
			v.addUnknown(&c)
			continue
		}
		if v.shown++; p.screen.terminal && v.shown > topChanges {
			continue
		}
		v.add(&c)
		if err := p.flushSome(); err != nil {
			return err
		}
	}
	if more := v.shown - topChanges; p.screen.terminal && more > 0 {
		p.Gap()
		p.Line(Toned{Faint, "and " + Counted(more, "more change", "more changes") + "; -o ndjson or --output FILE has them all"})
	}
	v.reasons()
	return nil
}

// Compared shows what came of a comparison without its changes.
func (p *Page) Compared(r *backend.SnapshotDiffResult) {
	p.Line(Toned{Strong, "Comparison"})
	p.changeTotals(r)
}

func (p *Page) changeCounts(s ChangesSummary) {
	state := Toned{Good, "complete"}
	if !s.Result.Complete {
		state = Toned{Warning, "incomplete"}
	}
	p.Line(Toned{Strong, s.Before}, Toned{Faint, " → "}, Toned{Strong, s.After}, "  ", state)
	p.changeTotals(s.Result)
}

func (p *Page) changeTotals(r *backend.SnapshotDiffResult) {
	if r.Added+r.Removed+r.Changed+r.Unknown == 0 {
		p.Line("  no differences")
		return
	}
	var words []any
	for _, part := range []struct {
		sign Toned
		n    int64
		word string
	}{{changeSigns["added"], r.Added, "added"}, {changeSigns["removed"], r.Removed, "removed"}, {changeSigns["changed"], r.Changed, "changed"}, {Toned{Info, "?"}, r.Unknown, "unknown"}} {
		if part.n > 0 {
			words = append(words, "  ", part.sign, " "+Count(part.n)+" "+part.word)
		}
	}
	p.Line(words...)
}

// changesView is the list under way.
type changesView struct {
	page    *Page
	shown   int64 // known changes so far, those for which there is no room included
	where   string
	group   string
	order   []string // the reasons of unknown ones, as they came
	unknown map[string]*unknownChanges
	more    int64 // unknown ones for other reasons
}

type unknownChanges struct {
	count    int64
	examples []string
}

func (v *changesView) add(c *change) {
	p := v.page
	where := orElse(c.Subscription, c.SubscriptionID)
	switch {
	case where != "":
	case c.Kind == "identity" || c.Kind == "membership":
		where = "Directory"
	default:
		where = "Tenant"
	}
	if where != v.where {
		p.Gap()
		p.Line(Toned{Strong, where})
		v.group = ""
	}
	if c.ResourceGroup != v.group && c.ResourceGroup != "" {
		p.Line("  ", Toned{Info, c.ResourceGroup})
	}
	v.where, v.group = where, c.ResourceGroup
	sign, known := changeSigns[c.Change]
	if !known {
		sign = Toned{Info, c.Change}
	}
	p.Prose(4, 8, append([]any{sign, " "}, c.title()...)...)
	for i, property := range c.Properties {
		if i == topChangedValues && p.screen.terminal {
			p.Line("        ", Toned{Faint, "and " + Count(int64(len(c.Properties)-i)) + " more"})
			break
		}
		p.Prose(8, 10, Toned{Faint, property.Path}, "  ", p.changeValue(property.Before), Toned{Faint, " → "}, p.changeValue(property.After))
	}
	if c.Reason != "" {
		p.Prose(8, 10, Toned{Faint, c.Reason})
	}
}

// changeValue is one of two values.
func (p *Page) changeValue(raw json.RawMessage) any {
	if raw == nil {
		return Toned{Faint, "none"}
	}
	text := Clean(cellOf(raw))
	if p.screen.terminal {
		text = truncate(text, topValue)
	}
	return text
}

// title is what a change is of, in words.
func (c *change) title() []any {
	kind := strings.ReplaceAll(c.Kind, "_", " ")
	switch c.Kind {
	case "role_assignment":
		return []any{c.Role, Toned{Faint, " for "}, c.Principal, Toned{Faint, " at "}, c.Scope}
	case "membership":
		return []any{c.Principal, Toned{Faint, " in the group "}, c.Name}
	case "resource":
		return []any{c.path(), Toned{Faint, "  " + c.Type}}
	case "identity":
		kind = strings.ReplaceAll(c.Type, "_", " ")
	}
	return []any{orElse(c.Name, c.ID), Toned{Faint, "  " + kind}}
}

// path is the name of a resource behind those of its parents.
func (c *change) path() string {
	at := strings.LastIndex(strings.ToLower(c.ID), "/providers/")
	if at < 0 {
		return orElse(c.Name, c.ID)
	}
	var names []string
	for i, segment := range strings.Split(c.ID[at+len("/providers/"):], "/") {
		if i >= 2 && i%2 == 0 {
			names = append(names, segment)
		}
	}
	return orElse(strings.Join(names, "/"), c.ID)
}

func (v *changesView) addUnknown(c *change) {
	u := v.unknown[c.Reason]
	if u == nil {
		if len(v.order) == topUnknown {
			v.more++
			return
		}
		u = &unknownChanges{}
		v.unknown[c.Reason] = u
		v.order = append(v.order, c.Reason)
	}
	u.count++
	if c.Kind != "gap" && len(u.examples) < topNamesOfUnknown {
		name := c.path()
		if c.Kind == "role_assignment" {
			name = c.Role + " for " + c.Principal
		}
		u.examples = append(u.examples, name)
	}
}

// reasons says why what is unknown is so.
func (v *changesView) reasons() {
	if len(v.order) == 0 {
		return
	}
	p := v.page
	p.Title("Unknown")
	for _, why := range v.order {
		u := v.unknown[why]
		p.Prose(2, 4, Toned{Info, "?"}, " "+Count(u.count)+"  ", why)
		if len(u.examples) > 0 {
			p.Prose(4, 6, Toned{Faint, some(u.examples)})
		}
	}
	if v.more > 0 {
		p.Line("  ", Toned{Faint, "and " + Count(v.more) + " more for other reasons; -o ndjson has them all"})
	}
}
