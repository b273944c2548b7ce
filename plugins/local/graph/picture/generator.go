package picture

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/heap"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// File is the name of the artifact.
const File = "tenant.html"

// The most that a page can show: beyond, browsers take longer to open it than people wait.
const (
	mostNodes = 250_000
	mostEdges = 2_000_000
)

// The heap that drawing may use, in bytes: the whole graph has to be known before anything has its place.
const (
	heapRoom   = 96 << 20
	heapForRow = 1 << 10
)

// Generator draws snapshots.
type Generator struct {
	Reader *graph.Reader // one that has a graph: see graph.Reader.WithGraph
	Dir    string        // where the page is written; it exists and is empty
	// Progress may be nil.
	Progress func(backend.Progress)
}

// Generate writes the page of a snapshot. The same snapshot and filter give the same bytes. The faults are fault.InvalidArgument, where the filter leaves nothing or
// there is more than a page can show, and fault.ExecutionFailed.
func (g *Generator) Generate(ctx context.Context, r *backend.VisualizationRequest) (*backend.VisualizationResult, error) {
	began := time.Now()
	snapshot := g.Reader.Snapshot()
	defer heap.Use{Limit: heapRoom + heapForRow*min(snapshot.Resources, mostNodes)}.Begin()()
	s := &source{reader: g.Reader, asked: r.Filter, guard: newGuard(), progress: g.progress}
	drawn, err := s.graph(ctx)
	if err != nil {
		return nil, err
	}
	files, err := output.New(g.Dir, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = files.Close() }() // only a folder's handle
	err = files.Write(File, func(to io.Writer) error {
		return Write(to, drawn, func(yield func(Detail) error) error { return s.details(ctx, yield) })
	})
	if err != nil {
		return nil, err
	}
	return &backend.VisualizationResult{
		Success: true, Complete: snapshot.Complete, Nodes: int64(len(drawn.Nodes)), Edges: int64(len(drawn.Edges)),
		DurationSeconds: time.Since(began).Seconds(), Snapshot: snapshot.ID,
	}, nil
}

func (g *Generator) progress(phase string, done, total int64) {
	if g.Progress != nil {
		g.Progress(backend.Progress{Phase: phase, Done: done, Total: total, Unit: "nodes"})
	}
}

// tooMuch says that a page cannot show so much.
func tooMuch(what string, most int) error {
	return fault.New(fault.InvalidArgument, fmt.Sprintf("a picture shows at most %d %s, and there are more", most, what),
		fault.Hint("draw a part: --subscription, --resource-group, --resource-type"))
}
