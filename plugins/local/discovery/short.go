package discovery

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// readShort counts and reads anew where fewer rows came than Azure had counted: those of the units that cover a
// place which has more than they gave. Things may have been deleted meanwhile, or come; if not, the gap is said.
func (s *scan) readShort(ctx context.Context, read []unit) error {
	for _, p := range s.ledger.short() {
		if s.resumed.touched(p) { // each part was whole when it was read, and counted then
			s.ledger.update(p, func(e *entry) { e.expected = e.listed })
		}
	}
	if err := s.each(ctx, s.countUnits(s.ledger.short()), s.count, s.uncounted); err != nil {
		return err
	}
	short := s.ledger.short()
	if len(short) == 0 {
		return nil
	}
	var again []unit
	for _, u := range read {
		if u.table == resources && slices.ContainsFunc(u.places, func(p place) bool { return slices.Contains(short, p) }) {
			again = append(again, u)
		}
	}
	if again, err := s.fewer(ctx, again); err != nil {
		return err
	} else if err := s.each(ctx, again, s.read, s.unread); err != nil {
		return err
	}
	for _, p := range s.ledger.short() {
		if s.ledger.get(p).listed == 0 {
			s.ledger.decide([]place{p}, backend.CoverageDropped, dropped(p.scope))
			continue
		}
		s.ledger.decide([]place{p}, backend.CoverageFailed, fault.New(fault.ExecutionFailed,
			countsMore, fault.On(p.scope), fault.From(fault.OriginAzure), fault.Hint(countsMoreHint)))
	}
	return nil
}

// fewer leaves out of units the hash ranges that have given as many rows as there are. Of what cannot be counted,
// all are left in.
func (s *scan) fewer(ctx context.Context, units []unit) ([]unit, error) {
	var mu sync.Mutex
	enough := map[string]bool{}
	ranged := map[place][]unit{}
	var places []unit
	for _, u := range units {
		if u.ranges > 1 {
			if ranged[u.places[0]] == nil {
				places = append(places, unit{table: resources, places: u.places, ranges: 1})
			}
			ranged[u.places[0]] = append(ranged[u.places[0]], u)
		}
	}
	err := s.each(ctx, places, func(ctx context.Context, p unit) error {
		parts := ranged[p.places[0]]
		rows := map[int64]int64{}
		query := azure.Query{KQL: resources.where(s.conditions(p)) + fmt.Sprintf(" | summarize listed = count() by number = hash(tolower(id)) %% %d", parts[0].ranges),
			Subscriptions: p.subscriptions()}
		if err := ask(ctx, s.scope.session, query, setShare, func(c share) { rows[c.number] = c.rows }); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		for _, u := range parts {
			enough[u.key()] = s.ledger.tallied(u.key()) >= rows[u.number]
		}
		return nil
	}, func(unit, *fault.Fault) {})
	return slices.DeleteFunc(units, func(u unit) bool { return enough[u.key()] }), err
}

// share is how many rows a hash range has.
type share struct{ number, rows int64 }

func setShare(to *share, column azure.Column) (err error) {
	switch string(column.Name) {
	case "number":
		to.number, err = column.Int()
	case "listed":
		to.rows, err = column.Int()
	}
	return err
}
