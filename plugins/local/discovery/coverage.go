package discovery

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// coverage is the ledger as the contract has it. What is not decided by now was read to its end.
func (l *ledger) coverage() backend.Coverage {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := backend.Coverage{Complete: true, Entries: []backend.CoverageEntry{}}
	add := func(line backend.CoverageEntry) {
		c.Complete = c.Complete && !line.State.Gap()
		c.Entries = append(c.Entries, line)
	}
	own := map[*table]int{} // subscriptions with a line of their own
	for _, scope := range l.scopes {
		for _, t := range l.tables {
			if e, ok := l.entries[place{scope, t}]; ok {
				add(l.line(scope, t, e))
				if scope != tenantScope {
					own[t]++
				}
			}
		}
		for _, g := range l.gaps[scope] {
			f := *g.fault
			f.Message = fmt.Sprintf("not read of %d resources: %s", g.things, f.Message)
			if g.things == 1 {
				f.Message = fmt.Sprintf("not read of %s: %s", cmp.Or(f.Resource, "1 resource"), g.fault.Message)
			}
			add(backend.CoverageEntry{Scope: scope, Name: l.names[scope], Kind: g.kind, State: g.state, Expected: unknown, Fault: &f})
		}
	}
	for _, sub := range l.disabled {
		f := fault.New(fault.Unsupported, "the subscription is "+strings.ToLower(sub.State), fault.On(sub.ID), fault.From(fault.OriginAzure))
		for _, t := range l.tables {
			if t.main {
				add(backend.CoverageEntry{Scope: strings.ToLower(sub.ID), Name: sub.Name, Kind: t.name, State: backend.CoverageSkipped, Fault: f})
			}
		}
	}
	for _, t := range l.tables {
		rest := len(l.scopes) - 1 - own[t] - len(l.refused)
		if !t.arm {
			rest -= len(l.apart)
		} else if t == around {
			continue // each has a line of its own
		}
		if t.main || t.directory || rest == 0 {
			continue
		}
		line := backend.CoverageEntry{Scope: restScope, Name: restName(rest, own[t] > 0), Kind: t.name, State: backend.CoverageListed}
		if f := l.failed[t]; f != nil {
			line.State, line.Expected, line.Fault = stateOf(f), unknown, f
		} else if l.cut[t] {
			line.State, line.Expected = backend.CoverageLimited, unknown
		}
		add(line)
	}
	return c
}

func restName(n int, other bool) string {
	switch {
	case other && n == 1:
		return "the other subscription"
	case other:
		return fmt.Sprintf("the other %d subscriptions", n)
	case n == 1:
		return "the subscription"
	}
	return fmt.Sprintf("all %d subscriptions", n)
}

func (l *ledger) line(scope string, t *table, e *entry) backend.CoverageEntry {
	line := backend.CoverageEntry{Scope: scope, Name: l.names[scope], Kind: t.name, State: e.state,
		Listed: e.listed, Expected: e.expected, Fault: e.fault}
	if line.State != "" {
		return line
	}
	line.State = backend.CoverageListed
	switch {
	case e.limit != unknown && (e.limit < e.expected || e.expected == unknown && e.listed >= e.limit):
		line.State = backend.CoverageLimited
	case e.expected < e.listed: // not counted before, or more by now
		line.Expected = e.listed
	}
	return line
}

// nothing is the reason if not one table of one scope could be read, although there are some.
func (l *ledger) nothing(c backend.Coverage) *fault.Fault {
	var reason *fault.Fault
	for _, e := range c.Entries {
		switch {
		case e.Scope == restScope:
		case e.State.Gap() && reason == nil:
			reason = e.Fault
		case !e.State.Gap() && e.State != backend.CoverageSkipped && l.mainTable(e.Kind):
			return nil
		}
	}
	return reason
}

func (l *ledger) mainTable(name string) bool {
	return slices.ContainsFunc(l.tables, func(t *table) bool { return t.main && t.name == name })
}
