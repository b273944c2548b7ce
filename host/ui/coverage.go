package ui

import (
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// How much is shown of what a scan could not read; the whole is in the snapshot and in JSON.
const (
	topGaps  = 20 // lines
	topNames = 6  // names of each
)

// Gaps shows what a scan could not read, if there is anything, and what it left out on purpose.
func (p *Page) Gaps(c backend.Coverage) {
	if gaps := group(c.Gaps()); len(gaps) > 0 {
		p.Title("Not completely read")
		const stateWidth = len(backend.CoverageUnsupported) + 2
		for _, g := range gaps[:min(topGaps, len(gaps))] {
			p.Prose(2, 2+stateWidth, Toned{Warning, fit(string(g.state), stateWidth)}, some(g.names), ": ", some(g.kinds), g.read())
			if g.why != "" {
				p.Prose(2+stateWidth, 2+stateWidth, Toned{Faint, g.why})
			}
		}
		if more := len(gaps) - topGaps; more > 0 {
			p.Line("  ", Toned{Faint, "and " + Counted(int64(more), "more gap", "more gaps") + "; -o json has them all"})
		}
	}
	p.chosen(c, "the limit was reached, so that this was not read to its end: ", func(e *backend.CoverageEntry) string {
		return only(e.State == backend.CoverageLimited, orElse(e.Name, e.Scope))
	})
	p.chosen(c, "switched off in Azure, so that this was not read: ", func(e *backend.CoverageEntry) string {
		return only(e.State == backend.CoverageSkipped && e.Scope != tenantScope, orElse(e.Name, e.Scope))
	})
	p.chosen(c, "not read of Microsoft Entra ID: ", func(e *backend.CoverageEntry) string {
		return only(e.State == backend.CoverageSkipped && e.Scope == tenantScope, e.Kind)
	})
}

// tenantScope is the scope of what belongs to no subscription.
const tenantScope = "tenant"

func only(is bool, name string) string {
	if is {
		return name
	}
	return ""
}

// chosen names what was left out on purpose; nameOf is empty for what was not.
func (p *Page) chosen(c backend.Coverage, words string, nameOf func(*backend.CoverageEntry) string) {
	var names []string
	for i := range c.Entries {
		if name := nameOf(&c.Entries[i]); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		p.Gap()
		p.Prose(0, 6, Toned{Info, "note:"}, " ", words, some(names))
	}
}

// some are the first names of a list, and how many there are beside.
func some(names []string) string {
	if extra := len(names) - topNames; extra > 1 { // of one, its name is as short
		return strings.Join(names[:topNames], ", ") + " and " + Count(int64(extra)) + " more"
	}
	return strings.Join(names, ", ")
}

// gap is what is the same for several kinds, in one scope or several.
type gap struct {
	names, kinds     []string
	state            backend.CoverageState
	why              string
	listed, expected int64 // expected is -1 if unknown for one of them
}

// read says how much was read all the same.
func (g gap) read() string {
	switch {
	case g.expected >= 0:
		return ", " + Count(g.listed) + " of " + Count(g.expected) + " read"
	case g.listed > 0:
		return ", " + Count(g.listed) + " read"
	}
	return ""
}

// add counts what was read of another in.
func (g *gap) add(listed, expected int64) {
	g.listed += listed
	if expected < 0 || g.expected < 0 {
		g.expected = -1
	} else {
		g.expected += expected
	}
}

// group puts the kinds of a scope together that share a state and a reason, and then the scopes that share
// these and the kinds.
func group(entries []backend.CoverageEntry) []gap {
	type trouble struct {
		where string // the scope, and then the kinds
		state backend.CoverageState
		why   string
	}
	var scopes, gaps []gap
	at := map[trouble]int{}
	for _, e := range entries {
		t := trouble{where: e.Scope, state: e.State}
		if e.Fault != nil {
			t.why = e.Fault.Message
		}
		i, known := at[t]
		if !known {
			i, at[t] = len(scopes), len(scopes)
			scopes = append(scopes, gap{names: []string{orElse(e.Name, e.Scope)}, state: t.state, why: t.why})
		}
		scopes[i].kinds = append(scopes[i].kinds, e.Kind)
		scopes[i].add(e.Listed, e.Expected)
	}
	clear(at)
	for _, s := range scopes {
		t := trouble{strings.Join(s.kinds, " "), s.state, s.why}
		if i, known := at[t]; known {
			gaps[i].names = append(gaps[i].names, s.names...)
			gaps[i].add(s.listed, s.expected)
			continue
		}
		at[t] = len(gaps)
		gaps = append(gaps, s)
	}
	return gaps
}
