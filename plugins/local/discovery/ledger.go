package discovery

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// tenantScope is the ledger's scope for rows that belong to no subscription, and restScope that of the
// line that all subscriptions without a line of their own share.
const (
	tenantScope = "tenant"
	restScope   = "subscriptions"
)

// unknown is how many rows there are where Azure did not say.
const unknown = -1

// ledger keeps what came of reading each table in each scope. It is for concurrent use.
type ledger struct {
	mu       sync.Mutex
	scopes   []string          // the tenant, then the subscriptions to read
	reads    map[string]bool   // of those
	names    map[string]string // of scopes, the disabled ones included
	disabled []azure.Subscription
	tables   []*table // with a line for each scope, or for all
	entries  map[place]*entry
	tallies  map[string]map[string]int64 // rows of parts by scope, by the parts' keys
	gaps     map[string][]*gap           // of things below a place, by scope
	failed   map[*table]*fault.Fault     // tables that this cloud does not have
	cut      map[*table]bool             // tables that were left out because of a limit
	apart    map[string]bool             // subscriptions that Resource Manager lists instead of Resource Graph
	refused  map[string]bool             // subscriptions of which nothing can be read
}

// gap is what could not be read of so many things of one kind.
type gap struct {
	kind   string
	state  backend.CoverageState
	things int64
	fault  *fault.Fault // of the first
}

// place is a table in a scope: a subscription's id in lower case, or tenantScope.
type place struct {
	scope string
	table *table
}

type entry struct {
	state    backend.CoverageState
	listed   int64
	expected int64
	limit    int64 // so many rows are to be read; unknown is all
	fault    *fault.Fault
}

func newLedger(s *scope, filter backend.Filter) *ledger {
	l := &ledger{names: map[string]string{tenantScope: s.tenant.Name}, entries: map[place]*entry{}, tallies: map[string]map[string]int64{},
		gaps: map[string][]*gap{}, failed: map[*table]*fault.Fault{}, cut: map[*table]bool{}, apart: map[string]bool{}, refused: map[string]bool{}, reads: map[string]bool{tenantScope: true}}
	l.scopes = append(l.scopes, tenantScope)
	for _, sub := range s.subscriptions {
		id := strings.ToLower(sub.ID)
		l.names[id] = sub.Name
		if sub.Enabled() {
			l.scopes, l.reads[id] = append(l.scopes, id), true
		} else {
			l.disabled = append(l.disabled, sub)
		}
	}
	for _, t := range tables {
		l.add(t, narrow(filter))
	}
	return l
}

// replaceAll leaves Resource Graph out: Resource Manager lists every subscription instead.
func (l *ledger) replaceAll() {
	l.mu.Lock()
	l.tables = slices.DeleteFunc(l.tables, func(t *table) bool { return !t.arm })
	maps.DeleteFunc(l.entries, func(p place, _ *entry) bool { return !p.table.arm })
	l.mu.Unlock()
	for _, t := range withoutGraph {
		l.add(t, true)
	}
}

// replace leaves Resource Graph out for one subscription.
func (l *ledger) replace(scope string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.tables {
		if !t.arm {
			delete(l.entries, place{scope, t})
		}
	}
	for _, t := range withoutGraph {
		l.open(t)
		l.make(place{scope, t})
	}
	l.apart[scope] = true
}

// instead moves places to the lines of another table, and answers those.
func (l *ledger) instead(places []place, t *table) []place {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open(t)
	moved := make([]place, len(places))
	for i, p := range places {
		delete(l.entries, p)
		moved[i] = place{p.scope, t}
		l.make(moved[i])
	}
	return moved
}

// withoutGraph are the tables where Resource Manager lists instead of Resource Graph.
var withoutGraph = []*table{around, listed, children}

// open makes a table one of the ledger's.
func (l *ledger) open(t *table) {
	if !slices.Contains(l.tables, t) {
		l.tables = append(l.tables, t)
	}
}

// add opens a table. Those with a line for each scope get it at once.
func (l *ledger) add(t *table, narrow bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open(t)
	if !t.main {
		return
	}
	for _, scope := range l.scopes {
		if scope != tenantScope || l.atTenant(t, narrow) {
			l.make(place{scope, t})
		}
	}
}

// make makes the entry of a place, unless an earlier attempt has.
func (l *ledger) make(p place) *entry {
	if l.entries[p] == nil {
		l.entries[p] = newEntry()
	}
	return l.entries[p]
}

func newEntry() *entry { return &entry{expected: unknown, limit: unknown} }

func (l *ledger) atTenant(t *table, narrow bool) bool {
	return t.tenant != nil && t.tenant(narrow) != nil
}

// places are all places of a table, in the ledger's order.
func (l *ledger) places(t *table, narrow bool) []place {
	l.mu.Lock()
	defer l.mu.Unlock()
	var places []place
	for _, scope := range l.scopes {
		if (scope != tenantScope || l.atTenant(t, narrow)) && (t.arm || !l.apart[scope]) && !l.refused[scope] {
			places = append(places, place{scope, t})
		}
	}
	return places
}

// width is how many places a table has.
func (l *ledger) width(t *table) int { return len(l.places(t, false)) }

// covers says whether a scope is one of those that the scan reads.
func (l *ledger) covers(scope string) bool { return l.reads[scope] }

// update changes the entry of a place, which comes to be if its scope is one of the scan.
func (l *ledger) update(p place, change func(*entry)) {
	if !l.covers(p.scope) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l.make(p))
}

// tally notes the rows of a part, by scope, in place of those that were noted before: a part may be read again.
func (l *ledger) tally(key string, t *table, rows map[string]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for scope, n := range l.tallies[key] {
		if e := l.entries[place{scope, t}]; e != nil {
			e.listed -= n
		}
	}
	l.tallies[key] = rows
	for scope, n := range rows {
		if l.covers(scope) {
			l.make(place{scope, t}).listed += n
		}
	}
}

// tallied is how many rows a part has.
func (l *ledger) tallied(key string) (rows int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.tallies[key] {
		rows += n
	}
	return rows
}

// rows is how many rows all parts have but those of some keys.
func (l *ledger) rows(but map[string]bool) (rows int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, listed := range l.tallies {
		for _, n := range listed {
			if !but[key] {
				rows += n
			}
		}
	}
	return rows
}

// pending are the places of a main table whose state is not decided and which match, in the ledger's order.
func (l *ledger) pending(t *table, match func(*entry) bool) []place {
	l.mu.Lock()
	defer l.mu.Unlock()
	var places []place
	for _, scope := range l.scopes {
		if e, ok := l.entries[place{scope, t}]; ok && e.state == "" && match(e) {
			places = append(places, place{scope, t})
		}
	}
	return places
}

// shut decides all of a scope of which nothing can be read.
func (l *ledger) shut(scope string, state backend.CoverageState, f *fault.Fault) {
	var places []place
	for _, t := range tables {
		if t.main {
			places = append(places, place{scope, t})
		}
	}
	l.decide(places, state, f)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused[scope] = true
}

// undecided keeps of places those whose state is not decided.
func (l *ledger) undecided(places []place) []place {
	l.mu.Lock()
	defer l.mu.Unlock()
	var open []place
	for _, p := range places {
		if e, ok := l.entries[p]; !ok || e.state == "" {
			open = append(open, p)
		}
	}
	return open
}

// get is a copy of an entry.
func (l *ledger) get(p place) entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.entries[p]; ok {
		return *e
	}
	return *newEntry()
}

// stateOf is what a failure makes of what could not be read.
func stateOf(f *fault.Fault) backend.CoverageState {
	switch {
	case f.Code == fault.AzureForbidden:
		return backend.CoverageDenied
	case f.Code == fault.Throttled:
		return backend.CoverageThrottled
	case f.Code == fault.Unsupported, azure.IsUnsupported(f), azure.IsNoTable(f):
		return backend.CoverageUnsupported
	}
	return backend.CoverageFailed
}

// fail decides the state of places by what went wrong with them.
func (l *ledger) fail(places []place, f *fault.Fault) { l.decide(places, stateOf(f), f) }

func (l *ledger) decide(places []place, state backend.CoverageState, f *fault.Fault) {
	for _, p := range places {
		l.update(p, func(e *entry) {
			e.state, e.fault = state, f
			if e.expected <= e.listed {
				e.expected = unknown // nobody has counted what cannot be seen
			}
		})
	}
}

// limited notes that a table was not read, because the request's limit was reached.
func (l *ledger) limited(t *table) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut[t] = true
}

// lack notes that this cloud does not have a table.
func (l *ledger) lack(t *table, f *fault.Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed[t] = f
}

// miss notes things below a place that could not be read.
func (l *ledger) miss(scope string, g gap) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, known := range l.gaps[scope] {
		if known.kind == g.kind && known.state == g.state {
			known.things += g.things
			return
		}
	}
	l.gaps[scope] = append(l.gaps[scope], &g)
}

// unseen are the subscriptions of which Resource Graph shows nothing at all, not even
// themselves: it leaves those out without a word that it may not show.
func (l *ledger) unseen() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for _, scope := range l.scopes {
		c, r := l.entries[place{scope, containers}], l.entries[place{scope, resources}]
		if scope != tenantScope && c.state == "" && c.listed == 0 && r.state == "" && r.expected <= 0 {
			ids = append(ids, scope)
		}
	}
	return ids
}

// limit shares a limit of rows out among the subscriptions in their order, so that the same request
// reads the same rows whatever the order in which Azure answers. cut says that it leaves some out.
func (l *ledger) limit(rows int64) (cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, scope := range l.scopes {
		e, ok := l.entries[place{scope, resources}]
		if !ok || e.state != "" {
			continue
		}
		e.limit = rows
		if e.expected != unknown {
			e.limit = min(rows, e.expected)
		}
		cut = cut || e.limit < e.expected
		rows -= e.limit
	}
	return cut
}

// short are the places of the counted table whose rows were read to the end, and yet were fewer than Azure
// had counted.
func (l *ledger) short() []place {
	return l.pending(resources, func(e *entry) bool { return e.listed < e.wanted() })
}

// wanted is how many rows are to be read; unknown is all that come.
func (e *entry) wanted() int64 {
	if e.limit != unknown {
		return min(e.limit, e.expected)
	}
	return e.expected
}
