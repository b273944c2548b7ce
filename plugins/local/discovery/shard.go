package discovery

import (
	"context"
	"fmt"
	"slices"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Shard reads the parts of a plan that have these keys, and what follows from them, into parts in dir: see
// backend.Submission.Shard. What it cannot read has no part; whoever merges tries once more, and says so in the ledger.
func (s *Scanner) Shard(ctx context.Context, request *backend.ScanRequest, dir string, parts []backend.Part, keys []string, to Reporter) (*backend.ScanResult, error) {
	w, ctx, err := s.begin(ctx, request, to)
	if err != nil {
		return nil, err
	}
	w.dir, w.plan, w.shard = dir, &plan{}, map[string]bool{}
	for _, key := range keys {
		w.shard[key] = true
	}
	if err := w.fill(ctx, nil, parts, w.readShard); err != nil {
		return nil, err
	}
	unread := slices.ContainsFunc(keys, func(key string) bool { return !w.has(key) })
	return &backend.ScanResult{Success: true, Complete: !unread, Subscriptions: int64(len(w.scope.subscriptions)), Resources: w.ledger.rows(w.plan.read)}, nil
}

// has says that a part is finished.
func (s *scan) has(key string) bool {
	_, finished := s.resumed.parts[key]
	_, told := s.told.Load(key)
	return finished || told
}

// ours says whether what depends on a finished unit is this process's to read. Planning plans it instead.
func (s *scan) ours(of, u unit, rows int64) bool {
	switch {
	case s.planning():
		s.plan.add(u, s.reckon(u, rows))
		return false
	case s.shard != nil && s.plan.read[of.key()]:
		return s.shard[u.key()]
	}
	return true
}

// readShard reads the units of the plan that are this shard's.
func (s *scan) readShard(ctx context.Context) error {
	var units []unit
	lists := map[string]bool{}
	known := 0
	for _, row := range s.plan.units {
		if !s.shard[row.Key] {
			continue
		}
		known++
		if s.has(row.Key) {
			continue
		}
		u := row.unit()
		scope := u.places[0].scope
		switch u.table {
		case children, extensions: // they follow from parts that planning has read
		case locks:
			s.queueLock(u)
		case around:
			s.arm.add(scope, func(ctx context.Context) error { return s.listScope(ctx, scope) })
		case listed:
			lists[scope] = true
		default:
			s.progress.grow(u.table.phase, "rows", u.rows)
			units = append(units, u)
		}
	}
	if known < len(s.shard) {
		return fault.Newf(fault.InvalidArgument, "%d of the parts of the shard are not in its plan", len(s.shard)-known)
	}
	for id := range lists {
		stub := unit{table: stubs, places: []place{{id, stubs}}, ranges: 1}
		list, ok := s.resumed.parts[stub.key()]
		if !ok {
			return fault.New(fault.InvalidArgument, fmt.Sprintf("the part %s of the plan is missing, or damaged", stub.key()), fault.On(stub.key()))
		}
		s.arm.add(id, func(ctx context.Context) error { return s.getAll(ctx, id, list.part) })
	}
	return s.readUnits(ctx, units)
}

// listScope lists what stands about the resources of a subscription, or above all subscriptions.
func (s *scan) listScope(ctx context.Context, scope string) error {
	if scope == tenantScope {
		return s.listTenant(ctx)
	}
	return s.listAround(ctx, scope)
}
