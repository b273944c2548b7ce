package discovery

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// unit is what one query covers: a table in a few scopes, which are subscriptions or the tenant alone.
type unit struct {
	table  *table
	places []place
	limit  int64 // of rows to read, all scopes together; 0 is none
	rows   int64 // expected
}

// tenant says that the unit is the tenant's own rows.
func (u unit) tenant() bool { return u.places[0].scope == tenantScope }

// subscriptions are the scope of the unit's query; none for the tenant.
func (u unit) subscriptions() []string {
	if u.tenant() {
		return nil
	}
	ids := make([]string, len(u.places))
	for i, p := range u.places {
		ids[i] = p.scope
	}
	return ids
}

// conditions are those on the unit's rows.
func (s *scan) conditions(u unit) []string {
	if u.tenant() {
		return u.table.tenant(narrow(s.request.Filter))
	}
	return u.table.inSubscriptions(s.request.Filter)
}

// batch groups places of one table into units of at most so many rows and subscriptions. The tenant,
// and what holds more rows or an unknown number, stands alone.
func (s *scan) batch(t *table, places []place, rows int64) []unit {
	var units []unit
	var last *unit
	for _, p := range places {
		e := s.ledger.get(p)
		alone := p.scope == tenantScope || e.expected == unknown || e.expected > rows
		if alone || last == nil || last.rows+e.expected > rows || len(last.places) == azure.MaxSubscriptions {
			units = append(units, unit{table: t})
			last = &units[len(units)-1]
		}
		last.places = append(last.places, p)
		last.rows += max(e.expected, 0)
		last.limit += max(e.limit, 0)
		if alone {
			last = nil
		}
	}
	return units
}

// each does units, several at once. What fails in a unit of several scopes is done again scope by
// scope, so that one of them cannot hide the others, unless Azure as a whole is in trouble; what
// fails in the end is given to failed. The error is one that ends the scan.
func (s *scan) each(ctx context.Context, units []unit, do func(context.Context, unit) error, failed func(unit, *fault.Fault)) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.Parallelism)
	for _, u := range units {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			err := do(ctx, u)
			if err == nil {
				return nil
			}
			if fatal(ctx, err) {
				return err
			}
			f := fault.As(err)
			if len(u.places) == 1 || f.Retryable {
				failed(u, f)
				return nil
			}
			for _, p := range u.places {
				one := unit{table: u.table, places: []place{p}, limit: max(s.ledger.get(p).limit, 0)}
				if u.limit > 0 && one.limit == 0 {
					continue // nothing of it is wanted
				}
				switch err := do(ctx, one); {
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

// fatal says that a failure concerns the whole scan: its end, its own defects, its disk, and a
// credential that is no longer accepted.
func fatal(ctx context.Context, err error) bool {
	f := fault.As(err)
	return ctx.Err() != nil || f == nil || f.Origin != fault.OriginAzure || f.Code == fault.AzureAuthRequired
}
