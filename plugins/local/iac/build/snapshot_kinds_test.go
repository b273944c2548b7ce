package build

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/build/buildtest"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// TestEarlierFormats: a snapshot of any format becomes a template.
func TestEarlierFormats(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "graph", "testdata", "*.db"))
	if err != nil || len(files) < 2 {
		t.Fatalf("the snapshots are %v, %v", files, err)
	}
	for _, file := range files {
		r, err := graph.OpenFile(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		for _, split := range splits {
			if b := build(t, r, Options{Split: split}); len(b.resources)+len(b.rest) < 5 {
				t.Errorf("of %s %d rows are generated, and %d not", file, len(b.resources), len(b.rest))
			}
		}
	}
}

// TestIncomplete: what a scan could not read, its template says.
func TestIncomplete(t *testing.T) {
	gap := backend.Coverage{Entries: []backend.CoverageEntry{{Scope: sub1, Kind: "children", State: backend.CoverageDenied, Expected: -1}}}
	partial, whole := build(t, openWith(t, gap, own("x", `{}`)), Options{}), build(t, open(t, own("x", `{}`)), Options{})
	if partial.Source.Complete || len(partial.Notice()) != 2 || !whole.Source.Complete || len(whole.Notice()) != 1 {
		t.Errorf("the notices are %q and %q", partial.Notice(), whole.Notice())
	}
}

// TestNothing: an empty snapshot is an empty template.
func TestNothing(t *testing.T) {
	for _, split := range splits {
		if b := build(t, open(t), Options{Split: split}); len(b.Units) > 0 || len(b.Stages) > 0 {
			t.Errorf("%s: %d units", split, len(b.Units))
		}
	}
}

// TestCancelled: whatever is going on ends with the reason.
func TestCancelled(t *testing.T) {
	r := open(t, buildtest.Random(3)...)
	stopped := errors.New("stopped")
	for _, phase := range []string{"selecting", "reading"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		_, err := Build(ctx, r, Options{Split: template.SplitGroup, Progress: func(p string, done, total int64) {
			if done > total || done < 0 {
				t.Errorf("%s: %d of %d", p, done, total)
			}
			if p == phase {
				cancel(stopped)
			}
		}}, report.New())
		if phase == "selecting" && !errors.Is(err, stopped) && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", phase, err)
		}
		if err == nil && context.Cause(ctx) == nil {
			t.Errorf("%s is never told", phase)
		}
		cancel(nil)
	}
	b := build(t, r, Options{})
	ctx, cancel := context.WithCancelCause(t.Context())
	calls := 0
	err := b.ForEachUnit(ctx, func(ctx context.Context, u *template.Unit) error {
		cancel(stopped)
		return b.Each(ctx, u, func(*template.Resource) error { calls++; return nil })
	})
	if err == nil || calls > 0 {
		t.Errorf("%v after %d resources", err, calls)
	}
	if err := b.Each(t.Context(), b.Units[0], func(*template.Resource) error { return stopped }); !errors.Is(err, stopped) {
		t.Errorf("what yield answers: %v", err)
	}
}
