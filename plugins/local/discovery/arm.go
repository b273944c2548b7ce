package discovery

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/part"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// reading is a part of Resource Manager's on its way to its file and the snapshot. Several calls fill it at once.
type reading struct {
	s    *scan
	unit unit
	file *part.Writer

	mu   sync.Mutex
	done part.Footer
}

// readPart reads a part of Resource Manager's: ask makes the calls, those of the group beside each other.
func (s *scan) readPart(ctx context.Context, u unit, ask func(context.Context, *reading, *errgroup.Group) error) error {
	w, err := s.checkpoint(s.header(u, part.FormARM))
	if err != nil {
		return err
	}
	defer w.Abort()
	r := &reading{s: s, unit: u, file: w, done: part.Footer{Listed: map[string]int64{}}}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(calls)
	err = ask(ctx, r, group)
	if failed := group.Wait(); failed != nil { // why ask has ended early
		return failed
	}
	if err != nil {
		return err
	}
	return r.finish()
}

// reader takes the rows of a call in that keep keeps; nil keeps all.
func (r *reading) reader(keep func(*graph.Row) bool) azure.Reader[graph.Row] {
	return azure.Reader[graph.Row]{
		New: r.s.sink.small, Set: setMember,
		Take: func(p *page) error {
			raw := make([][]byte, 0, len(p.Rows))
			kept := p.Rows[:0]
			listed := map[string]int64{}
			for i := range p.Rows {
				row := &p.Rows[i]
				if row.ID == "" {
					continue // ARM has no resource without an id
				}
				r.s.complete(row, r.unit.table, part.FormARM)
				if keep != nil && !keep(row) {
					continue
				}
				listed[scopeName(row.SubscriptionID)]++
				raw = append(raw, withVersion(p.Raw(i), row.APIVersion))
				kept = append(kept, *row)
			}
			p.Rows = kept
			r.count(listed)
			err := r.s.save(r.file, raw...)
			r.s.sink.takeSmall(p)
			return err
		},
	}
}

// withVersion is a row with the version of the API that it was read with, which an answer does not say.
func withVersion(raw []byte, version string) []byte {
	if version == "" {
		return raw
	}
	object := bytes.TrimSuffix(bytes.TrimSpace(raw), []byte{'}'})
	return fmt.Appendf(nil, `%s,"apiVersion":%q}`, object, version)
}

// withoutVersion is a copy of what withVersion was given.
func withoutVersion(raw []byte, version string) []byte {
	if object, found := bytes.CutSuffix(raw, fmt.Appendf(nil, `,"apiVersion":%q}`, version)); found {
		return append(bytes.Clone(object), '}')
	}
	return bytes.Clone(raw)
}

func (r *reading) count(listed map[string]int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for scope, rows := range listed {
		r.done.Listed[scope] += rows
		r.done.Rows += rows
	}
}

func scopeName(subscription string) string {
	if subscription == "" {
		return tenantScope
	}
	return strings.ToLower(subscription)
}

// settle decides what a failed call means: nothing where there is no such thing, the end of the scan, or a gap.
func (r *reading) settle(ctx context.Context, err error, scope, kind, on string) error {
	switch {
	case err == nil, azure.IsNotFound(err), azure.IsUnsupported(err):
		return nil
	case fatal(ctx, err):
		return err
	}
	f := *fault.As(err)
	if f.Resource == "" {
		f.Resource = on
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	state := string(stateOf(&f))
	at := slices.IndexFunc(r.done.Gaps, func(g part.Gap) bool { return g.Scope == scope && g.Kind == kind && g.State == state })
	if at < 0 {
		r.done.Gaps = append(r.done.Gaps, part.Gap{Scope: scope, Kind: kind, State: state, Reason: &f})
		at = len(r.done.Gaps) - 1
	}
	r.done.Gaps[at].Count++
	return nil
}

// finish completes the part and tells the ledger.
func (r *reading) finish() error {
	s := r.s
	s.ledger.tally(r.unit.key(), r.unit.table, r.done.Listed)
	s.missed(r.done)
	return s.announce(r.file, r.unit, r.done)
}

// missed tells the ledger of a part's gaps.
func (s *scan) missed(f part.Footer) {
	for _, g := range f.Gaps {
		s.ledger.miss(g.Scope, gap{kind: g.Kind, state: backend.CoverageState(g.State), things: g.Count, fault: g.Reason})
	}
}

// unitOf is the unit that a part's header tells of.
func unitOf(h part.Header) unit {
	t := tableNamed(h.Table)
	u := unit{table: t, number: int64(h.Range), ranges: int64(h.Ranges), whole: strings.HasPrefix(h.Key, "all/")}
	for _, scope := range h.Scopes {
		u.places = append(u.places, place{scope, t})
	}
	if of, ok := strings.CutPrefix(strings.Split(h.Key, "/")[1], t.name+"."); ok {
		u.of = tableNamed(of)
	}
	return u
}

// dependent is the unit of what belongs to the rows of another unit's part.
func dependent(t *table, of unit) unit {
	u := unit{table: t, number: of.number, ranges: of.ranges, whole: of.whole}
	if of.table != resources {
		u.of = of.table
	}
	for _, p := range of.places {
		u.places = append(u.places, place{p.scope, t})
	}
	return u
}
