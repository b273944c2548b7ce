package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/api"
)

const (
	floodConns   = 2048            // of the flood
	floodSpan    = 5 * time.Second // how long it goes on
	floodRounds  = 4               // the first one without overload
	floodTimes   = 3               // the load that can be served
	probePause   = 10 * time.Millisecond
	probeStreak  = 50 // submissions in a row that are served as before: the service has recovered
	probeTimeout = 60 * time.Second
)

// flooded is the report of the program flood.
type flooded struct {
	Seconds     float64        `json:"seconds"`
	Sent        int            `json:"sent"`
	Accepted    int            `json:"accepted"`
	Refused     map[string]int `json:"refused"`
	Unclear     int            `json:"unclear"`
	Unsent      int            `json:"unsent"`
	AcceptedP50 float64        `json:"accepted_p50"`
	AcceptedP99 float64        `json:"accepted_p99"`
	AcceptedMax float64        `json:"accepted_max"`
	RefusedP50  float64        `json:"refused_p50"`
	RefusedP99  float64        `json:"refused_p99"`
}

// overloaded floods a service, and answers the most memory that it has meanwhile, in KiB.
func (b bench) overloaded(ctx context.Context, s *service, name string, rate float64) (over flooded, peak float64, err error) {
	watching, stop := context.WithCancel(ctx)
	most := make(chan float64, 1)
	go func() { most <- s.mostResident(watching) }()
	over, err = b.flood(ctx, s, name, rate, floodConns, floodSpan)
	stop()
	return over, <-most, err
}

// rate is how many were accepted each second; 0 of a flood that never was.
func (f flooded) rate() float64 { return float64(f.Accepted) / max(f.Seconds, 1e-9) }

// overload offers the service three times the submissions that it can serve, by a process of its own, and holds those that it accepts
// against those that it accepts when it is just busy.
func (b bench) overload(ctx context.Context) ([]figure, error) {
	s, err := b.startService(ctx, serviceOptions{concurrency: 1})
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if _, err := s.occupy(ctx); err != nil {
		return nil, err
	}
	var best, busy, over flooded
	var ratios []float64
	var quiet, peak float64
	for round := range floodRounds {
		name := strconv.Itoa(round)
		if busy, err = b.flood(ctx, s, "busy-"+name, 0, submitters, floodSpan); err != nil {
			return nil, err
		}
		if busy.rate() > best.rate() {
			best = busy
		}
		if round == 0 {
			continue // what comes first is slower
		}
		if quiet, err = settled(ctx, s.program); err != nil {
			return nil, err
		}
		if over, peak, err = b.overloaded(ctx, s, "over-"+name, floodTimes*best.rate()); err != nil {
			return nil, err
		}
		ratios = append(ratios, over.AcceptedP99/busy.AcceptedP99)
	}
	recovery, err := s.recovery(ctx, busy.AcceptedP99)
	if err != nil {
		return nil, err
	}
	share := float64(over.Sent-over.Accepted) / float64(max(1, over.Sent))
	note := fmt.Sprintf("median of the ratios %.2f. The last of them: p99 %.1f ms (median %.1f, longest %.1f) when %.0f/s are offered, over %.1f ms when %d submitters get %.0f/s. "+
		"Of those offered %.0f/s were sent, %.0f/s accepted, %.0f %% of the sent refused (%s; p99 %.0f ms; %d without Retry-After)",
		ratios, over.AcceptedP99, over.AcceptedP50, over.AcceptedMax, floodTimes*best.rate(), busy.AcceptedP99, submitters, busy.rate(),
		float64(over.Sent)/over.Seconds, over.rate(), 100*share, statuses(over.Refused), over.RefusedP99, over.Unclear)
	return []figure{
		{Name: "overload_p99_ratio", Value: round(median(ratios)), Unit: "ratio", Goal: "<= 3", Reference: 1, Note: note},
		{Name: "overload_rss_mb", Value: round(peak / 1024), Unit: "MiB", Reference: round(quiet / 1024),
			Note: fmt.Sprintf("most resident memory of the service meanwhile; the reference is what it has before. %d jobs were accepted meanwhile, and stay in its index", over.Accepted)},
		{Name: "overload_recovery_s", Value: round(recovery.Seconds()), Unit: "s",
			Note: fmt.Sprintf("from the end of the flood until the first of %d submissions in a row that are accepted within %.1f ms", probeStreak, busy.AcceptedP99)},
	}, nil
}

func statuses(refused map[string]int) string {
	var all []string
	for status, count := range refused {
		all = append(all, fmt.Sprintf("%d of status %s", count, status))
	}
	return strings.Join(all, ", ")
}

// flood runs the program flood against a service.
func (b bench) flood(ctx context.Context, s *service, name string, rate float64, conns int, span time.Duration) (f flooded, err error) {
	cmd := b.command(ctx, b.built("flood"), "-host", strings.TrimPrefix(s.url, "https://"), "-ca", s.ca, "-path", api.PathScan, "-name", name,
		"-body", string(scanBody), "-rate", strconv.FormatFloat(rate, 'f', 1, 64), "-conns", strconv.Itoa(conns), "-for", span.String())
	cmd.Env = b.environment("FLOOD_KEY=" + s.key)
	var wrong bytes.Buffer
	cmd.Stderr = &wrong
	out, err := cmd.Output()
	if err != nil {
		return f, fmt.Errorf("%w: %s\n%s", err, wrong.Bytes(), s.tail())
	}
	return f, json.Unmarshal(out, &f)
}

// mostResident is the most resident memory that a program has until ctx ends, in KiB.
func (p *program) mostResident(ctx context.Context) (most float64) {
	for pause(ctx, 20*time.Millisecond) == nil {
		now, err := p.resident()
		if err != nil {
			return most
		}
		most = max(most, now)
	}
	return most
}

// recovery is how long it takes until submissions are served again as they were before.
func (s *service) recovery(ctx context.Context, within float64) (time.Duration, error) {
	ended := time.Now()
	c, err := s.dial(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.conn.Close() }()
	streak, first := 0, time.Duration(0)
	for time.Since(ended) < probeTimeout {
		sent := time.Now()
		_, err := c.call("POST", api.PathScan, scanBody)
		switch {
		case err != nil, milliseconds(time.Since(sent)) > within:
			streak = 0
		case streak == 0:
			streak, first = 1, time.Since(ended)
		default:
			streak++
		}
		if streak == probeStreak {
			return first, nil
		}
		if err := pause(ctx, probePause); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("the service has not recovered within %s", probeTimeout)
}
