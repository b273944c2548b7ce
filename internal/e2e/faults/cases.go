package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// faultCase is a row of the matrix. Its run makes the trouble, and audits what has become of the jobs.
type faultCase struct {
	name  string                                                  // fault, and at which step: kill-worker-at-run
	what  string                                                  // what happens, for people
	short bool                                                    // it runs in make test, too
	own   func(ctx context.Context, o *options, dir string) error // set for a case that needs a rig of its own: changes its options
	run   func(ctx context.Context, r *rig, seen *notes) error
}

// limit is how long a case may take, healing included.
const limit = 3 * time.Minute

// notes are what a case saw, for the matrix.
type notes struct{ lines []string }

func (n *notes) add(format string, args ...any) {
	n.lines = append(n.lines, fmt.Sprintf(format, args...))
}

// allCases are the rows, by group.
func allCases() []faultCase {
	return slices.Concat(submitCases(), killCases(), windowCases(), networkCases(), diskCases(), clockCases(), oddCases())
}

// outcome is what came of a case.
type outcome struct {
	Case    string  `json:"case"`
	What    string  `json:"what"`
	OK      bool    `json:"ok"`
	Seen    string  `json:"seen"`
	Error   string  `json:"error,omitempty"`
	Seconds float64 `json:"seconds"`
}

// caseRunner runs cases, those that need no rig of their own one after another in the same one.
type caseRunner struct {
	dir    string
	o      options
	shared *rig
	rigs   int
	log    io.Writer // for people
}

func (c *caseRunner) close() {
	if c.shared != nil {
		c.shared.close()
		c.shared = nil
	}
}

// rig starts one. Others on the machine may take a port that was free a moment before: then it starts another one.
func (c *caseRunner) rig(ctx context.Context, o options, own func(context.Context, *options, string) error) (r *rig, err error) {
	for range 3 {
		r, err = c.start(ctx, o, own)
		if err == nil || ctx.Err() != nil {
			return r, err
		}
		fmt.Fprintln(c.log, "faults: a cluster does not start:", err)
	}
	return nil, err
}

func (c *caseRunner) start(ctx context.Context, o options, own func(context.Context, *options, string) error) (*rig, error) {
	c.rigs++
	dir, err := shortDir(c.dir, c.rigs)
	if err != nil {
		return nil, err
	}
	if own != nil {
		if err := own(ctx, &o, dir); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("the cluster takes too long to start"))
	defer cancel()
	return newRig(ctx, dir, o, c.log)
}

func (c *caseRunner) run(ctx context.Context, one faultCase) outcome {
	began := time.Now()
	var seen notes
	err := c.on(ctx, one, &seen)
	o := outcome{Case: one.name, What: one.what, OK: err == nil, Seen: strings.Join(seen.lines, "; "), Seconds: float64(time.Since(began).Milliseconds()) / 1000}
	if err != nil {
		o.Error = err.Error()
	}
	return o
}

func (c *caseRunner) on(ctx context.Context, one faultCase, seen *notes) (err error) {
	var r *rig
	if one.own != nil {
		if r, err = c.rig(ctx, c.o, one.own); err != nil {
			return err
		}
		defer r.close()
	} else {
		if c.shared == nil {
			if c.shared, err = c.rig(ctx, c.o, nil); err != nil {
				return err
			}
		}
		r = c.shared
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errors.New("the case takes too long"))
	defer cancel()
	if err := one.run(ctx, r, seen); err != nil {
		c.close() // what it left would be the next one's trouble
		return err
	}
	if err := r.heal(ctx); err != nil {
		c.close()
		return fmt.Errorf("it does not heal: %w", err)
	}
	return r.auditFolders(ctx)
}
