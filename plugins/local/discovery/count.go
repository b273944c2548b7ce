package discovery

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// countAll asks how many rows each table has in each scope, and finds out about the subscriptions
// that Resource Graph keeps silent about.
func (s *scan) countAll(ctx context.Context) error {
	var units []unit
	for _, t := range tables {
		units = append(units, s.countUnits(t, s.ledger.open(t, func(place, *entry) bool { return true }))...)
	}
	s.progress.begin(phaseCounts, "queries", int64(len(units)))
	if err := s.each(ctx, units, s.count, s.uncounted); err != nil {
		return err
	}
	return s.probe(ctx, s.ledger.unseen(s.scope.subscriptions))
}

// countUnits are the units to count places of a table with. Unlike batch it needs no counts.
func (s *scan) countUnits(t *table, places []place) []unit {
	var units []unit
	if at := slices.IndexFunc(places, func(p place) bool { return p.scope == tenantScope }); at >= 0 {
		units = append(units, unit{table: t, places: places[at : at+1]})
		places = slices.Concat(places[:at], places[at+1:])
	}
	for some := range slices.Chunk(places, azure.MaxSubscriptions) {
		units = append(units, unit{table: t, places: some})
	}
	return units
}

// count asks how many rows a unit has.
func (s *scan) count(ctx context.Context, u unit) error {
	found := map[string]int64{}
	err := ask(ctx, s.scope.session, azure.Query{KQL: u.table.counts(s.conditions(u)), Subscriptions: u.subscriptions()}, setCount, func(c count) {
		found[strings.ToLower(c.subscription)] += c.rows
	})
	if err != nil {
		return err
	}
	for _, p := range u.places {
		rows := found[p.scope]
		if u.tenant() {
			rows = found[""]
		}
		s.ledger.update(p, func(e *entry) { e.expected = rows })
	}
	s.progress.add(phaseCounts, 1)
	return nil
}

// uncounted takes a unit in that could not be counted. One that is denied is not asked for again;
// any other may still be read.
func (s *scan) uncounted(u unit, f *fault.Fault) {
	if f.Code == fault.AzureForbidden && !s.empty() {
		s.ledger.fail(u.places, f)
	} else if f.Code == fault.AzureForbidden {
		// Resource Graph refuses a principal that can read nothing at all: there is nothing.
		s.ledger.update(u.places[0], func(e *entry) { e.expected = 0 })
	}
}

// empty says that no subscription is in scope.
func (s *scan) empty() bool { return len(s.scope.subscriptions) == 0 }

// probe asks for subscriptions that ARM lists and Resource Graph has not named, each on its own:
// only then it says that it refuses one. A subscription without resources is not silent, for it is
// a row of the containers itself.
func (s *scan) probe(ctx context.Context, ids []string) error {
	var units []unit
	for _, id := range ids {
		for _, t := range tables {
			if t.name == graph.TableContainers {
				units = append(units, unit{table: t, places: []place{{id, t}}})
			}
		}
	}
	all := func(id string) []place {
		places := make([]place, len(tables))
		for i, t := range tables {
			places[i] = place{id, t}
		}
		return places
	}
	return s.each(ctx, units, func(ctx context.Context, u unit) error {
		id := u.places[0].scope
		if err := s.count(ctx, u); err != nil {
			return err
		}
		if s.ledger.get(u.places[0]).expected == 0 {
			s.ledger.decide(all(id), backend.CoverageDropped, dropped(id))
			return nil
		}
		for _, p := range all(id) { // it is there after all
			if err := s.count(ctx, unit{table: p.table, places: []place{p}}); err != nil {
				return err
			}
		}
		return nil
	}, func(u unit, f *fault.Fault) { s.ledger.fail(all(u.places[0].scope), f) })
}

// dropped is why a subscription is missing that Resource Graph leaves out without a word.
func dropped(id string) *fault.Fault {
	return fault.New(fault.AzureForbidden, fmt.Sprintf("Resource Graph leaves the subscription %s out without a reason", id),
		fault.On(id), fault.From(fault.OriginAzure),
		fault.Hint("if it is new, scan again in some minutes; otherwise check that the credential has the role Reader on it"))
}

// ask asks a query whose answer is small, and hands out its rows.
func ask[T any](ctx context.Context, session *azure.Session, q azure.Query, set func(*T, azure.Column) error, use func(T)) error {
	var page azure.Page[T]
	return azure.Read(ctx, session, q, azure.Reader[T]{
		New: func(context.Context) (*azure.Page[T], error) { return &page, nil },
		Set: set,
		Take: func(p *azure.Page[T]) error {
			for _, row := range p.Rows {
				use(row)
			}
			return nil
		},
	})
}
