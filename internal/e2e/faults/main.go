// Command faults proves what docs/reliability.md promises. It runs the job service as a cluster of real processes, makes trouble at
// chosen steps of jobs, and audits afterwards that every job that was accepted has ended once, in the right state, with the right files:
//
//	go run ./internal/e2e/faults -list
//	go run ./internal/e2e/faults -case kill-worker-at-run
//	go run ./internal/e2e/faults -soak 30m -seed 1
//
// Each case prints a line of JSON with what was seen. The programs are those of -bin; see make build.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/e2e/cluster"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	var o options
	flag.StringVar(&o.bin, "bin", "bin", "the folder of atg's programs")
	flag.StringVar(&o.nats, "nats", "", "the program nats-server; it is built if none is named")
	names := flag.String("case", "", "the cases to run, separated by commas, or patterns as kill-worker-*; empty is all")
	list := flag.Bool("list", false, "only list the cases")
	soaking := flag.Duration("soak", 0, "run no cases, but so long under random trouble")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the random trouble")
	keep := flag.Bool("keep", false, "keep the folder with the logs")
	flag.Parse()
	all := chosen(*names)
	if len(all) == 0 {
		return fmt.Errorf("there is no case %q: see -list", *names)
	}
	if *list {
		for _, c := range all {
			fmt.Fprintf(os.Stdout, "%-36s %s\n", c.name, c.what)
		}
		return nil
	}
	dir, err := os.MkdirTemp("", "atg-faults-")
	if err != nil {
		return err
	}
	defer func() {
		if *keep || err != nil {
			fmt.Fprintln(os.Stderr, "faults: logs are in", dir)
			return
		}
		_ = os.RemoveAll(dir)
	}()
	if err := o.build(ctx, dir); err != nil {
		return err
	}
	cases := &caseRunner{dir: dir, o: o, log: os.Stderr}
	defer cases.close()
	if *soaking > 0 {
		return cases.soak(ctx, *seed, *soaking, os.Stdout, os.Stderr)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	failed := 0
	for _, c := range all {
		seen := cases.run(ctx, c)
		if err := out.Encode(seen); err != nil {
			return err
		}
		if !seen.OK {
			failed++
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d cases failed", failed, len(all))
	}
	return nil
}

// soak runs a cluster of three workers under random trouble.
func (c *caseRunner) soak(ctx context.Context, seed uint64, d time.Duration, figures, people io.Writer) error {
	o := c.o
	o.workers = 3
	o.config = map[string]any{"worker": map[string]any{"attempts": 50}} // however often workers are killed, it is not the job's fault
	r, err := c.rig(ctx, o, nil)
	if err != nil {
		return err
	}
	defer r.close()
	return runSoak(ctx, r, seed, d, figures, people)
}

// build builds what is needed beside atg's programs.
func (o *options) build(ctx context.Context, dir string) (err error) {
	o.helpers = dir
	failed := make(chan error, 1)
	go func() { failed <- build(ctx, dir) }()
	if o.nats == "" {
		o.nats, err = cluster.BuildNATS(ctx, dir)
	}
	return errors.Join(err, <-failed)
}

// chosen are the cases that match one of some names or patterns.
func chosen(names string) (some []faultCase) {
	for _, c := range allCases() {
		for name := range strings.SplitSeq(names, ",") {
			if ok, err := path.Match(name, c.name); names == "" || err == nil && ok {
				some = append(some, c)
				break
			}
		}
	}
	return some
}
