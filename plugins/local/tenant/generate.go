// Package tenant writes the specification of a tenant from a snapshot. The format itself is that of package spec.
package tenant

import (
	"bufio"
	"context"
	"io"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/heap"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/build"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/secrets"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// The artifacts.
const (
	SpecFile = "spec.md"
	MapFile  = "spec.map.json" // with Anonymize: which pseudonym stands for what
)

// Generator writes specifications.
type Generator struct {
	Reader *graph.Reader
	Dir    string // where files are written; it exists and is empty
	// Progress may be nil.
	Progress func(backend.Progress)
}

// The heap that a generation may use, in bytes, as that of package iac.
const (
	heapRoom   = 44 << 20
	heapForRow = 160
)

// Generate writes the specification of a snapshot. The same content gives the same bytes, whoever scanned it and when.
func (g *Generator) Generate(ctx context.Context, r *backend.SpecGenerationRequest) (*backend.SpecGenerationResult, error) {
	began := time.Now()
	defer heap.Use{Limit: heapRoom + heapForRow*(g.Reader.Snapshot().Resources+2*g.Reader.Snapshot().Identities)}.Begin()()
	rep := report.New()
	plan, err := build.Build(ctx, g.Reader, build.Options{Filter: r.Filter, Split: template.SplitGroup, Progress: g.counted}, rep)
	if err != nil {
		return nil, err
	}
	if plan.Generated == 0 && plan.Outside > 0 {
		return nil, fault.New(fault.InvalidArgument, "nothing in the snapshot passes the filter",
			fault.Hint("look at names and spellings: `atg snapshot show %s` lists subscriptions, types and regions", g.Reader.Snapshot().ID))
	}
	files, err := output.New(g.Dir, func(string) output.Scanner { return &secrets.Scanner{} })
	if err != nil {
		return nil, err
	}
	defer func() { _ = files.Close() }() // only a folder's handle
	w, err := newWriter(ctx, g, plan, rep, r.Anonymize)
	if err != nil {
		return nil, err
	}
	defer w.close()
	if err := w.units(ctx); err != nil {
		return nil, err
	}
	if err := w.writePeople(ctx, plan.Outside > 0); err != nil {
		return nil, err
	}
	result := &backend.SpecGenerationResult{Success: true, Resources: plan.Generated + plan.InBody, Snapshot: g.Reader.Snapshot().ID}
	if err := w.leftOut(ctx, result); err != nil {
		return nil, err
	}
	err = files.Write(SpecFile, func(to io.Writer) error { return w.document(bufio.NewWriterSize(to, 1<<16)) })
	if err == nil && w.x.anon != nil {
		err = files.Write(MapFile, func(to io.Writer) error { return w.x.anon.Write(to, "specification") })
	}
	if err != nil {
		return nil, err
	}
	result.DurationSeconds = time.Since(began).Seconds()
	return result, nil
}

// counted tells how far the work is.
func (g *Generator) counted(phase string, done, total int64) {
	if g.Progress != nil {
		g.Progress(backend.Progress{Phase: phase, Done: done, Total: total, Unit: "resources"})
	}
}
