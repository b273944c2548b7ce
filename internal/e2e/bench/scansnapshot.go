package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// snapshot measures what a scan leaves on the disk, and how soon it is shown. The references are the same resources as JSON from
// Azure, and the start of a backend that has nothing to show.
func (b bench) snapshot(ctx context.Context) ([]figure, error) {
	b, done, err := b.apart()
	if err != nil {
		return nil, err
	}
	defer done()
	sim, err := b.startSimulator(ctx, "--synthetic", strconv.Itoa(b.scale), "--quota", "0", "--no-arm-limits")
	if err != nil {
		return nil, err
	}
	defer sim.stop()
	result, err := b.scan(ctx, sim, "--depth", "resources")
	if err != nil {
		return nil, err
	}
	sent, err := sim.bareRate(ctx)
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(b.home, "data", "atg", "snapshots", result.Snapshot.ID+".*"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no files of the snapshot %s: %w", result.Snapshot.ID, err)
	}
	var size int64
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return nil, err
		}
		size += info.Size()
	}
	var own, reference []float64
	for range b.runs {
		for _, side := range []struct {
			into *[]float64
			args []string
		}{
			{&own, []string{"snapshot", "show", result.Snapshot.ID}},
			{&reference, []string{"backend", "info", "local"}},
		} {
			cmd, began := b.command(ctx, b.program("atg"), side.args...), time.Now()
			if out, err := cmd.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
			}
			*side.into = append(*side.into, milliseconds(time.Since(began)))
		}
	}
	return []figure{
		{Name: "snapshot_bytes_per_resource", Value: round(float64(size) / float64(result.Resources)), Unit: "bytes",
			Reference: round(float64(sent.bytes) / float64(sent.rows)),
			Note: fmt.Sprintf("%d resources with what is about them, %d relationships and indexes; the reference is the mean JSON of a resource from Azure",
				result.Resources, result.Relationships)},
		{Name: "snapshot_open_ms", Value: round(median(own)), Unit: "ms", Reference: round(median(reference)),
			Note: fmt.Sprintf("atg snapshot show of %d resources, whole process, median of %d; the reference is atg backend info local", result.Resources, b.runs)},
	}, nil
}
