package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"
)

const (
	diffRuns      = 3
	diffScaleDown = 10  // the smaller tenant has so many times fewer resources
	diffChanges   = 100 // of the resources, one in so many is added, and one is deleted
)

// diff times the comparison of two scans of a synthetic tenant that has changed in between, and holds the memory that it takes against that
// for a tenant a tenth as large. The reference reads the rows of both snapshots, one after the other.
func (b bench) diff(ctx context.Context) ([]figure, error) {
	large, err := b.compared(ctx, b.scale, diffRuns)
	if err != nil {
		return nil, err
	}
	small, err := b.compared(ctx, b.scale/diffScaleDown, 1)
	if err != nil {
		return nil, err
	}
	return []figure{
		{Name: "diff_s", Value: round(median(large.seconds)), Unit: "s", Goal: "<= 5", Reference: round(median(large.bare)),
			Note: fmt.Sprintf("atg snapshot diff of two snapshots of %d resources, %d added, %d removed, whole command, median of %d; the reference decodes and encodes the rows of both, one after the other",
				b.scale, large.added, large.removed, diffRuns)},
		{Name: "diff_rss_growth", Value: round(large.peak / small.peak), Unit: "ratio", Goal: "<= 1.3", Reference: 1,
			Note: fmt.Sprintf("peak memory of the backend in these at %d resources over that at %d: %.0f over %.0f MiB", b.scale, b.scale/diffScaleDown, large.peak, small.peak)},
	}, nil
}

// comparison is what the comparisons of two snapshots took.
type comparison struct {
	seconds, bare  []float64
	peak           float64 // the most memory of the backend, in MiB
	added, removed int64
}

// compared scans so many resources twice, with changes in between, and compares some times.
func (b bench) compared(ctx context.Context, resources, runs int) (*comparison, error) {
	bare := b.built("barerows")
	b, done, err := b.apart()
	if err != nil {
		return nil, err
	}
	defer done()
	sim, err := b.startSimulator(ctx, "--synthetic", strconv.Itoa(resources), "--quota", "0", "--no-arm-limits", "--control")
	if err != nil {
		return nil, err
	}
	defer sim.stop()
	before, err := b.scan(ctx, sim, "--depth", "resources")
	if err != nil {
		return nil, err
	}
	changes := resources / diffChanges
	if err := sim.change(ctx, changes); err != nil {
		return nil, err
	}
	after, err := b.scan(ctx, sim, "--depth", "resources")
	if err != nil {
		return nil, err
	}
	c := &comparison{}
	for range runs {
		if err := b.compareOnce(ctx, before.Snapshot.ID, after.Snapshot.ID, c); err != nil {
			return nil, err
		}
		if c.added != int64(changes) || c.removed != int64(changes) {
			return nil, fmt.Errorf("%d were added and %d removed, and not %d each", c.added, c.removed, changes)
		}
		var took float64
		for _, s := range []scanned{before, after} {
			rate, err := b.bareRows(ctx, bare, s.Snapshot.ID)
			if err != nil {
				return nil, err
			}
			took += float64(s.Resources) / rate
		}
		c.bare = append(c.bare, took)
	}
	return c, nil
}

// change has the simulator add and delete so many resources when the next scan begins.
func (s *simulator) change(ctx context.Context, resources int) error {
	t, err := newTarget(s.endpoint(), s.ca, "")
	if err != nil {
		return err
	}
	faults, err := json.Marshal(map[string]any{"changes": []map[string]any{{"path": "^/tenants", "times": 1, "add": resources, "delete": resources}}})
	if err != nil {
		return err
	}
	_, err = t.once(ctx, http.MethodPost, "/_sim/faults", faults)
	return err
}

// compareOnce runs atg snapshot diff, and looks at its memory meanwhile.
func (b bench) compareOnce(ctx context.Context, before, after string, c *comparison) error {
	cmd := b.command(ctx, b.program("atg"), "snapshot", "diff", before, after, "-q", "-o", "json")
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
		Complete bool  `json:"complete"`
		Changed  int64 `json:"changed"`
		Changes  []struct {
			Change string `json:"change"`
			Kind   string `json:"kind"`
		} `json:"changes"`
	}
	if err := json.Unmarshal(out.Bytes(), &result); err != nil {
		return fmt.Errorf("%v: %w", cmd.Args, err)
	}
	if !result.Complete || result.Changed > 0 || p.backend == 0 {
		return errors.New("the comparison is incomplete or wrong, or its backend was not seen")
	}
	c.added, c.removed, c.peak = 0, 0, max(c.peak, p.backend)
	for _, change := range result.Changes { // identities go with the resources that they belong to
		switch change.Kind + " " + change.Change {
		case "resource added":
			c.added++
		case "resource removed":
			c.removed++
		}
	}
	c.seconds = append(c.seconds, took.Seconds())
	return nil
}
