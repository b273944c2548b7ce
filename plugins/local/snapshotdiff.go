package local

import (
	"context"

	"github.com/azure-tenant-grapher/atg/plugins/local/diff"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// diffSnapshots compares two snapshots.
func (l *local) diffSnapshots(ctx context.Context, job *runner.Job) (backend.Result, error) {
	request := job.Submission().Request.(*backend.SnapshotDiffRequest)
	before, err := l.openSnapshot(ctx, job, request.TenantID, request.Before)
	if err != nil {
		return nil, err
	}
	defer before.Close()
	after, err := l.openSnapshot(ctx, job, request.TenantID, request.After)
	if err != nil {
		return nil, err
	}
	defer after.Close()
	job.Tenant(after.Snapshot().TenantID)
	c := diff.Comparer{Before: before, After: after, Progress: job.Progress}
	if c.Dir, err = job.OutputDir(); err != nil {
		return nil, err
	}
	if c.WorkDir, err = job.WorkDir(); err != nil {
		return nil, err
	}
	result, err := c.Compare(ctx, request)
	if err != nil {
		return nil, err
	}
	return result, nil
}
