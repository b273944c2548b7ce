package discovery

import (
	"context"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/part"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// readings is how often a unit is read while what it covers changes between two of its pages.
const readings = 8

// outcome is what came of reading a unit once.
type outcome struct {
	part.Footer
	changed bool // Azure counted otherwise with each page: rows may have moved past the next one
	short   bool // fewer rows came than Azure counted
}

// read reads a unit into its part and the snapshot. While what it covers changes between two of its pages, it is
// read again.
func (s *scan) read(ctx context.Context, u unit) error {
	for n := 1; ; n++ {
		done, err := s.readOnce(ctx, u)
		if err == nil && (done.changed || done.short) && n < readings {
			s.progress.read(u.table, -done.Rows)
			continue
		}
		if err == nil && u.most > 0 && (done.changed || done.short) { // what came does not count: all is counted, and read again
			s.progress.read(u.table, -done.Rows)
			return errMore
		}
		s.ledger.tally(u.key(), u.table, done.Listed)
		origin := []fault.Option{fault.On(u.key()), fault.From(fault.OriginAzure)}
		switch {
		case err != nil || done.short && u.table == resources: // whose rows are counted apart, place by place
			return err
		case done.changed:
			return fault.New(fault.ExecutionFailed, "what Resource Graph lists changed each time between two pages",
				append(origin, fault.Hint("scan again when less is being deployed"))...)
		case done.short:
			return fault.New(fault.ExecutionFailed, countsMore, append(origin, fault.Hint(countsMoreHint))...)
		}
		return nil
	}
}

const (
	countsMore     = "Resource Graph counts more rows than it gives"
	countsMoreHint = "scan again; if it stays, tell Microsoft"
)

// readOnce reads a unit once.
func (s *scan) readOnce(ctx context.Context, u unit) (done outcome, err error) {
	w, err := s.checkpoint(s.header(u, part.FormGraph))
	if err != nil {
		return done, err
	}
	defer w.Abort()
	done.Listed = map[string]int64{}
	var came, last int64 = 0, -1
	var latest string
	var raw [][]byte
	query := azure.Query{KQL: u.table.rows(s.conditions(u)), Subscriptions: u.subscriptions(), Limit: u.limit}
	err = azure.Read(ctx, s.scope.session, query, azure.Reader[graph.Row]{
		New: s.sink.page, Set: setColumn, Key: func(r *graph.Row) string { return strings.ToLower(r.ID) },
		Take: func(p *page) error {
			if len(p.Rows) > 0 {
				done.changed = done.changed || last >= 0 && p.Total != last
				last = p.Total
			}
			if u.most > 0 && p.Total > u.most {
				p.Rows = p.Rows[:0]
				s.sink.take(p)
				return errMore
			}
			raw = raw[:0]
			kept := p.Rows[:0]
			for i := range p.Rows {
				row := &p.Rows[i]
				scope := scopeName(row.SubscriptionID)
				if row.ID == latest && latest != "" { // a page that overlaps the one before
					continue
				}
				latest = row.ID
				came++
				if !s.ledger.covers(scope) { // of a subscription that the scan leaves out
					continue
				}
				done.Listed[scope]++
				s.complete(row, u.table, part.FormGraph)
				raw = append(raw, p.Raw(i))
				kept = append(kept, *row)
			}
			err := s.save(w, raw...)
			p.Rows = kept
			done.Rows += int64(len(kept))
			s.progress.read(u.table, int64(len(kept)))
			s.sink.take(p)
			return err
		},
	})
	if azure.IsMoved(err) {
		done.changed, err = true, nil
	}
	done.short = u.limit == 0 && came < last
	if err != nil || done.changed || done.short {
		return done, err
	}
	return done, s.announce(w, u, done.Footer)
}

// checkpoint begins the file of a part.
func (s *scan) checkpoint(h part.Header) (*part.Writer, error) {
	w, err := part.Create(s.dir, h)
	if err != nil {
		return nil, s.diskFault(err)
	}
	return w, nil
}

// save adds rows to a part.
func (s *scan) save(w *part.Writer, rows ...[]byte) error {
	if err := w.Add(rows...); err != nil {
		return s.diskFault(err)
	}
	return nil
}

// announce finishes a part, and has what depends on it read.
func (s *scan) announce(w *part.Writer, u unit, f part.Footer) error {
	p, err := w.Finish(f)
	if err != nil {
		return s.diskFault(err)
	}
	s.tell(p)
	s.follow(u, p)
	return nil
}

// tell announces a part.
func (s *scan) tell(p backend.Part) {
	s.told.Store(p.Key, true)
	s.report.Part(p)
}

func (s *scan) diskFault(err error) error {
	return fault.New(fault.ExecutionFailed, "cannot write a part of the scan to "+s.dir, fault.On(s.dir), fault.Because(err),
		fault.Hint("make room there, or make the folder writable; what is finished stays, and the scan can be resumed"))
}

// readAll reads what is left of every table.
func (s *scan) readAll(ctx context.Context) error {
	units, total := s.unitsLeft()
	for _, u := range units {
		if u.table.main {
			s.progress.grow(u.table.phase, "rows", 0)
		} else {
			s.progress.grow(u.table.phase, "queries", 1) // of most, no rows come
		}
	}
	s.progress.grow(resources.phase, "rows", total)
	if err := s.readUnits(ctx, units); err != nil {
		return err
	}
	return s.readShort(ctx, units)
}

// readUnits reads units of Resource Graph's tables.
func (s *scan) readUnits(ctx context.Context, units []unit) error {
	return s.each(ctx, units, func(ctx context.Context, u unit) error {
		if !u.table.main {
			defer s.progress.add(u.table.phase, 1)
		}
		return s.read(ctx, u)
	}, s.unread)
}

// unitsLeft are the units of what is left of every table, and how many resources they should have.
func (s *scan) unitsLeft() (units []unit, total int64) {
	cut := s.request.ResourceLimit > 0 && s.ledger.limit(s.request.ResourceLimit)
	open := s.ledger.pending(resources, func(e *entry) bool { return e.expected != 0 && e.limit != 0 && e.listed != e.expected })
	for _, p := range open {
		e := s.ledger.get(p)
		total += max(e.wanted()-e.listed, 0) // what is finished was told apart
	}
	units = s.batch(s.resumed.missing(open), s.pages(total))
	units = append(units, s.rest(assignments)...)
	if cut {
		for _, t := range others {
			s.ledger.limited(t)
		}
	} else {
		for _, t := range others {
			units = append(units, s.rest(t)...)
		}
	}
	return s.unfinished(units), total
}

// rest are the units of what is left of a table of which nobody knows how much there is.
func (s *scan) rest(t *table) []unit {
	places := s.ledger.places(t, narrow(s.request.Filter))
	return s.everywhere(t, s.resumed.missing(s.ledger.undecided(places)))
}

// unread takes in that a unit could not be read.
func (s *scan) unread(u unit, f *fault.Fault) {
	if azure.IsNoTable(f) && !u.table.main {
		s.ledger.lack(u.table, f)
		return
	}
	if azure.IsNoTable(f) && u.table == assignments {
		s.listRoles(u.places)
		return
	}
	s.ledger.fail(u.places, f)
}

// pages is how many pages a part should have. The fewer, the less is lost with a scan that dies, and the more
// room is lost in each part's last page; about sixty parts are enough for the first.
func (s *scan) pages(rows int64) int64 {
	const parts, most = 64, 16
	return min(max((rows+parts*pageRows/2)/(parts*pageRows), 1), most)
}
