package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var versionChecks = []Check{
	{
		Name:        "versions/unknown-fields",
		Requirement: "Fields of a later version are ignored, in every message and at every level.",
		Run: func(ctx context.Context, s *Subject) error {
			return s.alone(ctx, func(r *running) error {
				b := r.newer
				if _, err := b.Describe(ctx); err != nil {
					return fmt.Errorf("Describe: %w", err)
				}
				if err := b.Configure(ctx, s.Settings); err != nil {
					return fmt.Errorf("Configure: %w", err)
				}
				if can, err := b.Capabilities(ctx); err != nil || len(can.Operations) != len(s.can.Operations) {
					return fmt.Errorf("Capabilities: %+v, %w", can, errOrNone(err))
				}
				if !s.can.Can(backend.OpScan) {
					return nil
				}
				request := s.Scan
				job, err := b.Submit(ctx, backend.Submission{Request: &request})
				if err != nil {
					return fmt.Errorf("Submit: %w", err)
				}
				if _, err := b.GetJob(ctx, job.JobID); err != nil {
					return fmt.Errorf("GetJob: %w", err)
				}
				if _, err := b.CancelJob(ctx, job.JobID); err != nil && fault.CodeOf(err) != fault.Conflict {
					return fmt.Errorf("CancelJob: %w", err)
				}
				if err := b.WatchJob(ctx, job.JobID, 0, func(backend.Event) error { return nil }); err != nil {
					return fmt.Errorf("WatchJob: %w", err)
				}
				if _, err := b.GetResult(ctx, job.JobID); err != nil && fault.CodeOf(err) != fault.JobNotComplete {
					return fmt.Errorf("GetResult: %w", err)
				}
				return nil
			})
		},
	},
	{
		Name:        "versions/unknown-operation",
		Requirement: "An operation of a later version, which arrives as a request without a case, is refused with unsupported.",
		Run: func(ctx context.Context, s *Subject) error {
			return s.alone(ctx, func(r *running) error {
				if err := r.client.Configure(ctx, s.Settings); err != nil {
					return fmt.Errorf("configure: %w", err)
				}
				return expect(fault.Unsupported, r.newer.SubmitUnknown(ctx))
			})
		},
	},
	{
		Name:        "versions/unknown-values",
		Requirement: "A name of a later version in a request does no harm: it is taken, or refused with invalid_argument or unsupported.",
		Run: func(ctx context.Context, s *Subject) error {
			if !s.can.Can(backend.OpScan) {
				return skipped{"the backend does not scan"}
			}
			request := s.Scan
			request.Depth, request.Identities, request.Discovery = "of-the-future", "of-the-future", "of-the-future"
			job, err := s.configured.Submit(ctx, backend.Submission{Request: &request})
			if err != nil {
				return refusedWell(err)
			}
			if err := s.discard(ctx, job.JobID); err != nil {
				return err
			}
			end, err := s.configured.GetJob(ctx, job.JobID)
			if err == nil && end.Fault != nil && end.Fault.Code == fault.Internal {
				err = end.Fault
			}
			return err
		},
	},
	{
		Name:        "messages/large-settings",
		Requirement: "A message may have up to 64 MiB: settings of 60 MiB that are wrong are config_invalid, and the fault does not repeat them.",
		Run: func(ctx context.Context, s *Subject) error {
			return s.fresh(ctx, false, func(b backend.Backend) error {
				return expect(fault.ConfigInvalid, b.Configure(ctx, s.with(map[string]any{"no_such_setting_at_all": strings.Repeat("a large value ", 60<<20/14)})))
			})
		},
	},
	{
		Name:        "messages/large-submission",
		Requirement: "A submission of 8 MiB is taken, or refused with a fault that says why.",
		Run: func(ctx context.Context, s *Subject) error {
			if !s.can.Can(backend.OpScan) {
				return skipped{"the backend does not scan"}
			}
			request := s.Scan
			request.Filter.Subscriptions = make([]string, 8<<20/36)
			for i := range request.Filter.Subscriptions {
				request.Filter.Subscriptions[i] = fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
			}
			job, err := s.configured.Submit(ctx, backend.Submission{Request: &request})
			if err != nil {
				return refusedWell(err)
			}
			return s.discard(ctx, job.JobID)
		},
	},
	{
		Name:        "messages/long-names",
		Requirement: "A name that is long or odd is one that does not exist, and the fault stays below 256 KiB.",
		Run: func(ctx context.Context, s *Subject) error {
			for what, id := range map[string]string{
				"an id of 1 MiB": strings.Repeat("no such job ", 1<<20/12), "an id with an odd name": "../no\x00such\njob/ü%2e", "no id": "",
			} {
				_, err := s.configured.GetJob(ctx, id)
				if code := fault.CodeOf(err); code != fault.JobNotFound && code != fault.InvalidArgument {
					return fmt.Errorf("%s: the answer is %q (%w)", what, code, errOrNone(err))
				}
			}
			return nil
		},
	},
}

// refusedWell says what is wrong with a refusal: that nobody has foreseen it.
func refusedWell(err error) error {
	f := fault.As(err)
	if f == nil || !f.Code.Known() || f.Code == fault.Internal || f.Code == fault.BackendCrashed || f.Message == "" {
		return errors.Join(errors.New("the refusal is none that anybody has foreseen"), err)
	}
	return nil
}
