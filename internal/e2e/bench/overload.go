package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/api"
)

const (
	floodConns   = 1024             // of the flood
	floodSpan    = 10 * time.Second // how long it goes on
	floodTimes   = 3                // the load that can be served
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

func (f flooded) rate() float64 { return float64(f.Accepted) / f.Seconds }

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
	if _, err := b.flood(ctx, s, "warm", 0, submitters, time.Second); err != nil {
		return nil, err
	}
	busy, err := b.flood(ctx, s, "busy", 0, submitters, floodSpan/2)
	if err != nil {
		return nil, err
	}
	below, err := b.flood(ctx, s, "below", 0.8*busy.rate(), floodConns, floodSpan/2)
	if err != nil {
		return nil, err
	}
	quiet, err := settled(ctx, s.program)
	if err != nil {
		return nil, err
	}
	watching, stop := context.WithCancel(ctx)
	most := make(chan float64, 1)
	go func() { most <- s.mostResident(watching) }()
	over, err := b.flood(ctx, s, "over", floodTimes*busy.rate(), floodConns, floodSpan)
	stop()
	peak := <-most
	if err != nil {
		return nil, err
	}
	recovery, err := s.recovery(ctx, busy.AcceptedP99)
	if err != nil {
		return nil, err
	}
	share := float64(over.Sent-over.Accepted) / float64(max(1, over.Sent))
	note := fmt.Sprintf("p99 of accepted submissions %.1f ms (median %.1f, longest %.1f) with %.0f/s offered for %s, over %.1f ms with %d submitters in a closed loop, which get %.0f/s; "+
		"at 0.8 of that, offered, p99 is %.1f ms. %.0f/s were accepted, %.0f %% refused (%s; p99 of refusals %.1f ms; %d without Retry-After), %d not sent for want of one of %d connections",
		over.AcceptedP99, over.AcceptedP50, over.AcceptedMax, floodTimes*busy.rate(), floodSpan, busy.AcceptedP99, submitters, busy.rate(),
		below.AcceptedP99, over.rate(), 100*share, statuses(over.Refused), over.RefusedP99, over.Unclear, over.Unsent, floodConns)
	return []figure{
		{Name: "overload_p99_ratio", Value: round(over.AcceptedP99 / busy.AcceptedP99), Unit: "ratio", Goal: "<= 3", Reference: 1, Note: note},
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
	out, err := cmd.Output()
	if err != nil {
		return f, fmt.Errorf("flood: %w\n%s", err, s.tail())
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
