package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

const (
	storedJobs = 100_000
	fillers    = 8 // connections that submit them
)

// jobList lists jobs page by page, from the newest one on, and with filters that no job passes, so that all are looked at.
// The reference is a bare server that answers the text of one page.
func (b bench) jobList(ctx context.Context) ([]figure, error) {
	s, err := b.startService(ctx, serviceOptions{concurrency: 1})
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if _, err := s.occupy(ctx); err != nil {
		return nil, err
	}
	filled, err := s.fill(ctx, storedJobs)
	if err != nil {
		return nil, err
	}
	c, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = c.conn.Close() })()

	var first, following, filtered []float64
	var page backend.JobPage
	var text []byte
	list := func(into *[]float64, query string, jobs int) (err error) {
		sent := time.Now()
		if text, err = c.call("GET", api.PathJobs+query, nil); err != nil {
			return err
		}
		*into = append(*into, milliseconds(time.Since(sent)))
		page = backend.JobPage{}
		if err := json.Unmarshal(text, &page); err != nil {
			return err
		}
		if len(page.Jobs) != jobs {
			return fmt.Errorf("a page of %s has %d jobs and not %d", query, len(page.Jobs), jobs)
		}
		return nil
	}
	for range 100 {
		if err := list(&filtered, "?limit=100&status=completed", 0); err != nil {
			return nil, err
		}
		if err := list(&first, "?limit=100", 100); err != nil {
			return nil, err
		}
	}
	for range 100 {
		if err := list(&following, "?limit=100&cursor="+url.QueryEscape(page.Cursor), 100); err != nil {
			return nil, err
		}
	}
	reference, err := b.answering(ctx, text)
	if err != nil {
		return nil, err
	}
	worst := max(percentile(first, 99), percentile(following, 99), percentile(filtered, 99))
	return []figure{{Name: "job_list_ms", Value: round(worst), Unit: "ms", Goal: "<= 200", Reference: round(reference),
		Note: fmt.Sprintf("the worst p99 of three; medians: first page of 100 %.1f ms, following ones %.1f ms, a filter that none of %d jobs passes %.1f ms; "+
			"the reference is the p99 of a bare HTTPS server that answers the text of a page; the jobs were stored at %.0f/s",
			median(first), median(following), storedJobs, median(filtered), filled)}}, nil
}

// fill stores jobs, and answers how many a second.
func (s *service) fill(ctx context.Context, jobs int) (rate float64, err error) {
	var batch api.Batch
	for range backend.MaxBatch {
		batch.Operations = append(batch.Operations, api.BatchOperation{Operation: backend.OpScan, Body: json.RawMessage(`{"tenant_id":"wait"}`)})
	}
	body, err := json.Marshal(batch)
	if err != nil {
		return 0, err
	}
	left := atomic.Int64{}
	left.Store(int64(jobs / backend.MaxBatch))
	began := time.Now()
	// Each caller stops when none is left: the time is only the longest that it may take.
	_, err = s.load(ctx, fillers, 5*time.Minute, func(c *caller) error {
		if left.Add(-1) < 0 {
			return errEnough
		}
		text, err := c.call("POST", api.PathBatch, body)
		if err != nil {
			return err
		}
		var answer api.BatchAnswer
		if err := json.Unmarshal(text, &answer); err != nil {
			return err
		}
		for _, item := range answer.Items {
			if item.Problem != nil {
				return fmt.Errorf("a job was refused: %s", item.Problem.Code)
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return float64(jobs) / time.Since(began).Seconds(), nil
}

// answering is the p99 of how long a bare server takes to answer a text.
func (b bench) answering(ctx context.Context, text []byte) (float64, error) {
	least, err := b.startBare(ctx)
	if err != nil {
		return 0, err
	}
	defer least.stop()
	if _, err := least.once(ctx, "PUT", "/answer", text); err != nil {
		return 0, err
	}
	bare, err := least.load(ctx, 1, time.Second, func(c *caller) error { _, err := c.call("GET", "/answer", nil); return err })
	if err != nil {
		return 0, err
	}
	return bare.percentile(99), nil
}
