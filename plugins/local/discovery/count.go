package discovery

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
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
	if err := s.probe(ctx, s.ledger.unseen(s.scope.subscriptions)); err != nil {
		return err
	}
	s.ledger.deny()
	return nil
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
		s.ledger.update(p, func(e *entry) { e.expected, e.fault = rows, nil })
	}
	s.progress.add(phaseCounts, 1)
	return nil
}

// uncounted takes a unit in that could not be counted. What is refused counts as unseen for now;
// any other may still be read.
func (s *scan) uncounted(u unit, f *fault.Fault) {
	if f.Code != fault.AzureForbidden {
		return
	}
	if len(s.scope.subscriptions) == 0 {
		f = nil // Resource Graph refuses a principal that can read nothing at all: there is nothing
	}
	for _, p := range u.places {
		s.ledger.update(p, func(e *entry) { e.expected, e.fault = 0, f })
	}
}

// probe looks into subscriptions that ARM lists and of which Resource Graph shows nothing, by asking
// both for each on its own. A subscription without resources is none of them, for it is itself a row
// of the containers.
func (s *scan) probe(ctx context.Context, ids []string) error {
	var units []unit
	for _, id := range ids {
		units = append(units, unit{table: containers, places: []place{{id, containers}}})
	}
	return s.each(ctx, units, func(ctx context.Context, u unit) error {
		id := u.places[0].scope
		err := s.count(ctx, u)
		switch {
		case fault.CodeOf(err) == fault.AzureForbidden, err == nil && s.ledger.get(u.places[0]).expected == 0:
			if err := s.scope.session.TrySubscription(ctx, id); err != nil {
				return err
			}
			s.ledger.decide(everywhere(id), backend.CoverageDropped, dropped(id))
			return nil
		case err != nil:
			return err
		}
		for _, p := range everywhere(id) { // it is there after all
			if err := s.count(ctx, unit{table: p.table, places: []place{p}}); err != nil {
				return err
			}
		}
		return nil
	}, func(u unit, f *fault.Fault) { s.ledger.fail(everywhere(u.places[0].scope), f) })
}

// everywhere are the places of all tables in a scope.
func everywhere(scope string) []place {
	places := make([]place, len(tables))
	for i, t := range tables {
		places[i] = place{scope, t}
	}
	return places
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
