package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"
)

const (
	remoteResources = 10_000
	remoteRuns      = 7
)

// remoteScan times the same scan by both ways, alternately: in the local backend, and through the service whose worker runs the same
// backend. Each is a whole command.
func (b bench) remoteScan(ctx context.Context) ([]figure, error) {
	sim, err := b.startSimulator(ctx, "--synthetic", strconv.Itoa(remoteResources), "--quota", "0")
	if err != nil {
		return nil, err
	}
	defer sim.stop()
	s, err := b.startService(ctx, serviceOptions{local: true, concurrency: 1, env: sim.env})
	if err != nil {
		return nil, err
	}
	defer s.stop()

	scan := func(flags ...string) (float64, error) {
		cmd := b.command(ctx, b.program("atg"), append(flags, "scan", "-q", "--depth", "resources", "-o", "json")...)
		cmd.Env, cmd.Stderr = b.environment(sim.env...), os.Stderr
		began := time.Now()
		out, err := cmd.Output()
		took := milliseconds(time.Since(began))
		if err != nil {
			return 0, fmt.Errorf("%v: %w\n%s", cmd.Args, err, s.tail())
		}
		var result struct {
			Resources int64 `json:"resources"`
		}
		if err := json.Unmarshal(out, &result); err != nil {
			return 0, fmt.Errorf("%v: %w", cmd.Args, err)
		}
		if result.Resources < remoteResources { // there are locks beside them
			return 0, fmt.Errorf("%v found %d of %d resources", cmd.Args, result.Resources, remoteResources)
		}
		return took, nil
	}
	var local, remote []float64
	for range remoteRuns {
		ms, err := scan()
		if err != nil {
			return nil, err
		}
		local = append(local, ms)
		if ms, err = scan("--profile", profile); err != nil {
			return nil, err
		}
		remote = append(remote, ms)
	}
	own, reference := median(remote), median(local)
	return []figure{{Name: "remote_scan_overhead", Value: round(own / reference), Unit: "ratio", Goal: "<= 1.15, or 300 ms more", Reference: 1,
		Note: fmt.Sprintf("%d resources, whole commands, medians of %d alternating: %.0f ms through the service, %.0f ms locally, %.0f ms more",
			remoteResources, remoteRuns, own, reference, own-reference)}}, nil
}
