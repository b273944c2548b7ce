package worker

import (
	"context"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// odd answers the result of another operation.
type odd struct{ *program }

func (o odd) Backend() backend.Backend { return o }

func (o odd) GetResult(context.Context, string) (backend.Result, error) {
	return &backend.IaCGenerationResult{Success: true}, nil
}

func TestAResultOfAnotherOperation(t *testing.T) {
	b := newBench(t, func(context.Context, *program, *runner.Job) (backend.Result, error) {
		return &backend.ScanResult{Success: true}, nil
	}, nil)
	start := b.options.Start
	b.options.Start = func(ctx context.Context, dir string) (Program, error) {
		p, err := start(ctx, dir)
		return odd{p.(*program)}, err
	}
	id := b.submit(&backend.ScanRequest{TenantID: "t1"})
	b.work()
	if r := b.end(id); r.Job.Status != backend.JobFailed || fault.CodeOf(r.Job.Fault) != fault.BackendIncompatible {
		t.Errorf("the job ended as %+v, %+v", r.Job, r.Job.Fault)
	}
}
