package main

import (
	"context"
	"fmt"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/api"
)

// askers are how many connections ask for states.
const askers = 32

// statusRate asks for a job's status over connections that stay open. The reference is a bare server that answers the same
// text, asked alternately.
func (b bench) statusRate(ctx context.Context) ([]figure, error) {
	s, err := b.startService(ctx, serviceOptions{concurrency: 1})
	if err != nil {
		return nil, err
	}
	defer s.stop()
	id, err := s.occupy(ctx)
	if err != nil {
		return nil, err
	}
	least, err := b.startBare(ctx)
	if err != nil {
		return nil, err
	}
	defer least.stop()
	path := api.Fill(api.PathJob, id)
	answer, err := s.once(ctx, "GET", path, nil)
	if err != nil {
		return nil, err
	}
	if _, err := least.once(ctx, "PUT", "/answer", answer); err != nil {
		return nil, err
	}
	var rates, reference, ms []float64
	for range 3 {
		own, err := s.load(ctx, askers, 2*time.Second, func(c *caller) error { _, err := c.call("GET", path, nil); return err })
		if err != nil {
			return nil, err
		}
		bare, err := least.load(ctx, askers, time.Second, func(c *caller) error { _, err := c.call("GET", "/answer", nil); return err })
		if err != nil {
			return nil, err
		}
		rates, reference, ms = append(rates, own.rate), append(reference, bare.rate), append(ms, own.ms...)
	}
	return []figure{{Name: "status_rate", Value: round(median(rates)), Unit: "answers/s", Goal: ">= 5000", Reference: round(median(reference)),
		Note: fmt.Sprintf("%d connections, p99 %.1f ms; the reference is a bare HTTPS server that answers the same text", askers, percentile(ms, 99))}}, nil
}
