// Command benchbackend is the backend of the job service's benchmarks. What a job does stands in its tenant:
//
//	wait        nothing, until it is cancelled
//	tick-200ms  tells progress so often, and each fifth time a line of log instead, until it is cancelled; each
//	            message is the time at which it was told, in nanoseconds since 1970
//	write-5000  makes a file of so many bytes
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
	"github.com/azure-tenant-grapher/atg/shared/serve"
)

type bench struct{ *runner.Runner }

func main() {
	serve.Backend(&bench{runner.New(runner.Works{backend.OpScan: work})})
}

func (*bench) Describe(context.Context) (backend.Description, error) {
	return backend.Description{
		Name: "bench", Version: "1.0.0", Protocol: backend.Protocol, Summary: "does what a benchmark wants",
		SettingsSchema: json.RawMessage(`{"type": "object", "additionalProperties": false}`),
	}, nil
}

func (*bench) Configure(context.Context, backend.Settings) error { return nil }

func (*bench) Capabilities(context.Context) (backend.Capabilities, error) {
	return backend.Capabilities{Operations: []backend.Operation{backend.OpScan}, Features: runner.Features()}, nil
}

func (*bench) CheckHealth(context.Context) backend.Health { return backend.Health{Healthy: true} }

func work(ctx context.Context, job *runner.Job) (backend.Result, error) {
	what, much, _ := strings.Cut(job.Submission().Request.Tenant(), "-")
	switch what {
	case "wait":
		<-ctx.Done()
		return nil, context.Cause(ctx)
	case "tick":
		every, err := time.ParseDuration(much)
		if err != nil {
			return nil, err
		}
		return nil, tick(ctx, job, every)
	case "write":
		size, err := strconv.ParseInt(much, 10, 64)
		if err != nil {
			return nil, err
		}
		return &backend.ScanResult{Success: true, Complete: true}, write(job, size)
	}
	return nil, fault.Newf(fault.InvalidArgument, "there is no work %q", what)
}

func tick(ctx context.Context, job *runner.Job, every time.Duration) error {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for n := int64(1); ; n++ {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		now := strconv.FormatInt(time.Now().UnixNano(), 10)
		if n%5 == 0 {
			job.Log(backend.LevelInfo, "%s", now)
			continue
		}
		job.Progress(backend.Progress{Phase: "tick", Done: n, Message: now})
	}
}

// write makes a file that nothing can compress.
func write(job *runner.Job, size int64) error {
	dir, err := job.OutputDir()
	if err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(dir, "file.bin"))
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(file, 64<<10)
	_, err = io.CopyN(buffered, rand.NewChaCha8([32]byte{}), size)
	return errors.Join(err, buffered.Flush(), file.Close())
}
