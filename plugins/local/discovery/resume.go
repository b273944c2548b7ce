package discovery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/part"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// resumed are the finished parts of an earlier attempt.
type resumed struct {
	parts  map[string]finished // by key
	whole  map[place]bool      // places that one part covers alone, or with others
	ranges map[place]int64     // in how many hash ranges places were being read
}

// finished is a part that need not be read again.
type finished struct {
	header part.Header
	part   backend.Part
}

// digestOf names what a scan was asked for, so that it does not go on from another one's parts.
func digestOf(request *backend.ScanRequest, tenant string) string {
	asked := *request
	asked.TenantID = tenant
	content, _ := json.Marshal(asked) // texts and numbers always have a JSON form
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// resume takes the finished parts of an earlier attempt in. One that is not what it was said to be is read again.
func (s *scan) resume(ctx context.Context, parts []backend.Part) error {
	s.resumed = resumed{parts: map[string]finished{}, whole: map[place]bool{}, ranges: map[place]int64{}}
	var rows int64
	for _, p := range parts {
		rows += p.Rows
	}
	if len(parts) > 0 {
		s.progress.begin(phaseResume, "rows", rows)
	}
	for _, p := range parts {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		r, err := part.Open(s.dir, p)
		if err != nil {
			s.report.Log(backend.LevelWarn, "the part %s is read again: %v", p.Key, err)
			continue
		}
		switch {
		case !s.fits(r.Header):
		case r.Header.Table == planned.name:
			err = s.readPlan(r)
		default:
			err = s.replay(r, p)
		}
		r.Close()
		if err != nil {
			return err
		}
	}
	if n := len(s.resumed.parts); n > 0 {
		s.report.Log(backend.LevelInfo, "going on from %d finished parts", n)
	}
	return nil
}

// fits says whether a part is one of this scan.
func (s *scan) fits(h part.Header) bool {
	return h.Request == s.digest && tableNamed(h.Table) != nil && len(h.Scopes) > 0
}

func tableNamed(name string) *table {
	for _, t := range slices.Concat(tables, []*table{locks, children, extensions, listed, stubs, around, principals, devices, planned}, directoryTables) {
		if t.name == name {
			return t
		}
	}
	return nil
}

// replay writes a part's rows to the snapshot and its counts to the ledger. A part that turns out to be damaged
// is read again, and its rows replace those that came of it.
func (s *scan) replay(r *part.Reader, p backend.Part) error {
	if r.Header.Form == part.FormDirectory { // they are taken in when it is known that they are wanted
		s.progress.add(phaseResume, p.Rows)
		s.resumed.add(r.Header, p)
		return nil
	}
	t, set := tableNamed(r.Header.Table), setterOf(r.Header.Form)
	load := s.loader()
	footer, err := r.Rows(func(raw []byte) error {
		if t == stubs || s.sink.writer == nil { // no snapshot sees them
			return nil
		}
		return load.add(raw, set, t, r.Header.Form)
	})
	load.flush()
	if errors.Is(err, part.ErrDamaged) {
		s.report.Log(backend.LevelWarn, "the part %s is read again: %v", p.Key, err)
		return nil
	}
	if err != nil {
		return err
	}
	if slices.ContainsFunc(footer.Gaps, func(g part.Gap) bool { return passing(backend.CoverageState(g.State)) }) {
		return nil // what was in trouble may be well by now
	}
	s.progress.add(phaseResume, footer.Rows)
	s.resumed.add(r.Header, p)
	if t != stubs {
		s.ledger.tally(p.Key, t, footer.Listed)
	}
	s.missed(footer)
	return nil
}

// passing says that what led to a gap may be over: Azure is well again, or somebody has given a role.
func passing(state backend.CoverageState) bool { return state != backend.CoverageUnsupported }

func (r *resumed) add(h part.Header, p backend.Part) {
	r.parts[h.Key] = finished{h, p}
	for _, scope := range h.Scopes {
		at := place{scope, tableNamed(h.Table)}
		if h.Ranges > 1 {
			r.ranges[at] = int64(h.Ranges)
		} else {
			r.whole[at] = true
		}
	}
}

// missing keeps of places those that no finished part covers alone.
func (r *resumed) missing(places []place) []place {
	return slices.DeleteFunc(slices.Clone(places), func(p place) bool { return r.whole[p] })
}

// touched says that rows of a place come from an earlier attempt, so that counts of now are not theirs.
func (r *resumed) touched(p place) bool { return r.whole[p] || r.ranges[p] > 0 }

// unfinished keeps of units those whose part is not finished.
func (s *scan) unfinished(units []unit) []unit {
	return slices.DeleteFunc(units, func(u unit) bool {
		_, done := s.resumed.parts[u.key()]
		return done
	})
}

// loader writes the rows of a part's file to the snapshot in batches that have memory of their own.
type loader struct {
	s     *scan
	rows  []graph.Row
	bytes int
}

func (s *scan) loader() *loader { return &loader{s: s} }

// add takes a row in.
func (l *loader) add(raw []byte, set setter, t *table, form part.Form) error {
	var row graph.Row
	if err := azure.Members(jsontext.Value(slices.Clone(raw)), func(c azure.Column) error { return set(&row, c) }); err != nil {
		return err
	}
	l.s.complete(&row, t, form)
	l.rows, l.bytes = append(l.rows, row), l.bytes+len(raw)
	if len(l.rows) >= pageRows || l.bytes > 1<<20 {
		l.flush()
	}
	return nil
}

// flush hands the rows on.
func (l *loader) flush() {
	if len(l.rows) > 0 {
		l.s.sink.put(l.rows, func() {})
	}
	l.rows, l.bytes = nil, 0
}
