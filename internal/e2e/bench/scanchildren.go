package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	deepResources = 5000 // so that the simulator, which keeps 20,000 requests, can tell all calls for their children
	deepCallers   = 16
)

// scanChildren scans a synthetic tenant with the children that only Resource Manager lists, without limits. The reference is
// how many rows a second came if a bare client made the same calls to Resource Manager over 16 connections and dropped the answers.
func (b bench) scanChildren(ctx context.Context) ([]figure, error) {
	b, done, err := b.apart()
	if err != nil {
		return nil, err
	}
	defer done()
	sim, err := b.startSimulator(ctx, "--synthetic", strconv.Itoa(deepResources), "--quota", "0", "--no-arm-limits", "--control")
	if err != nil {
		return nil, err
	}
	defer sim.stop()
	var rates, bare []float64
	var rows int64
	var calls int
	for range 3 {
		if err := sim.forget(ctx); err != nil {
			return nil, err
		}
		result, err := b.scan(ctx, sim, "--depth", "children", "--identities", "none")
		if err != nil {
			return nil, err
		}
		rows = result.Resources
		rates = append(rates, float64(rows)/result.Seconds)
		n, seconds, err := sim.repeat(ctx)
		if err != nil {
			return nil, err
		}
		calls = n
		bare = append(bare, float64(rows)/seconds)
	}
	if calls == 0 || rows <= deepResources {
		return nil, fmt.Errorf("%d rows came of %d calls for children", rows, calls)
	}
	return []figure{{Name: "scan_rate_children", Value: round(median(rates)), Unit: "rows/s", Goal: "", Reference: round(median(bare)),
		Note: fmt.Sprintf("%d resources with their children, %d rows in all, by %d calls to Resource Manager beside the queries, medians of 3; "+
			"the reference makes these calls over %d connections and drops the answers: %.0f calls/s",
			deepResources, rows, calls, deepCallers, median(bare)*float64(calls)/float64(rows))}}, nil
}

// request is one that the simulator has received.
type request struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Query  string `json:"query"`
	Body   string `json:"body"`
	Status int    `json:"status"`
}

// requests are those that the simulator has received since forget.
func (s *simulator) requests(ctx context.Context) ([]request, error) {
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	asked, err := http.NewRequestWithContext(ctx, http.MethodGet, s.endpoint()+"/_sim/requests", nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(asked)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	var all struct {
		Total    int       `json:"total"`
		Requests []request `json:"requests"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&all); err != nil {
		return nil, fmt.Errorf("the simulator's requests: %w", err)
	}
	if all.Total != len(all.Requests) {
		return nil, fmt.Errorf("the simulator kept %d of %d requests", len(all.Requests), all.Total)
	}
	return all.Requests, nil
}

func (s *simulator) endpoint() string { return s.values["ATG_AZURE_RESOURCE_MANAGER_ENDPOINT"] }

// forget has the simulator forget its requests.
func (s *simulator) forget(ctx context.Context) error {
	t, err := newTarget(s.endpoint(), s.ca, "")
	if err != nil {
		return err
	}
	_, err = t.once(ctx, http.MethodDelete, "/_sim/requests", nil)
	return err
}

// repeat makes the calls to Resource Manager that the simulator has received once more, and answers how many they were and how long it took.
func (s *simulator) repeat(ctx context.Context) (calls int, seconds float64, err error) {
	received, err := s.requests(ctx)
	if err != nil {
		return 0, 0, err
	}
	var paths []string
	for _, r := range received {
		if r.Method == http.MethodGet && r.Status == http.StatusOK {
			paths = append(paths, escaped(r.Path)+"?"+r.Query)
		}
	}
	client, err := s.client()
	if err != nil {
		return 0, 0, err
	}
	token, err := s.token(ctx, client)
	if err != nil {
		return 0, 0, err
	}
	t, err := newTarget(s.endpoint(), s.ca, token)
	if err != nil {
		return 0, 0, err
	}
	next := atomic.Int64{}
	began := time.Now()
	_, err = t.load(ctx, deepCallers, 5*time.Minute, func(c *caller) error {
		i := int(next.Add(1)) - 1
		if i >= len(paths) {
			return errEnough
		}
		_, err := c.call(http.MethodGet, paths[i], nil)
		return err
	})
	if err == nil && len(paths) == 0 {
		err = errors.New("the simulator has received no calls")
	}
	return len(paths), time.Since(began).Seconds(), err
}
