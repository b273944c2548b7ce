package discovery

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/part"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// unit is what one query covers: a table in a few scopes, or one hash range of it. Its rows make a part.
type unit struct {
	table  *table
	of     *table // whose rows those of the unit belong to; nil is resources, and what belongs to none
	places []place
	whole  bool // the tenant with all its subscriptions, in one query that names none
	// The unit is the rows whose hash, modulo ranges, is number; ranges is 1 for all rows.
	number, ranges int64
	limit          int64 // of rows to read, all scopes together; 0 is none
	rows           int64 // expected
	most           int64 // of rows to read at all: of more, nothing is read, and errMore the outcome; 0 is any number
}

// errMore is of a unit that has more rows than were to be read.
var errMore = errors.New("there are more rows")

// tenant says that the unit is the tenant's own rows.
func (u unit) tenant() bool { return !u.whole && u.places[0].scope == tenantScope }

// subscriptions are the scope of the unit's query; none for the tenant.
func (u unit) subscriptions() []string {
	if u.whole || u.tenant() {
		return nil
	}
	ids := make([]string, len(u.places))
	for i, p := range u.places {
		ids[i] = p.scope
	}
	return ids
}

// key is the key of the unit's part.
func (u unit) key() string {
	first, last := u.places[0].scope, u.places[len(u.places)-1].scope
	scope := first
	switch {
	case u.whole:
		scope = "all"
	case first != last:
		scope = first + ".." + last
	}
	name := u.table.name
	if u.of != nil {
		name += "." + u.of.name
	}
	if u.ranges > 1 {
		return fmt.Sprintf("%s/%s/%d-of-%d", scope, name, u.number+1, u.ranges)
	}
	return scope + "/" + name
}

// header is that of the unit's part.
func (s *scan) header(u unit, form part.Form) part.Header {
	h := part.Header{Request: s.digest, Key: u.key(), Form: form, Table: u.table.name, Range: int(u.number), Ranges: int(u.ranges)}
	for _, p := range u.places {
		h.Scopes = append(h.Scopes, p.scope)
	}
	return h
}

// conditions are those on the unit's rows.
func (s *scan) conditions(u unit) []string {
	conditions := u.table.only
	filter := s.request.Filter
	switch {
	case u.tenant():
		conditions = slices.Concat([]string{withoutSubscription}, conditions, u.table.tenant(narrow(filter)))
		if !narrow(filter) {
			conditions = append(conditions, u.table.conditions(filter)...)
		}
	case u.table.tenant != nil && !u.whole:
		conditions = slices.Concat([]string{withSubscription}, conditions, u.table.conditions(filter))
	default:
		conditions = slices.Concat(conditions, u.table.conditions(filter))
	}
	if u.ranges > 1 {
		conditions = append(conditions, fmt.Sprintf("hash(tolower(id)) %% %d == %d", u.ranges, u.number))
	}
	return conditions
}

// everywhere are the units of a table of which nobody knows how much there is: one for all, where that
// may be asked, else one for the tenant and some for its subscriptions.
func (s *scan) everywhere(t *table, places []place) []unit {
	if len(places) == 0 {
		return nil
	}
	if s.scope.whole && len(places) == s.ledger.width(t) {
		return []unit{{table: t, places: places, whole: true, ranges: 1}}
	}
	var units []unit
	var some []place
	for _, p := range places {
		if p.scope == tenantScope {
			units = append(units, unit{table: t, places: []place{p}, ranges: 1})
			continue
		}
		if some = append(some, p); len(some) == azure.MaxSubscriptions {
			units = append(units, unit{table: t, places: some, ranges: 1})
			some = nil
		}
	}
	if len(some) > 0 {
		units = append(units, unit{table: t, places: some, ranges: 1})
	}
	return units
}

// batch groups the counted places of the resources into units of about so many pages each: small ones together,
// large ones in hash ranges.
func (s *scan) batch(places []place, pages int64) []unit {
	if s.isSmall(places) {
		return []unit{s.small()}
	}
	var units []unit
	var last *unit
	for _, p := range places {
		e := s.ledger.get(p)
		ranges := s.ranges(p, e, pages)
		alone := ranges > 1 || e.expected == unknown || e.expected > pages*pageRows
		if alone {
			last = nil
			for number := range ranges {
				units = append(units, unit{table: resources, places: []place{p}, number: number, ranges: ranges, limit: max(e.limit, 0), rows: max(e.expected, 0) / ranges})
			}
			continue
		}
		if last == nil || last.rows+e.expected > pages*pageRows || len(last.places) == azure.MaxSubscriptions {
			units = append(units, unit{table: resources, ranges: 1})
			last = &units[len(units)-1]
		}
		last.places = append(last.places, p)
		last.rows += max(e.expected, 0)
		last.limit += max(e.limit, 0)
	}
	return units
}

// isSmall says that there are places to read, and that a page holds all resources of the tenant.
func (s *scan) isSmall(places []place) bool {
	if !s.scope.whole || len(places) == 0 {
		return false
	}
	var rows int64
	for _, p := range s.ledger.places(resources, false) {
		e := s.ledger.get(p)
		if e.expected == unknown || e.limit != unknown || e.state != "" {
			return false
		}
		rows += e.expected
	}
	return rows <= pageRows
}

// small is the unit of all resources of a tenant that has few.
func (s *scan) small() unit {
	u := unit{table: resources, places: s.ledger.places(resources, false), whole: true, ranges: 1}
	for _, p := range u.places {
		e := s.ledger.get(p)
		u.rows += max(e.expected, 0)
	}
	return u
}

// pageRows is how many rows Resource Graph gives at once.
const pageRows = 1000

// ranges is how many hash ranges a place is read in, so that each fits its pages well: the number of rows in
// a range is spread like that of a binomial distribution, by about its square root.
func (s *scan) ranges(p place, e entry, pages int64) int64 {
	if n := s.resumed.ranges[p]; n > 0 {
		return n
	}
	if e.limit != unknown || e.expected <= pages*pageRows {
		return 1
	}
	near := max(e.expected/(pages*pageRows), 1)
	best := int64(0)
	for n := max(near*2/3, 1); n <= near*3/2+1; n++ {
		if best == 0 || n*pagesFor(e.expected/n) <= best*pagesFor(e.expected/best) {
			best = n
		}
	}
	return best
}

// pagesFor is how many pages a range of about so many rows takes, with one and a half times its spread kept free.
// Each page but the first repeats a row.
func pagesFor(rows int64) int64 {
	return max(rows+3*isqrt(rows)/2-1+pageRows-2, pageRows-1) / (pageRows - 1)
}

func isqrt(n int64) int64 { return int64(math.Sqrt(float64(n))) }

// each does units, several at once. What fails in a unit of several scopes is done again scope by
// scope, so that one of them cannot hide the others, unless Azure as a whole is in trouble; what
// fails in the end is given to failed. The error is one that ends the scan.
func (s *scan) each(ctx context.Context, units []unit, do func(context.Context, unit) error, failed func(unit, *fault.Fault)) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.parallelism())
	for _, u := range units {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			err := s.try(ctx, u, do)
			if err == nil {
				return nil
			}
			if fatal(ctx, err) {
				return err
			}
			f := fault.As(err)
			if len(u.places) == 1 || f.Retryable || azure.IsNoTable(err) || azure.IsNoResourceGraph(err) {
				failed(u, f)
				return nil
			}
			s.ledger.tally(u.key(), u.table, nil)
			for _, p := range u.places {
				one := unit{table: u.table, places: []place{p}, ranges: 1, limit: max(s.ledger.get(p).limit, 0)}
				if u.limit > 0 && one.limit == 0 {
					continue // nothing of it is wanted
				}
				switch err := s.try(ctx, one, do); {
				case err == nil:
				case fatal(ctx, err):
					return err
				default:
					failed(one, fault.As(err))
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// try does a unit, unless Azure has been in trouble for more units in a row than are done at once: each
// waited as long as patience allows, and the rest would too.
func (s *scan) try(ctx context.Context, u unit, do func(context.Context, unit) error) error {
	if trouble := s.trouble.Load(); trouble != nil && trouble.units > s.parallelism() {
		return trouble.fault
	}
	err := do(ctx, u)
	f := fault.As(err)
	if err == nil || f == nil || !f.Retryable {
		s.trouble.Store(nil)
		return err
	}
	for {
		old := s.trouble.Load()
		now := &trouble{units: 1, fault: f}
		if old != nil {
			now.units = old.units + 1
		}
		if s.trouble.CompareAndSwap(old, now) {
			return err
		}
	}
}

// trouble is how many units in a row have been given up, and why the latest was.
type trouble struct {
	units int
	fault *fault.Fault
}

// fatal says that a failure concerns the whole scan: its end, its own defects, its disk, and a
// credential that is no longer accepted.
func fatal(ctx context.Context, err error) bool {
	f := fault.As(err)
	return ctx.Err() != nil || f == nil || f.Origin != fault.OriginAzure || f.Code == fault.AzureAuthRequired
}
