package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

// scanRate scans a large synthetic tenant, simulator in a process of its own, no quota, no latency.
// The reference is the rate at which a bare client reads as many bytes of rows from that simulator
// and does nothing with them.
func (b bench) scanRate(ctx context.Context) ([]figure, error) {
	sim, err := b.startSimulator(ctx, "--synthetic", strconv.Itoa(b.scale), "--quota", "0")
	if err != nil {
		return nil, err
	}
	defer sim.stop()

	var rates []float64
	for range 3 {
		cmd := b.command(ctx, b.program("atg"), "scan", "-q", "-o", "json")
		cmd.Env = b.environment(sim.env...)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%v: %w", cmd.Args, err)
		}
		var result struct {
			Resources int64   `json:"resources"`
			Seconds   float64 `json:"duration_seconds"`
		}
		if err := json.Unmarshal(out, &result); err != nil {
			return nil, fmt.Errorf("the scan's result: %w", err)
		}
		if result.Resources != int64(b.scale) {
			return nil, fmt.Errorf("the scan found %d of %d resources", result.Resources, b.scale)
		}
		rates = append(rates, float64(result.Resources)/result.Seconds)
	}
	reference, err := sim.bareRate(ctx)
	if err != nil {
		return nil, err
	}
	return []figure{{Name: "scan_rate", Value: round(median(rates)), Unit: "resources/s", Goal: "set in part 3", Reference: round(reference),
		Note: fmt.Sprintf("%d synthetic resources; the reference only reads the same pages and drops them", b.scale)}}, nil
}

// simulator is a running atg-azuresim.
type simulator struct {
	*program
	env    []string
	ca     string
	values map[string]string
}

func (b bench) startSimulator(ctx context.Context, args ...string) (*simulator, error) {
	cmd := b.command(ctx, b.program("atg-azuresim"), append([]string{"serve", "--until-stdin-closes"}, args...)...)
	var ready struct {
		CAFile string            `json:"ca_file"`
		Env    map[string]string `json:"env"`
	}
	p, err := b.start(cmd, &ready)
	if err != nil {
		return nil, err
	}
	s := &simulator{program: p, ca: ready.CAFile, values: ready.Env}
	for name, value := range ready.Env {
		s.env = append(s.env, name+"="+value)
	}
	return s, nil
}

// bareRate reads the tenant's resources page by page and drops them.
func (s *simulator) bareRate(ctx context.Context) (float64, error) {
	client, err := s.client()
	if err != nil {
		return 0, err
	}
	token, err := s.token(ctx, client)
	if err != nil {
		return 0, err
	}
	began, rows, skip := time.Now(), 0, ""
	for {
		body := map[string]any{"query": "resources | order by id asc", "options": map[string]any{"resultFormat": "objectArray", "$top": 1000}}
		if skip != "" {
			body["options"] = map[string]any{"resultFormat": "objectArray", "$top": 1000, "$skipToken": skip}
		}
		page, err := s.page(ctx, client, token, body)
		if err != nil {
			return 0, err
		}
		rows += page.Count
		if skip = page.SkipToken; skip == "" {
			return float64(rows) / time.Since(began).Seconds(), nil
		}
	}
}

type page struct {
	Count     int
	SkipToken string
}

// page asks for a page and reads its count and token alone.
func (s *simulator) page(ctx context.Context, client *http.Client, token string, body any) (page, error) {
	answer, err := s.post(ctx, client, s.values["ATG_AZURE_RESOURCE_MANAGER_ENDPOINT"]+
		"/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01", token, body)
	if err != nil {
		return page{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		content, _ := io.ReadAll(io.LimitReader(answer.Body, 4096))
		return page{}, fmt.Errorf("%s: %s", answer.Status, content)
	}
	return readPage(answer.Body)
}
