package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/api"
)

const (
	submitters = 64
	recordSize = 600 // bytes, about those of a job's record
)

// scanBody is a scan, for the benchmarks' backend one that waits.
var scanBody = []byte(`{"tenant_id": "wait", "subscriptions": ["00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"],
	"resource_types": ["Microsoft.Compute/virtualMachines", "Microsoft.Network/virtualNetworks"], "depth": "resources"}`)

// submitRate submits jobs over HTTPS, each durable when it is answered, in rounds; before each, the disk shows how often it can
// append a record of that size and sync it.
func (b bench) submitRate(ctx context.Context) ([]figure, error) {
	s, err := b.startService(ctx, serviceOptions{concurrency: 1})
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if _, err := s.occupy(ctx); err != nil {
		return nil, err
	}
	var n atomic.Int64
	submit := func(c *caller) error {
		_, err := c.call("POST", api.PathScan, scanBody, api.HeaderIdempotencyKey+": bench-"+strconv.FormatInt(n.Add(1), 10))
		return err
	}
	var rates, ms, syncs, syncMS []float64
	for range 3 {
		disk, err := syncRate(s.dir, time.Second)
		if err != nil {
			return nil, err
		}
		syncs, syncMS = append(syncs, disk.rate), append(syncMS, disk.ms...)
		round, err := s.load(ctx, submitters, 3*time.Second, submit)
		if err != nil {
			return nil, err
		}
		rates, ms = append(rates, round.rate), append(ms, round.ms...)
	}
	return []figure{
		{Name: "submit_rate", Value: round(median(rates)), Unit: "jobs/s", Goal: ">= 1500", Reference: round(median(syncs)),
			Note: fmt.Sprintf("%d submitters over HTTPS, %d cores for both sides; the reference is how often the disk appends and syncs %d bytes",
				submitters, runtime.NumCPU(), recordSize)},
		{Name: "submit_p99_ms", Value: round(percentile(ms, 99)), Unit: "ms", Goal: "<= 50", Reference: round(percentile(syncMS, 99)),
			Note: fmt.Sprintf("median %.1f ms; the reference is that of one append and sync", median(ms))},
	}, nil
}

// syncRate appends records to a file in a folder and syncs each, for a while.
func syncRate(dir string, d time.Duration) (s sample, err error) {
	file, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	record := make([]byte, recordSize)
	began := time.Now()
	for time.Since(began) < d {
		sent := time.Now()
		if _, err := file.Write(record); err != nil {
			return s, err
		}
		if err := file.Sync(); err != nil {
			return s, err
		}
		s.ms = append(s.ms, milliseconds(time.Since(sent)))
	}
	s.rate = float64(len(s.ms)) / time.Since(began).Seconds()
	return s, nil
}
