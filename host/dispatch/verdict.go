package dispatch

import (
	"fmt"

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
		if len(r.Omitted) > 0 {
			missing = fmt.Sprintf("the generated code is incomplete: %d things were left out", len(r.Omitted))
		}
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
