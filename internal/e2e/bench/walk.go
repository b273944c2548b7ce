package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const walkRuns = 5

// walk times paths and a reach in the graph of a synthetic tenant. The two ends of the path have nothing in common but the tenant, so that every
// kind of way is looked for; what is reached is everything.
func (b bench) walk(ctx context.Context) ([]figure, error) {
	barerows := b.built("barerows")
	b, done, err := b.apart()
	if err != nil {
		return nil, err
	}
	defer done()
	sim, err := b.startSimulator(ctx, "--synthetic", strconv.Itoa(b.scale), "--quota", "0", "--no-arm-limits")
	if err != nil {
		return nil, err
	}
	scanned, err := b.scan(ctx, sim, "--depth", "resources")
	sim.stop()
	if err != nil {
		return nil, err
	}
	tenant := scanned.Snapshot.TenantID
	timed := func(args ...string) (float64, []byte, error) {
		cmd := b.command(ctx, b.program("atg"), append([]string{"snapshot"}, args...)...)
		cmd.Stderr = os.Stderr
		began := time.Now()
		out, err := cmd.Output()
		return time.Since(began).Seconds(), out, err
	}
	_, rows, err := timed("reach", tenant, "-q", "-o", "ndjson")
	if err != nil {
		return nil, err
	}
	var ends []string
	for line := range bytes.Lines(rows) {
		var row struct{ ID, Kind string }
		if err := json.Unmarshal(line, &row); err != nil {
			return nil, err
		}
		if row.Kind == "resource" {
			ends = append(ends, row.ID)
		}
	}
	if len(ends) < b.scale {
		return nil, fmt.Errorf("only %d resources were reached", len(ends))
	}
	var paths, reaches, shows []float64
	hops := 0
	for range walkRuns {
		took, out, err := timed("path", ends[0], ends[len(ends)-1], "-q", "-o", "json")
		if err != nil {
			return nil, err
		}
		var found struct{ Paths []struct{ Steps []struct{} } }
		if err := json.Unmarshal(out, &found); err != nil || len(found.Paths) == 0 {
			return nil, fmt.Errorf("no path from one end of the tenant to the other: %w", err)
		}
		hops = len(found.Paths[0].Steps)
		paths = append(paths, took*1000)
		if took, _, err = timed("reach", tenant, "-q", "-o", "ndjson"); err != nil {
			return nil, err
		}
		reaches = append(reaches, took)
		if took, _, err = timed("show", "-q"); err != nil {
			return nil, err
		}
		shows = append(shows, took*1000)
	}
	bare, err := b.bareRows(ctx, barerows, scanned.Snapshot.ID)
	if err != nil {
		return nil, err
	}
	return []figure{
		{Name: "path_ms", Value: round(median(paths)), Unit: "ms", Goal: "<= 2000", Reference: round(median(shows)),
			Note: fmt.Sprintf("atg snapshot path between two ends of %d resources, whole command, median of %d: %d hops; the reference is atg snapshot show", b.scale, walkRuns, hops)},
		{Name: "reach_s", Value: round(median(reaches)), Unit: "s", Goal: "<= 5", Reference: round(float64(len(ends)) / bare),
			Note: fmt.Sprintf("atg snapshot reach of the tenant, %d MB for %d resources and what contains them, whole command, median of %d; the reference reads, decodes and encodes the rows of as many", len(rows)>>20, len(ends), walkRuns)},
	}, nil
}

// export times exports of a synthetic tenant, and holds the memory that they take against that of a tenant a tenth as large.
func (b bench) export(ctx context.Context) ([]figure, error) {
	large, bare, err := b.exports(ctx, b.scale)
	if err != nil {
		return nil, err
	}
	small, _, err := b.exports(ctx, b.scale/generateScaleDown)
	if err != nil {
		return nil, err
	}
	var figures []figure
	growth := figure{Name: "export_rss_growth", Unit: "ratio", Goal: "<= 1.5", Reference: 1}
	var peaks []string
	for _, format := range exportFormats {
		l, s := large[format], small[format]
		figures = append(figures, figure{Name: "export_rate_" + strings.ReplaceAll(format, "-", "_"), Value: round(l.rate), Unit: "rows/s", Goal: ">= 20000", Reference: round(bare),
			Note: fmt.Sprintf("%d nodes and relationships, whole command: %.1f s, %d MB; the reference decodes and encodes the rows of the snapshot", l.rows, float64(l.rows)/l.rate, l.bytes>>20)})
		growth.Value = max(growth.Value, round(l.peak/s.peak))
		peaks = append(peaks, fmt.Sprintf("%s %.0f over %.0f MiB", format, l.peak, s.peak))
	}
	growth.Note = fmt.Sprintf("peak memory of the backend at %d resources over that at %d: %s", b.scale, b.scale/generateScaleDown, strings.Join(peaks, ", "))
	return append(figures, growth), nil
}

var exportFormats = []string{"jsonl", "graphml", "cypher", "neo4j-csv", "dot"}

// exported is what one export took.
type exported struct {
	rate, peak  float64 // rows per second; MiB
	rows, bytes int64
}

// exports scans so many resources, and exports each format once.
func (b bench) exports(ctx context.Context, resources int) (map[string]exported, float64, error) {
	bare := b.built("barerows")
	b, done, err := b.apart()
	if err != nil {
		return nil, 0, err
	}
	defer done()
	sim, err := b.startSimulator(ctx, "--synthetic", strconv.Itoa(resources), "--quota", "0", "--no-arm-limits")
	if err != nil {
		return nil, 0, err
	}
	scanned, err := b.scan(ctx, sim, "--depth", "resources")
	sim.stop()
	if err != nil {
		return nil, 0, err
	}
	all := map[string]exported{}
	for _, format := range exportFormats {
		if all[format], err = b.exportOnce(ctx, format); err != nil {
			return nil, 0, err
		}
	}
	rate, err := b.bareRows(ctx, bare, scanned.Snapshot.ID)
	return all, rate, err
}

// exportOnce runs atg snapshot export, and looks at its memory meanwhile.
func (b bench) exportOnce(ctx context.Context, format string) (exported, error) {
	dir := filepath.Join(b.home, "export")
	defer func() { _ = os.RemoveAll(dir) }()
	cmd := b.command(ctx, b.program("atg"), "snapshot", "export", "-q", "-o", "json", "--format", format, "--output-dir", dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return exported{}, err
	}
	over, looked := make(chan struct{}), make(chan peak, 1)
	go func() { looked <- peak{}.look(cmd.Process.Pid, over) }()
	err := cmd.Wait()
	took := time.Since(began)
	close(over)
	p := <-looked
	var result struct {
		Complete     bool
		Nodes, Edges int64
	}
	if err = errors.Join(err, json.Unmarshal(out.Bytes(), &result)); err != nil {
		return exported{}, fmt.Errorf("%v: %w", cmd.Args, err)
	}
	if !result.Complete || result.Edges == 0 || p.backend == 0 {
		return exported{}, errors.New("the export is incomplete, or its backend was not seen")
	}
	e := exported{rows: result.Nodes + result.Edges, peak: p.backend}
	e.rate = float64(e.rows) / took.Seconds()
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			e.bytes += info.Size()
		}
	}
	return e, nil
}
