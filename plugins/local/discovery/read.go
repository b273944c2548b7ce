package discovery

import (
	"context"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// page is a page of rows on its way from Azure to the disk.
type page = azure.Page[graph.Row]

// readAll reads the rows of every place that is open, then once more those of which rows went
// missing on the way.
func (s *scan) readAll(ctx context.Context) error {
	if s.request.ResourceLimit > 0 {
		s.ledger.limit(s.request.ResourceLimit)
	}
	var units []unit
	var total int64
	for _, t := range tables {
		places := s.ledger.open(t, func(_ place, e *entry) bool { return e.expected != 0 && e.limit != 0 })
		var rows int64
		for _, p := range places {
			e := s.ledger.get(p)
			rows += max(e.wanted(), 0)
		}
		if len(places) > 0 {
			s.progress.begin(t.phase, "rows", rows)
		}
		total += rows
		units = append(units, s.batch(t, places, s.share(rows))...)
	}
	s.progress.rows(total)
	// The largest first, so that the end does not wait for one of them alone.
	slices.SortStableFunc(units, func(a, b unit) int { return int(min(max(b.rows-a.rows, -1), 1)) })
	if err := s.pass(ctx, units); err != nil {
		return err
	}
	return s.readShort(ctx)
}

// share is how many rows a unit should have, so that all readers are busy to the end and small
// subscriptions do not cost a query each.
func (s *scan) share(rows int64) int64 {
	const pages = 1000 // rows of one
	return max(pages, rows/int64(4*s.Parallelism))
}

// readShort counts and reads anew where fewer rows came than Azure had counted. Things may have
// been deleted meanwhile; if not, the gap is said.
func (s *scan) readShort(ctx context.Context) error {
	for _, t := range tables {
		if err := s.each(ctx, s.countUnits(t, s.ledger.short(t)), s.count, s.uncounted); err != nil {
			return err
		}
		var units []unit
		for _, p := range s.ledger.short(t) {
			e := s.ledger.get(p)
			units = append(units, unit{table: t, places: []place{p}, limit: max(e.limit, 0), rows: e.expected})
		}
		if err := s.pass(ctx, units); err != nil {
			return err
		}
		for _, p := range s.ledger.short(t) {
			e := s.ledger.get(p)
			if e.listed == 0 {
				s.ledger.decide([]place{p}, backend.CoverageDropped, dropped(p.scope))
				continue
			}
			s.ledger.decide([]place{p}, backend.CoverageFailed, fault.New(fault.ExecutionFailed,
				"Resource Graph counts more rows than it gives", fault.On(p.scope), fault.From(fault.OriginAzure),
				fault.Hint("scan again; if it stays, tell Microsoft")))
		}
	}
	return nil
}

// pass reads units and writes their rows. At most as many pages as there are readers, and two, are
// in memory: a reader that finds none free waits for the disk.
func (s *scan) pass(ctx context.Context, units []unit) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	read := make(chan *page, s.Parallelism+2)
	free := make(chan *page, cap(read))
	for range cap(free) {
		free <- new(page)
	}
	ended := make(chan error, 1)
	go func() {
		defer close(read)
		ended <- s.each(ctx, units, func(ctx context.Context, u unit) error { return s.read(ctx, u, free, read) },
			func(u unit, f *fault.Fault) { s.ledger.fail(u.places, f) })
	}()
	var failed error
	for p := range read {
		if failed == nil {
			if failed = s.writer.Add(p.Rows); failed != nil {
				cancel(failed)
			}
		}
		p.Shrink()
		free <- p
	}
	if err := <-ended; failed == nil {
		failed = err
	}
	return failed
}

// read reads a unit, page by page.
func (s *scan) read(ctx context.Context, u unit, free <-chan *page, read chan<- *page) error {
	for _, p := range u.places {
		s.ledger.update(p, func(e *entry) { e.listed = 0 })
	}
	last := ""
	query := azure.Query{KQL: u.table.rows(s.conditions(u)), Subscriptions: u.subscriptions(), Limit: u.limit}
	return azure.Read(ctx, s.scope.session, query, azure.Reader[graph.Row]{
		New: func(ctx context.Context) (*page, error) {
			select {
			case p := <-free:
				return p, nil
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		},
		Set: setColumn,
		Take: func(p *page) error {
			fresh := p.Rows[:0]
			for i := range p.Rows {
				row := &p.Rows[i]
				if row.ID == last && last != "" { // a page that overlaps the one before
					continue
				}
				last, row.Table = row.ID, u.table.name
				fresh = append(fresh, *row)
			}
			p.Rows = fresh
			s.listed(u, p.Rows)
			read <- p // never waits: the channel has room for every page that there is
			return nil
		},
	})
}

// listed counts rows in the ledger. They come in the order of their ids, so in runs of one scope.
func (s *scan) listed(u unit, rows []graph.Row) {
	for begin := 0; begin < len(rows); {
		end := begin + 1
		for end < len(rows) && rows[end].SubscriptionID == rows[begin].SubscriptionID {
			end++
		}
		scope := strings.ToLower(rows[begin].SubscriptionID)
		if u.tenant() {
			scope = tenantScope
		}
		s.ledger.update(place{scope, u.table}, func(e *entry) { e.listed += int64(end - begin) })
		begin = end
	}
	s.progress.read(u.table, int64(len(rows)))
}
