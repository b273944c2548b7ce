package discovery

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/part"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// planned is the table of the plan's part. No snapshot sees it, and the ledger has no line for it.
var planned = &table{name: backend.ShardPlan}

// plan is what is left to read of a scan once it is known what there is. Its part has a row for each of its units, and one for
// each part that planning has read.
type plan struct {
	open  bool // it is being made
	mu    sync.Mutex
	units []plannedUnit
	read  map[string]bool // the keys of parts that planning has read
}

// plannedUnit is a unit as the part of a plan keeps it. What follows from it is not planned: whoever reads the one, reads the other.
type plannedUnit struct {
	Key    string   `json:"key,omitempty"`
	Table  string   `json:"table,omitempty"`
	Of     string   `json:"of,omitempty"`
	Scopes []string `json:"scopes,omitempty"`
	Whole  bool     `json:"whole,omitempty"`
	Number int64    `json:"number,omitempty"`
	Ranges int64    `json:"ranges,omitempty"`
	Rows   int64    `json:"rows,omitempty"`  // expected; 0 is unknown too
	Calls  int64    `json:"calls,omitempty"` // reckoned, those for what follows included

	Read string `json:"read,omitempty"` // instead of all others: the key of a part that planning has read
}

func (p plannedUnit) unit() unit {
	u := unit{table: tableNamed(p.Table), of: tableNamed(p.Of), whole: p.Whole, number: p.Number, ranges: p.Ranges, rows: p.Rows}
	for _, scope := range p.Scopes {
		u.places = append(u.places, place{scope, u.table})
	}
	return u
}

// add plans a unit.
func (p *plan) add(u unit, calls int64) {
	row := plannedUnit{Key: u.key(), Table: u.table.name, Whole: u.whole, Number: u.number, Ranges: u.ranges, Rows: u.rows, Calls: calls}
	if u.of != nil {
		row.Of = u.of.name
	}
	for _, at := range u.places {
		row.Scopes = append(row.Scopes, at.scope)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.units = append(p.units, row)
}

// planning says that what is found is planned, and not read.
func (s *scan) planning() bool { return s.plan != nil && s.plan.open }

// Plan finds out what there is, and answers which parts a scan has, for shards to read: backend.Submission.Shard. What it reads for that, and
// the plan, are parts in dir.
func (s *Scanner) Plan(ctx context.Context, request *backend.ScanRequest, dir string, parts []backend.Part, to Reporter) (*backend.ScanResult, error) {
	if request.ResourceLimit > 0 {
		return nil, fault.New(fault.Unsupported, "a scan with a limit is done in one piece: which resources it reads depends on those before")
	}
	w, ctx, err := s.begin(ctx, request, to)
	if err != nil {
		return nil, err
	}
	w.dir, w.plan, w.shard = dir, &plan{open: true}, map[string]bool{}
	if err := w.fill(ctx, nil, parts, w.planTenant); err != nil {
		return nil, err
	}
	if w.planning() {
		if err := w.finishPlan(); err != nil {
			return nil, err
		}
	}
	answer := &backend.ScanPlan{}
	for _, u := range w.plan.units {
		answer.Parts = append(answer.Parts, backend.PlannedPart{Key: u.Key, Rows: u.Rows, Calls: u.Calls})
		answer.Rows, answer.Calls = answer.Rows+u.Rows, answer.Calls+u.Calls
	}
	return &backend.ScanResult{Success: true, Complete: true, Subscriptions: int64(len(w.scope.subscriptions)), Plan: answer}, nil
}

// planTenant plans all that is left. A plan that an earlier attempt has finished, stays: its parts may be under way.
func (s *scan) planTenant(ctx context.Context) error {
	if !s.planning() {
		return nil
	}
	counted, err := s.find(ctx)
	if err != nil {
		return err
	}
	if !counted {
		s.ledger.replaceAll()
	}
	for _, u := range s.lockUnits() {
		s.plan.add(u, int64(len(u.places)))
	}
	if !counted {
		s.plan.add(unit{table: around, places: []place{{tenantScope, around}}, ranges: 1}, 1)
		for _, p := range s.ledger.places(listed, true) {
			s.planSubscription(p.scope)
		}
		return nil
	}
	return s.planTables(ctx)
}

// planTables plans what is left of Resource Graph's tables.
func (s *scan) planTables(ctx context.Context) error {
	units, total := s.unitsLeft()
	p := &prediction{scan: s, types: map[string]int64{}}
	if s.wants(backend.DepthChildren) && total > 0 {
		err := p.countTypes(ctx, s.countUnits(s.ledger.pending(resources, func(e *entry) bool { return e.expected > 0 })))
		if err != nil && fatal(ctx, err) {
			return err // else the children weigh nothing
		}
	}
	below := 0.0
	for _, calls := range p.callsPerResource() {
		below += calls
	}
	for _, u := range units {
		calls := pagesOf(u.rows)
		if u.table == resources {
			calls += int64(below * float64(u.rows))
		}
		s.plan.add(u, calls)
	}
	return nil
}

// planSubscription has a subscription's resources listed, and plans to read each by its id.
func (s *scan) planSubscription(id string) {
	s.plan.add(unit{table: around, places: []place{{id, around}}, ranges: 1}, int64(len(aroundLists())))
	s.progress.grow(phaseListing, "subscriptions", 1)
	s.arm.add(id, func(ctx context.Context) error {
		list, err := s.listStubs(ctx, id)
		if err != nil || list == nil { // refused: the merge says so
			return err
		}
		s.progress.add(phaseListing, 1)
		return s.blocks(id, *list, func(u unit, some []stub) error {
			calls := int64(len(some))
			for _, one := range some {
				calls += s.callsBelow(one.typ, 0)
			}
			s.plan.add(u, calls)
			return nil
		})
	})
}

// callsBelow is how many calls the children and extensions of a resource take that Resource Manager lists. What children
// have children of their own is not known before; one each is reckoned.
func (s *scan) callsBelow(typ string, depth int) (calls int64) {
	for _, child := range armschema.Children(typ) {
		if child.Embedded != "" || child.Table == "" && !s.wants(backend.DepthChildren) || s.excludes(child.Type) || depth > 4 {
			continue
		}
		calls += int64(max(len(child.Names), 1)) + s.callsBelow(child.Type, depth+1)
	}
	if depth == 0 && s.wants(backend.DepthExtensions) {
		calls += int64(len(armschema.Extensions()))
	}
	return calls
}

// finishPlan makes the plan's part.
func (s *scan) finishPlan() error {
	w, err := s.checkpoint(part.Header{Request: s.digest, Key: backend.ShardPlan, Form: part.FormPlan, Table: planned.name, Scopes: []string{tenantScope}, Ranges: 1})
	if err != nil {
		return err
	}
	defer w.Abort()
	rows := slices.Clone(s.plan.units)
	for key := range s.resumed.parts {
		rows = append(rows, plannedUnit{Read: key})
	}
	s.told.Range(func(key, _ any) bool {
		rows = append(rows, plannedUnit{Read: key.(string)})
		return true
	})
	for _, row := range rows {
		raw, err := json.Marshal(row)
		if err != nil {
			return err
		}
		if err := s.save(w, raw); err != nil {
			return err
		}
	}
	p, err := w.Finish(part.Footer{})
	if err != nil {
		return s.diskFault(err)
	}
	s.tell(p)
	return nil
}

// readPlan takes a finished plan in.
func (s *scan) readPlan(r *part.Reader) error {
	p := &plan{read: map[string]bool{}}
	_, err := r.Rows(func(raw []byte) error {
		var row plannedUnit
		if err := json.Unmarshal(raw, &row); err != nil {
			return err
		}
		if row.Read != "" {
			p.read[row.Read] = true
			return nil
		}
		if tableNamed(row.Table) == nil || len(row.Scopes) == 0 || row.Key != row.unit().key() {
			return part.ErrDamaged
		}
		p.units = append(p.units, row)
		return nil
	})
	if err == nil && s.plan != nil {
		s.plan = p
	}
	return err
}

// reckon is how many calls the unit takes that depends on so many rows.
func (s *scan) reckon(u unit, rows int64) int64 {
	if u.table == extensions {
		return rows * int64(len(armschema.Extensions()))
	}
	return rows // of which nobody knows the types any more: a list of children for each
}
