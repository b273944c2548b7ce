package discovery

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// Reporter hears how a scan goes. *runner.Job is one.
type Reporter interface {
	ID() string
	Progress(backend.Progress)
	Overall(fraction float64)
	Log(level backend.LogLevel, format string, args ...any)
	SignIn(backend.SignIn)
	Part(backend.Part)
	Tenant(id string)
}

// The phases that have no table of their own.
const (
	phaseScope   = "subscriptions"
	phaseResume  = "finished before"
	phaseCounts  = "counting"
	phaseListing = "listing"
	phaseRelate  = "relationships"
	phaseSave    = "saving"
)

// progress tells a reporter how far each phase is, and what the scan waits for.
type progress struct {
	to Reporter

	mu      sync.Mutex
	phases  map[string]*backend.Progress
	latest  string            // the phase that moved last
	waits   time.Time         // the end of the wait that was told last
	told    *backend.Progress // the phase that was told to wait
	weights map[string]float64
}

func newProgress(to Reporter) *progress {
	return &progress{to: to, phases: map[string]*backend.Progress{}, latest: phaseScope, weights: map[string]float64{resources.phase: 1}}
}

// begin starts a phase of so many units.
func (p *progress) begin(phase, unit string, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latest = phase
	p.phases[phase] = &backend.Progress{Phase: phase, Unit: unit, Total: total}
	p.to.Progress(*p.phases[phase])
}

// grow adds to what a phase is to do, and begins it if it has not begun.
func (p *progress) grow(phase, unit string, units int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.phases[phase]
	if !ok {
		at = &backend.Progress{Phase: phase, Unit: unit}
		p.phases[phase] = at
	}
	at.Total += units
	p.to.Progress(*at)
}

// add moves a phase.
func (p *progress) add(phase string, units int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.phases[phase]
	if !ok {
		return
	}
	p.latest = phase
	at.Done += units
	at.Total = max(at.Total, at.Done) // what Azure counted may have grown
	if time.Now().After(p.waits) {
		p.settle()
	}
	p.to.Progress(*at)
	if p.weights[phase] > 0 {
		p.to.Overall(readShare * p.overall())
	}
}

// readShare is the share of a scan that reading takes; the rest is saving.
const readShare = 0.95

// weigh says that a phase that goes through all resources is so much of the scan.
func (p *progress) weigh(phase string, weight float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.weights[phase] = weight
}

// overall is how far the reading is, by the phases that go through all resources.
func (p *progress) overall() (fraction float64) {
	var all int64
	for phase := range p.weights {
		if at, ok := p.phases[phase]; ok {
			all = max(all, at.Total)
		}
	}
	var weights float64
	for phase, weight := range p.weights {
		weights += weight
		if at, ok := p.phases[phase]; ok && all > 0 {
			fraction += weight * min(1, float64(at.Done)/float64(all))
		}
	}
	return fraction / max(weights, 1)
}

// read counts rows of a main table.
func (p *progress) read(t *table, rows int64) {
	if t.main {
		p.add(t.phase, rows)
	}
}

// waiting tells of a wait, once for all who wait together.
func (p *progress) waiting(w azure.Wait) {
	p.mu.Lock()
	defer p.mu.Unlock()
	end := time.Now().Add(w.For)
	if end.Sub(p.waits) < time.Second {
		return
	}
	p.waits = end
	at := p.phases[p.latest]
	for _, phase := range slices.Sorted(maps.Keys(p.phases)) { // a phase that has ended waits for nothing
		if p.latest == phaseIdentities || p.latest == phaseMembers { // of which nobody knows how many there are, and which are alone
			break
		}
		if at == nil || at.Total > 0 && at.Done >= at.Total {
			at = p.phases[phase]
		}
	}
	if at == nil {
		at = &backend.Progress{Phase: p.latest}
	}
	p.settle()
	p.told = at
	at.Message = fmt.Sprintf("%s, waiting %d s", w.Reason, (w.For+time.Second-1)/time.Second)
	p.to.Progress(*at)
}

// settle takes the message of a wait back that is over.
func (p *progress) settle() {
	if p.told != nil {
		p.told.Message = ""
		p.to.Progress(*p.told)
		p.told = nil
	}
}

// signIn passes a request on.
func (p *progress) signIn(s azure.SignIn) {
	p.to.SignIn(backend.SignIn{URL: s.URL, Code: s.Code, ExpiresAt: s.ExpiresAt})
}
