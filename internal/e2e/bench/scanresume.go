package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

const (
	resumeScaledUp = 2    // times as many resources as the other measures have
	resumeAt       = 0.95 // share of the queries for rows that are answered when the scan is killed
	resumeLook     = 5 * time.Millisecond
)

// resumeSaved kills a scan, host and backend, and has it go on. The figure is the share of the queries for rows answered
// before that were not asked again.
func (b bench) resumeSaved(ctx context.Context) ([]figure, error) {
	b, done, err := b.apart()
	if err != nil {
		return nil, err
	}
	defer done()
	sim, err := b.startSimulator(ctx, "--synthetic", strconv.Itoa(resumeScaledUp*b.scale), "--quota", "0", "--no-arm-limits", "--control")
	if err != nil {
		return nil, err
	}
	defer sim.stop()
	whole, err := b.scan(ctx, sim, "--depth", "resources")
	if err != nil {
		return nil, err
	}
	undisturbed, err := sim.rowQueries(ctx)
	if err != nil {
		return nil, err
	}
	if err := sim.forget(ctx); err != nil {
		return nil, err
	}
	before, err := b.killed(ctx, sim, int(resumeAt*float64(undisturbed)))
	if err != nil {
		return nil, err
	}
	rest, err := b.scan(ctx, sim, "--resume", "last")
	if err != nil {
		return nil, err
	}
	both, err := sim.rowQueries(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.alike(ctx, whole, rest); err != nil {
		return nil, err
	}
	return []figure{{Name: "resume_saved", Value: round(1 - float64(both-undisturbed)/float64(before)), Unit: "ratio", Goal: ">= 0.9", Reference: 1,
		Note: fmt.Sprintf("%d resources; killed after %d of %d queries for rows, both attempts together asked %d; the resumed one took %.1f s of the %.1f s of a whole one, and its snapshot has the same counts",
			whole.Resources, before, undisturbed, both, rest.wall.Seconds(), whole.wall.Seconds())}}, nil
}

// killed kills a scan and its backend once so many queries for rows were answered, and answers how many were in the end.
func (b bench) killed(ctx context.Context, sim *simulator, queries int) (answered int, err error) {
	cmd := b.scanCommand(ctx, sim, "--depth", "resources")
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	over := make(chan error, 1)
	go func() { over <- cmd.Wait() }()
	for answered < queries {
		select {
		case err := <-over:
			return 0, fmt.Errorf("the scan ended after %d queries, before it was killed: %w", answered, err)
		default:
		}
		if answered, err = sim.rowQueries(ctx); err != nil {
			break
		}
		if answered < queries {
			err = pause(ctx, resumeLook)
		}
		if err != nil {
			break
		}
	}
	backend := child(cmd.Process.Pid)
	killed := cmd.Process.Kill()
	if p, err := os.FindProcess(backend); backend != 0 && err == nil {
		_ = p.Kill() // it may have died of its host's death
	}
	ended := (*exec.ExitError)(nil)
	if state := <-over; err == nil && !errors.As(state, &ended) {
		err = fmt.Errorf("the scan was over before it was killed: %w", errors.Join(killed, state))
	}
	if err == nil && backend == 0 {
		err = errors.New("the scan's backend was not seen")
	}
	if err != nil {
		return 0, err
	}
	return sim.rowQueries(ctx)
}

// rowQueries counts the queries for rows that the simulator has answered well.
func (s *simulator) rowQueries(ctx context.Context) (n int, err error) {
	received, err := s.requests(ctx)
	for _, r := range received {
		if r.Status == http.StatusOK && strings.Contains(r.Body, "order by id asc") {
			n++
		}
	}
	return n, err
}

// alike compares what the backend tells of two snapshots, but for what is each one's own.
func (b bench) alike(ctx context.Context, one, other scanned) error {
	var told [][]byte
	for _, s := range []scanned{one, other} {
		cmd := b.command(ctx, b.program("atg"), "snapshot", "show", s.Snapshot.ID, "-o", "json")
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("%v: %w", cmd.Args, err)
		}
		var detail map[string]any
		if err := json.Unmarshal(out, &detail); err != nil {
			return err
		}
		counts := map[string]any{"relationships": s.Relationships, "resources": s.Resources}
		for name, value := range detail {
			if strings.HasPrefix(name, "by_") {
				counts[name] = value
			}
		}
		text, err := json.Marshal(counts)
		if err != nil {
			return err
		}
		told = append(told, text)
	}
	if !bytes.Equal(told[0], told[1]) {
		return fmt.Errorf("the snapshots differ:\n%s\n%s", told[0], told[1])
	}
	return nil
}

// escaped is a path as it stands in a request.
func escaped(path string) string { return (&url.URL{Path: path}).EscapedPath() }
