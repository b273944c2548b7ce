package discovery

import (
	"slices"
	"strings"
	"sync"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// tenantScope is the ledger's scope for rows that belong to no subscription.
const tenantScope = "tenant"

// unknown is how many rows there are where Azure did not say.
const unknown = -1

// ledger keeps what came of reading each table in each scope. It is for concurrent use.
type ledger struct {
	mu      sync.Mutex
	entries map[place]*entry
	order   []place
}

// place is a table in a scope: a subscription's id in lower case, or tenantScope.
type place struct {
	scope string
	table *table
}

type entry struct {
	name     string // of the subscription
	state    backend.CoverageState
	listed   int64
	expected int64
	limit    int64 // so many rows are to be read; unknown is all
	fault    *fault.Fault
}

func newLedger(s *scope, filter backend.Filter) *ledger {
	l := &ledger{entries: map[place]*entry{}}
	add := func(scope, name string, t *table) *entry {
		p, e := place{scope, t}, &entry{name: name, expected: unknown, limit: unknown}
		l.entries[p] = e
		l.order = append(l.order, p)
		return e
	}
	for _, t := range tables {
		if t.tenant != nil && t.tenant(narrow(filter)) != nil {
			add(tenantScope, s.tenant.Name, t)
		}
	}
	for _, sub := range s.subscriptions {
		for _, t := range tables {
			e := add(strings.ToLower(sub.ID), sub.Name, t)
			if !sub.Enabled() {
				e.state, e.expected = backend.CoverageSkipped, 0
				e.fault = fault.New(fault.Unsupported, "the subscription is "+strings.ToLower(sub.State), fault.On(sub.ID), fault.From(fault.OriginAzure))
			}
		}
	}
	return l
}

// update changes the entry of a place; one that is not in the ledger is none of the scan's business.
func (l *ledger) update(p place, change func(*entry)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.entries[p]; ok {
		change(e)
	}
}

// open are the places of a table whose state is not decided and which match, in the ledger's order.
func (l *ledger) open(t *table, match func(place, *entry) bool) []place {
	l.mu.Lock()
	defer l.mu.Unlock()
	var places []place
	for _, p := range l.order {
		if e := l.entries[p]; p.table == t && e.state == "" && match(p, e) {
			places = append(places, p)
		}
	}
	return places
}

// get is a copy of an entry.
func (l *ledger) get(p place) (e entry) {
	l.update(p, func(own *entry) { e = *own })
	return e
}

// fail decides the state of places by what went wrong with them.
func (l *ledger) fail(places []place, f *fault.Fault) {
	state := backend.CoverageFailed
	switch f.Code {
	case fault.AzureForbidden:
		state = backend.CoverageDenied
	case fault.Throttled:
		state = backend.CoverageThrottled
	}
	l.decide(places, state, f)
}

func (l *ledger) decide(places []place, state backend.CoverageState, f *fault.Fault) {
	for _, p := range places {
		l.update(p, func(e *entry) {
			e.state, e.fault = state, f
			if e.expected == 0 {
				e.expected = unknown // nobody has counted what cannot be seen
			}
		})
	}
}

// unseen are the subscriptions of which Resource Graph has counted nothing at all, not even
// themselves: it leaves those out without a word that it may not show.
func (l *ledger) unseen(subscriptions []azure.Subscription) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for _, s := range subscriptions {
		id := strings.ToLower(s.ID)
		if !slices.ContainsFunc(tables, func(t *table) bool {
			e := l.entries[place{id, t}]
			return e.state != "" || e.expected != 0
		}) {
			ids = append(ids, id)
		}
	}
	return ids
}

// deny decides the places that were refused when they were counted.
func (l *ledger) deny() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		if e.state == "" && e.fault != nil {
			e.state, e.expected = backend.CoverageDenied, unknown
		}
	}
}

// limit shares a limit of rows out among the subscriptions in their order, so that the same request
// reads the same rows whatever the order in which Azure answers.
func (l *ledger) limit(rows int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.order {
		e := l.entries[p]
		if !p.table.limited || e.state != "" {
			continue
		}
		e.limit = rows
		if e.expected != unknown {
			e.limit = min(rows, e.expected)
		}
		rows -= e.limit
	}
}

// short are the places whose rows were read to the end, and yet were fewer than Azure had counted.
func (l *ledger) short(t *table) []place {
	return l.open(t, func(_ place, e *entry) bool { return e.listed < e.wanted() })
}

// wanted is how many rows are to be read; unknown is all that come.
func (e *entry) wanted() int64 {
	if e.limit != unknown {
		return min(e.limit, e.expected)
	}
	return e.expected
}

// coverage is the ledger as the contract has it. What is not decided by now was read to its end.
func (l *ledger) coverage() backend.Coverage {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := backend.Coverage{Complete: true, Entries: make([]backend.CoverageEntry, 0, len(l.order))}
	for _, p := range l.order {
		e := l.entries[p]
		line := backend.CoverageEntry{Scope: p.scope, Name: e.name, Kind: p.table.name, State: e.state,
			Listed: e.listed, Expected: e.expected, Fault: e.fault}
		if line.State == "" {
			line.State = backend.CoverageListed
			if e.limit != unknown && (e.limit < e.expected || e.expected == unknown && e.listed >= e.limit) {
				line.State = backend.CoverageLimited
			}
		}
		c.Complete = c.Complete && !line.State.Gap()
		c.Entries = append(c.Entries, line)
	}
	return c
}

// nothing is the reason if not one table of one scope could be read, although there were some.
func nothing(c backend.Coverage) *fault.Fault {
	var reason *fault.Fault
	for _, e := range c.Entries {
		switch {
		case e.State.Gap() && reason == nil:
			reason = e.Fault
		case !e.State.Gap() && e.State != backend.CoverageSkipped:
			return nil
		}
	}
	return reason
}
