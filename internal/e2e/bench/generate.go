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

const (
	generateRuns      = 3
	generateScaleDown = 10 // the smaller tenant has so many times fewer resources
)

// formats are those in which code is generated.
func formats() []string { return []string{"terraform", "bicep", "arm"} }

// generate times the generation of code from a snapshot of a synthetic tenant, and holds the memory that it takes against that of a
// tenant a tenth as large. The reference reads the same rows and writes them as JSON, in one loop.
func (b bench) generate(ctx context.Context) ([]figure, error) {
	large, err := b.generations(ctx, b.scale, generateRuns)
	if err != nil {
		return nil, err
	}
	small, err := b.generations(ctx, b.scale/generateScaleDown, 1)
	if err != nil {
		return nil, err
	}
	var figures []figure
	var growth figure
	var peaks []string
	for _, format := range formats() {
		l, s := large.of[format], small.of[format]
		figures = append(figures, figure{Name: "iac_rate_" + format, Value: round(median(l.rates)), Unit: "resources/s", Goal: ">= 10000", Reference: round(median(large.bare)),
			Note: fmt.Sprintf("%d resources included, whole commands, median of %d: %.1f s, %d files of %d MB; the reference decodes and encodes the rows of the snapshot one after the other",
				l.included, generateRuns, float64(l.included)/median(l.rates), l.files, l.bytes>>20)})
		if ratio := l.peak / s.peak; ratio > growth.Value {
			growth = figure{Name: "iac_rss_growth", Value: ratio, Unit: "ratio", Goal: "<= 1.3", Reference: 1,
				Note: fmt.Sprintf("peak memory of the backend for %s at %d resources over that at %d", format, b.scale, b.scale/generateScaleDown)}
		}
		peaks = append(peaks, fmt.Sprintf("%s %.0f over %.0f MiB", format, l.peak, s.peak))
	}
	growth.Value, growth.Note = round(growth.Value), growth.Note+": "+strings.Join(peaks, ", ")
	return append(figures, growth), nil
}

// generations are those of one snapshot.
type generations struct {
	of   map[string]*generation // by format
	bare []float64              // rows per second of the reference
}

// generation is what one format took.
type generation struct {
	rates           []float64 // resources included per second of the whole command
	peak            float64   // the most memory of the backend, in MiB
	included, bytes int64
	files           int
}

// generations scans so many resources, and generates every format, some runs of each.
func (b bench) generations(ctx context.Context, resources, runs int) (*generations, error) {
	bare := b.built("barerows")
	b, done, err := b.apart()
	if err != nil {
		return nil, err
	}
	defer done()
	sim, err := b.startSimulator(ctx, "--synthetic", strconv.Itoa(resources), "--quota", "0", "--no-arm-limits")
	if err != nil {
		return nil, err
	}
	scanned, err := b.scan(ctx, sim, "--depth", "resources")
	sim.stop()
	if err != nil {
		return nil, err
	}
	all := &generations{of: map[string]*generation{}}
	for range runs {
		for _, format := range formats() {
			if all.of[format] == nil {
				all.of[format] = &generation{}
			}
			if err := b.generateOnce(ctx, format, scanned.Snapshot.ID, all.of[format]); err != nil {
				return nil, err
			}
		}
		rate, err := b.bareRows(ctx, bare, scanned.Snapshot.ID)
		if err != nil {
			return nil, err
		}
		all.bare = append(all.bare, rate)
	}
	return all, nil
}

// generateOnce runs atg generate-iac, and looks at its memory meanwhile.
func (b bench) generateOnce(ctx context.Context, format, snapshot string, g *generation) error {
	dir := filepath.Join(b.home, "code")
	defer func() { _ = os.RemoveAll(dir) }()
	cmd := b.command(ctx, b.program("atg"), "generate-iac", "-q", "-o", "json", "--format", format, "--output-dir", dir, "--snapshot", snapshot)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	over, looked := make(chan struct{}), make(chan peak, 1)
	go func() { looked <- peak{}.look(cmd.Process.Pid, over) }()
	err := cmd.Wait()
	took := time.Since(began)
	close(over)
	p := <-looked
	if err != nil {
		return fmt.Errorf("%v: %w", cmd.Args, err)
	}
	var result struct {
		Complete bool     `json:"complete"`
		Included int64    `json:"resources_included"`
		Files    []string `json:"files_generated"`
	}
	if err := json.Unmarshal(out.Bytes(), &result); err != nil {
		return fmt.Errorf("%v: %w", cmd.Args, err)
	}
	if !result.Complete || result.Included == 0 || p.backend == 0 {
		return errors.New("the code is incomplete, or its backend was not seen")
	}
	g.included, g.files, g.bytes = result.Included, len(result.Files), 0
	for _, file := range result.Files {
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		g.bytes += info.Size()
	}
	g.peak = max(g.peak, p.backend)
	g.rates = append(g.rates, float64(result.Included)/took.Seconds())
	return nil
}

// bareRows is how many rows of a snapshot the reference takes in a second, whole process.
func (b bench) bareRows(ctx context.Context, program, snapshot string) (float64, error) {
	files, err := filepath.Glob(filepath.Join(b.home, "data", "atg", "snapshots", snapshot+".db"))
	if err != nil || len(files) != 1 {
		return 0, fmt.Errorf("the file of the snapshot %s: %d of them, %w", snapshot, len(files), err)
	}
	out := filepath.Join(b.home, "rows.json")
	defer func() { _ = os.Remove(out) }()
	began := time.Now()
	counted, err := b.command(ctx, program, files[0], out).Output()
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	rows, err := strconv.ParseFloat(strings.TrimSpace(string(counted)), 64)
	return rows / took.Seconds(), err
}
