package discovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// survey reads the containers and counts the resources of each subscription, and finds out about the
// subscriptions that Resource Graph keeps silent about.
func (s *scan) survey(ctx context.Context) error {
	s.progress.begin(containers.phase, "rows", 0)
	units := s.unfinished(s.rest(containers))
	open := s.ledger.pending(resources, func(*entry) bool { return true })
	try := s.scope.whole && s.request.ResourceLimit == 0 && len(open) > 0 && !slices.ContainsFunc(open, s.resumed.touched)
	if try {
		s.progress.grow(resources.phase, "rows", 0)
		small := s.small()
		small.most = pageRows
		units = append(units, small)
	} else {
		units = append(units, s.countUnits(open)...)
	}
	var large atomic.Bool
	err := s.each(ctx, units, func(ctx context.Context, u unit) error {
		switch {
		case u.table != resources:
			return s.read(ctx, u)
		case u.most == 0:
			return s.count(ctx, u)
		}
		err := s.readSmall(ctx, u)
		if errors.Is(err, errMore) {
			large.Store(true)
			return nil
		}
		return err
	}, func(u unit, f *fault.Fault) {
		if u.table != resources {
			s.uncontained(u, f)
			return
		}
		large.Store(true)
		s.uncounted(u, f)
	})
	if err == nil && try && large.Load() && s.absent.Load() == nil {
		err = s.each(ctx, s.countUnits(open), s.count, s.uncounted)
	}
	if err != nil || s.absent.Load() != nil {
		return err
	}
	return s.probe(ctx, s.ledger.unseen())
}

// readSmall reads all resources of a tenant if a page holds them, which saves the query for their number: Azure
// answers fifteen at once, and that is as many as a small tenant then needs.
func (s *scan) readSmall(ctx context.Context, u unit) error {
	if err := s.read(ctx, u); err != nil {
		return err
	}
	for _, p := range u.places {
		s.ledger.update(p, func(e *entry) { e.expected = e.listed })
	}
	return nil
}

// countUnits are the units to count places with.
func (s *scan) countUnits(places []place) []unit {
	var units []unit
	for some := range slices.Chunk(places, azure.MaxSubscriptions) {
		units = append(units, unit{table: resources, places: some, ranges: 1})
	}
	return units
}

// count asks how many rows each place of a unit has.
func (s *scan) count(ctx context.Context, u unit) error {
	s.progress.grow(phaseCounts, "queries", 1)
	found := map[string]int64{}
	err := ask(ctx, s.scope.session, azure.Query{KQL: u.table.counts(s.conditions(u)), Subscriptions: u.subscriptions()}, setCount, func(c count) {
		found[strings.ToLower(c.subscription)] += c.rows
	})
	if err != nil {
		return err
	}
	for _, p := range u.places {
		s.ledger.update(p, func(e *entry) { e.expected, e.fault = found[p.scope], nil })
	}
	s.progress.add(phaseCounts, 1)
	return nil
}

// uncounted takes a unit in that could not be counted. What is refused counts as unseen for now;
// any other may still be read.
func (s *scan) uncounted(u unit, f *fault.Fault) {
	if azure.IsNoResourceGraph(f) {
		s.absent.Store(f)
		return
	}
	if f.Code == fault.AzureForbidden {
		for _, p := range u.places {
			s.ledger.update(p, func(e *entry) { e.expected = 0 })
		}
	}
}

// uncontained takes containers in that could not be read. Of what is refused the probe finds out more.
func (s *scan) uncontained(u unit, f *fault.Fault) {
	switch {
	case azure.IsNoResourceGraph(f):
		s.absent.Store(f)
	case f.Code != fault.AzureForbidden:
		s.ledger.fail(u.places, f)
	case u.whole && len(s.scope.subscriptions) > 0: // it may be one of them alone
		s.ledger.fail(u.places[:1], f)
	case u.tenant() && len(s.scope.subscriptions) > 0:
		s.ledger.fail(u.places, f)
	}
	// Resource Graph refuses a principal that can read nothing at all: there is nothing.
}

// probe looks into subscriptions that ARM lists and of which Resource Graph shows nothing, by asking
// both for each on its own. A subscription without resources is none of them, for it is itself a row
// of the containers.
func (s *scan) probe(ctx context.Context, ids []string) error {
	var units []unit
	for _, id := range ids {
		units = append(units, unit{table: containers, places: []place{{id, containers}}, ranges: 1})
	}
	return s.each(ctx, units, func(ctx context.Context, u unit) error {
		id := u.places[0].scope
		err := s.read(ctx, u)
		switch {
		case fault.CodeOf(err) == fault.AzureForbidden, err == nil && s.ledger.get(u.places[0]).listed == 0:
			if err := s.scope.session.TrySubscription(ctx, id); err != nil {
				return err
			}
			s.drop(id)
			return nil
		case err != nil:
			return err
		}
		return s.count(ctx, unit{table: resources, places: []place{{id, resources}}, ranges: 1}) // it is there after all
	}, func(u unit, f *fault.Fault) { s.ledger.shut(u.places[0].scope, stateOf(f), f) })
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
