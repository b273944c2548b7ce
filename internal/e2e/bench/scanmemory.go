package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

const memoryScaledUp = 10 // times as many resources as the other measures have

// scanMemory holds the memory of a scan against that of one a tenth as large. The peaks are VmHWM in /proc, looked at until the
// processes end, each of them by itself: what wait4 tells of the host includes the backend that it has waited for.
func (b bench) scanMemory(ctx context.Context) ([]figure, error) {
	small, err := b.peaks(ctx, b.scale)
	if err != nil {
		return nil, err
	}
	large, err := b.peaks(ctx, memoryScaledUp*b.scale)
	if err != nil {
		return nil, err
	}
	return []figure{
		{Name: "scan_rss_growth", Value: round(large.sum() / small.sum()), Unit: "ratio", Goal: "<= 1.3", Reference: 1,
			Note: fmt.Sprintf("peak memory of host and backend at %d resources over that at %d: %.0f MiB over %.0f MiB",
				memoryScaledUp*b.scale, b.scale, large.sum(), small.sum())},
		{Name: "scan_rss_mb", Value: round(max(large.host, large.backend)), Unit: "MiB", Goal: "<= 150", Reference: round(max(small.host, small.backend)),
			Note: fmt.Sprintf("the larger of host and backend: at %d resources %.0f and %.0f MiB, %.0f resources/s; at %d, the reference, %.0f and %.0f MiB",
				memoryScaledUp*b.scale, large.host, large.backend, large.rate, b.scale, small.host, small.backend)},
	}, nil
}

// peak is the most memory that the processes of a scan had, in MiB.
type peak struct {
	host, backend float64
	rate          float64 // resources per second
}

func (p peak) sum() float64 { return p.host + p.backend }

// peaks scans so many resources.
func (b bench) peaks(ctx context.Context, resources int) (p peak, err error) {
	b, done, err := b.apart()
	if err != nil {
		return p, err
	}
	defer done()
	sim, err := b.startSimulator(ctx, "--synthetic", strconv.Itoa(resources), "--quota", "0", "--no-arm-limits")
	if err != nil {
		return p, err
	}
	defer sim.stop()
	p, result, err := b.peakOf(ctx, sim, "--depth", "resources")
	if err != nil {
		return p, err
	}
	if result.synthetic() != int64(resources) {
		return p, fmt.Errorf("the scan found %d of %d resources", result.synthetic(), resources)
	}
	p.rate = float64(resources) / result.Seconds
	return p, nil
}

// peakOf looks at a scan.
func (b bench) peakOf(ctx context.Context, sim *simulator, flags ...string) (p peak, result scanned, err error) {
	cmd := b.scanCommand(ctx, sim, flags...)
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		return p, result, err
	}
	over, looked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(looked)
		p = p.look(cmd.Process.Pid, over)
	}()
	err = cmd.Wait()
	close(over)
	<-looked
	if err != nil {
		return p, result, fmt.Errorf("%v: %w", cmd.Args, err)
	}
	if p.host == 0 || p.backend == 0 {
		return p, result, errors.New("the scan's processes were not seen")
	}
	return p, result, result.read(out.Bytes())
}

// look looks at a host and its backend until over. What they grow by after the last look is not seen.
func (p peak) look(host int, over <-chan struct{}) peak {
	looks := time.NewTicker(glance)
	defer looks.Stop()
	backend := 0
	for {
		select {
		case <-over:
			return p
		case <-looks.C:
		}
		if backend == 0 {
			backend = child(host)
		}
		if high, err := memory(host, "VmHWM"); err == nil {
			p.host = max(p.host, high/1024)
		}
		if high, err := memory(backend, "VmHWM"); err == nil {
			p.backend = max(p.backend, high/1024)
		}
	}
}
