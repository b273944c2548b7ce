package main

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// Resource Graph's quota as Microsoft documents it, and as the simulator keeps it.
const (
	quotaQueries  = 15
	quotaWindow   = 5 * time.Second
	quotaPage     = 1000 // rows
	quotaLatency  = 30 * time.Millisecond
	quotaScaledUp = 3 // times as many resources as the other measures have
)

// scanQuota holds the time of a scan within Resource Graph's quota against the time before which nobody can have all rows:
// those of each table in full pages, so many queries a window, the first window at once.
func (b bench) scanQuota(ctx context.Context) ([]figure, error) {
	b, done, err := b.apart()
	if err != nil {
		return nil, err
	}
	defer done()
	sim, err := b.startSimulator(ctx, "--synthetic", strconv.Itoa(quotaScaledUp*b.scale), "--latency", quotaLatency.String())
	if err != nil {
		return nil, err
	}
	defer sim.stop()
	result, err := b.scan(ctx, sim, "--depth", "resources")
	if err != nil {
		return nil, err
	}
	rows := map[string]int64{}
	for _, e := range result.Coverage.Entries {
		if e.Kind != "locks" { // of Resource Manager
			rows[e.Kind] += e.Listed
		}
	}
	var queries, all int64
	for _, n := range rows {
		queries += max((n+quotaPage-1)/quotaPage, 1)
		all += n
	}
	bound := time.Duration((queries-1)/quotaQueries) * quotaWindow
	if bound == 0 {
		return nil, fmt.Errorf("%d queries fit into one window", queries)
	}
	return []figure{{Name: "scan_quota_ratio", Value: round(result.wall.Seconds() / bound.Seconds()), Unit: "ratio", Goal: "<= 1.1", Reference: 1,
		Note: fmt.Sprintf("%d rows of %d tables in %.1f s, the whole command at depth resources; the reference is the %.0f s into which %d queries fit, %d each %s, the first at once; answers take %s",
			all, len(rows), result.wall.Seconds(), bound.Seconds(), queries, quotaQueries, quotaWindow, quotaLatency)}}, nil
}
