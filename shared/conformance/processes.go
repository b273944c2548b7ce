package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/launch"
)

var processChecks = []Check{
	{
		Name:        "process/by-hand",
		Requirement: "Started by anybody but atg, the program says on standard error what it is, nothing on standard output, and exits with 2.",
		Run: func(ctx context.Context, s *Subject) error {
			p, err := s.program()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(ctx, endGrace)
			defer cancel()
			var out, said buffer
			cmd := exec.CommandContext(ctx, p.Path) //nolint:gosec // it is what is to be tested
			cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = p.Env, &out, &said, time.Second
			lead(cmd)
			err = cmd.Run()
			killGroup(cmd.Process.Pid)
			switch exit := (*exec.ExitError)(nil); {
			case ctx.Err() != nil:
				return fmt.Errorf("it still ran %s later", endGrace)
			case !errors.As(err, &exit) || exit.ExitCode() != 2:
				return fmt.Errorf("it ended with: %w", errOrNone(err))
			case said.last() == "" || out.last() != "":
				return fmt.Errorf("it wrote %q to standard output and %q to standard error", out.last(), said.last())
			}
			return nil
		},
	},
	{
		Name:        "process/handshake",
		Requirement: "Within 10 seconds the first line of standard output is the handshake, with a socket in the folder that was given, and Describe answers there.",
		Run: func(ctx context.Context, s *Subject) error {
			ctx, cancel := context.WithTimeout(ctx, launch.DefaultStartTimeout)
			defer cancel()
			return s.alone(ctx, func(r *running) error {
				_, err := r.client.Describe(ctx)
				return err
			})
		},
	},
	{
		Name:        "process/lifeline",
		Requirement: "When standard input ends, in the middle of a job too, the program exits within 5 seconds, and nothing that it has started is left.",
		Run: func(ctx context.Context, s *Subject) error {
			return s.alone(ctx, func(r *running) error {
				if _, err := r.busy(ctx, s); err != nil {
					return err
				}
				_ = r.stdin.Close()
				return r.ends(ctx, endGrace)
			})
		},
	},
	{
		Name:        "process/stop",
		Requirement: "After Close and the end of standard input the program exits within 2 seconds.",
		Run: func(ctx context.Context, s *Subject) error {
			return s.alone(ctx, func(r *running) error {
				if _, err := r.busy(ctx, s); err != nil {
					return err
				}
				began := time.Now()
				if err := r.client.Close(ctx); err != nil {
					return fmt.Errorf("close: %w", err)
				}
				_ = r.stdin.Close()
				return r.ends(ctx, launch.StopGrace-time.Since(began))
			})
		},
	},
	{
		Name:        "process/signals",
		Requirement: "SIGINT is not the program's business; SIGTERM ends it within 5 seconds.",
		Run: func(ctx context.Context, s *Subject) error {
			return s.alone(ctx, func(r *running) error {
				if _, err := r.client.Describe(ctx); err != nil {
					return err
				}
				if err := r.cmd.Process.Signal(interrupt); err != nil {
					return err
				}
				select {
				case <-r.exited:
					return errors.New("SIGINT has ended it")
				case <-time.After(signalGrace):
				}
				if err := r.cmd.Process.Signal(terminate); err != nil && !errors.Is(err, os.ErrProcessDone) {
					return err
				}
				if err := r.ends(ctx, endGrace); err != nil {
					return fmt.Errorf("after SIGTERM: %w", err)
				}
				if diedOf(r.cmd.ProcessState, interrupt) {
					return errors.New("SIGINT has ended it, late")
				}
				return nil
			})
		},
	},
	{
		Name:        "process/crash",
		Requirement: "A program that is killed in the middle of a job is backend_crashed to its callers, and harms no later one.",
		Run: func(ctx context.Context, s *Subject) error {
			p, err := s.program()
			if err != nil {
				return err
			}
			if err := crash(ctx, s, p); err != nil {
				return err
			}
			return s.fresh(ctx, true, func(b backend.Backend) error {
				if !s.can.Can(backend.OpScan) {
					return nil
				}
				request := s.Scan
				job, err := b.Submit(ctx, backend.Submission{Request: &request})
				if err != nil {
					return fmt.Errorf("the next one, submit: %w", err)
				}
				if _, err := b.CancelJob(ctx, job.JobID); err != nil && fault.CodeOf(err) != fault.Conflict {
					return fmt.Errorf("the next one, cancel: %w", err)
				}
				return nil
			})
		},
	},
}

// crash starts the program as the host does, and kills it once it has a job.
func crash(ctx context.Context, s *Subject, p *Program) error {
	process, err := launch.Start(ctx, launch.Spec{Name: "under test", Path: p.Path, Env: p.Env, Logger: silent})
	if err != nil {
		return err
	}
	defer process.Kill()
	r := running{client: process.Backend()}
	id, err := r.busy(ctx, s)
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(process.ID())
	if err != nil {
		return err
	}
	victim, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	if err := victim.Kill(); err != nil {
		return err
	}
	select {
	case <-process.Exited():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	_, err = process.Backend().GetJob(ctx, id)
	return expect(fault.BackendCrashed, err)
}

// seen says where a text is to be seen.
func seen(secret string, places map[string]string) error {
	for place, text := range places {
		if strings.Contains(text, secret) {
			return fmt.Errorf("it is to be seen in %s", place)
		}
	}
	return nil
}
