package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// told is a scan whose backend tells how long it took to derive the graph.
type told struct {
	scanned
	graph float64 // seconds
}

// scanTold runs a whole scan, and reads in its log how long the graph took.
func (b bench) scanTold(ctx context.Context, sim *simulator, flags ...string) (t told, err error) {
	cmd := b.command(ctx, b.program("atg"), append([]string{"scan", "-v", "--log-format", "json", "-o", "json"}, flags...)...)
	var log bytes.Buffer
	cmd.Env, cmd.Stderr = b.environment(sim.env...), &log
	out, err := cmd.Output()
	if err != nil {
		return t, fmt.Errorf("%v: %w\n%s", cmd.Args, err, log.Bytes())
	}
	lines := bufio.NewScanner(&log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			Message string  `json:"msg"`
			Seconds float64 `json:"seconds"`
		}
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Message == "derived the graph" {
			t.graph = line.Seconds
		}
	}
	if t.graph == 0 {
		return t, errors.New("the log does not tell how long the graph took")
	}
	return t, t.read(out)
}

// edges measures what the graph takes of a scan. The reference is a program that reads each row of that snapshot, decodes it,
// encodes it again, and writes it to a file.
func (b bench) edges(ctx context.Context) ([]figure, error) {
	reader := b.built("barerows")
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
	var own, reference []float64
	var last told
	for range 3 {
		if last, err = b.scanTold(ctx, sim, "--depth", "resources"); err != nil {
			return nil, err
		}
		own = append(own, last.graph)
		file := filepath.Join(b.home, "data", "atg", "snapshots", last.Snapshot.ID+".db")
		bare, began := b.command(ctx, reader, file, filepath.Join(b.home, "rows")), time.Now()
		if out, err := bare.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%v: %w\n%s", bare.Args, err, out)
		}
		reference = append(reference, time.Since(began).Seconds())
		if err := os.Remove(filepath.Join(b.home, "rows")); err != nil {
			return nil, err
		}
	}
	return []figure{{Name: "edges_s", Value: round(median(own)), Unit: "s", Goal: "<= 5", Reference: round(median(reference)),
		Note: fmt.Sprintf("%d edges between what %d resources name, beyond reading and saving them; median of 3. The reference reads, decodes and copies each row",
			last.Relationships, last.Resources)}}, nil
}
