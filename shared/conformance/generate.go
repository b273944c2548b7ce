package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// reportFile is the artifact in which everything stands that generated code leaves out.
const reportFile = "report.ndjson"

var generateChecks = []Check{
	{
		Name:        "generate-iac/result",
		Requirement: "Generated code says which snapshot it is of, names its files, and is complete only if nothing is missing from it.",
		Feature:     backend.FeatureArtifacts,
		Run: func(ctx context.Context, s *Subject) error {
			return s.eachFormat(ctx, func(request backend.IaCGenerationRequest) error {
				result, files, err := s.generate(ctx, request)
				if err != nil {
					return err
				}
				return s.checkCode(request, result, files)
			})
		},
	},
	{
		Name:        "generate-iac/same-bytes",
		Requirement: "The same snapshot and the same request make the same files.",
		Feature:     backend.FeatureArtifacts,
		Run: func(ctx context.Context, s *Subject) error {
			return s.eachFormat(ctx, func(request backend.IaCGenerationRequest) error {
				_, first, err := s.generate(ctx, request)
				if err != nil {
					return err
				}
				_, second, err := s.generate(ctx, request)
				if err == nil && !slices.Equal(first, second) {
					err = fmt.Errorf("the first time it was %+v, the second time %+v", first, second)
				}
				return err
			})
		},
	},
	{
		Name:        "generate-iac/refusals",
		Requirement: "A snapshot that does not exist is snapshot_not_found, and a format that Capabilities does not name is refused.",
		Run: func(ctx context.Context, s *Subject) error {
			if !s.can.Can(backend.OpGenerateIaC) {
				return skipped{"the backend generates no code"}
			}
			_, _, err := s.generate(ctx, backend.IaCGenerationRequest{OutputFormat: s.can.Formats[0], Snapshot: "no-such-snapshot"})
			if err := expect(fault.SnapshotNotFound, err); err != nil {
				return fmt.Errorf("of an unknown snapshot: %w", err)
			}
			_, _, err = s.generate(ctx, backend.IaCGenerationRequest{OutputFormat: "no-such-format"})
			if code := fault.CodeOf(err); code != fault.InvalidArgument && code != fault.Unsupported {
				return fmt.Errorf("in an unknown format, the answer is %q (%w), not %q or %q", code, errOrNone(err), fault.InvalidArgument, fault.Unsupported)
			}
			return nil
		},
	},
}

// eachFormat does something with the request for code of the subject's scan in each of the formats.
func (s *Subject) eachFormat(ctx context.Context, do func(backend.IaCGenerationRequest) error) error {
	if !s.can.Can(backend.OpGenerateIaC) {
		return skipped{"the backend generates no code"}
	}
	f, err := s.job(ctx)
	if err != nil {
		return err
	}
	scan, ok := f.result.(*backend.ScanResult)
	if !ok || scan.Snapshot == nil {
		return skipped{"the backend's scan makes no snapshot here"}
	}
	for _, format := range s.can.Formats {
		err := do(backend.IaCGenerationRequest{TenantID: scan.Snapshot.TenantID, OutputFormat: format, Snapshot: scan.Snapshot.ID})
		if err != nil {
			return fmt.Errorf("%s: %w", format, err)
		}
	}
	return nil
}

// generate submits a request and answers what came of it: the fault of a job that failed, too.
func (s *Subject) generate(ctx context.Context, request backend.IaCGenerationRequest) (*backend.IaCGenerationResult, []backend.Artifact, error) {
	job, err := s.configured.Submit(ctx, backend.Submission{Request: &request})
	if err != nil {
		return nil, nil, err
	}
	events, err := s.watch(ctx, job.JobID, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("watch: %w", err)
	}
	if len(events) == 0 || !events[len(events)-1].Terminal() {
		return nil, nil, errors.New("WatchJob ended without an error before the terminal event")
	}
	if end := events[len(events)-1].Status; end.Status != backend.JobCompleted {
		if end.Fault != nil {
			return nil, nil, end.Fault
		}
		return nil, nil, fmt.Errorf("the job is %s: %s", end.Status, end.Error)
	}
	answer, err := s.configured.GetResult(ctx, job.JobID)
	if err != nil {
		return nil, nil, err
	}
	result, ok := answer.(*backend.IaCGenerationResult)
	if !ok {
		return nil, nil, fmt.Errorf("the result is a %T", answer)
	}
	store, ok := s.configured.(backend.ArtifactStore)
	if !ok {
		return result, nil, nil
	}
	files, err := store.ListArtifacts(ctx, job.JobID)
	return result, files, err
}

// checkCode says what is wrong with a result.
func (s *Subject) checkCode(request backend.IaCGenerationRequest, r *backend.IaCGenerationResult, files []backend.Artifact) error {
	if !r.Success {
		return fmt.Errorf("the job completed without success: %s", r.Error)
	}
	if r.OutputFormat != request.OutputFormat || r.Snapshot != request.Snapshot {
		return fmt.Errorf("the result is of format %q and snapshot %q, not %q and %q", r.OutputFormat, r.Snapshot, request.OutputFormat, request.Snapshot)
	}
	var paths []string
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	if !slices.Equal(slices.Sorted(slices.Values(paths)), slices.Sorted(slices.Values(r.FilesGenerated))) {
		return fmt.Errorf("files_generated are %q, the artifacts %q", r.FilesGenerated, paths)
	}
	if !slices.Contains(paths, reportFile) {
		return fmt.Errorf("there is no %s among the artifacts %q", reportFile, paths)
	}
	if len(r.Omitted) > backend.MaxOmitted {
		return fmt.Errorf("%d things are listed as omitted; at most %d may be", len(r.Omitted), backend.MaxOmitted)
	}
	missing := r.ResourcesOmitted > 0
	trimmed := false
	for _, o := range r.Omitted {
		if o.Reason == "" {
			return fmt.Errorf("%s is omitted without a reason", o.Resource)
		}
		if trimmed && !o.Trimmed {
			return fmt.Errorf("%s is missing, and stands behind what was trimmed", o.Resource)
		}
		trimmed = o.Trimmed
		missing = missing || !o.Trimmed
	}
	if missing && r.Complete {
		return errors.New("something is missing, and the result is said to be complete")
	}
	if len(r.Checks) > 0 {
		return errors.New("the code was checked, and nobody has asked for it")
	}
	return nil
}
