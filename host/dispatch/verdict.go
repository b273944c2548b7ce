package dispatch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// failure is the fault of a job that did not complete.
func failure(name string, job backend.JobStatusResponse) error {
	switch job.Status {
	case backend.JobCompleted:
		return nil
	case backend.JobCancelled:
		f := fault.New(fault.Cancelled, "the job was cancelled", fault.On(job.JobID), fault.From(fault.OriginBackend))
		if job.Fault != nil {
			f.Hint = job.Fault.Hint
		}
		return f
	}
	if job.Fault == nil {
		message := job.Error
		if message == "" {
			message = fmt.Sprintf("backend %s gave no reason why the job failed", name)
		}
		return fault.New(fault.JobFailed, message, fault.On(job.JobID), fault.From(fault.OriginBackend))
	}
	f := *job.Fault
	switch {
	case !f.Code.Known(), f.Code == fault.Interrupted, f.Code == fault.Incomplete, f.Code == fault.Differences:
		f.Code = fault.JobFailed // the host's own verdicts are not a job's to give
	}
	if f.Origin == "" {
		f.Origin = fault.OriginBackend
	}
	return &f
}

// verdict is the fault of a result that is not what was asked for.
func verdict(r backend.Result) error {
	if ok, reason := succeeded(r); !ok {
		if reason == "" {
			reason = fmt.Sprintf("%s did not succeed", r.Operation())
		}
		return fault.New(fault.ExecutionFailed, reason, fault.From(fault.OriginBackend))
	}
	if iac, ok := r.(*backend.IaCGenerationResult); ok {
		if err := unsound(iac); err != nil {
			return err
		}
	}
	var missing string
	var hint fault.Option
	switch r := r.(type) {
	case *backend.ScanResult:
		gaps := r.Coverage.Gaps()
		if len(gaps) == 0 {
			break
		}
		missing = fmt.Sprintf("the scan is incomplete: %d of %d parts of it could not be read", len(gaps), len(r.Coverage.Entries))
		for _, g := range gaps {
			if g.Fault != nil && g.Fault.Hint != "" {
				hint = fault.Hint("%s", g.Fault.Hint)
				break
			}
		}
	case *backend.IaCGenerationResult:
		if r.Complete && r.ResourcesOmitted == 0 {
			break
		}
		missing = "the generated code is incomplete: " + lacks(r)
		hint = fault.Hint("report.ndjson among its files says what is missing, and why")
	case *backend.SnapshotDiffResult:
		if r.Complete {
			break
		}
		missing = "the comparison is incomplete: one of the scans has not read everything"
		if r.Unknown > 0 {
			missing = fmt.Sprintf("the comparison is incomplete: %d changes are unknown, because one of the scans has not read the place", r.Unknown)
		}
		hint = fault.Hint("each says why in the result; read what is missing with atg scan, and compare again")
	}
	if missing == "" {
		if backend.Complete(r) {
			return nil
		}
		missing = fmt.Sprintf("the result of %s is incomplete", r.Operation())
	}
	f := fault.New(fault.Incomplete, missing, fault.From(fault.OriginBackend))
	if hint != nil {
		hint(f)
	}
	return f
}

// lacks says what generated code does not have.
func lacks(r *backend.IaCGenerationResult) string {
	switch n := r.ResourcesOmitted; {
	case n == 1:
		return "1 resource is missing"
	case n > 1:
		return fmt.Sprintf("%d resources are missing", n)
	case slices.ContainsFunc(r.Omitted, func(o backend.Omitted) bool { return !o.Trimmed }):
		return "properties of resources are missing"
	}
	return "the snapshot is incomplete"
}

// unsound is the fault of code that a check has failed. It wins over what is missing: nobody can use such
// code as it is.
func unsound(r *backend.IaCGenerationResult) error {
	failed := r.FailedChecks()
	if len(failed) == 0 {
		return nil
	}
	var tools []string
	for _, c := range failed {
		tools = append(tools, said(c))
	}
	f := fault.New(fault.ExecutionFailed, "the code was generated, but it did not pass its check: "+strings.Join(tools, "; "), fault.From(fault.OriginBackend))
	if !r.Complete || r.ResourcesOmitted > 0 {
		f.Hint = "it is also incomplete: " + lacks(r)
	}
	return f
}

// said is what a check that failed says, in short.
func said(c backend.Check) string {
	errs := 0
	for _, f := range c.Findings {
		if f.Severity == backend.SeverityError {
			errs++
		}
	}
	switch {
	case errs == 1:
		return c.Tool + " found 1 error"
	case errs >= backend.MaxFindings:
		return fmt.Sprintf("%s found %d errors or more", c.Tool, errs)
	case errs > 1:
		return fmt.Sprintf("%s found %d errors", c.Tool, errs)
	case c.Message != "":
		return c.Tool + ": " + c.Message
	}
	return c.Tool + " failed"
}

func succeeded(r backend.Result) (ok bool, reason string) {
	switch r := r.(type) {
	case *backend.ScanResult:
		return r.Success, r.Error
	case *backend.IaCGenerationResult:
		return r.Success, r.Error
	case *backend.TenantCreationResult:
		return r.Success, r.Error
	case *backend.SpecGenerationResult:
		return r.Success, r.Error
	case *backend.VisualizationResult:
		return r.Success, r.Error
	}
	return true, ""
}
