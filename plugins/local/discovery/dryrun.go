package discovery

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// What a prediction reckons with: Azure's documented limits (docs/scan.md), and how fast rows can be kept.
const (
	queriesAtOnce    = 15.0 // of Resource Graph
	queriesPerSecond = 3.0
	readsAtOnce      = 250.0 // of Resource Manager, in one subscription
	readsPerSecond   = 25.0
	rowsPerSecond    = 30_000.0
)

// Predict says what a scan would read, with how many calls, and how long Azure's limits make it take. It asks
// Resource Graph for counts alone.
func (s *Scanner) Predict(ctx context.Context, request *backend.ScanRequest, to Reporter) (*backend.ScanResult, error) {
	began := time.Now()
	w, ctx, err := s.begin(ctx, request, to)
	if err != nil {
		return nil, err
	}
	if request.Discovery == backend.DiscoveryARM {
		return nil, unpredictable()
	}
	w.openARM()
	p := &prediction{scan: w, types: map[string]int64{}, reads: map[string]float64{}}
	if err := p.count(ctx); err != nil {
		return nil, err
	}
	if w.absent.Load() != nil {
		return nil, unpredictable()
	}
	p.predict()
	if err := p.predictIdentities(ctx); err != nil {
		return nil, err
	}
	coverage := w.ledger.coverage()
	return &backend.ScanResult{Success: true, Complete: true, Subscriptions: int64(len(w.scope.subscriptions)),
		DurationSeconds: time.Since(began).Seconds(), Coverage: backend.Coverage{Complete: coverage.Complete}, Plan: &p.plan}, nil
}

func unpredictable() error {
	return fault.New(fault.Unsupported, "a scan without Resource Graph cannot be predicted: only it counts",
		fault.Hint("scan without --dry-run: a scan only reads, and --limit bounds how much"))
}

// prediction is a plan that is being made.
type prediction struct {
	*scan
	units   []unit
	types   map[string]int64   // resources by type
	reads   map[string]float64 // calls to Resource Manager by subscription
	plan    backend.ScanPlan
	queries int64
	trip    time.Duration // of a query
}

// count asks how much there is.
func (p *prediction) count(ctx context.Context) error {
	counts := p.countUnits(p.ledger.pending(resources, func(*entry) bool { return true }))
	began := time.Now()
	if err := p.each(ctx, counts, p.scan.count, p.uncounted); err != nil || p.absent.Load() != nil {
		return err
	}
	p.trip = time.Since(began) / time.Duration(max(len(counts), 1))
	for _, t := range tables {
		if t != resources {
			p.units = append(p.units, p.rest(t)...)
		}
	}
	sums := make([]atomic.Int64, len(p.units))
	at := map[string]int{}
	for i, u := range p.units {
		at[u.key()] = i
	}
	type sum struct{ n int64 }
	err := p.each(ctx, p.units, func(ctx context.Context, u unit) error {
		query := azure.Query{KQL: u.table.where(p.conditions(u)) + " | summarize listed = count()", Subscriptions: u.subscriptions()}
		return ask(ctx, p.scope.session, query, func(s *sum, c azure.Column) (err error) {
			s.n, err = c.Int()
			return err
		}, func(s sum) {
			if i, ok := at[u.key()]; ok {
				sums[i].Add(s.n)
			}
		})
	}, func(unit, *fault.Fault) {})
	if err != nil {
		return err
	}
	for i := range p.units {
		p.units[i].rows = sums[i].Load()
	}
	if !p.wants(backend.DepthChildren) {
		return nil
	}
	return p.countTypes(ctx, counts)
}

// countTypes asks how many resources there are of each type, for the calls that their children need.
func (p *prediction) countTypes(ctx context.Context, units []unit) error {
	type row struct {
		typ string
		n   int64
	}
	for _, u := range units {
		query := azure.Query{KQL: u.table.where(p.conditions(u)) + " | summarize listed = count() by type", Subscriptions: u.subscriptions()}
		err := ask(ctx, p.scope.session, query, func(r *row, c azure.Column) (err error) {
			if string(c.Name) == "type" {
				r.typ = strings.ToLower(c.Text())
				return nil
			}
			r.n, err = c.Int()
			return err
		}, func(r row) { p.types[r.typ] += r.n })
		if err != nil {
			return err
		}
	}
	return nil
}

// predict makes the plan of what was counted.
func (p *prediction) predict() {
	open := p.ledger.pending(resources, func(e *entry) bool { return e.expected > 0 })
	if p.request.ResourceLimit > 0 {
		p.ledger.limit(p.request.ResourceLimit)
	}
	var total int64
	for _, at := range open {
		e := p.ledger.get(at)
		total += max(e.wanted(), 0)
	}
	p.queries = 1
	for _, u := range p.units {
		p.add(u.key(), u.rows, pagesOf(u.rows), nil)
	}
	perRow := p.callsPerResource()
	for _, u := range p.batch(open, p.pages(total)) {
		rows := u.rows
		if u.limit > 0 {
			rows = min(rows, u.limit)
		}
		p.add(u.key(), rows, pagesOf(rows), nil)
		for t, calls := range perRow {
			d := dependent(t, u)
			p.add(d.key(), 0, int64(calls*float64(rows)+0.5), u.places)
		}
	}
	for _, u := range p.lockUnits() {
		p.add(u.key(), 0, int64(len(u.places)), u.places)
	}
	seconds := max(float64(p.queries)-queriesAtOnce, 0) / queriesPerSecond
	seconds = max(seconds, float64(p.queries)*p.trip.Seconds()/float64(p.parallelism()))
	for _, reads := range p.reads {
		seconds = max(seconds, reads*p.trip.Seconds()/calls)
		seconds = max(seconds, max(reads-readsAtOnce, 0)/readsPerSecond)
	}
	p.plan.DurationSeconds = seconds + float64(p.plan.Rows)/rowsPerSecond
}

func pagesOf(rows int64) int64 { return max((rows+pageRows-1)/pageRows, 1) }

// add adds a part; those of Resource Manager say whose limits they use.
func (p *prediction) add(key string, rows, calls int64, of []place) {
	p.plan.Parts = append(p.plan.Parts, backend.PlannedPart{Key: key, Rows: rows, Calls: calls})
	p.plan.Rows += rows
	p.plan.Calls += calls
	if of == nil {
		p.queries += calls
	}
	for _, at := range of {
		p.reads[at.scope] += float64(calls) / float64(len(of))
	}
}

// callsPerResource is how many calls to Resource Manager a resource costs on the average. What children
// have children of their own is not known before; one each is reckoned.
func (p *prediction) callsPerResource() map[*table]float64 {
	var all, below, extending float64
	for typ, n := range p.types {
		all += float64(n)
		below += float64(n) * float64(p.callsFor(typ, 0))
		extending += float64(n * int64(len(armschema.Extensions())))
	}
	per := map[*table]float64{}
	if all > 0 {
		per[children] = below / all
		if p.wants(backend.DepthExtensions) {
			per[extensions] = extending / all
		}
	}
	return per
}

func (p *prediction) callsFor(typ string, depth int) int {
	total := 0
	for _, child := range armschema.Children(typ) {
		if child.Embedded != "" || indexed(child) || p.excludes(child.Type) || depth > 4 {
			continue
		}
		total += max(len(child.Names), 1) + p.callsFor(child.Type, depth+1)
	}
	return total
}
